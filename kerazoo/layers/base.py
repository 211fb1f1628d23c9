"""The base of the layers for feature maps: data formats, and a config made of the arguments."""

from typing import Any, ClassVar

from kerazoo.lazy import keras

Shape = tuple[int | None, ...]

# Arguments that are functions or objects; a layer has those that it has as attributes.
SERIALIZE = {
    "activation": keras.activations.serialize,
    "coefficient_initializer": keras.initializers.serialize,
    "kernel_initializer": keras.initializers.serialize,
}


class FeatureMapLayer(keras.layers.Layer):
    """A layer for batches of feature maps in either data format.

    Args:
        data_format: "channels_last" for [batch, height, width, channels], "channels_first" for
            [batch, channels, height, width]; None for Keras's setting.
        options: Arguments that every Keras layer has, such as `name` and `dtype`.

    Attributes:
        arguments: Names of a subclass's other arguments, without those of `SERIALIZE`; it has
            attributes of the same names.
        channel_axis: Axis of the channels.
        spatial_axes: Axes of the rows and the columns.
    """

    arguments: ClassVar[tuple[str, ...]]

    def __init__(self, data_format: str | None, **options: Any) -> None:
        super().__init__(**options)
        self.data_format = data_format or keras.config.image_data_format()
        first = self.data_format == "channels_first"
        self.channel_axis, self.spatial_axes = (1, (2, 3)) if first else (3, (1, 2))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the layer."""
        names = (*self.arguments, "data_format")
        config = {name: _as_lists(getattr(self, name)) for name in names}
        for name, serialize in SERIALIZE.items():
            if hasattr(self, name):
                config[name] = serialize(getattr(self, name))
        return {**super().get_config(), **config}

    def per_channel(self, weight: Any) -> Any:
        """Return a weight [channels] in a shape that broadcasts with feature maps."""
        return keras.ops.reshape(weight, (-1, 1, 1)) if self.channel_axis == 1 else weight

    def window_shape(self, shape: Shape, *window: int | str, channels: int | None = None) -> Shape:
        """Return the shape after a window of a size, a stride and a padding, in that order."""
        pool = keras.layers.AveragePooling2D(*window, data_format=self.data_format, name=self.name)
        sizes = list(pool.compute_output_shape(shape))
        sizes[self.channel_axis] = channels or sizes[self.channel_axis]
        return tuple(sizes)


def _as_lists(value: Any) -> Any:
    """Return a tuple as a list, since JSON has no tuples."""
    return [_as_lists(each) for each in value] if isinstance(value, tuple) else value
