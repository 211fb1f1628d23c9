"""The VGG networks, all six columns of their paper's table.

Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
Recognition" (2014), table 1; layer names, and the dense layers as convolutions, from study document
004_3c2fc93a057b1e8c, lines 43-107. Departures from the paper: kernels begin Glorot-uniform, as
slim's do, where the paper begins the deeper nets from a trained shallower one.
"""

from __future__ import annotations

from collections.abc import Callable

from kerazoo.errors import UsageError
from kerazoo.lazy import keras
from kerazoo.models import common
from kerazoo.registry import register
from kerazoo.weights import Weights

INPUT_SHAPE = (224, 224, 3)
WIDTHS = (64, 128, 256, 512, 512)
ARGUMENTS = """

    Args:
        include_top: Whether fc6, fc7 and fc8 follow the fifth pool.
        weights: None for Glorot-uniform kernels and zero biases, "imagenet", a file or a model; see
            `kerazoo.weights.load_weights`.
        input_tensor: A tensor to start from instead of a new input.
        input_shape: Shape of one image in Keras's image data format, 224x224x3 by default. The
            conv head takes 224x224 and more, also unknown sizes; all else takes 32x32 and more.
        pooling: Without a top: None for the map of pool5, "avg" or "max" for its mean or maximum.
        classes: Width of fc8; 0 ends at fc7.
        classifier_activation: Activation after fc8; None gives the logits.
        name: Name of the model.
        head: "conv" for the documents' fc6 of 7x7, fc7 and fc8 of 1x1, or "dense".
        fc_padding: Padding of the conv head's fc6; "same" takes 32x32 and more.
        global_pool: Whether the conv head takes the mean of fc7's map, for one score a class.
        dropout_rate: Share of the values of fc6 and fc7 that training sets to zero.

    Returns:
        A model from images [batch, height, width, 3] to [batch, classes]; with the conv head on
        more than 224x224 to a map of scores, [batch, height/32 - 6, width/32 - 6, classes].

    Raises:
        UsageError: An argument does not fit the net.
        DataMissingError: The weights cannot be downloaded.
        CorruptFileError: The file of the weights is damaged or does not fit the net.
    """


def _variant(
    variant: str, column: str, blocks: str, params: int, macs: int
) -> Callable[..., keras.Model]:
    """Return the registered constructor of a column of the table.

    In `blocks` each digit is a convolution with a kernel of that size, and n stands for local
    response normalisation.
    """
    source = f"Simonyan & Zisserman, table 1, column {column}"

    @register(variant, source=source, year=2014, input_shape=INPUT_SHAPE, params=params, macs=macs)
    def build(
        include_top: bool = True,
        weights: Weights = None,
        input_tensor: keras.KerasTensor | None = None,
        input_shape: common.Shape | None = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: common.Activation = "softmax",
        name: str = variant,
        head: str = "conv",
        fc_padding: str = "valid",
        global_pool: bool = False,
        dropout_rate: float = 0.5,
    ) -> keras.Model:
        common.check_choice("head", head, ("conv", "dense"))
        common.check_choice("fc_padding", fc_padding, ("valid", "same"))
        common.check_classes(classes, least=0)
        if head == "dense" and (fc_padding == "same" or global_pool):
            raise UsageError("fc_padding='same' and global_pool=True are for head='conv'")
        conv = include_top and head == "conv"
        least = 224 if conv and fc_padding == "valid" else 32
        inputs = common.image_input(
            INPUT_SHAPE, least, include_top, input_shape, input_tensor, conv
        )
        x = _features(inputs, blocks.split())
        if not include_top:
            x = common.global_pool(x, pooling)
        else:
            x = _head(x, conv, fc_padding, global_pool, dropout_rate, classes)
        if include_top and classes:
            x = common.activation(x, classifier_activation, name="predictions")
        return common.build_model(inputs, x, name, weights)

    build.__name__ = build.__qualname__ = variant
    build.__doc__ = f"Build column {column} of the paper's table; {params:,} parameters.{ARGUMENTS}"
    return build


def _features(x: keras.KerasTensor, blocks: list[str]) -> keras.KerasTensor:
    from kerazoo.layers import LocalResponseNormalization

    layers = keras.layers
    for block, (kinds, width) in enumerate(zip(blocks, WIDTHS, strict=True), start=1):
        for place, kind in enumerate(kinds, start=1):
            if kind == "n":
                x = LocalResponseNormalization(name=f"lrn{block}")(x)
                continue
            name = f"conv{block}_{place}"
            x = layers.Conv2D(width, int(kind), padding="same", activation="relu", name=name)(x)
        x = layers.MaxPooling2D(2, strides=2, name=f"pool{block}")(x)
    return x


def _head(
    x: keras.KerasTensor,
    conv: bool,
    fc_padding: str,
    global_pool: bool,
    dropout_rate: float,
    classes: int,
) -> keras.KerasTensor:
    layers, dtype = keras.layers, common.variable_dtype()
    if conv:
        fc6 = layers.Conv2D(4096, 7, padding=fc_padding, activation="relu", name="fc6")
        fc7 = layers.Conv2D(4096, 1, activation="relu", name="fc7")
    else:
        x = layers.Flatten(name="pool5_flat")(x)
        fc6, fc7 = (layers.Dense(4096, activation="relu", name=name) for name in ("fc6", "fc7"))
    x = layers.Dropout(dropout_rate, name="dropout6")(fc6(x))
    x = fc7(x)
    if global_pool:
        x = layers.GlobalAveragePooling2D(keepdims=True, name="global_pool")(x)
    if not classes:
        return x
    x = layers.Dropout(dropout_rate, name="dropout7")(x)
    if not conv:
        return layers.Dense(classes, dtype=dtype, name="fc8")(x)
    x = layers.Conv2D(classes, 1, dtype=dtype, name="fc8")(x)
    return layers.Flatten(name="fc8_squeezed")(x) if common.size(x) == (1, 1) else x


vgg11 = _variant("vgg11", "A", "3 3 33 33 33", 132_863_336, 7_609_090_048)
vgg11_lrn = _variant("vgg11_lrn", "A-LRN", "3n 3 33 33 33", 132_863_336, 7_609_090_048)
vgg13 = _variant("vgg13", "B", "33 33 33 33 33", 133_047_848, 11_308_466_176)
vgg16c = _variant("vgg16c", "C", "33 33 331 331 331", 133_638_952, 11_770_888_192)
vgg16 = _variant("vgg16", "D", "33 33 333 333 333", 138_357_544, 15_470_264_320)
vgg19 = _variant("vgg19", "E", "33 33 3333 3333 3333", 143_667_240, 19_632_062_464)
