"""The gradients that the study notes derive, in NumPy: perceptron, convolution and pooling.

The loss is any number that depends on the outputs of a layer: its gradient with respect to these is
given, that with respect to the inputs and the weights is returned. Images and kernels are those of
`arithmetic`. The convolution's are those of a layer that does not flip its kernel, as frameworks
have it and the figures of `cnn-study`, lines 800-820; its lines 827-871 are of one that does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import cycle, islice
from typing import NamedTuple

import numpy as np

from kerazoo.demos.arithmetic import (
    Pair,
    padded,
    padding_of,
    pooling,
    transposed_convolution,
    windows,
)


class Dense(NamedTuple):
    """A layer of a perceptron, or the gradients of one: W [outputs, inputs] and b [outputs]."""

    weights: np.ndarray
    biases: np.ndarray


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-z)), without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * z))


def sigmoid_slope(output: np.ndarray) -> np.ndarray:
    """Return the derivative of the sigmoid where its value is `output`: a (1 - a)."""
    return output * (1 - output)


def loss_of(output: np.ndarray, target: np.ndarray) -> float:
    """Return half the squared distance of an output to its target.

    Source: `cnn-study`, lines 700-703.
    """
    return 0.5 * float(np.sum((output - target) ** 2))


def perceptron_outputs(layers: Sequence[Dense], inputs: np.ndarray) -> list[np.ndarray]:
    """Return the inputs and the outputs of each layer, a = sigmoid(W a + b).

    Source: `cnn-study`, lines 690-696.
    """
    outputs = [inputs]
    for layer in layers:
        outputs.append(sigmoid(layer.weights @ outputs[-1] + layer.biases))
    return outputs


def output_delta(output: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the delta of the last layer: (a - y) sigma'(z), element by element.

    Source: `cnn-study`, lines 710-715, which have delta' in the place of sigma'.
    """
    return (output - target) * sigmoid_slope(output)


def earlier_delta(weights: np.ndarray, delta: np.ndarray, output: np.ndarray) -> np.ndarray:
    """Return the delta of the layer before: W^T delta times sigma'(z), element by element.

    Args:
        weights: [outputs, inputs] of the later layer.
        delta: [outputs] of the later layer.
        output: [inputs], what the earlier layer gives to the later one.

    Source: `cnn-study`, lines 724-735.
    """
    return weights.T @ delta * sigmoid_slope(output)


def deltas(
    layers: Sequence[Dense], outputs: Sequence[np.ndarray], target: np.ndarray
) -> list[np.ndarray]:
    """Return the gradient of the loss by each layer's z, from the last layer back to the first.

    Args:
        layers: Of the perceptron.
        outputs: What `perceptron_outputs` returns.
        target: [outputs of the last layer].

    Source: `cnn-study`, lines 708-736.
    """
    found = [output_delta(outputs[-1], target)]
    for layer, output in zip(layers[:0:-1], outputs[-2:0:-1], strict=True):
        found.insert(0, earlier_delta(layer.weights, found[0], output))
    return found


def perceptron_gradients(
    layers: Sequence[Dense], outputs: Sequence[np.ndarray], target: np.ndarray
) -> list[Dense]:
    """Return the gradients of one sample: delta a^T by the weights, delta by the biases.

    Arguments are those of `deltas`. Source: `cnn-study`, lines 717-721 and 738-742.
    """
    pairs = zip(deltas(layers, outputs, target), outputs, strict=False)
    return [Dense(np.outer(delta, before), delta) for delta, before in pairs]


def train(
    layers: Sequence[Dense],
    inputs: np.ndarray,
    targets: np.ndarray,
    rate: float,
    batch_size: int,
    steps: int,
) -> tuple[list[float], list[Dense]]:
    """Train a perceptron by the eleven steps of the notes.

    The gradients of the samples of a batch are added up; their mean times the learning rate is
    taken off the weights. Batches follow one another in the order of the samples, again and again.

    Args:
        layers: With the weights to start from, which stay as they are.
        inputs: [samples, inputs].
        targets: [samples, outputs].
        rate: The learning rate.
        batch_size: Samples per step.
        steps: How often the weights change.

    Returns:
        The mean loss of each batch before its step, and the trained layers.

    Source: `cnn-study`, lines 743-786.
    """
    samples = cycle(zip(inputs, targets, strict=True))
    losses, layers = [], list(layers)
    for _ in range(steps):
        loss = 0.0
        sums = [Dense(np.zeros_like(weights), np.zeros_like(biases)) for weights, biases in layers]
        for sample, target in islice(samples, batch_size):
            outputs = perceptron_outputs(layers, sample)
            loss += loss_of(outputs[-1], target)
            sums = _added(sums, perceptron_gradients(layers, outputs, target))
        losses.append(loss / batch_size)
        layers = _added(layers, sums, -rate / batch_size)
    return losses, layers


def _added(layers: Sequence[Dense], others: Sequence[Dense], factor: float = 1) -> list[Dense]:
    """Return the sum of layers and a multiple of others."""
    return [
        Dense(one.weights + factor * other.weights, one.biases + factor * other.biases)
        for one, other in zip(layers, others, strict=True)
    ]


def convolution_input_gradient(
    gradient: np.ndarray, kernel: np.ndarray, size: Pair, stride: int = 1, padding: str = "valid"
) -> np.ndarray:
    """Return the output's gradient, with zeros around it, convolved with the rotated kernel.

    With a stride, zeros stand between its elements too. It is a transposed convolution, without
    what lies on the padding; pixels that no window reads have the gradient 0.

    Args:
        gradient: By the feature maps, [rows, columns, filters].
        kernel: [height, width, channels, filters].
        size: [height, width] of the input.
        stride: Of the convolution.
        padding: "same" or "valid".

    Returns:
        [height, width, channels]; times sigma'(z) it is the delta of the layer before.

    Source: `cnn-study`, lines 800-866.
    """
    (top, bottom), (left, right) = (
        padding_of(length, window, stride, padding)
        for length, window in zip(size, kernel.shape[:2], strict=True)
    )
    height, width = size
    read = transposed_convolution(gradient, kernel, stride)
    whole = np.zeros((top + height + bottom, left + width + right, kernel.shape[2]))
    whole[: read.shape[0], : read.shape[1]] = read
    return whole[top : top + height, left : left + width]


def convolution_kernel_gradient(
    image: np.ndarray, gradient: np.ndarray, size: Pair, stride: int = 1, padding: str = "valid"
) -> np.ndarray:
    """Return the correlation of the input with the output's gradient.

    Args:
        image: [height, width, channels].
        gradient: By the feature maps, [rows, columns, filters].
        size: [height, width] of the kernel.
        stride: Of the convolution; the correlation reads the pixels in that distance.
        padding: "same" or "valid".

    Returns:
        [height, width, channels, filters].

    Source: `cnn-study`, lines 868-871.
    """
    read = windows(padded(image, size, stride, padding), size, stride)
    return np.tensordot(read, gradient, axes=((0, 1), (0, 1)))


def mean_pooling_gradient(
    gradient: np.ndarray, size: Pair, window: int, stride: int, padding: str = "valid"
) -> np.ndarray:
    """Return the output's gradient, split evenly over the pixels of each window.

    Where windows overlap, their parts add up. The sum stays the same if no padding is read.

    Args:
        gradient: By the means, [rows, columns, channels].
        size: [height, width] of the input.
        window: Its side.
        stride: Of the window.
        padding: "same" or "valid"; a mean is of the pixels alone, without the padding.

    Source: `cnn-study`, lines 523-533.
    """
    channels = gradient.shape[-1]
    pixels = pooling(np.ones((*size, 1)), window, stride, np.sum, padding)
    each = np.ones((window, window, 1, 1)) * np.eye(channels)
    return convolution_input_gradient(gradient / pixels, each, size, stride, padding)


def max_pooling_gradient(
    gradient: np.ndarray, ids: np.ndarray, shape: tuple[int, int, int]
) -> np.ndarray:
    """Return the output's gradient, each element added to the pixel that was the largest.

    Args:
        gradient: By the maxima, [rows, columns, channels].
        ids: Of the largest pixels, from `max_ids`.
        shape: [height, width, channels] of the input.

    Source: `cnn-study`, line 539.
    """
    result = np.zeros(shape)
    np.add.at(result.reshape(-1), ids, gradient)
    return result


def central_differences(
    function: Callable[[np.ndarray], float], values: np.ndarray, step: float = 1e-5
) -> np.ndarray:
    """Return the gradient of a function of an array, element by element, without any rule.

    It is (f(v + step) - f(v - step)) / (2 step), and differs from the gradient by about step^2.
    """
    values = values.astype(np.float64)
    result = np.zeros_like(values)
    for place in np.ndindex(values.shape):
        change = np.zeros_like(values)
        change[place] = step
        result[place] = (function(values + change) - function(values - change)) / (2 * step)
    return result


def largest_difference(
    function: Callable[[np.ndarray], float], values: np.ndarray, gradient: np.ndarray
) -> float:
    """Return the largest difference of a gradient from the central differences of its function."""
    return float(np.abs(central_differences(function, values) - gradient).max())
