"""Strided windows by hand: where SAME and VALID begin and end, on even and on odd sizes.

Each image counts up from 1 row by row. Kernels are all ones, so an output is a sum of pixels.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from legacy_tf1.program import Nodes, Program, mean_square, tf1

# (side, kind, window, stride, padding) -> the output, row by row
BY_HAND = {
    (4, "conv", 3, 2, "SAME"): [[54, 45], [72, 54]],
    (5, "conv", 3, 2, "SAME"): [[16, 33, 28], [69, 117, 87], [76, 123, 88]],
    (4, "conv", 3, 2, "VALID"): [[54]],
    (5, "conv", 3, 2, "VALID"): [[63, 81], [153, 171]],
    (4, "conv", 3, 1, "SAME"): [
        [14, 24, 30, 22],
        [33, 54, 63, 45],
        [57, 90, 99, 69],
        [46, 72, 78, 54],
    ],
    (4, "conv", 2, 2, "SAME"): [[14, 22], [46, 54]],
    (5, "conv", 2, 2, "SAME"): [[16, 24, 15], [56, 64, 35], [43, 47, 25]],
    (4, "max", 2, 2, "VALID"): [[6, 8], [14, 16]],
    (5, "max", 2, 2, "VALID"): [[7, 9], [17, 19]],
    (4, "max", 2, 2, "SAME"): [[6, 8], [14, 16]],
    (5, "max", 2, 2, "SAME"): [[7, 9, 10], [17, 19, 20], [22, 24, 25]],
    (4, "max", 3, 2, "SAME"): [[11, 12], [15, 16]],
    (5, "max", 3, 2, "SAME"): [[7, 9, 10], [17, 19, 20], [22, 24, 25]],
    (5, "max", 3, 2, "VALID"): [[13, 15], [23, 25]],
}

cases = pytest.mark.parametrize("case", BY_HAND, ids=lambda case: "-".join(map(str, case)))
Case = tuple[int, str, int, int, str]


def image(side: int) -> np.ndarray:
    return np.arange(1, side * side + 1, dtype=np.float32).reshape(1, side, side, 1)


@cases
def test_tf1_windows_equal_the_values_by_hand(case: Case) -> None:
    side, kind, window, stride, padding = case

    def build(dtype: tf.DType) -> Nodes:
        x = tf1.placeholder(dtype, (None, None, None, 1))
        strides = [1, stride, stride, 1]
        if kind == "conv":
            y = tf.nn.conv2d(x, tf.ones((window, window, 1, 1), dtype), strides, padding)
        else:
            y = tf.nn.max_pool2d(x, [1, window, window, 1], strides, padding)
        return Nodes(x, y, mean_square(y))

    with Program(build) as program:
        np.testing.assert_array_equal(program.forward(image(side))[0, :, :, 0], BY_HAND[case])


@cases
def test_keras_windows_equal_the_values_by_hand(case: Case) -> None:
    side, kind, window, stride, padding = case
    if kind == "conv":
        layer = keras.layers.Conv2D(1, window, stride, padding.lower(), kernel_initializer="ones")
    else:
        layer = keras.layers.MaxPooling2D(window, stride, padding.lower())
    np.testing.assert_array_equal(layer(image(side)).numpy()[0, :, :, 0], BY_HAND[case])
