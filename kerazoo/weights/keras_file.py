"""Keras's file of a saved model (`.keras`), with a note of its kerazoo name and options."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from kerazoo.errors import CorruptFileError, UsageError, reason
from kerazoo.lazy import keras
from kerazoo.registry import ModelConfig
from kerazoo.weights.networks import check_same_graph
from kerazoo.weights.preprocessing import BY_NAME, Preprocessing
from kerazoo.weights.transfer import LoadedWeights, weight_arrays

NOTE = "kerazoo.json"  # a member of the archive that Keras ignores


def read(path: Path) -> LoadedWeights:
    """Return the weights of a saved model, and what `write` noted with them.

    Raises:
        UsageError: The file contains code, which is never run.
        CorruptFileError: Keras cannot read the file.
    """
    saved, called = load_model(path), f"'{path}'"
    preprocessing, config = _read_note(path)
    return LoadedWeights(
        called,
        {key: (key, array) for key, array in weight_arrays(saved).items()},
        preprocessing=preprocessing,
        config=config,
        check=lambda model: check_same_graph(model, saved, called, CorruptFileError),
    )


def load_model(path: Path) -> keras.Model:
    """Return a saved model, read in safe mode; errors as in `read`."""
    import kerazoo.layers  # noqa: F401 - Keras must know the layers of kerazoo

    if not zipfile.is_zipfile(path):
        raise CorruptFileError(f"'{path}' is not a complete .keras file")
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except (MemoryError, PermissionError):
        raise
    except Exception as error:  # zipfile, h5py and Keras each raise kinds of their own
        if "safe_mode" in str(error):
            raise UsageError(f"'{path}' contains code, which is never run") from error
        message = f"'{path}' cannot be read as a Keras model: {reason(error)}"
        raise CorruptFileError(message) from error


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
    if config is not None:
        note["model"] = {"name": config.name, "options": dict(config.options)}
    model.save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(NOTE, json.dumps(note, default=keras.activations.serialize))
    return preprocessing


def _read_note(path: Path) -> tuple[Preprocessing | None, ModelConfig | None]:
    with zipfile.ZipFile(path) as archive:
        if NOTE not in archive.namelist():
            return None, None
        try:
            note = json.loads(archive.read(NOTE))
            preprocessing = BY_NAME[note["preprocessing"]] if "preprocessing" in note else None
            config = ModelConfig(**note["model"]) if "model" in note else None
        except (ValueError, LookupError, TypeError) as error:
            raise CorruptFileError(f"'{path}' has an unreadable {NOTE}: {error}") from error
    return preprocessing, config
