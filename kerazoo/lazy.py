"""Keras, loaded at its first use, so that naming the models does not wait for TensorFlow."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras
else:

    class _Keras:
        def __getattr__(self, name: str) -> Any:
            return getattr(importlib.import_module("keras"), name)

    keras = _Keras()

__all__ = ["keras"]
