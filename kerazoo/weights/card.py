"""What the file of a trained model says of it, beside its name and options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from kerazoo.lazy import keras
from kerazoo.text import printable
from kerazoo.values import is_integer, plain

MAX_SIDE = 2**14  # pixels
MAX_NAME = 1000  # characters


def _are_names(values: Any) -> bool:
    """Return whether values are distinct names that can be printed."""
    return (
        isinstance(values, tuple)
        and all(isinstance(each, str) and 0 < len(each) <= MAX_NAME for each in values)
        and all(printable(each) == each for each in values)
        and len(set(values)) == len(values)
    )


@dataclass(frozen=True)
class Card:
    """How a model was trained, and what it does; a model has it as `kerazoo_card`.

    Attributes:
        class_names: Names of the classes in the order of the model's outputs.
        image_shape: (height, width, channels) that images are resized and converted to.
        data: "name" and "fingerprint" of the data set, and the "limit" of images of each split.
        recipe: The attributes of the `Recipe`.
        results: The summary.json of the run; {} of one that was interrupted.
        class_ids: Other names by which data sets may have the same classes, such as WordNet's; ()
            if there are none.
    """

    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    data: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    results: Mapping[str, Any] = field(default_factory=dict)
    class_ids: tuple[str, ...] = ()

    def fits(self, model: keras.Model) -> bool:
        """Return whether a model takes images of this shape, and has a score for each class."""
        if model.output_shape[-1] != len(self.class_names):
            return False
        sides = zip(model.input_shape[1:], self.image_shape, strict=True)
        return all(given in (None, side) for given, side in sides)

    def to_json(self) -> dict[str, Any]:
        """Return the card as values for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Any) -> Card:
        """Return the card that `to_json` gave.

        Raises:
            ValueError, TypeError: It gave no such thing.
        """
        card = cls(**content)
        names, shape = plain(card.class_names), plain(card.image_shape)
        if not _are_names(names):
            raise ValueError("class_names")
        if not (isinstance(shape, tuple) and len(shape) == 3):
            raise ValueError("image_shape")
        if not all(is_integer(side) and 0 < side <= MAX_SIDE for side in shape):
            raise ValueError("image_shape")
        if not all(isinstance(each, dict) for each in (card.data, card.recipe, card.results)):
            raise ValueError("data, recipe or results")
        if card.data and not isinstance(card.data.get("name"), str):
            raise ValueError("the name of the data")
        limit = card.data.get("limit")
        if limit is not None and not (is_integer(limit) and limit > 0):
            raise ValueError("the limit of the data")
        ids = plain(card.class_ids)
        if ids != () and not (_are_names(ids) and len(ids) == len(names)):
            raise ValueError("class_ids")
        return cls(names, shape, card.data, card.recipe, card.results, ids)
