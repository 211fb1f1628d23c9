"""Classic convolutional networks in Keras 3, faithful to their sources and checked by numbers."""

from kerazoo.registry import create_model, list_models
from kerazoo.weights import export_weights, preprocess

__all__ = ["__version__", "create_model", "export_weights", "list_models", "preprocess"]
__version__ = "0.1.0"
