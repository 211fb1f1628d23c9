"""TensorFlow's gradients in float64, to compare the notes' formulas with."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf


def difference(formula: np.ndarray, gradient: Any) -> float:
    """Return the largest difference, rounded to 12 decimals: more than float64 rounds off."""
    return round(float(np.abs(formula - np.asarray(gradient)).max()), 12)


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Return the sigmoid."""
    return 1 / (1 + np.exp(-z))


def slope(z: np.ndarray) -> np.ndarray:
    """Return the derivative of the sigmoid."""
    return sigmoid(z) * (1 - sigmoid(z))


class TwoLayers:
    """Two dense layers with sigmoids and the squared error, as columns: 3 inputs, 4, then 2.

    Attributes:
        x, y: Input [3, 1] and target [2, 1].
        w1, b1, w2, b2: Weights [4, 3] and [2, 4], biases [4, 1] and [2, 1].
        z1, z2: Outputs before the sigmoid.
        a1, a2: Outputs after it.
        gradients: Gradients of the error by name.
    """

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        self.x, self.y = rng.normal(size=(3, 1)), rng.normal(size=(2, 1))
        self.w1, self.b1 = rng.normal(size=(4, 3)), rng.normal(size=(4, 1))
        self.w2, self.b2 = rng.normal(size=(2, 4)), rng.normal(size=(2, 1))
        self.z1 = self.w1 @ self.x + self.b1
        self.a1 = sigmoid(self.z1)
        self.z2 = self.w2 @ self.a1 + self.b2
        self.a2 = sigmoid(self.z2)
        self.gradients = self._gradients()

    def _gradients(self) -> dict[str, np.ndarray]:
        weights = {name: tf.constant(getattr(self, name)) for name in ("w1", "b1", "w2", "b2")}
        with tf.GradientTape() as tape:
            tape.watch(weights)
            z1 = weights["w1"] @ self.x + weights["b1"]
            z2 = weights["w2"] @ tf.sigmoid(z1) + weights["b2"]
            error = tf.reduce_sum((tf.sigmoid(z2) - self.y) ** 2) / 2
        found = tape.gradient(error, {**weights, "z1": z1, "z2": z2})
        return {name: gradient.numpy() for name, gradient in found.items()}


class OneConvolution:
    """The sigmoid of 6x6 under a mathematical 3x3 convolution, and the squared error.

    Attributes:
        z: The 6x6 before the sigmoid.
        w: The kernel, which is turned round before it slides.
        after, before, kernel: Gradients of the error by the 4x4 output, by `z` and by `w`.
    """

    def __init__(self) -> None:
        rng = np.random.default_rng(2)
        self.z, self.w = rng.normal(size=(6, 6)), rng.normal(size=(3, 3))
        target = rng.normal(size=(4, 4))
        z, w = tf.constant(self.z), tf.constant(self.w)
        with tf.GradientTape() as tape:
            tape.watch([z, w])
            turned = tf.reverse(w, [0, 1])[:, :, None, None]
            output = tf.nn.conv2d(tf.sigmoid(z)[None, :, :, None], turned, 1, "VALID")
            error = tf.reduce_sum((output[0, :, :, 0] - target) ** 2) / 2
        after, before, kernel = tape.gradient(error, [output, z, w])
        self.after = after[0, :, :, 0].numpy()
        self.before, self.kernel = before.numpy(), kernel.numpy()


def slide(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Return the dot product of a kernel and the image at every place where the kernel fits."""
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("xyij,ij->xy", windows, kernel)
