"""GoogLeNet, the first Inception network.

Source: Szegedy et al., "Going Deeper with Convolutions" (2014), table 1 and figure 3. Departures:
the two auxiliary heads, which act in training alone, are not built; kernels begin Glorot-uniform,
and local response normalisation has AlexNet's settings, since the paper gives neither.
"""

from __future__ import annotations

from kerazoo.lazy import keras
from kerazoo.models import common
from kerazoo.registry import register
from kerazoo.weights import Weights

INPUT_SHAPE = (224, 224, 3)
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


@register(
    "googlenet",
    source="Szegedy et al., table 1",
    year=2014,
    input_shape=INPUT_SHAPE,
    params=6_998_552,
    macs=1_582_671_872,
)
def googlenet(
    include_top: bool = True,
    weights: Weights = None,
    input_tensor: keras.KerasTensor | None = None,
    input_shape: common.Shape | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: common.Activation = "softmax",
    name: str = "googlenet",
    dropout_rate: float = 0.4,
) -> keras.Model:
    """Build the net: three convolutions, nine inception modules, one dense layer.

    Args:
        include_top: Whether the mean of the map, dropout and the dense layer follow.
        weights: None for random values, or a `.keras` file of this net.
        input_tensor: A tensor to start from instead of a new input.
        input_shape: Shape of one image in Keras's image data format, 224x224x3 by default and
            32x32 at least; without a top the default leaves height and width open.
        pooling: Without a top: None for the last map, "avg" or "max" for its mean or maximum.
        classes: Width of the last layer.
        classifier_activation: Activation of the last layer; None gives the logits.
        name: Name of the model.
        dropout_rate: Share of the mean's values that training sets to zero.

    Returns:
        A model from images [batch, height, width, 3] to [batch, classes].

    Raises:
        UsageError: An argument does not fit the net.
        CorruptFileError: The weights file cannot be read.
    """
    inputs = common.image_input(INPUT_SHAPE, 32, include_top, input_shape, input_tensor, True)
    x = _stem(inputs)
    for module, widths in MODULES.items():
        x = inception_module(x, widths, module) if widths else _pool(x, module)
    if include_top:
        x = common.global_pool(x, "avg")
        x = keras.layers.Dropout(dropout_rate, name="dropout")(x)
        x = common.classifier(x, classes, classifier_activation, name="classifier")
    else:
        x = common.global_pool(x, pooling)
    return common.build(inputs, x, name, weights)


def inception_module(x: keras.KerasTensor, widths: tuple[int, ...], name: str) -> keras.KerasTensor:
    """Return four views of a map [batch, height, width, channels], side by side in the channels.

    Args:
        x: The map.
        widths: Channels of the 1x1, of the 1x1 before the 3x3, of the 3x3, of the 1x1 before the
            5x5, of the 5x5, and of the 1x1 behind a 3x3 max-pool.
        name: Prefix of the layers' names.

    Source: figure 3 of the paper.
    """
    one, reduce3, three, reduce5, five, project = widths
    pooled = keras.layers.MaxPooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x)
    branches = [
        _conv(x, one, 1, f"{name}_1x1"),
        _conv(_conv(x, reduce3, 1, f"{name}_3x3_reduce"), three, 3, f"{name}_3x3"),
        _conv(_conv(x, reduce5, 1, f"{name}_5x5_reduce"), five, 5, f"{name}_5x5"),
        _conv(pooled, project, 1, f"{name}_pool_proj"),
    ]
    axis = 1 if keras.config.image_data_format() == "channels_first" else -1
    return keras.layers.Concatenate(axis, name=name)(branches)


def _stem(x: keras.KerasTensor) -> keras.KerasTensor:
    from kerazoo.layers.lrn import LocalResponseNormalization

    x = _pool(_conv(x, 64, 7, "conv1", stride=2), "pool1")
    x = LocalResponseNormalization(name="lrn1")(x)
    x = _conv(_conv(x, 64, 1, "conv2_reduce"), 192, 3, "conv2")
    return _pool(LocalResponseNormalization(name="lrn2")(x), "pool2")


def _conv(
    x: keras.KerasTensor, filters: int, kernel: int, name: str, stride: int = 1
) -> keras.KerasTensor:
    layer = keras.layers.Conv2D(
        filters, kernel, stride, padding="same", activation="relu", name=name
    )
    return layer(x)


def _pool(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return keras.layers.MaxPooling2D(3, strides=2, padding="same", name=name)(x)
