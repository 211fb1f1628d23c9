"""Models, tables and rows of tables that the claims recompute their values with."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import pandas as pd

from kerazoo.accounting.receptive_field import Box, receptive_field
from kerazoo.accounting.table import summary
from kerazoo.compat import shapes_only
from kerazoo.documents.windows import Window
from kerazoo.lazy import keras, layers
from kerazoo.models import create_model

DENSE = ["fc6", "fc7", "fc8"]  # VGG-16's dense layers, as convolutions


@cache
def model(name: str) -> keras.Model:
    """Return a model of the zoo whose weights have shapes and no values."""
    with shapes_only():
        return create_model(name)


@cache
def runnable(name: str) -> keras.Model:
    """Return a model of the zoo whose weights have values."""
    return create_model(name)


@cache
def table(name: str) -> pd.DataFrame:
    """Return the summary of a model of the zoo."""
    return summary(model(name))


def rows(shape: tuple[int, ...], *chain: keras.Layer, batch: int = 1) -> pd.DataFrame:
    """Return the summary of a chain of layers on samples of a shape."""
    return summary(_model_of(shape, chain), batch_size=batch)


def row(shape: tuple[int, ...], *chain: keras.Layer, batch: int = 1) -> pd.Series:
    """Return the last row of `rows`."""
    return rows(shape, *chain, batch=batch).iloc[-1]


def conv(size: int, kernel: Any, inputs: int = 1, filters: int = 1, **options: Any) -> pd.Series:
    """Return the row of a Conv2D on `size` x `size` x `inputs`, by default without bias.

    The option `padding` may also be a number of pixels at every side.
    """
    options = {"use_bias": False, **options}
    before = []
    if isinstance(options.get("padding"), int):
        before = [layers.ZeroPadding2D(options.pop("padding"))]
    return row((size, size, inputs), *before, layers.Conv2D(filters, kernel, **options))


def output_size(size: int, kernel: int, padding: int = 0, stride: int = 1) -> int:
    """Return the height of a convolution's output."""
    return conv(size, kernel, padding=padding, strides=stride).output_shape[0]


def depthwise(size: int, kernel: int, channels: int, use_bias: bool = False) -> pd.Series:
    """Return the row of a depthwise convolution on square feature maps."""
    return row((size, size, channels), layers.DepthwiseConv2D(kernel, use_bias=use_bias))


def dense(inputs: int, outputs: int, use_bias: bool = False, batch: int = 1) -> pd.Series:
    """Return the row of a dense layer."""
    return row((inputs,), layers.Dense(outputs, use_bias=use_bias), batch=batch)


def box(size: int, *chain: keras.Layer, place: tuple[int, int]) -> Box:
    """Return the part of a square input that one output of a chain of layers depends on."""
    result = receptive_field(_model_of((size, size, 1), chain), chain[-1].name, place)
    assert isinstance(result, Box)
    return result


def kernel_shape(layer: keras.Layer, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of a layer's kernel for samples of a shape."""
    layer.build((None, *shape))
    return tuple(layer.kernel.shape)


def field_of(chain: Sequence[Window]) -> int:
    """Return the receptive field of convolution layers with these windows."""
    convs = [layers.Conv2D(1, w.kernel, w.stride, dilation_rate=w.dilation) for w in chain]
    return row((60, 60, 1), *convs).receptive_field


def named(name: str, *starts: str) -> list[keras.Layer]:
    """Return the layers of a model whose names begin with one of `starts`."""
    return [layer for layer in model(name).layers if layer.name.startswith(starts)]


def settings(name: str, start: str, attribute: str) -> set[Any]:
    """Return what an attribute is in the layers of a model whose names begin with `start`."""
    return {getattr(layer, attribute) for layer in named(name, start)}


def kernel_sizes(name: str) -> set[int]:
    """Return the heights of the kernels of a model's convolutions."""
    chosen = (layer for layer in model(name).layers if isinstance(layer, layers.Conv2D))
    return {layer.kernel_size[0] for layer in chosen}


def dense_fraction(column: str) -> float:
    """Return the fraction of a column's sum that VGG-16's dense layers have."""
    counts = table("vgg16")[column]
    return counts[DENSE].sum() / counts.sum()


def mostly_dense() -> tuple[bool, bool]:
    """Return whether VGG-16 has most weights in dense layers, and most MACs in convolutions."""
    return dense_fraction("weight_params") > 0.5, dense_fraction("macs") < 0.5


def residual_convolutions(block: Callable[..., Any], width: int) -> pd.DataFrame:
    """Return the rows of the convolutions of a residual block on 14x14x256."""
    inputs = keras.Input((14, 14, 256))
    with shapes_only():
        unit = keras.Model(inputs, block(inputs, width, "unit"))
    rows = summary(unit)
    return rows[rows["type"] == "Conv2D"]


def _model_of(shape: tuple[int, ...], chain: Sequence[keras.Layer]) -> keras.Model:
    """Return a model of layers, each on the output of the one before."""
    x = inputs = keras.Input(shape)
    with shapes_only():
        for layer in chain:
            x = layer(x)
    return keras.Model(inputs, x)
