"""Trained weights that come with kerazoo, each with its card in `cards.json`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.lazy import keras

if TYPE_CHECKING:
    from kerazoo.weights.transfer import LoadedWeights

FOLDER = Path(__file__).parent
Card = dict[str, Any]


def cards(weights: str | None = None) -> list[Card]:
    """Return all cards, or those of weights such as "mnist": data, recipe, accuracy, sha256."""
    every: list[Card] = json.loads((FOLDER / "cards.json").read_text(encoding="utf-8"))
    return [card for card in every if weights in (None, card["weights"])]


def read(model: keras.Model, weights: str) -> LoadedWeights:
    """Return the weights called `weights`, such as "mnist", of the network that a model is.

    Raises:
        UsageError: None ship for it.
        CorruptFileError: The file is not the one that shipped.
    """
    import numpy as np

    from kerazoo.weights.networks import config_of
    from kerazoo.weights.preprocessing import BY_NAME
    from kerazoo.weights.transfer import LoadedWeights

    config, known = config_of(model), {card["model"]: card for card in cards(weights)}
    if config.name not in known:
        names = " and ".join(known)
        raise UsageError(f"the weights '{weights}' are for {names}, not for {config.name}")
    card = known[config.name]
    path = FOLDER / card["file"]
    if hashlib.sha256(path.read_bytes()).hexdigest() != card["sha256"]:
        raise CorruptFileError(f"'{path}' is damaged: install kerazoo again")
    with np.load(path, allow_pickle=False) as file:
        tensors = {key: (key, file[key]) for key in file.files}
    return LoadedWeights(
        f"'{card['file']}'",
        tensors,
        top=tuple(card["top"]),
        preprocessing=BY_NAME[card["preprocessing"]],
        error=UsageError,
        check=lambda model: _check_classes(model, card),
    )


def _check_classes(model: keras.Model, card: Card) -> None:
    """Raise if the model has a top for another number of classes, even one without weights."""
    classes = len(card["data"]["classes"])
    has_top = any(layer.name == card["top"][-1] for layer in model.layers)
    if has_top and model.output_shape[-1] != classes:
        raise UsageError(
            f"the weights '{card['weights']}' are for classes={classes}, "
            f"not {model.output_shape[-1]}"
        )
