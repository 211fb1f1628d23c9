"""Random functional models, whose every choice hypothesis makes."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from hypothesis import strategies as st
from keras import layers, ops

Draw = Callable[[Any], Any]


def random_model(draw: Draw, profiled: bool) -> keras.Model:
    """Draw a model on feature maps: chains, branches that meet, an optional head.

    Args:
        draw: Draws from a strategy of hypothesis.
        profiled: Whether to leave out what TensorFlow's profiler counts in its own way: dilated
            convolutions, for which TensorFlow pads the map, and transposed ones without padding;
            and to draw layers without a rule, which have no receptive field.
    """
    size = draw(st.tuples(st.integers(6, 15), st.integers(6, 15), st.sampled_from([2, 4])))
    inputs = keras.Input(size)
    tensors = [inputs]
    for _ in range(draw(st.integers(1, 6))):
        x = draw(st.sampled_from(tensors))
        steps = [*STEPS, _without_rule] if profiled else STEPS
        tensors.append(draw(st.sampled_from(steps))(draw, x, tensors, profiled))
    x = tensors[-1]
    if draw(st.booleans()):
        x = draw(st.sampled_from([layers.GlobalAveragePooling2D, layers.Flatten]))()(x)
        x = layers.Dense(3, use_bias=draw(st.booleans()))(x)
    return keras.Model(inputs, x)


def _window(draw: Draw, x: Any, most: int = 4) -> dict[str, Any]:
    """Draw a kernel that fits a feature map, with its stride or dilation and padding."""
    kernel = tuple(draw(st.integers(1, min(most, side))) for side in x.shape[1:3])
    padding = draw(st.sampled_from(["valid", "same"]))
    stride = draw(st.integers(1, 3))
    return {"kernel_size": kernel, "strides": stride, "padding": padding}


def _conv(draw: Draw, x: Any, tensors: list[Any], profiled: bool) -> Any:
    options = _window(draw, x)
    rate = draw(st.integers(1, 1 if profiled else 2))
    spans = [rate * (kernel - 1) + 1 for kernel in options["kernel_size"]]
    if options["strides"] == 1 and all(
        span <= side for span, side in zip(spans, x.shape[1:3], strict=True)
    ):
        options["dilation_rate"] = rate
    groups = draw(st.sampled_from([1, 2])) if x.shape[-1] % 2 == 0 else 1
    bias, activation = draw(st.booleans()), draw(st.sampled_from([None, "relu", "sigmoid"]))
    return layers.Conv2D(4, groups=groups, use_bias=bias, activation=activation, **options)(x)


def _depthwise(draw: Draw, x: Any, *_: Any) -> Any:
    return layers.DepthwiseConv2D(**_square(_window(draw, x)))(x)


def _separable(draw: Draw, x: Any, *_: Any) -> Any:
    return layers.SeparableConv2D(4, **_square(_window(draw, x)))(x)


def _square(options: dict[str, Any]) -> dict[str, Any]:
    return {**options, "kernel_size": min(options["kernel_size"])}


def _transposed(draw: Draw, x: Any, tensors: list[Any], profiled: bool) -> Any:
    options = _square(_window(draw, x))
    if profiled:
        options["padding"] = "same"
    if max(x.shape[1:3]) * options["strides"] > 40:
        options["strides"] = 1
    return layers.Conv2DTranspose(2, **options)(x)


def _pool(draw: Draw, x: Any, *_: Any) -> Any:
    options = _window(draw, x)
    kind = draw(st.sampled_from([layers.MaxPooling2D, layers.AveragePooling2D]))
    return kind(options.pop("kernel_size"), **options)(x)


def _small(draw: Draw, x: Any, *_: Any) -> Any:
    kinds = [
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Activation("swish"),
        layers.Dropout(0.5),
        layers.ZeroPadding2D(((1, 0), (2, 1))),
        layers.UpSampling2D((1, 2), interpolation=draw(st.sampled_from(["nearest", "bilinear"]))),
        layers.Dense(4, use_bias=False),
    ]
    if min(x.shape[1:3]) > 3:
        kinds.append(layers.Cropping2D(((1, 0), (0, 2))))
    return draw(st.sampled_from(kinds))(x)


def _branches(draw: Draw, x: Any, tensors: list[Any], *_: Any) -> Any:
    like = [tensor for tensor in tensors if tensor.shape[1:3] == x.shape[1:3]]
    other = draw(st.sampled_from(like))
    if other.shape == x.shape and draw(st.booleans()):
        return draw(st.sampled_from([layers.Add, layers.Maximum]))()([x, other])
    return layers.Concatenate()([x, other])


def _moved(draw: Draw, x: Any, *_: Any) -> Any:
    """Draw an operation that moves, repeats or leaves out rows or columns."""
    axis = draw(st.sampled_from([1, 2]))
    length = x.shape[axis]
    kinds = [lambda: ops.flip(x, axis), lambda: ops.roll(x, draw(st.integers(-3, 3)), axis)]
    some = draw(st.lists(st.integers(-length, length - 1), min_size=1, max_size=6))
    kinds.append(lambda: ops.take(x, np.array(some), axis))
    if length <= 20:
        times = draw(st.integers(1, 2))
        tiles = tuple(times if each == axis else 1 for each in range(4))
        kinds += [lambda: ops.repeat(x, times, axis), lambda: ops.tile(x, tiles)]
    return draw(st.sampled_from(kinds))()


class OfTensorFlow(layers.Layer):
    """A layer without a rule, written with TensorFlow; a layer in it has one."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = layers.Conv2D(4, 1)

    def build(self, input_shape: Any) -> None:
        self.conv.build(input_shape)
        self.kernel = self.add_weight(shape=(4, 4))

    def call(self, inputs: Any) -> Any:
        return tf.nn.relu(tf.matmul(self.conv(inputs), self.kernel))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:3], 4)


class OfKeras(layers.Layer):
    """A layer without a rule, written with Keras; a kernel in it is computed."""

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight(shape=(2, 2, input_shape[-1], 4))

    def call(self, inputs: Any) -> Any:
        kernel = self.kernel - ops.mean(self.kernel)
        return ops.relu(ops.conv(inputs, kernel, padding="same"))


def _without_rule(draw: Draw, x: Any, *_: Any) -> Any:
    return draw(st.sampled_from([OfTensorFlow, OfKeras]))()(x)


STEPS = [_conv, _conv, _depthwise, _separable, _transposed, _pool, _small, _branches, _moved]
