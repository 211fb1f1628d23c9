"""Where the channels, rows and columns of a batch of maps lie."""

from __future__ import annotations

from typing import Any

import keras

Shape = tuple[int | None, ...]


def channel_axis(data_format: str) -> int:
    """Return the axis of the channels of [batch, height, width, channels], or of its like."""
    return 1 if data_format == "channels_first" else 3


def spatial_axes(data_format: str) -> tuple[int, int]:
    """Return the axes of the rows and of the columns."""
    return (2, 3) if data_format == "channels_first" else (1, 2)


def per_channel(weight: Any, data_format: str) -> Any:
    """Return a weight [channels] in a shape that meets the channels of the maps."""
    return keras.ops.reshape(weight, (-1, 1, 1)) if data_format == "channels_first" else weight


def strided(shape: Shape, data_format: str, window: int, stride: int = 1) -> Shape:
    """Return the shape of maps after a square window without padding."""
    lengths = list(shape)
    for axis in spatial_axes(data_format):
        length = shape[axis]
        lengths[axis] = None if length is None else (length - window) // stride + 1
    return tuple(lengths)


def with_channels(shape: Shape, data_format: str, channels: int) -> Shape:
    """Return the shape with another number of channels."""
    axis = channel_axis(data_format)
    return (*shape[:axis], channels, *shape[axis + 1 :])
