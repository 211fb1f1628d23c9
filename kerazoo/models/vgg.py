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

WIDTHS = (64, 128, 256, 512, 512)
FC_WIDTH = 4096
ARGUMENTS = """

    The conv head takes images of 224x224 and more, also of unknown sizes; all else takes 32x32 and
    more. With classes=0 the network ends at fc7.

    Args:
        asked: The arguments that all constructors share.
        head: "conv" for the documents' fc6 of 7x7, fc7 and fc8 of 1x1, or "dense".
        fc_padding: Padding of the conv head's fc6; "same" takes 32x32 and more.
        global_pool: Whether the conv head takes the mean of fc7's map, for one score a class.
        dropout_rate: Share of the values of fc6 and fc7 that training sets to zero.
        alpha: Width multiplier of every layer but the last, as in MobileNet.

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

    def build(
        asked: common.Asked,
        head: str = "conv",
        fc_padding: str = "valid",
        global_pool: bool = False,
        dropout_rate: float = 0.5,
        alpha: float = 1.0,
    ) -> keras.Model:
        common.check_choice("head", head, ("conv", "dense"))
        common.check_choice("fc_padding", fc_padding, ("valid", "same"))
        common.check_classes(asked.classes, least=0)
        if head == "dense" and (fc_padding == "same" or global_pool):
            raise UsageError("fc_padding='same' and global_pool=True are for head='conv'")
        conv = asked.include_top and head == "conv"
        inputs = asked.inputs(224 if conv and fc_padding == "valid" else 32, any_size=conv)
        x = _features(inputs, blocks.split(), [common.scaled(width, alpha) for width in WIDTHS])
        if not asked.include_top:
            return asked.model(inputs, asked.pooled(x))
        width = common.scaled(FC_WIDTH, alpha)
        x = _head(x, conv, width, fc_padding, global_pool, dropout_rate, asked.classes)
        if asked.classes:
            x = common.activation(x, asked.classifier_activation, name="predictions")
        return asked.model(inputs, x)

    build.__doc__ = f"Build column {column} of the paper's table; {params:,} parameters.{ARGUMENTS}"
    register = common.constructor(
        variant,
        source=f"Simonyan & Zisserman, table 1, column {column}",
        year=2014,
        input_shape=(224, 224, 3),
        params=params,
        macs=macs,
    )
    return register(build)


def _features(x: keras.KerasTensor, blocks: list[str], widths: list[int]) -> keras.KerasTensor:
    from kerazoo.layers import LocalResponseNormalization

    layers = keras.layers
    for block, (kinds, width) in enumerate(zip(blocks, widths, strict=True), start=1):
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
    width: int,
    fc_padding: str,
    global_pool: bool,
    dropout_rate: float,
    classes: int,
) -> keras.KerasTensor:
    layers, dtype = keras.layers, common.variable_dtype()
    if conv:
        fc6 = layers.Conv2D(width, 7, padding=fc_padding, activation="relu", name="fc6")
        fc7 = layers.Conv2D(width, 1, activation="relu", name="fc7")
    else:
        x = layers.Flatten(name="pool5_flat")(x)
        fc6, fc7 = (layers.Dense(width, activation="relu", name=name) for name in ("fc6", "fc7"))
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
