"""The convolutions and poolings of the demos against TensorFlow's, on images of any size."""

from typing import Any

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kerazoo.demos import arithmetic
from kerazoo.demos.arithmetic import Reduce

integers = st.integers
paddings = st.sampled_from(["same", "valid"])
quick = settings(max_examples=40, deadline=None, derandomize=True)


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape)


def check(ours: np.ndarray, expected: tf.Tensor) -> None:
    np.testing.assert_allclose(ours, expected.numpy()[0], rtol=0, atol=1e-12)


@quick
@given(st.data(), paddings, integers(1, 4), integers(1, 3), integers(1, 3))
def test_convolution(
    data: Any, padding: str, height: int, width: int, stride_or_dilation: int
) -> None:
    is_dilated = data.draw(st.booleans())
    stride, dilation = (1, stride_or_dilation) if is_dilated else (stride_or_dilation, 1)
    groups = data.draw(integers(1, 3)) if dilation == 1 else 1  # TensorFlow has no more on a CPU
    extent = dilation * (max(height, width) - 1) + 1
    image = numbers(*(data.draw(integers(extent, extent + 5)) for _ in "xy"), 2 * groups)
    kernel = numbers(height, width, 2, 3 * groups)
    ours = arithmetic.convolution(image, kernel, stride, padding, dilation, groups)
    parts = zip(np.split(image, groups, -1), np.split(kernel, groups, -1), strict=True)
    expected = [
        tf.nn.conv2d(part[None], weights, stride, padding.upper(), dilations=dilation)
        for part, weights in parts
    ]
    check(ours, tf.concat(expected, -1))


@quick
@given(integers(1, 4), integers(1, 4), integers(1, 3), integers(1, 5), integers(1, 5))
def test_transposed_convolution(
    height: int, width: int, stride: int, rows: int, columns: int
) -> None:
    image, kernel = numbers(rows, columns, 2), numbers(height, width, 3, 2)
    ours = arithmetic.transposed_convolution(image, kernel, stride)
    shape = (rows - 1) * stride + height, (columns - 1) * stride + width
    if stride <= min(height, width):  # TensorFlow fills up to no less than a stride
        expected = tf.nn.conv2d_transpose(image[None], kernel, (1, *shape, 3), stride, "VALID")
        check(ours, expected)
    assert ours.shape == (*shape, 3)


@quick
@given(paddings, integers(1, 4), integers(1, 4), integers(4, 9), integers(4, 9))
def test_pooling(padding: str, size: int, stride: int, rows: int, columns: int) -> None:
    image = numbers(rows, columns, 2)
    kinds: dict[Reduce, Any] = {np.max: tf.nn.max_pool2d, np.mean: tf.nn.avg_pool2d}
    for reduce, expected in kinds.items():
        ours = arithmetic.pooling(image, size, stride, reduce, padding)
        check(ours, expected(tf.constant(image[None]), size, stride, padding.upper()))
    sums = arithmetic.pooling(image, size, stride, np.sum, padding)
    ones = np.ones((size, size, 2, 1))
    check(sums, tf.nn.depthwise_conv2d(image[None], ones, [1, stride, stride, 1], padding.upper()))
