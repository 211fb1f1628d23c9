"""Keras's file of a saved model (`.keras`), with a note of its kerazoo name and options."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

from kerazoo import registry
from kerazoo.compat import shapes_only
from kerazoo.errors import CorruptFileError, KerazooError, UsageError
from kerazoo.lazy import keras
from kerazoo.registry import ModelConfig
from kerazoo.weights import h5, keras_archive
from kerazoo.weights.card import Card
from kerazoo.weights.damage import reported_as
from kerazoo.weights.keras_applications import from_model
from kerazoo.weights.keras_archive import NOTE
from kerazoo.weights.preprocessing import BY_NAME, Preprocessing
from kerazoo.weights.source import Source

NOT_NOTED = {"input_tensor", "name", "weights"}  # of the options of a model


def read(path: Path) -> Source:
    """Return the weights of a saved model; errors as in `load_model`."""
    return from_model(load_model(path), f"'{path}'", CorruptFileError)


def load_model(path: Path) -> keras.Model:
    """Return a saved model, read in safe mode, with what `write` noted with it.

    Raises:
        UsageError: There is no such file, it contains code, which is never run, or no model.
        CorruptFileError: Keras cannot read the file, or not the note.
        PermissionError: It may not be read.
    """
    import kerazoo.layers  # noqa: F401 - Keras must know the layers of kerazoo

    config, note, _ = keras_archive.check(path)
    if path.suffix != ".keras":
        raise UsageError(f"'{path}' is a .keras file: rename it so that its name ends with .keras")
    damage = reported_as(f"'{path}' is damaged: its weights are not those of its model")
    with damage, keras_archive.with_config(path, config) as file:
        model = keras.models.load_model(file, compile=False, safe_mode=True)
    with reported_as(f"'{path}' has an unreadable {NOTE}: get a new copy of the file"):
        preprocessing, kerazoo_config = _from_note(note, model)
        card = Card.from_json(note["card"]) if "card" in note else None
        if card and not card.fits(model):
            raise ValueError("class_names or image_shape")
    model.kerazoo_card = card
    if preprocessing is not None:
        model.preprocessing = preprocessing
    if kerazoo_config is not None:
        model.kerazoo_config = kerazoo_config
    return model


def described(path: Path, modules: Collection[str] = ()) -> keras.Model:
    """Return the model that a `.keras` or `.h5` file describes; its weights have no values.

    Args:
        path: The file.
        modules: Names of imported modules of which it may have classes.

    Raises:
        UsageError: There is no such file, it needs other code, or has no model.
        CorruptFileError: It is damaged.
        PermissionError: It may not be read.
    """
    import kerazoo.layers  # noqa: F401 - Keras must know the layers of kerazoo

    if path.suffix == ".keras":
        return keras_archive.check(path, modules)[2]
    return keras_archive.built(f"'{path}'", h5.model_config(path), modules)


def _from_note(note: Any, model: keras.Model) -> tuple[Preprocessing | None, ModelConfig | None]:
    """Return what `write` has noted of a model; raise an error of several kinds if it has not."""
    note = {**note}
    preprocessing = BY_NAME[note["preprocessing"]] if "preprocessing" in note else None
    if "model" not in note:
        return preprocessing, None
    name, options = note["model"]["name"], note["model"]["options"]
    if name not in registry.names() or NOT_NOTED & options.keys():
        raise ValueError(name)
    try:
        with shapes_only():
            described = registry.constructor(name)(**options)
    except KerazooError as error:
        raise ValueError(name) from error
    if [each.shape for each in described.weights] != [each.shape for each in model.weights]:
        raise ValueError(name)
    return preprocessing, ModelConfig(name, {**options})


def write(model: keras.Model, path: Path) -> Preprocessing | None:
    """Save a model as a file that Keras loads anywhere, with its name, options and preprocessing.

    Returns:
        The preprocessing.

    Raises:
        UsageError: The path does not end in `.keras`.
    """
    if path.suffix != ".keras":
        raise UsageError(f"'{path.name}': a Keras model is saved as a .keras file")
    preprocessing: Preprocessing | None = getattr(model, "preprocessing", None)
    config: ModelConfig | None = getattr(model, "kerazoo_config", None)
    note: dict[str, Any] = {}
    if preprocessing is not None:
        note["preprocessing"] = preprocessing.name
    if (card := getattr(model, "kerazoo_card", None)) is not None:
        note["card"] = card.to_json()
    if config is not None:
        note["model"] = {"name": config.name, "options": dict(config.options)}
    model.save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(NOTE, json.dumps(note, default=keras.activations.serialize))
    return preprocessing
