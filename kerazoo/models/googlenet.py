"""GoogLeNet, the first Inception network, and what tf-slim has made of it.

Source: Szegedy et al., "Going Deeper with Convolutions" (2014), table 1 and figure 3; the two
auxiliary heads, section 5. Departures: kernels begin Glorot-uniform, and local response
normalisation has AlexNet's settings, since the paper gives neither.

`inception_v1` is tf-slim's net of that name (nets/inception_v1.py): batch normalisation, without a
scale, behind every convolution instead of a bias, 3x3 where the paper has 5x5, a last pool of 2x2,
and no local response normalisation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from kerazoo.errors import UsageError
from kerazoo.lazy import keras
from kerazoo.models import common

# Table 1, columns #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj.
MODULES = {
    "inception_3a": (64, 96, 128, 16, 32, 32),
    "inception_3b": (128, 128, 192, 32, 96, 64),
    "pool3": (),
    "inception_4a": (192, 96, 208, 16, 48, 64),
    "inception_4b": (160, 112, 224, 24, 64, 64),
    "inception_4c": (128, 128, 256, 24, 64, 64),
    "inception_4d": (112, 144, 288, 32, 64, 64),
    "inception_4e": (256, 160, 320, 32, 128, 128),
    "pool4": (),
    "inception_5a": (256, 160, 320, 32, 128, 128),
    "inception_5b": (384, 192, 384, 48, 128, 128),
}
HEADS = {"inception_4a": "auxiliary1", "inception_4d": "auxiliary2"}  # where they stand
ARGUMENTS = """

    Images have 32x32 pixels at least, 65x65 with auxiliary heads; without those, height and width
    may be unknown.

    Args:
        asked: The arguments that all constructors share.
        dropout_rate: Share of the mean's values that training sets to zero.
        auxiliary_heads: Whether to build the two heads that the paper trains with a weight of 0.3
            each and then leaves out.
        alpha: Width multiplier of every layer but the last, as in MobileNet.

    Returns:
        A model from images [batch, height, width, 3] to [batch, classes]; with auxiliary heads to
        a list of three such: of the net, of the head on module 4a, of that on module 4d.

    Raises:
        UsageError: An argument does not fit the net.
        CorruptFileError: The file of the weights is damaged or does not fit the net.
    """


class Style(NamedTuple):
    """What tells the paper's net from tf-slim's.

    Attributes:
        five: Side of the kernels that the paper has as 5x5.
        last_pool: Side of the windows of pool4.
        normalised: Whether batch normalisation stands in place of biases and of local response
            normalisation.
        alpha: Width multiplier of every layer but the last.
    """

    five: int = 5
    last_pool: int = 3
    normalised: bool = False
    alpha: float = 1.0


PAPER, SLIM = Style(), Style(five=3, last_pool=2, normalised=True)


def _variant(
    variant: str, text: str, style: Style, source: str, year: int, params: int, macs: int
) -> Callable[..., keras.Model]:
    def build(
        asked: common.Asked,
        dropout_rate: float = 0.4,
        auxiliary_heads: bool = False,
        alpha: float = 1.0,
    ) -> keras.Model:
        settings = style._replace(alpha=alpha)
        if auxiliary_heads and not asked.include_top:
            raise UsageError("auxiliary_heads=True needs include_top=True")
        inputs = asked.inputs(65 if auxiliary_heads else 32, any_size=not auxiliary_heads)
        last, maps = _features(inputs, settings)
        if not asked.include_top:
            return asked.model(inputs, asked.pooled(last))
        x = keras.layers.Dropout(dropout_rate, name="dropout")(common.mean(last))
        outputs = asked.classifier(x, "classifier")
        if auxiliary_heads:
            heads = (_auxiliary(asked, maps[at], head, settings) for at, head in HEADS.items())
            outputs = [outputs, *heads]
        return asked.model(inputs, outputs)

    build.__doc__ = f"Build {text}; {params:,} trainable parameters.{ARGUMENTS}"
    register = common.constructor(
        variant, source=source, year=year, input_shape=(224, 224, 3), params=params, macs=macs
    )
    return register(build)


def inception_module(
    x: keras.KerasTensor, widths: tuple[int, ...], name: str, style: Style = PAPER
) -> keras.KerasTensor:
    """Return four views of a map [batch, height, width, channels], side by side in the channels.

    The 1x1 convolutions before the larger ones are what saves: module 3a has 163,328 weights in
    its kernels, and without them 387,072 for the same maps from 192 channels, and those of the pool
    would all go on.

    Args:
        x: The map.
        widths: Channels of the 1x1, of the 1x1 before the 3x3, of the 3x3, of the 1x1 before the
            5x5, of the 5x5, and of the 1x1 behind a 3x3 max-pool.
        name: Prefix of the layers' names.
        style: The paper's or tf-slim's.

    Source: figure 3 of the paper; study document 003_f507a061fff3ec1f, lines 1110-1116.
    """
    one, reduce3, three, reduce5, five, project = widths
    pooled = keras.layers.MaxPooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x)
    narrow3 = _conv(x, reduce3, 1, f"{name}_3x3_reduce", style)
    narrow5 = _conv(x, reduce5, 1, f"{name}_5x5_reduce", style)
    branches = [
        _conv(x, one, 1, f"{name}_1x1", style),
        _conv(narrow3, three, 3, f"{name}_3x3", style),
        _conv(narrow5, five, style.five, f"{name}_5x5", style),
        _conv(pooled, project, 1, f"{name}_pool_proj", style),
    ]
    return keras.layers.Concatenate(common.channel_axis(), name=name)(branches)


def _features(
    x: keras.KerasTensor, style: Style
) -> tuple[keras.KerasTensor, dict[str, keras.KerasTensor]]:
    """Return the last map, and those of all modules and pools by their names."""
    x = _pool(_conv(x, 64, 7, "conv1", style, stride=2), "pool1")
    x = _norm(x, "lrn1", style)
    x = _conv(_conv(x, 64, 1, "conv2_reduce", style), 192, 3, "conv2", style)
    x = _pool(_norm(x, "lrn2", style), "pool2")
    maps = {}
    for name, widths in MODULES.items():
        if widths:
            x = inception_module(x, widths, name, style)
        else:
            x = _pool(x, name, style.last_pool if name == "pool4" else 3)
        maps[name] = x
    return x, maps


def _auxiliary(
    asked: common.Asked, x: keras.KerasTensor, name: str, style: Style
) -> keras.KerasTensor:
    """Return the scores of a head on a map of 5x5 or more."""
    x = keras.layers.AveragePooling2D(5, 3, name=f"{name}_pool")(x)
    x = keras.layers.Flatten(name=f"{name}_flat")(_conv(x, 128, 1, f"{name}_conv", style))
    width = common.scaled(1024, style.alpha)
    x = keras.layers.Dense(width, activation="relu", name=f"{name}_fc")(x)
    x = keras.layers.Dropout(0.7, name=f"{name}_dropout")(x)
    return asked.classifier(x, f"{name}_classifier")


def _conv(
    x: keras.KerasTensor, filters: int, kernel: int, name: str, style: Style, stride: int = 1
) -> keras.KerasTensor:
    conv = keras.layers.Conv2D(
        common.scaled(filters, style.alpha),
        kernel,
        stride,
        padding="same",
        activation=None if style.normalised else "relu",
        use_bias=not style.normalised,
        name=name,
    )
    if not style.normalised:
        return conv(x)
    norm = keras.layers.BatchNormalization(
        common.channel_axis(), momentum=0.9997, epsilon=0.001, scale=False, name=f"{name}_bn"
    )
    return keras.layers.ReLU(name=f"{name}_relu")(norm(conv(x)))


def _norm(x: keras.KerasTensor, name: str, style: Style) -> keras.KerasTensor:
    from kerazoo.layers import LocalResponseNormalization

    return x if style.normalised else LocalResponseNormalization(name=name)(x)


def _pool(x: keras.KerasTensor, name: str, size: int = 3) -> keras.KerasTensor:
    return keras.layers.MaxPooling2D(size, strides=2, padding="same", name=name)(x)


googlenet = _variant(
    "googlenet",
    "GoogLeNet: three convolutions, nine inception modules, one dense layer",
    PAPER,
    "Szegedy et al., table 1",
    2014,
    6_998_552,
    1_582_671_872,
)
inception_v1 = _variant(
    "inception_v1",
    "tf-slim's GoogLeNet",
    SLIM,
    "tf-slim, nets/inception_v1.py",
    2016,
    6_617_624,
    1_498_376_192,
)
