"""AlexNet, and what is built like it: five convolutions and three dense layers.

Source: Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural
Networks" (2012), section 3 and figure 2; initial values, section 5. Two groups stand where the
paper has two GPUs. Departure: the input is 227x227, which gives the paper's 55x55 maps, where its
text says 224x224.

`alexnet_v2` is the narrower net of one GPU of Krizhevsky, "One weird trick for parallelizing
convolutional neural networks" (2014), as tf-slim builds it (nets/alexnet.py): no groups and no
local response normalisation. Departure: its fc6, fc7 and fc8 are dense layers, slim's are
convolutions with the same weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from kerazoo.lazy import keras
from kerazoo.models import common

FC_WIDTH = 4096
ARGUMENTS = """

    Images have {least}x{least} pixels at least. Initial values are the source's.

    Args:
        asked: The arguments that all constructors share.
        dropout_rate: Share of the values of fc6 and fc7 that training sets to zero.
        alpha: Width multiplier of every layer but the last, as in MobileNet; widths stay even, so
            that groups of two can divide them.

    Returns:
        A model from images [batch, height, width, 3] to [batch, classes].

    Raises:
        UsageError: An argument does not fit the net.
        CorruptFileError: The file of the weights is damaged or does not fit the net.
    """


class Convolution(NamedTuple):
    """A convolution and what follows it.

    Attributes:
        filters: Number of kernels.
        kernel: Their side.
        stride: From window to window.
        padding: "same", "valid", or the number of zeros at every side.
        groups: Of channels, with kernels of their own.
        bias: Initial value of the biases.
        then: "lrn", "pool" and "pool_same" in their order; a pool has windows of 3x3, 2 apart.
    """

    filters: int
    kernel: int
    stride: int = 1
    padding: str | int = "same"
    groups: int = 1
    bias: float = 0
    then: tuple[str, ...] = ()


class Style(NamedTuple):
    """What else tells one of the nets from another.

    Attributes:
        least: Smallest height and width of an image.
        kernel: Standard deviation of the convolutions' normal initial values; None for Glorot's.
        dense: The same for fc6 and fc7.
        bias: Initial value of the biases of fc6 and fc7.
        bins: Pyramid that takes maps of any size to fc6; None where they are flattened.
    """

    least: int
    kernel: float | None
    dense: float
    bias: float
    bins: tuple[int, ...] | None = None


def like_alexnet(
    variant: str,
    text: str,
    convolutions: Sequence[Convolution],
    style: Style,
    *,
    source: str,
    year: int,
    size: int,
    params: int,
    macs: int,
) -> Callable[..., keras.Model]:
    """Return the registered constructor of a net for images of size x size.

    `text` begins its docstring; the rest are the facts of `kerazoo.registry.Entry`.
    """

    def build(asked: common.Asked, dropout_rate: float = 0.5, alpha: float = 1.0) -> keras.Model:
        x = inputs = asked.inputs(style.least, any_size=style.bins is not None)
        for number, convolution in enumerate(convolutions, start=1):
            filters = common.scaled(convolution.filters, alpha, divisor=2)
            x = _convolution(x, number, convolution._replace(filters=filters), style)
        if not asked.include_top:
            return asked.model(inputs, asked.pooled(x))
        x = _head(x, common.scaled(FC_WIDTH, alpha, divisor=2), style, dropout_rate)
        return asked.model(inputs, asked.classifier(x, "fc8"))

    arguments = ARGUMENTS.format(least=style.least)
    build.__doc__ = f"{text}; {params:,} parameters.{arguments}"
    register = common.constructor(
        variant, source=source, year=year, input_shape=(size, size, 3), params=params, macs=macs
    )
    return register(build)


def _convolution(
    x: keras.KerasTensor, number: int, settings: Convolution, style: Style
) -> keras.KerasTensor:
    from kerazoo.layers import LocalResponseNormalization

    padding = settings.padding
    if isinstance(padding, int):
        x = keras.layers.ZeroPadding2D(padding, name=f"conv{number}_pad")(x)
        padding = "valid"
    x = keras.layers.Conv2D(
        settings.filters,
        settings.kernel,
        settings.stride,
        padding,
        groups=settings.groups,
        activation="relu",
        kernel_initializer=_normal(style.kernel),
        bias_initializer=keras.initializers.Constant(settings.bias),
        name=f"conv{number}",
    )(x)
    for kind in settings.then:
        if kind == "lrn":
            x = LocalResponseNormalization(name=f"lrn{number}")(x)
        else:
            padding = "same" if kind == "pool_same" else "valid"
            x = keras.layers.MaxPooling2D(3, 2, padding, name=f"pool{number}")(x)
    return x


def _head(x: keras.KerasTensor, width: int, style: Style, dropout_rate: float) -> keras.KerasTensor:
    from kerazoo.layers import SpatialPyramidPooling

    if style.bins is None:
        x = keras.layers.Flatten(name="pool5_flat")(x)
    else:
        x = SpatialPyramidPooling(style.bins, name="spatial_pyramid")(x)
    for number in (6, 7):
        x = keras.layers.Dense(
            width,
            activation="relu",
            kernel_initializer=_normal(style.dense),
            bias_initializer=keras.initializers.Constant(style.bias),
            name=f"fc{number}",
        )(x)
        x = keras.layers.Dropout(dropout_rate, name=f"dropout{number}")(x)
    return x


def _normal(deviation: float | None) -> keras.initializers.Initializer | str:
    """Return an initializer of its own for each layer, or two would have equal values."""
    if deviation is None:
        return "glorot_uniform"
    return keras.initializers.RandomNormal(stddev=deviation)


alexnet = like_alexnet(
    "alexnet",
    "Build AlexNet, in two groups where the paper has two GPUs",
    (
        Convolution(96, 11, 4, "valid", then=("lrn", "pool")),
        Convolution(256, 5, groups=2, bias=1, then=("lrn", "pool")),
        Convolution(384, 3),
        Convolution(384, 3, groups=2, bias=1),
        Convolution(256, 3, groups=2, bias=1, then=("pool",)),
    ),
    Style(least=67, kernel=0.01, dense=0.01, bias=1),
    source="Krizhevsky et al., figure 2",
    year=2012,
    size=227,
    params=60_965_224,
    macs=724_406_816,
)

alexnet_v2 = like_alexnet(
    "alexnet_v2",
    "Build the narrower AlexNet of one GPU, tf-slim's `alexnet_v2`",
    (
        Convolution(64, 11, 4, "valid", bias=0.1, then=("pool",)),
        Convolution(192, 5, bias=0.1, then=("pool",)),
        Convolution(384, 3, bias=0.1),
        Convolution(384, 3, bias=0.1),
        Convolution(256, 3, bias=0.1, then=("pool",)),
    ),
    Style(least=67, kernel=None, dense=0.005, bias=0.1),
    source="Krizhevsky, 'One weird trick', as in tf-slim",
    year=2014,
    size=224,
    params=50_303_912,
    macs=736_555_776,
)
