"""Keras's own file of a saved model (`.keras`)."""

from __future__ import annotations

import zipfile
from pathlib import Path

from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.lazy import keras


def load(model: keras.Model, path: Path) -> None:
    """Set every weight of `model` from the file, matched by name and shape.

    Raises:
        UsageError: The file's weights are not those of the model, which the message names, or it
            holds code, which is never run.
        CorruptFileError: Keras cannot read the file.
    """
    source = {weight.path: weight for weight in _read(path).weights}
    target = {weight.path: weight for weight in model.weights}
    differing = sorted(
        name
        for name in source.keys() | target.keys()
        if name not in source or name not in target or source[name].shape != target[name].shape
    )
    if differing:
        raise UsageError(f"'{path}' holds another network: {', '.join(differing)} differ")
    for name, weight in target.items():
        weight.assign(source[name])


def _read(path: Path) -> keras.Model:
    if not zipfile.is_zipfile(path):
        raise CorruptFileError(f"'{path}' is not a whole .keras file")
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except (MemoryError, PermissionError):
        raise
    except Exception as error:  # zipfile, h5py and Keras each raise kinds of their own
        if "safe_mode" in str(error):
            raise UsageError(f"'{path}' holds code, which is never run") from error
        reason = str(error).strip().partition("\n")[0]
        raise CorruptFileError(f"'{path}' cannot be read as a Keras model: {reason}") from error
