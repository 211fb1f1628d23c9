"""Models of the zoo at full width without values for their weights, to test shapes and counts."""

from typing import Any

import keras

import kerazoo
from kerazoo.compat import shapes_only


def model_of_shapes(name: str, **options: Any) -> keras.Model:
    """Build a model of the zoo for its shapes alone."""
    with shapes_only():
        return kerazoo.create_model(name, **options)
