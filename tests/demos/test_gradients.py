"""The gradients that the notes derive, against TensorFlow's automatic ones in float64."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kerazoo.demos.arithmetic import Reduce, convolution, max_ids, rot180
from kerazoo.demos.gradients import (
    Dense,
    central_differences,
    convolution_input_gradient,
    convolution_kernel_gradient,
    deltas,
    loss_of,
    max_pooling_gradient,
    mean_pooling_gradient,
    perceptron_gradients,
    perceptron_outputs,
    train,
)

quickly = settings(max_examples=40, deadline=None, derandomize=True)


class Slide(NamedTuple):
    """How a window slides over random images."""

    size: tuple[int, int]
    window: tuple[int, int]
    stride: int
    padding: str
    channels: int
    filters: int
    seed: int


def slides(windows: st.SearchStrategy[tuple[int, int]]) -> st.SearchStrategy[Slide]:
    """Return windows that fit into their images."""
    side, depth = st.integers(1, 9), st.integers(1, 3)
    padding, seed = st.sampled_from(["same", "valid"]), st.integers(0, 999)
    drawn = st.builds(
        Slide, st.tuples(side, side), windows, st.integers(1, 4), padding, depth, depth, seed
    )
    return drawn.filter(fits)


def fits(slide: Slide) -> bool:
    return slide.padding == "same" or bool((np.array(slide.window) <= slide.size).all())


rectangles = slides(st.tuples(st.integers(1, 4), st.integers(1, 4)))
squares = slides(st.integers(1, 4).map(lambda side: (side, side)))
POOLS = {np.mean: tf.nn.avg_pool2d, np.max: tf.nn.max_pool2d}


def assert_close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


def taped(
    function: Callable[..., tf.Tensor], gradient: np.ndarray, *values: np.ndarray
) -> list[np.ndarray]:
    """Return TensorFlow's gradients by arrays of an output whose gradient is given."""
    tensors = [tf.constant(value, tf.float64) for value in values]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        output = function(*tensors)
    found = tape.gradient(output, tensors, output_gradients=tf.constant(gradient, tf.float64))
    return [each.numpy() for each in found]


@quickly
@given(rectangles)
def test_convolution(slide: Slide) -> None:
    random = np.random.default_rng(slide.seed)
    image = random.normal(size=(*slide.size, slide.channels))
    kernel = random.normal(size=(*slide.window, slide.channels, slide.filters))
    options = slide.stride, slide.padding
    gradient = random.normal(size=convolution(image, kernel, *options).shape)

    def conv(image: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return tf.nn.conv2d(image[None], kernel, slide.stride, slide.padding.upper())[0]

    input_gradient, kernel_gradient = taped(conv, gradient, image, kernel)
    found = convolution_input_gradient(gradient, kernel, slide.size, *options)
    assert_close(found, input_gradient)
    found = convolution_kernel_gradient(image, gradient, slide.window, *options)
    assert_close(found, kernel_gradient)


def test_without_the_rotation_the_gradient_is_wrong() -> None:
    image, kernel = np.ones((4, 4, 1)), np.array([[1.0, 2.0], [3.0, -1.0]])[..., None, None]
    gradient = np.arange(9.0).reshape(3, 3, 1)
    (expected,) = taped(
        lambda image: tf.nn.conv2d(image[None], kernel, 1, "VALID")[0], gradient, image
    )
    around = np.pad(gradient, [(1, 1), (1, 1), (0, 0)])
    assert_close(convolution(around, rot180(kernel)), expected)
    assert np.abs(convolution(around, kernel) - expected).max() > 1


def test_pixels_that_no_window_reads_have_no_gradient() -> None:
    found = convolution_input_gradient(np.ones((2, 2, 1)), np.ones((2, 2, 1, 1)), (6, 5), 3)
    rows, columns = [1, 1, 0, 1, 1, 0], [1, 1, 0, 1, 1]
    np.testing.assert_array_equal(found[..., 0], np.outer(rows, columns))


def tensorflow_pooling(slide: Slide, reduce: Reduce) -> Callable[[tf.Tensor], tf.Tensor]:
    pool, padding = POOLS[reduce], slide.padding.upper()
    return lambda image: pool(image[None], slide.window, slide.stride, padding)[0]


@quickly
@given(squares)
def test_pooling(slide: Slide) -> None:
    random = np.random.default_rng(slide.seed)
    image = random.normal(size=(*slide.size, slide.channels))
    options = slide.window[0], slide.stride, slide.padding
    ids = max_ids(image, *options)
    gradient = random.normal(size=ids.shape)
    (expected,) = taped(tensorflow_pooling(slide, np.mean), gradient, image)
    found = mean_pooling_gradient(gradient, slide.size, *options)
    assert_close(found, expected)
    (expected,) = taped(tensorflow_pooling(slide, np.max), gradient, image)
    found = max_pooling_gradient(gradient, ids, image.shape)
    assert_close(found, expected)


@quickly
@given(squares)
def test_of_equal_pixels_the_first_is_the_largest(slide: Slide) -> None:
    image = np.random.default_rng(slide.seed).integers(0, 2, (*slide.size, slide.channels))
    options = slide.window[0], slide.stride, slide.padding
    _, expected = tf.nn.max_pool_with_argmax(
        tf.constant(image[None], tf.float64), *options[:2], slide.padding.upper()
    )
    ids = max_ids(image, *options)
    np.testing.assert_array_equal(ids, expected[0])
    gradient = np.ones(ids.shape)
    (expected,) = taped(tensorflow_pooling(slide, np.max), gradient, image)
    np.testing.assert_array_equal(max_pooling_gradient(gradient, ids, image.shape), expected)


@pytest.mark.parametrize("window", [1, 2, 3])
def test_windows_that_cover_the_image_keep_the_sum(window: int) -> None:
    random = np.random.default_rng(0)
    gradient, image = random.normal(size=(2, 3, 4)), random.normal(size=(2 * window, 3 * window, 4))
    mean = mean_pooling_gradient(gradient, image.shape[:2], window, window)
    largest = max_pooling_gradient(gradient, max_ids(image, window, window), image.shape)
    for found in (mean, largest):
        assert_close(found.sum((0, 1)), gradient.sum((0, 1)))


def perceptron(sizes: list[int], seed: int) -> list[Dense]:
    random = np.random.default_rng(seed)
    pairs = zip(sizes[1:], sizes, strict=False)
    return [Dense(random.normal(size=(n, m)), random.normal(size=n)) for n, m in pairs]


def variables_of(layers: list[Dense]) -> list[Any]:
    return [Dense(*map(tf.Variable, layer)) for layer in layers]


def assert_layers_close(found: list[Dense], expected: list[Any]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert_close(one.weights, other.weights)
        assert_close(one.biases, other.biases)


def tensorflow_losses(layers: list[Any], inputs: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Return the loss of each sample."""
    for weights, biases in layers:
        inputs = tf.sigmoid(inputs @ tf.transpose(weights) + biases)
    return 0.5 * tf.reduce_sum((inputs - targets) ** 2, axis=1)


@quickly
@given(st.lists(st.integers(1, 5), min_size=2, max_size=5), st.integers(0, 999))
def test_perceptron(sizes: list[int], seed: int) -> None:
    layers = perceptron(sizes, seed)
    random = np.random.default_rng(seed)
    sample, target = random.normal(size=sizes[0]), random.uniform(size=sizes[-1])
    variables = variables_of(layers)
    with tf.GradientTape() as tape:
        loss = tensorflow_losses(variables, sample[None], target[None])[0]
    outputs = perceptron_outputs(layers, sample)
    assert loss_of(outputs[-1], target) == pytest.approx(float(loss), abs=1e-10)
    expected = tape.gradient(loss, variables)
    assert_layers_close(perceptron_gradients(layers, outputs, target), expected)
    biases = [each.biases for each in expected]  # dz/db is 1
    for delta, bias in zip(deltas(layers, outputs, target), biases, strict=True):
        assert_close(delta, bias)


def test_training() -> None:
    layers = perceptron([3, 4, 2], 0)
    random = np.random.default_rng(1)
    inputs, targets = random.normal(size=(6, 3)), random.uniform(size=(6, 2))
    losses, trained = train(layers, inputs, targets, rate=0.7, batch_size=4, steps=5)
    variables = variables_of(layers)
    for step, loss in enumerate(losses):
        batch = np.arange(4 * step, 4 * step + 4) % 6
        with tf.GradientTape() as tape:
            mean = tf.reduce_mean(tensorflow_losses(variables, inputs[batch], targets[batch]))
        assert loss == pytest.approx(float(mean), abs=1e-10)
        for layer, gradients in zip(variables, tape.gradient(mean, variables), strict=True):
            layer.weights.assign_sub(0.7 * gradients.weights)
            layer.biases.assign_sub(0.7 * gradients.biases)
    assert_layers_close(trained, variables)
    assert_layers_close(layers, perceptron([3, 4, 2], 0))


def test_central_differences_of_a_known_function() -> None:
    values = np.array([[1, 2], [3, 4]])
    found = central_differences(lambda v: float(np.sum(v**3) + v[0, 1] * v[1, 0]), values)
    np.testing.assert_allclose(found, [[3, 15], [29, 48]], rtol=0, atol=1e-7)
