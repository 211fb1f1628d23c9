"""Keras and TensorFlow, imported at their first use and without TensorFlow's log.

Listing the models imports neither, and TensorFlow's log stays out of a user's program.
"""

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras
    import tensorflow as tf
    from keras import layers
else:

    class _Lazy:
        def __init__(self, module: str) -> None:
            self._module = module

        def __getattr__(self, name: str) -> Any:
            if self._module not in sys.modules:
                from kerazoo.device import without_log

                os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
                with without_log():
                    importlib.import_module(self._module)
            return getattr(sys.modules[self._module], name)

    keras, layers, tf = _Lazy("keras"), _Lazy("keras.layers"), _Lazy("tensorflow")

__all__ = ["keras", "layers", "tf"]
