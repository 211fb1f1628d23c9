"""Spatial pyramid pooling."""

from collections.abc import Sequence
from typing import Any

from kerazoo.layers.base import FeatureMapLayer, Shape
from kerazoo.lazy import keras


@keras.saving.register_keras_serializable("kerazoo")
class SpatialPyramidPooling(FeatureMapLayer):
    """Pool feature maps of any size to one vector: the maxima of n x n bins for each pyramid level.

    Bin i of n along an axis of length a has the positions from floor(i a / n) to
    ceil((i + 1) a / n), the last one excluded. So there are n bins for every a, all positions are
    in one, and neighbors share at most one position where a is n or more. The notes' window of
    ceil(a / n) and stride of floor(a / n) give n bins of a = 13 for n = 1, 2, 4, but six of a = 7
    for n = 4.

    Source: He, Zhang, Ren and Sun, "Spatial Pyramid Pooling in Deep Convolutional Networks for
    Visual Recognition" (2014), https://arxiv.org/abs/1406.4729, section 2.2; `cnn-study`, lines 513
    and 603-614.

    Args:
        bins: The n of each level, in the order of the output.
        data_format: "channels_last" or "channels_first"; None for Keras's setting.

    Raises:
        ValueError: `bins` is empty or has something else than integers of 1 or more.

    >>> SpatialPyramidPooling((1, 2, 4)).compute_output_shape((1, 13, 9, 256))
    (1, 5376)
    """

    arguments = ("bins",)

    def __init__(
        self, bins: Sequence[int] = (1, 2, 4), data_format: str | None = None, **options: Any
    ) -> None:
        super().__init__(data_format, **options)
        if not bins or not all(isinstance(n, int) and n > 0 for n in bins):
            raise ValueError(f"bins must be integers of 1 or more; received {bins!r}")
        self.bins = tuple(bins)

    def call(self, inputs: Any) -> Any:
        """Return the maxima, [batch, (sum of the n * n) * channels].

        Their order is by level, then row, then column of the bins, then channel.
        """
        height, width = (keras.ops.shape(inputs)[axis] for axis in self.spatial_axes)
        maxima, last = [], self.data_format != "channels_first"
        for n in self.bins:
            for row in _bins(height, n):
                for column in _bins(width, n):
                    part = inputs[:, row, column] if last else inputs[:, :, row, column]
                    maxima.append(keras.ops.max(part, axis=self.spatial_axes))
        return keras.ops.concatenate(maxima, axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (batch, number of all bins times channels)."""
        channels = input_shape[self.channel_axis]
        assert channels is not None
        return input_shape[0], sum(n * n for n in self.bins) * channels


def _bins(length: Any, n: int) -> list[slice]:
    """Return n bins of an axis, whose length may be a tensor."""
    return [slice(i * length // n, -(-(i + 1) * length // n)) for i in range(n)]
