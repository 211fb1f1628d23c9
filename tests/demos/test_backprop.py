"""The gradients that `kerazoo demo backprop` shows, against TensorFlow's and by hand."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from kerazoo.demos import _perceptron, backprop
from kerazoo.demos.backprop import Backprop, compute


@pytest.fixture(scope="module")
def shown() -> Backprop:
    return compute()


def as_image(matrix: np.ndarray) -> tf.Tensor:
    return tf.constant(matrix[None, ..., None], tf.float64)


def test_convolution(shown: Backprop) -> None:
    image = as_image(backprop.IMAGE)
    kernel = tf.constant(backprop.KERNEL[..., None, None], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch([image, kernel])
        output = tf.nn.conv2d(image, kernel, 1, "VALID")
    by_image, by_kernel = tape.gradient(output, [image, kernel], as_image(backprop.CONVOLVED))
    found = shown.convolution
    np.testing.assert_allclose(found.input_gradient, by_image[0, ..., 0], rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.kernel_gradient, by_kernel[..., 0, 0], rtol=0, atol=1e-10)


def test_the_elements_that_are_written_out(shown: Backprop) -> None:
    found = shown.convolution
    assert found.input_gradient[backprop.IMAGE_ELEMENT] == (-1) * (-1) + 3 * 3 + 2 * 2 + 1 * 1
    products = 3 * 1, 0 * 0, 2 * 2, 5 * -1, 1 * 3, 4 * 1, 6 * 2, 7 * 1, 3 * -2
    assert found.kernel_gradient[backprop.KERNEL_ELEMENT] == sum(products)
    np.testing.assert_array_equal(found.around[1:-1, 1:-1], backprop.CONVOLVED)
    assert np.abs(found.around).sum() == np.abs(backprop.CONVOLVED).sum()


def test_pooling(shown: Backprop) -> None:
    found = shown.pooling
    for pool, gradient in (
        (tf.nn.avg_pool2d, found.of_means),
        (tf.nn.max_pool2d, found.of_maxima),
    ):
        image = as_image(backprop.IMAGE)
        with tf.GradientTape() as tape:
            tape.watch(image)
            output = pool(image, 2, 2, "VALID")
        expected = tape.gradient(output, image, as_image(backprop.POOLED))
        np.testing.assert_allclose(gradient, expected[0, ..., 0], rtol=0, atol=1e-10)
        assert gradient.sum() == backprop.POOLED.sum() == 20
    np.testing.assert_array_equal(backprop.IMAGE.ravel()[found.ids], [[5, 4], [6, 8]])


def test_perceptron(shown: Backprop) -> None:
    found = shown.perceptron
    weights = [tf.Variable(part) for layer in found.layers for part in layer]

    def outputs(inputs: tf.Tensor) -> list[tf.Tensor]:
        hidden = tf.sigmoid(inputs @ tf.transpose(weights[0]) + weights[1])
        return [hidden, tf.sigmoid(hidden @ tf.transpose(weights[2]) + weights[3])]

    @tf.function
    def step(inputs: tf.Tensor, targets: tf.Tensor, rate: float) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            loss = 0.5 * tf.reduce_mean(tf.reduce_sum((outputs(inputs)[1] - targets) ** 2, 1))
        gradients = tape.gradient(loss, weights)
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.assign_sub(rate * gradient)
        return loss, gradients

    inputs, targets = (
        tf.constant(each, tf.float64) for each in (_perceptron.INPUTS, _perceptron.TARGETS)
    )
    sample = slice(_perceptron.SAMPLE, _perceptron.SAMPLE + 1)
    _, (_, first, _, last) = step(inputs[sample], targets[sample], 0)
    np.testing.assert_allclose(found.deltas[0], first, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.deltas[1], last, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.outputs[1], outputs(inputs[sample])[0][0], rtol=0, atol=1e-10)
    losses = [float(step(inputs, targets, _perceptron.RATE)[0]) for _ in found.losses]
    np.testing.assert_allclose(found.losses, losses, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.results, outputs(inputs)[1][:, 0], rtol=0, atol=1e-10)
    np.testing.assert_array_equal(np.rint(found.results), targets[:, 0])


def test_central_differences_are_close(shown: Backprop) -> None:
    parts = *shown.convolution.differences, *shown.pooling.differences, shown.perceptron.difference
    assert all(0 <= difference < 1e-8 for difference in parts)
