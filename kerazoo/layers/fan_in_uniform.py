"""Initial values of LeNet.

Source: LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition"
(1998), appendix A.
"""

from __future__ import annotations

import math
from typing import Any

import keras


@keras.saving.register_keras_serializable("kerazoo")
class FanInUniform(keras.initializers.Initializer):
    """Draw evenly between -2.4 / n and 2.4 / n for a unit with n inputs.

    Args:
        inputs: The number n; None for all but the last axis of a kernel.
    """

    def __init__(self, inputs: int | None = None) -> None:
        self.inputs = inputs

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> Any:
        """Return random values of a shape."""
        limit = 2.4 / (self.inputs or math.prod(shape[:-1]))
        return keras.random.uniform(shape, -limit, limit, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what makes such an initializer again."""
        return {"inputs": self.inputs}
