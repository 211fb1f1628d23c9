"""AlexNet, as its paper has it: two groups where the paper has two GPUs.

Source: Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural
Networks" (2012), section 3 and figure 2; initial values, section 5. Departure: the input is
227x227, which gives the paper's 55x55 maps, where its text says 224x224.
"""

from __future__ import annotations

from kerazoo.lazy import keras
from kerazoo.models import common
from kerazoo.registry import register
from kerazoo.weights import Weights

INPUT_SHAPE = (227, 227, 3)
# name: kernels, their size, stride, groups, initial bias; what follows the convolution
CONVOLUTIONS = {
    "conv1": (96, 11, 4, 1, "zeros", ("lrn", "pool")),
    "conv2": (256, 5, 1, 2, "ones", ("lrn", "pool")),
    "conv3": (384, 3, 1, 1, "zeros", ()),
    "conv4": (384, 3, 1, 2, "ones", ()),
    "conv5": (256, 3, 1, 2, "ones", ("pool",)),
}


@register(
    "alexnet",
    source="Krizhevsky et al., figure 2",
    year=2012,
    input_shape=INPUT_SHAPE,
    params=60_965_224,
    macs=724_406_816,
)
def alexnet(
    include_top: bool = True,
    weights: Weights = None,
    input_tensor: keras.KerasTensor | None = None,
    input_shape: common.Shape | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: common.Activation = "softmax",
    name: str = "alexnet",
    dropout_rate: float = 0.5,
) -> keras.Model:
    """Build the net: five convolutions, three of them in two groups, three dense layers.

    Args:
        include_top: Whether fc6, fc7 and fc8 follow the third pool.
        weights: None for the paper's random values, or a `.keras` file of this net.
        input_tensor: A tensor to start from instead of a new input.
        input_shape: Shape of one image in Keras's image data format, 227x227x3 by default and
            67x67 at least; without a top the default leaves height and width open.
        pooling: Without a top: None for the map of pool5, "avg" or "max" for its mean or maximum.
        classes: Width of fc8.
        classifier_activation: Activation of fc8; None gives the logits.
        name: Name of the model.
        dropout_rate: Share of the values of fc6 and fc7 that training sets to zero.

    Returns:
        A model from images [batch, height, width, 3] to [batch, classes].

    Raises:
        UsageError: An argument does not fit the net.
        CorruptFileError: The weights file cannot be read.
    """
    inputs = common.image_input(INPUT_SHAPE, 67, include_top, input_shape, input_tensor)
    x = _features(inputs)
    if include_top:
        x = keras.layers.Flatten(name="pool5_flat")(x)
        for number in (6, 7):
            x = _dense(number)(x)
            x = keras.layers.Dropout(dropout_rate, name=f"dropout{number}")(x)
        x = common.classifier(x, classes, classifier_activation, name="fc8")
    else:
        x = common.global_pool(x, pooling)
    return common.build(inputs, x, name, weights)


def _features(x: keras.KerasTensor) -> keras.KerasTensor:
    from kerazoo.layers.lrn import LocalResponseNormalization

    for number, name in enumerate(CONVOLUTIONS, start=1):
        filters, kernel, stride, groups, bias, following = CONVOLUTIONS[name]
        x = keras.layers.Conv2D(
            filters,
            kernel,
            stride,
            "valid" if stride > 1 else "same",
            groups=groups,
            activation="relu",
            kernel_initializer=_small(),
            bias_initializer=bias,
            name=name,
        )(x)
        if "lrn" in following:
            x = LocalResponseNormalization(name=f"lrn{number}")(x)
        if "pool" in following:
            x = keras.layers.MaxPooling2D(3, strides=2, name=f"pool{number}")(x)
    return x


def _dense(number: int) -> keras.layers.Dense:
    return keras.layers.Dense(
        4096,
        activation="relu",
        kernel_initializer=_small(),
        bias_initializer="ones",
        name=f"fc{number}",
    )


def _small() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=0.01)
