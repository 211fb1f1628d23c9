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

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from kerazoo.lazy import keras
from kerazoo.models import _builder
from kerazoo.recipe import COMMON_DEPARTURES, PaperRecipe, Recipe
from kerazoo.registry import Constructor, ModelInfo, Weights
from kerazoo.values import check_positive

FC_WIDTH = 4096


class Convolution(NamedTuple):
    """A convolution and the layers after it; the first five are arguments of Conv2D."""

    filters: int
    kernel_size: int
    strides: int = 1
    padding: str | int = "same"  # or the number of zeros on every side
    groups: int = 1
    bias: float = 0  # initial value
    then: tuple[str, ...] = ()  # "lrn", "pool", "pool_same"; pools have 3x3 windows and strides 2


class AlexNetConfig(NamedTuple):
    """Other differences between these networks."""

    minimum: int  # height and width of an image
    kernel: float | None  # standard deviation of the convolutions' initial values; None for Glorot
    dense: float  # the same of fc6 and fc7
    bias: float  # initial value of the biases of fc6 and fc7
    bins: tuple[int, ...] | None = None  # pyramid before fc6; None for a Flatten

    def scaled(self, alpha: float) -> AlexNetConfig:
        """Return the settings for a width multiplier: sums of fewer terms need larger weights."""
        check_positive("alpha", alpha)
        if alpha == 1:
            return self
        kernel = self.kernel and self.kernel / math.sqrt(alpha)
        return self._replace(kernel=kernel, dense=self.dense / math.sqrt(alpha))


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
        values are the paper's. The other arguments and the errors are those of
        `kerazoo.create_model`.

        Args:
            dropout_rate: Fraction of the elements of fc6 and fc7 that are dropped in training.
            alpha: Width multiplier of every layer except the last, as in MobileNet; widths stay
                even for the groups of two.

        Returns:
            A model from images [batch, height, width, 3] to [batch, classes].
        """
        any_size = config.bins is not None
        scaled = config.scaled(alpha)
        inputs = x = _builder.image_input(
            info, include_top, input_tensor, input_shape, config.minimum, any_size
        )
        for number, convolution in enumerate(convolutions, start=1):
            filters = _builder.scaled(convolution.filters, alpha, divisor=2)
            x = _convolution(x, number, convolution._replace(filters=filters), scaled.kernel)
        if not include_top:
            return _builder.functional(inputs, _builder.pooled(x, pooling), name)
        x = _head(x, _builder.scaled(FC_WIDTH, alpha, divisor=2), scaled, dropout_rate)
        x = _builder.classifier(x, classes, classifier_activation, "fc8")
        return _builder.functional(inputs, x, name)

    return build


def _convolution(
    x: keras.KerasTensor, number: int, convolution: Convolution, deviation: float | None
) -> keras.KerasTensor:
    from kerazoo.layers import LocalResponseNormalization

    *window, padding, groups, bias, then = convolution
    if isinstance(padding, int):
        x = keras.layers.ZeroPadding2D(padding, name=f"conv{number}_pad")(x)
        padding = "valid"
    options = _relu(f"conv{number}", deviation, bias)
    x = keras.layers.Conv2D(*window, padding, groups=groups, **options)(x)
    for kind in then:
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
        x = keras.layers.Dense(width, **_relu(f"fc{number}", config.dense, config.bias))(x)
        x = keras.layers.Dropout(dropout_rate, name=f"dropout{number}")(x)
    return x


def _relu(name: str, deviation: float | None, bias: float) -> dict[str, Any]:
    """Return the arguments that convolutions and dense layers share.

    Each layer gets an initializer of its own, since one would give all layers the same values.
    """
    normal = keras.initializers.RandomNormal(stddev=deviation) if deviation else "glorot_uniform"
    return {
        "activation": "relu",
        "kernel_initializer": normal,
        "bias_initializer": keras.initializers.Constant(bias),
        "name": name,
    }


RECIPE = Recipe(batch_size=32, learning_rate=3e-4)  # by default
PAPER_RECIPE = PaperRecipe(
    Recipe(
        epochs=90,
        batch_size=128,
        optimizer="sgd",
        learning_rate=0.01,
        schedule="plateau",
        drops=3,
        momentum=0.9,
        weight_decay=5e-4,
        flip=True,
        crop_area=((224 / 256) ** 2,) * 2,
        color_noise=0.1,
    ),
    sources={
        "epochs": "section 5: roughly 90 cycles",
        "batch_size": "section 5",
        "optimizer": "section 5",
        "learning_rate": "section 5",
        "schedule": "section 5: divided by 10 when the validation error stopped improving",
        "drops": "section 5: three times",
        "momentum": "section 5",
        "weight_decay": "section 5",
        "flip": "section 4.1",
        "crop_area": "section 4.1: 224x224 of 256x256",
        "color_noise": "section 4.1",
    },
    departures=COMMON_DEPARTURES,
)
FALL = 250 ** (-1 / 3)
TRICK_RECIPE = PaperRecipe(
    PAPER_RECIPE.recipe.changed(
        schedule="step",
        milestones=((0.25, FALL), (0.5, FALL**2), (0.75, FALL**3)),
    ),
    sources={
        **PAPER_RECIPE.sources,
        "milestones": "'One weird trick', section 5: times 250^(-1/3) at 25%, 50% and 75%",
    },
    departures=(*COMMON_DEPARTURES, "what this paper does not say is as in AlexNet's"),
)

alexnet = alexnet_variant(
    ModelInfo(
        "alexnet",
        paper="Krizhevsky et al. 2012, figure 2",
        url="https://doi.org/10.1145/3065386",
        year=2012,
        input_shape=(227, 227, 3),
        params=60_965_224,
        macs=724_406_816,
        preprocessing="slim_vgg",
        recipe=RECIPE,
        paper_recipe=PAPER_RECIPE,
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
        preprocessing="slim_vgg",
        recipe=RECIPE,
        paper_recipe=TRICK_RECIPE,
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
