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
from kerazoo.registry import Constructor, ModelInfo
from kerazoo.weights import Weights

Kernels = Sequence[Sequence[int]]

FILTERS = (64, 128, 256, 512, 512)
FC_WIDTH = 4096


def _vgg(info: ModelInfo, kernels: Kernels, normalized: bool = False) -> Constructor:
    """Return the constructor of a column of the table."""

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
        head: str = "conv",
        fc_padding: str = "valid",
        global_pool: bool = False,
        dropout_rate: float = 0.5,
        alpha: float = 1.0,
    ) -> keras.Model:
        """Build a VGG network.

        The convolutional head takes images of at least 224x224, also of unknown size; everything
        else takes at least 32x32. With classes=0 the network ends with fc7.

        Args:
            head: "conv" for the study notes' fc6 of 7x7 and fc7 and fc8 of 1x1, or "dense".
            fc_padding: Padding of the convolutional fc6; with "same" it takes at least 32x32.
            global_pool: Whether the convolutional head takes the mean of fc7 over all positions.
            dropout_rate: Fraction of the elements of fc6 and fc7 that are dropped in training.
            alpha: Width multiplier of every layer but the last, as in MobileNet. See
                `kerazoo.create_model` for the other arguments and errors.

        Returns:
            A model from images [batch, height, width, 3] to [batch, classes]; with the
            convolutional head and larger images to scores
            [batch, height/32 - 6, width/32 - 6, classes].
        """
        _check_head(head, fc_padding, global_pool)
        conv = include_top and head == "conv"
        minimum = 224 if conv and fc_padding == "valid" else 32
        inputs = _builder.image_input(
            info, include_top, input_tensor, input_shape, minimum=minimum, any_size=conv
        )
        x = _features(inputs, kernels, alpha, normalized)
        if not include_top:
            return _builder.functional(inputs, _builder.pooled(x, pooling), name)
        x = _head(x, conv, _builder.scaled(FC_WIDTH, alpha), fc_padding, global_pool, dropout_rate)
        x = _classifier(x, conv, classes, classifier_activation, dropout_rate)
        return _builder.functional(inputs, x, name)

    return build


def _check_head(head: str, fc_padding: str, global_pool: bool) -> None:
    _builder.check_choice("head", head, ("conv", "dense"))
    _builder.check_choice("fc_padding", fc_padding, ("valid", "same"))
    if head == "dense" and (fc_padding == "same" or global_pool):
        raise UsageError("fc_padding='same' and global_pool=True need head='conv'")


def _features(
    x: keras.KerasTensor, kernels: Kernels, alpha: float, normalized: bool
) -> keras.KerasTensor:
    from kerazoo.layers import LocalResponseNormalization

    layers = keras.layers
    for block, (sides, filters) in enumerate(zip(kernels, FILTERS, strict=True), start=1):
        width = _builder.scaled(filters, alpha)
        for number, side in enumerate(sides, start=1):
            name = f"conv{block}_{number}"
            x = layers.Conv2D(width, side, padding="same", activation="relu", name=name)(x)
        if normalized and block == 1:
            x = LocalResponseNormalization(name="lrn1")(x)
        x = layers.MaxPooling2D(2, strides=2, name=f"pool{block}")(x)
    return x


def _head(
    x: keras.KerasTensor,
    conv: bool,
    width: int,
    fc_padding: str,
    global_pool: bool,
    dropout_rate: float,
) -> keras.KerasTensor:
    """Return fc7, [batch, height, width, channels] of the convolutional head, else [batch, n]."""
    layers = keras.layers
    if conv:
        fc6 = layers.Conv2D(width, 7, padding=fc_padding, activation="relu", name="fc6")
        fc7 = layers.Conv2D(width, 1, activation="relu", name="fc7")
    else:
        x = layers.Flatten(name="pool5_flat")(x)
        fc6, fc7 = (layers.Dense(width, activation="relu", name=name) for name in ("fc6", "fc7"))
    x = fc7(layers.Dropout(dropout_rate, name="dropout6")(fc6(x)))
    return layers.GlobalAveragePooling2D(keepdims=True, name="global_pool")(x) if global_pool else x


def _classifier(
    x: keras.KerasTensor,
    conv: bool,
    classes: int,
    activation: _builder.Activation,
    dropout_rate: float,
) -> keras.KerasTensor:
    """Return the scores of each position, [batch, classes] where there is only one."""
    _builder.check_classes(classes, minimum=0)
    if not classes:
        return x
    x = keras.layers.Dropout(dropout_rate, name="dropout7")(x)
    if not conv:
        return _builder.classifier(x, classes, activation, "fc8")
    x = keras.layers.Conv2D(classes, 1, dtype=_builder.variable_dtype(), name="fc8")(x)
    if _builder.image_size(x) == (1, 1):
        x = keras.layers.Flatten(name="fc8_squeezed")(x)
    return _builder.activated(x, activation, "predictions")


def _info(name: str, column: str, params: int, macs: int) -> ModelInfo:
    paper = f"Simonyan & Zisserman 2014, table 1, column {column}"
    url = "https://arxiv.org/abs/1409.1556"
    return ModelInfo(name, paper, url, 2014, (224, 224, 3), params, macs)


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
vgg16 = _vgg(_info("vgg16", "D", 138_357_544, 15_470_264_320), D)
vgg19 = _vgg(_info("vgg19", "E", 143_667_240, 19_632_062_464), E)
