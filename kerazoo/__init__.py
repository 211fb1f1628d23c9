"""Classic convolutional networks in Keras 3, faithful to their sources and checked by numbers."""

import importlib
from typing import TYPE_CHECKING, Any

from kerazoo._version import __version__
from kerazoo.models import create_model, list_models
from kerazoo.weights import export_weights, load_weights, preprocess

if TYPE_CHECKING:
    from kerazoo.accounting.compare import compare
    from kerazoo.accounting.receptive_field import receptive_field
    from kerazoo.accounting.rules import count
    from kerazoo.accounting.table import cpr, summary
    from kerazoo.inference.load import load
    from kerazoo.training.api import train
    from kerazoo.weights.features import new_head

__all__ = [
    "__version__",
    "compare",
    "count",
    "cpr",
    "create_model",
    "export_weights",
    "list_models",
    "load",
    "load_weights",
    "new_head",
    "preprocess",
    "receptive_field",
    "summary",
    "train",
]

# Public names whose modules need NumPy, which `kerazoo list` does not wait for.
_LOADED_AT_FIRST_USE = {
    "compare": "kerazoo.accounting.compare",
    "count": "kerazoo.accounting.rules",
    "cpr": "kerazoo.accounting.table",
    "load": "kerazoo.inference.load",
    "new_head": "kerazoo.weights.features",
    "receptive_field": "kerazoo.accounting.receptive_field",
    "summary": "kerazoo.accounting.table",
    "train": "kerazoo.training.api",
}


def __getattr__(name: str) -> Any:
    if name not in _LOADED_AT_FIRST_USE:
        raise AttributeError(f"module 'kerazoo' has no attribute '{name}'")
    return getattr(importlib.import_module(_LOADED_AT_FIRST_USE[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
