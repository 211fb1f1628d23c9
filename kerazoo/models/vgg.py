"""The VGG networks, all six columns of their paper's table.

Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
Recognition" (2014), https://arxiv.org/abs/1409.1556, table 1; layer names, and the dense layers as
convolutions, from the study notes, `slim-vgg`, lines 43-107. Departure: kernels start
Glorot-uniform, as in tf-slim, where the paper starts deep networks from a trained shallower one.
"""

from __future__ import annotations

from collections.abc import Sequence

from kerazoo.errors import UsageError
from kerazoo.lazy import keras
from kerazoo.models import _builder
from kerazoo.recipe import COMMON_DEPARTURES, PaperRecipe, Recipe
from kerazoo.registry import Constructor, ModelInfo, Weights
from kerazoo.values import check_choice, check_integer
from kerazoo.weights.networks import VGG_NAMES

Kernels = Sequence[Sequence[int]]
Namer = _builder.Namer

FILTERS = (64, 128, 256, 512, 512)
FC_WIDTH = 4096


def _vgg(
    info: ModelInfo, kernels: Kernels, normalized: bool = False, alias: str | None = None
) -> Constructor:
    """Return the constructor of a column of the table."""

    @_builder.constructor(info, alias)
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
        head: str = "dense" if alias else "conv",
        fc_padding: str = "valid",
        global_pool: bool = False,
        dropout_rate: float = 0.0 if alias else 0.5,
        layer_names: str = "keras" if alias else "kerazoo",
        alpha: float = 1.0,
    ) -> keras.Model:
        """Build a VGG network, https://arxiv.org/abs/1409.1556.

        The convolutional head takes images of at least 224x224, also of unknown size; the dense
        head, and the network without a top, at least 32x32. With classes=0 the network ends with
        fc7. The other arguments and the errors are those of `kerazoo.create_model`.

        Args:
            head: "conv" for the study notes' fc6 of 7x7 and fc7 and fc8 of 1x1, or "dense".
            fc_padding: Padding of the convolutional fc6; with "same" it takes at least 32x32.
            global_pool: Whether the convolutional head takes the mean of fc7 over all positions.
            dropout_rate: Fraction of the elements of fc6 and fc7 that are dropped in training.
            layer_names: "kerazoo" for those of the study notes, or "keras" (keras.applications).
            alpha: Width multiplier of every layer except the last, as in MobileNet.

        Returns:
            A model from images [batch, height, width, 3] to [batch, classes]; for larger images
            with the convolutional head to [batch, height/32 - 6, width/32 - 6, classes].
        """
        _check_head(head, fc_padding, global_pool)
        conv = include_top and head == "conv"
        minimum = 224 if conv and fc_padding == "valid" else 32
        inputs = _builder.image_input(info, include_top, input_tensor, input_shape, minimum, conv)
        named = _builder.layer_namer(layer_names, VGG_NAMES)
        x = _features(inputs, kernels, alpha, normalized, named)
        if not include_top:
            return _builder.functional(inputs, _builder.pooled(x, pooling), name)
        width = _builder.scaled(FC_WIDTH, alpha)
        x = _dense_layers(x, conv, width, fc_padding, dropout_rate, named)
        if global_pool:
            x = keras.layers.GlobalAveragePooling2D(keepdims=True, name="global_pool")(x)
        check_integer("classes", classes, 0)
        if classes:
            x = _dropout(x, dropout_rate, "dropout7")
            x = _classifier(x, conv, classes, classifier_activation, named("fc8"))
        return _builder.functional(inputs, x, name)

    return build


def _check_head(head: str, fc_padding: str, global_pool: bool) -> None:
    check_choice("head", head, ("conv", "dense"))
    check_choice("fc_padding", fc_padding, ("valid", "same"))
    check_choice("global_pool", global_pool, (False, True))
    if head == "dense" and (fc_padding == "same" or global_pool):
        raise UsageError("fc_padding='same' and global_pool=True need head='conv'")


def _features(
    x: keras.KerasTensor, kernels: Kernels, alpha: float, normalized: bool, named: Namer
) -> keras.KerasTensor:
    from kerazoo.layers import LocalResponseNormalization

    for block, (sides, filters) in enumerate(zip(kernels, FILTERS, strict=True), start=1):
        width = _builder.scaled(filters, alpha)
        for number, side in enumerate(sides, start=1):
            name = named(f"conv{block}_{number}")
            x = keras.layers.Conv2D(width, side, padding="same", activation="relu", name=name)(x)
        if normalized and block == 1:
            x = LocalResponseNormalization(name="lrn1")(x)
        x = keras.layers.MaxPooling2D(2, strides=2, name=named(f"pool{block}"))(x)
    return x


def _dense_layers(
    x: keras.KerasTensor, conv: bool, width: int, padding: str, dropout_rate: float, named: Namer
) -> keras.KerasTensor:
    """Return fc7, [batch, height, width, channels] of the convolutional head, else [batch, n]."""
    from kerazoo.layers import MatmulConv2D

    layers = keras.layers
    if conv:
        fc6 = MatmulConv2D(width, 7, padding=padding, activation="relu", name=named("fc6"))
        fc7 = MatmulConv2D(width, 1, activation="relu", name=named("fc7"))
    else:
        x = layers.Flatten(name=named("pool5_flat"))(x)
        fc6 = layers.Dense(width, activation="relu", name=named("fc6"))
        fc7 = layers.Dense(width, activation="relu", name=named("fc7"))
    return fc7(_dropout(fc6(x), dropout_rate, "dropout6"))


def _classifier(
    x: keras.KerasTensor, conv: bool, classes: int, activation: _builder.Activation, name: str
) -> keras.KerasTensor:
    """Return the scores of each position, [batch, classes] where there is only one."""
    from kerazoo.layers import MatmulConv2D

    if not conv:
        return _builder.classifier(x, classes, activation, name)
    x = MatmulConv2D(classes, 1, dtype=_builder.variable_dtype(), name=name)(x)
    if (x.shape[2:] if _builder.channels_first() else x.shape[1:3]) == (1, 1):
        x = keras.layers.Flatten(name="fc8_squeezed")(x)
    return _builder.activated(x, activation, "predictions" if name == "fc8" else "probabilities")


def _dropout(x: keras.KerasTensor, rate: float, name: str) -> keras.KerasTensor:
    return keras.layers.Dropout(rate, name=name)(x) if rate else x


# By default: Adam at the study notes' 0.001 leaves these networks at chance.
RECIPE = Recipe(batch_size=32, learning_rate=1e-4)
PAPER_RECIPE = PaperRecipe(
    Recipe(
        epochs=74,
        batch_size=256,
        optimizer="sgd",
        learning_rate=0.01,
        schedule="plateau",
        drops=3,
        momentum=0.9,
        weight_decay=5e-4,
        flip=True,
        crop_area=((224 / 512) ** 2, (224 / 256) ** 2),
        color_noise=0.1,
    ),
    sources={
        "epochs": "section 3.1: 370K iterations, 74 epochs",
        "batch_size": "section 3.1",
        "optimizer": "section 3.1",
        "learning_rate": "section 3.1",
        "schedule": "section 3.1: divided by 10 when the validation accuracy stopped improving",
        "drops": "section 3.1: three times in total",
        "momentum": "section 3.1",
        "weight_decay": "section 3.1: the factor of the L2 penalty",
        "flip": "section 3.1",
        "crop_area": "section 3.1: 224x224 of an image of 256 to 512 pixels at its shorter side",
        "color_noise": "section 3.1: the color shift of AlexNet's paper",
    },
    departures=(
        *COMMON_DEPARTURES,
        "kernels start Glorot-uniform, where the paper starts from a shallower trained network",
    ),
)


def _info(name: str, column: str, params: int, macs: int) -> ModelInfo:
    paper = f"Simonyan & Zisserman 2014, table 1, column {column}"
    url = "https://arxiv.org/abs/1409.1556"
    size = (224, 224, 3)
    return ModelInfo(
        name,
        paper,
        url,
        2014,
        size,
        params,
        macs,
        preprocessing="slim_vgg",
        recipe=RECIPE,
        paper_recipe=PAPER_RECIPE,
    )


# The sides of the kernels of each block.
A: Kernels = ([3], [3], [3, 3], [3, 3], [3, 3])
B: Kernels = ([3, 3], [3, 3], [3, 3], [3, 3], [3, 3])
C: Kernels = ([3, 3], [3, 3], [3, 3, 1], [3, 3, 1], [3, 3, 1])
D: Kernels = ([3, 3], [3, 3], [3, 3, 3], [3, 3, 3], [3, 3, 3])
E: Kernels = ([3, 3], [3, 3], [3, 3, 3, 3], [3, 3, 3, 3], [3, 3, 3, 3])

vgg11 = _vgg(_info("vgg11", "A", 132_863_336, 7_609_090_048), A)
vgg11_lrn = _vgg(_info("vgg11_lrn", "A-LRN", 132_863_336, 7_609_090_048), A, normalized=True)
vgg13 = _vgg(_info("vgg13", "B", 133_047_848, 11_308_466_176), B)
vgg16c = _vgg(_info("vgg16c", "C", 133_638_952, 11_770_888_192), C)
VGG16_INFO = _info("vgg16", "D", 138_357_544, 15_470_264_320)
VGG19_INFO = _info("vgg19", "E", 143_667_240, 19_632_062_464)
vgg16, vgg19 = _vgg(VGG16_INFO, D), _vgg(VGG19_INFO, E)
VGG16, VGG19 = _vgg(VGG16_INFO, D, alias="VGG16"), _vgg(VGG19_INFO, E, alias="VGG19")
