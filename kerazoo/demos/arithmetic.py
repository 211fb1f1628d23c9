"""Convolution and pooling in NumPy, written as the study notes explain them.

Images are [height, width, channels], kernels [height, width, channels, filters], as in TensorFlow.
Where a padding is given, it is "same" or "valid", as in TensorFlow too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Pair = tuple[int, int]
Reduce = Callable[..., Any]
IGNORING_NAN: dict[Reduce, Reduce] = {
    np.max: np.nanmax,
    np.mean: np.nanmean,
    np.sum: np.nansum,
}


def padding_of(length: int, window: int, stride: int = 1, padding: str = "same") -> Pair:
    """Return the zeros before and after an axis.

    "same" gives ceil(length / stride) positions; of an odd number of zeros, one more is after.

    Args:
        length: Of the axis.
        window: Of the kernel along it; with dilation d a kernel of k has d (k - 1) + 1.
        stride: From one position to the next.
        padding: "same" or "valid".

    Source: `cnn-study`, lines 109-149; https://www.tensorflow.org/api_docs/python/tf/nn.
    """
    if padding == "valid":
        return 0, 0
    positions = -(-length // stride)
    zeros = max(0, (positions - 1) * stride + window - length)
    return zeros // 2, zeros - zeros // 2


def padded(
    image: np.ndarray, window: Pair, stride: int = 1, padding: str = "same", fill: float = 0
) -> np.ndarray:
    """Return an image with what "same" puts around it, for a window [height, width]."""
    sides = [
        padding_of(length, size, stride, padding)
        for length, size in zip(image.shape[:2], window, strict=True)
    ]
    return np.pad(image, [*sides, (0, 0)], constant_values=fill)


def windows(image: np.ndarray, size: Pair, stride: int = 1, dilation: int = 1) -> np.ndarray:
    """Return all windows of an image, [rows, columns, height, width, channels], without copies."""
    extent = tuple(dilation * (length - 1) + 1 for length in size)
    every = np.lib.stride_tricks.sliding_window_view(image, extent, axis=(0, 1))
    chosen = every[::stride, ::stride, :, ::dilation, ::dilation]
    return np.moveaxis(chosen, 2, -1)


def convolution(
    image: np.ndarray,
    kernel: np.ndarray,
    stride: int = 1,
    padding: str = "valid",
    dilation: int = 1,
    groups: int = 1,
) -> np.ndarray:
    """Return the feature maps [rows, columns, filters] of what frameworks call a convolution.

    The kernel is not flipped: the sum of each window is of the products of elements at the same
    place, which is a correlation.

    Args:
        image: [height, width, channels].
        kernel: [height, width, channels / groups, filters].
        stride: Of the window.
        padding: "same" or "valid".
        dilation: Distance of the pixels that are read.
        groups: Parts of the channels, of which each is read by its part of the filters.

    Source: `cnn-study`, lines 61-84 and 181-241.
    """
    height, width, depth, filters = kernel.shape
    extent = dilation * (height - 1) + 1, dilation * (width - 1) + 1
    read = windows(padded(image, extent, stride, padding), (height, width), stride, dilation)
    parts = [
        np.tensordot(
            read[..., number * depth : (number + 1) * depth],
            kernel[..., number * (filters // groups) : (number + 1) * (filters // groups)],
            axes=3,
        )
        for number in range(groups)
    ]
    return np.concatenate(parts, axis=-1)


def with_zeros_between(image: np.ndarray, stride: int) -> np.ndarray:
    """Return an image with `stride - 1` zeros between its pixels."""
    height, width, channels = image.shape
    result = np.zeros(((height - 1) * stride + 1, (width - 1) * stride + 1, channels), image.dtype)
    result[::stride, ::stride] = image
    return result


def transposed_convolution(image: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    """Return the transposed convolution with "valid" padding, of (n - 1) * stride + k positions.

    Zeros are put between the pixels, and k - 1 around them; then the kernel, rotated by 180
    degrees, slides over all with stride 1. (The notes put stride - 1 around, which gives
    n * stride + stride - k.)

    Args:
        image: [height, width, channels].
        kernel: [height, width, filters, channels], as in TensorFlow.
        stride: Of the convolution that is transposed.

    Source: `cnn-study`, lines 300-347.
    """
    height, width = kernel.shape[:2]
    spread = with_zeros_between(image, stride)
    around = np.pad(spread, [(height - 1, height - 1), (width - 1, width - 1), (0, 0)])
    return convolution(around, np.swapaxes(rot180(kernel), 2, 3))


def rot180(kernel: np.ndarray) -> np.ndarray:
    """Return a kernel rotated by 180 degrees: flipped along its height and its width."""
    return kernel[::-1, ::-1]


def pooling(
    image: np.ndarray,
    size: int,
    stride: int,
    reduce: Reduce = np.max,
    padding: str = "valid",
) -> np.ndarray:
    """Return the maximum, mean or sum of each window [rows, columns, channels].

    Args:
        image: [height, width, channels].
        size: Side of the window.
        stride: Of the window.
        reduce: `numpy.max`, `numpy.mean` or `numpy.sum`; padding counts in none of them.
        padding: "same" or "valid".

    Source: `cnn-study`, lines 472-515.
    """
    image = padded(image.astype(np.float64), (size, size), stride, padding, np.nan)
    return np.asarray(IGNORING_NAN[reduce](windows(image, (size, size), stride), axis=(2, 3)))


def max_ids(image: np.ndarray, window: int, stride: int, padding: str = "valid") -> np.ndarray:
    """Return which pixel is the largest of each window, the first in rows if several are.

    Args:
        image: [height, width, channels].
        window: Its side.
        stride: Of the window.
        padding: "same" or "valid".

    Returns:
        Positions in `image.ravel()`, [rows, columns, channels].

    Source: `cnn-study`, line 539.
    """

    def pixels(values: np.ndarray, fill: float) -> np.ndarray:
        """Return those of each window, [rows, columns, window^2, channels]."""
        size = window, window
        read = windows(padded(values, size, stride, padding, fill), size, stride)
        return read.reshape(*read.shape[:2], window**2, read.shape[-1])

    ids = np.arange(image.size).reshape(image.shape)
    largest = pixels(image.astype(np.float64), -np.inf).argmax(axis=2, keepdims=True)
    return np.take_along_axis(pixels(ids, -1), largest, axis=2)[:, :, 0]
