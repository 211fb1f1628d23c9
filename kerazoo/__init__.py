"""Classic convolutional networks in Keras 3, faithful to their sources and checked by numbers."""

import importlib
from typing import TYPE_CHECKING, Any

from kerazoo._version import __version__
from kerazoo.models import create_model, list_models
from kerazoo.weights import export_weights, load_weights, preprocess

if TYPE_CHECKING:
    from kerazoo.accounting.receptive_field import receptive_field
    from kerazoo.accounting.table import cpr, summary

__all__ = [
    "__version__",
    "cpr",
    "create_model",
    "export_weights",
    "list_models",
    "load_weights",
    "preprocess",
    "receptive_field",
    "summary",
]

# Public names whose modules need NumPy, which `kerazoo list` does not wait for.
_LOADED_AT_FIRST_USE = {
    "cpr": "kerazoo.accounting.table",
    "receptive_field": "kerazoo.accounting.receptive_field",
    "summary": "kerazoo.accounting.table",
}


def __getattr__(name: str) -> Any:
    if name not in _LOADED_AT_FIRST_USE:
        raise AttributeError(f"module 'kerazoo' has no attribute '{name}'")
    return getattr(importlib.import_module(_LOADED_AT_FIRST_USE[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
