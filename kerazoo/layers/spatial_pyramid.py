"""Spatial pyramid pooling.

Source: He, Zhang, Ren and Sun, "Spatial Pyramid Pooling in Deep Convolutional Networks for Visual
Recognition" (2014), section 2.2; study document 003_f507a061fff3ec1f, lines 513 and 603-614.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from kerazoo.layers.data_format import Shape, channel_axis, spatial_axes


@keras.saving.register_keras_serializable("kerazoo")
class SpatialPyramidPooling(keras.layers.Layer):
    """Give maps of any size as one vector: the maxima of n x n bins for every n of a pyramid.

    Bin i of n along an axis of length a holds the positions from floor(i a / n) to
    ceil((i + 1) a / n), the last one left out. So there are n bins for every a, all positions are
    in one, and neighbours share a position at the most where a is n or more. The window of
    ceil(a / n) and stride of floor(a / n) in the documents give n bins of a = 13 for n = 1, 2, 4,
    but six of a = 7 for n = 4.

    Args:
        bins: Every n, in the order of the output.
        data_format: "channels_last" or "channels_first"; None for Keras's setting.

    Call:
        Takes [batch, height, width, channels], or [batch, channels, height, width], and gives
        [batch, (sum of the n * n) * channels]: level by level, in it row by row, in that bin by
        bin, with all channels of a bin together.

    Raises:
        ValueError: `bins` is empty or holds something else than whole numbers of 1 or more.
    """

    def __init__(
        self, bins: Sequence[int] = (1, 2, 4), data_format: str | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        if not bins or not all(isinstance(n, int) and n > 0 for n in bins):
            raise ValueError(f"bins must be whole numbers of 1 or more, not {bins!r}")
        self.bins = tuple(bins)
        self.data_format = data_format or keras.config.image_data_format()

    def call(self, inputs: Any) -> Any:
        """Return the maxima of all bins."""
        first = self.data_format == "channels_first"
        axes = spatial_axes(self.data_format)
        height, width = (keras.ops.shape(inputs)[axis] for axis in axes)
        maxima = []
        for n in self.bins:
            for row in (_bin(height, n, i) for i in range(n)):
                for column in (_bin(width, n, i) for i in range(n)):
                    cut = inputs[:, :, row, column] if first else inputs[:, row, column]
                    maxima.append(keras.ops.max(cut, axis=axes))
        return keras.ops.concatenate(maxima, axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, number of all bins times channels)."""
        channels = input_shape[channel_axis(self.data_format)]
        assert channels is not None
        return input_shape[0], sum(n * n for n in self.bins) * channels

    def get_config(self) -> dict[str, Any]:
        """Return what makes such a layer again."""
        return {
            **super().get_config(),
            "bins": list(self.bins),
            "data_format": self.data_format,
        }


def _bin(length: Any, n: int, i: int) -> slice:
    """Return bin i of n along an axis whose length may be known at the call alone."""
    return slice(i * length // n, -(-(i + 1) * length // n))
