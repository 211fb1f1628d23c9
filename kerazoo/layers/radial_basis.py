"""Euclidean radial basis functions as an output layer.

Source: LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition"
(1998), section II.B, equation 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from kerazoo.layers.data_format import Shape


@keras.saving.register_keras_serializable("kerazoo")
class RadialBasis(keras.layers.Layer):
    """Score each class by the negative squared distance of the input to the class's fixed code.

    The paper's output is the distance itself, a penalty. With its sign turned, the largest score
    is the best, and a softmax's cross-entropy is the paper's equation 9 without its constant.

    Args:
        codes: The code of each class, [classes, values].

    Call:
        Takes [batch, values] and gives [batch, classes].
    """

    def __init__(self, codes: Sequence[Sequence[float]], **options: Any) -> None:
        super().__init__(**options)
        self.codes = np.array(codes)

    def call(self, inputs: Any) -> Any:
        """Return the scores."""
        codes = keras.ops.convert_to_tensor(self.codes, inputs.dtype)
        distances = keras.ops.square(keras.ops.expand_dims(inputs, 1) - codes)
        return -keras.ops.sum(distances, axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, classes)."""
        return input_shape[0], len(self.codes)

    def get_config(self) -> dict[str, Any]:
        """Return what makes such a layer again."""
        return {**super().get_config(), "codes": self.codes.tolist()}
