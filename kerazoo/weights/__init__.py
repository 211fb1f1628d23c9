"""Weights from elsewhere, one file a source."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from kerazoo.errors import UsageError

if TYPE_CHECKING:
    import keras

Weights = str | os.PathLike[str] | None


def load_weights(model: keras.Model, weights: str | os.PathLike[str]) -> None:
    """Set every weight of `model` from a file; where that fails the model is left as it was.

    Args:
        model: The model to set.
        weights: Path of a `.keras` file of the same network.

    Raises:
        UsageError: The file is not there, is of another kind, or is of another network.
        CorruptFileError: The file cannot be read.
    """
    from kerazoo.weights import keras_file

    if not isinstance(weights, str | os.PathLike):
        raise UsageError(f"weights must be None or the path of a .keras file, not {weights!r}")
    path = Path(weights)
    if path.suffix != ".keras":
        raise UsageError(f"weights='{weights}' is not a .keras file")
    if not path.is_file():
        raise UsageError(f"weights='{weights}': there is no such file")
    keras_file.load(model, path)
