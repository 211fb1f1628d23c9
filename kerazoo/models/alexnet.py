"""AlexNet, and networks like it: five convolutions and three dense layers.

Source: Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural
Networks" (2012), https://doi.org/10.1145/3065386, section 3 and figure 2; initial values, section
5. Two groups stand for the paper's two GPUs. Departure: the input is 227x227, which gives the
paper's feature maps of 55x55, where its text says 224x224.

`alexnet_v2` is the narrower network for one GPU of Krizhevsky, "One weird trick for parallelizing
convolutional neural networks" (2014), https://arxiv.org/abs/1404.5997, as in tf-slim
(nets/alexnet.py): no groups and no local response normalization. Departure: its fc6, fc7 and fc8
are dense layers, tf-slim's are convolutions with the same weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kerazoo.lazy import keras
from kerazoo.models import _builder
from kerazoo.registry import Constructor, ModelInfo
from kerazoo.weights import Weights

FC_WIDTH = 4096


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


class AlexNetConfig(NamedTuple):
    """What else differs between these networks.

    Attributes:
        minimum: Smallest height and width of an image.
        kernel: Standard deviation of the convolutions' normal initial values; None for Glorot's.
        dense: The same for fc6 and fc7.
        bias: Initial value of the biases of fc6 and fc7.
        bins: Pyramid between feature maps of any size and fc6; None where they are flattened.
    """

    minimum: int
    kernel: float | None
    dense: float
    bias: float
    bins: tuple[int, ...] | None = None


def alexnet_variant(
    info: ModelInfo, convolutions: Sequence[Convolution], config: AlexNetConfig
) -> Constructor:
    """Return the constructor of a network of five convolutions and three dense layers."""

    @_builder.constructor(info)
    def build(
        include_top: bool = True,
        weights: Weights = None,
        input_tensor: keras.KerasTensor | None = None,
        input_shape: _builder.Shape | None = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: _builder.Activation = "softmax",
        name: str = info.name,
        *,
        dropout_rate: float = 0.5,
        alpha: float = 1.0,
    ) -> keras.Model:
        """Build AlexNet, or a network like it.

        Images have at least 67x67 pixels, those of ZFNet 53x53, those of SPP-net 21x21. Initial
        values are the paper's.

        Args:
            dropout_rate: Fraction of the elements of fc6 and fc7 that are dropped in training.
            alpha: Width multiplier of every layer but the last, as in MobileNet; widths stay even
                for the groups of two. See `kerazoo.create_model` for the other arguments and
                errors.

        Returns:
            A model from images [batch, height, width, 3] to [batch, classes].
        """
        any_size = config.bins is not None
        inputs = x = _builder.image_input(
            info, include_top, input_tensor, input_shape, minimum=config.minimum, any_size=any_size
        )
        for number, convolution in enumerate(convolutions, start=1):
            filters = _builder.scaled(convolution.filters, alpha, divisor=2)
            x = _convolution(x, number, convolution._replace(filters=filters), config)
        if not include_top:
            return _builder.functional(inputs, _builder.pooled(x, pooling), name)
        x = _head(x, _builder.scaled(FC_WIDTH, alpha, divisor=2), config, dropout_rate)
        x = _builder.classifier(x, classes, classifier_activation, "fc8")
        return _builder.functional(inputs, x, name)

    return build


def _convolution(
    x: keras.KerasTensor, number: int, settings: Convolution, config: AlexNetConfig
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
        kernel_initializer=_normal(config.kernel),
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


def _head(
    x: keras.KerasTensor, width: int, config: AlexNetConfig, dropout_rate: float
) -> keras.KerasTensor:
    from kerazoo.layers import SpatialPyramidPooling

    if config.bins is None:
        x = keras.layers.Flatten(name="pool5_flat")(x)
    else:
        x = SpatialPyramidPooling(config.bins, name="spatial_pyramid")(x)
    for number in (6, 7):
        x = keras.layers.Dense(
            width,
            activation="relu",
            kernel_initializer=_normal(config.dense),
            bias_initializer=keras.initializers.Constant(config.bias),
            name=f"fc{number}",
        )(x)
        x = keras.layers.Dropout(dropout_rate, name=f"dropout{number}")(x)
    return x


def _normal(deviation: float | None) -> keras.initializers.Initializer | str:
    """Return an initializer of its own for each layer, or two would have equal values."""
    if deviation is None:
        return "glorot_uniform"
    return keras.initializers.RandomNormal(stddev=deviation)


alexnet = alexnet_variant(
    ModelInfo(
        "alexnet",
        paper="Krizhevsky et al. 2012, figure 2",
        url="https://doi.org/10.1145/3065386",
        year=2012,
        input_shape=(227, 227, 3),
        params=60_965_224,
        macs=724_406_816,
    ),
    (
        Convolution(96, 11, 4, "valid", then=("lrn", "pool")),
        Convolution(256, 5, groups=2, bias=1, then=("lrn", "pool")),
        Convolution(384, 3),
        Convolution(384, 3, groups=2, bias=1),
        Convolution(256, 3, groups=2, bias=1, then=("pool",)),
    ),
    AlexNetConfig(minimum=67, kernel=0.01, dense=0.01, bias=1),
)

alexnet_v2 = alexnet_variant(
    ModelInfo(
        "alexnet_v2",
        paper="Krizhevsky 2014, 'One weird trick', as in tf-slim",
        url="https://arxiv.org/abs/1404.5997",
        year=2014,
        input_shape=(224, 224, 3),
        params=50_303_912,
        macs=736_555_776,
    ),
    (
        Convolution(64, 11, 4, "valid", bias=0.1, then=("pool",)),
        Convolution(192, 5, bias=0.1, then=("pool",)),
        Convolution(384, 3, bias=0.1),
        Convolution(384, 3, bias=0.1),
        Convolution(256, 3, bias=0.1, then=("pool",)),
    ),
    AlexNetConfig(minimum=67, kernel=None, dense=0.005, bias=0.1),
)
