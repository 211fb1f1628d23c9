"""Keras's own file of a saved model (`.keras`)."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.lazy import keras
from kerazoo.weights.families import check_source
from kerazoo.weights.preprocessing import BY_NAME, Preprocessing
from kerazoo.weights.transfer import Source, named_weights

# A member of the file besides Keras's own, which Keras does not look at.
NOTE = "kerazoo.json"


def read(path: Path) -> Source:
    """Return the weights of a saved model, and the preprocessing that `write` noted beside them.

    Raises:
        UsageError: The file holds code, which is never run.
        CorruptFileError: Keras cannot read the file.
    """
    saved = load_model(path)
    weights = {key: (key, weight.numpy()) for key, weight in named_weights(saved).items()}
    called = f"'{path}'"
    return Source(
        called,
        weights,
        preprocessing=_preprocessing(path),
        fits=lambda model: check_source(model, saved, called, CorruptFileError),
    )


def load_model(path: Path) -> keras.Model:
    """Return a saved model, read in safe mode; errors as in `read`."""
    import kerazoo.layers  # noqa: F401 - Keras must know the layers of the zoo

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


def write(model: keras.Model, path: Path) -> Preprocessing | None:
    """Save a model so that Keras loads it anywhere, with a note of its preprocessing.

    Returns:
        That preprocessing.

    Raises:
        UsageError: The path does not end in `.keras`.
    """
    if path.suffix != ".keras":
        raise UsageError(f"'{path}': a model of Keras goes to a .keras file")
    aside = path.with_name(f".new-{path.name}")
    preprocessing: Preprocessing | None = getattr(model, "preprocessing", None)
    try:
        model.save(aside)
        if preprocessing is not None:
            with zipfile.ZipFile(aside, "a") as archive:
                archive.writestr(NOTE, json.dumps({"preprocessing": preprocessing.name}))
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return preprocessing


def _preprocessing(path: Path) -> Preprocessing | None:
    with zipfile.ZipFile(path) as archive:
        if NOTE not in archive.namelist():
            return None
        try:
            return BY_NAME[json.loads(archive.read(NOTE))["preprocessing"]]
        except (ValueError, LookupError, TypeError) as error:
            raise CorruptFileError(f"'{path}' notes a preprocessing that is unknown") from error
