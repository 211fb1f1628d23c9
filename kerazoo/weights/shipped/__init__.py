"""Trained weights that come with kerazoo, each with its card in `cards.json`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.lazy import keras
from kerazoo.options import fields
from kerazoo.recipe import Recipe
from kerazoo.weights.card import Card

if TYPE_CHECKING:
    import numpy as np

    from kerazoo.weights.source import Source

FOLDER = Path(__file__).parent
CardContent = dict[str, Any]


def cards(weights: str | None = None) -> list[CardContent]:
    """Return all cards, or those of weights such as "mnist": data, recipe, accuracy, sha256."""
    every: list[CardContent] = json.loads((FOLDER / "cards.json").read_text(encoding="utf-8"))
    return [card for card in every if weights in (None, card["weights"])]


def read(model: keras.Model, weights: str, any_classes: bool = False) -> Source:
    """Return the weights called `weights`, such as "mnist", of the network that a model is.

    With `any_classes`, a network whose last layer has no weights may have other classes.

    Raises:
        UsageError: None ship for it.
        CorruptFileError: The file is not the one that shipped.
    """
    import numpy as np

    from kerazoo.weights.networks import config_of
    from kerazoo.weights.preprocessing import BY_NAME
    from kerazoo.weights.source import Source

    config, known = config_of(model), {card["model"]: card for card in cards(weights)}
    if config.name not in known:
        names = " and ".join(known)
        raise UsageError(f"the weights '{weights}' are for {names}, not for {config.name}")
    card = known[config.name]
    path = FOLDER / card["file"]
    if hashlib.sha256(path.read_bytes()).hexdigest() != card["sha256"]:
        raise CorruptFileError(f"'{path}' is damaged: install kerazoo again")
    with np.load(path, allow_pickle=False) as file:
        tensors = dict(file)
    if not any_classes:
        _check_classes(model, card, tensors)
    preprocessing = BY_NAME[card["preprocessing"]]
    name, known_as = f"'{card['file']}'", _card(card)
    return Source(name, tensors, (), preprocessing=preprocessing, card=known_as, error=UsageError)


def image_shape(card: CardContent) -> tuple[int, int, int]:
    """Return (height, width, channels) of the images that the weights of a card were trained on."""
    height, width, channels = card["data"]["image_shape"]
    return height, width, channels


def _card(content: CardContent) -> Card:
    """Return the card that a model with these weights gets."""
    data = {"name": content["weights"], "fingerprint": content["data"]["fingerprint"]}
    known = {each.name for each in fields(Recipe)}
    recipe = {name: value for name, value in content["recipe"].items() if name in known}
    recipe |= {"optimizer": content["recipe"]["optimizer"].lower(), "seed": content["seed"]}
    accuracies = {name: content[name] for name in ("validation_accuracy", "test_accuracy")}
    return Card(tuple(content["data"]["classes"]), image_shape(content), data, recipe, accuracies)


def _check_classes(
    model: keras.Model, card: CardContent, tensors: Mapping[str, np.ndarray]
) -> None:
    """Raise if a classifier without weights is for another number of classes."""
    classes, last = len(card["data"]["classes"]), card["top"][-1]
    without_weights = len(tensors[f"{last}/bias"]) != classes
    has_top = any(layer.name == last for layer in model.layers)
    if without_weights and has_top and model.output_shape[-1] != classes:
        raise UsageError(
            f"the weights '{card['weights']}' are for classes={classes}, "
            f"not {model.output_shape[-1]}"
        )
