"""The documents' formulas of the backward pass, beside TensorFlow's own gradients in float64."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Return the sigmoid."""
    return 1 / (1 + np.exp(-z))


def slope(z: np.ndarray) -> np.ndarray:
    """Return the derivative of the sigmoid."""
    return sigmoid(z) * (1 - sigmoid(z))


def difference(formula: np.ndarray, gradient: Any) -> float:
    """Return the largest difference."""
    return float(np.abs(formula - np.asarray(gradient)).max())


class TwoLayers:
    """Two dense layers with sigmoids and the squared error, x of 3 values, a of 4, then 2."""

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        self.x, self.y = rng.normal(size=(3, 1)), rng.normal(size=(2, 1))
        self.w1, self.b1 = rng.normal(size=(4, 3)), rng.normal(size=(4, 1))
        self.w2, self.b2 = rng.normal(size=(2, 4)), rng.normal(size=(2, 1))
        self.z1 = self.w1 @ self.x + self.b1
        self.a1 = sigmoid(self.z1)
        self.z2 = self.w2 @ self.a1 + self.b2
        self.a2 = sigmoid(self.z2)
        self.delta2 = (self.a2 - self.y) * slope(self.z2)  # line 713
        self.delta1 = self.w2.T @ self.delta2 * slope(self.z1)  # line 734

    @cached_property
    def gradients(self) -> dict[str, np.ndarray]:
        """The gradients of the error by what they are of: z1, z2, w1, b1, w2, b2."""
        names = ("w1", "b1", "w2", "b2", "x")
        held = {name: tf.constant(getattr(self, name)) for name in names}
        with tf.GradientTape() as tape:
            tape.watch(held)
            z1 = held["w1"] @ held["x"] + held["b1"]
            z2 = held["w2"] @ tf.sigmoid(z1) + held["b2"]
            error = tf.reduce_sum((tf.sigmoid(z2) - self.y) ** 2) / 2
        found = tape.gradient(error, {**held, "z1": z1, "z2": z2})
        return {name: gradient.numpy() for name, gradient in found.items()}


class OneConvolution:
    """A map of 6x6, its sigmoid under a 3x3 convolution as in mathematics, the squared error."""

    def __init__(self) -> None:
        rng = np.random.default_rng(2)
        self.z, self.w = rng.normal(size=(6, 6)), rng.normal(size=(3, 3))
        self.target = rng.normal(size=(4, 4))

    @cached_property
    def gradients(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The gradients of the error by the map behind, by the map before, by the kernel."""
        z, w = tf.constant(self.z), tf.constant(self.w)
        with tf.GradientTape() as tape:
            tape.watch([z, w])
            turned = tf.reverse(w, [0, 1])[:, :, None, None]
            behind = tf.nn.conv2d(tf.sigmoid(z)[None, :, :, None], turned, 1, "VALID")
            error = tf.reduce_sum((behind[0, :, :, 0] - self.target) ** 2) / 2
        behind, before, kernel = tape.gradient(error, [behind, z, w])
        return behind[0, :, :, 0].numpy(), before.numpy(), kernel.numpy()

    def before(self) -> np.ndarray:
        """Return lines 849-861: the error behind, zeros around, under the kernel turned round."""
        error, _, _ = self.gradients
        return _slide(np.pad(error, 2), self.w) * slope(self.z)

    def kernel(self) -> np.ndarray:
        """Return line 870: the error behind slides over the map turned round."""
        error, _, _ = self.gradients
        return _slide(sigmoid(self.z), error)[::-1, ::-1]


def _slide(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Return the sums of products of a kernel at every place where it fits."""
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("xyij,ij->xy", windows, kernel)
