"""The study documents' network for handwritten digits.

Source: document 000_edc3730cabfc8e8e, lines 226-315, a TF1 program that the document takes from
Géron, "Hands-On Machine Learning with Scikit-Learn and TensorFlow" (2017), chapter 13. Layers,
sizes and names are the program's; the softmax that it applies outside its logits layer is
`classifier_activation` here.
"""

from __future__ import annotations

from kerazoo.lazy import keras
from kerazoo.models import common
from kerazoo.registry import register
from kerazoo.weights import Weights

INPUT_SHAPE = (28, 28, 1)


@register(
    "mnist_cnn",
    source="study document 000_edc3730cabfc8e8e, lines 226-315",
    year=2017,
    input_shape=INPUT_SHAPE,
    params=220_234,
    macs=4_039_808,
)
def mnist_cnn(
    include_top: bool = True,
    weights: Weights = None,
    input_tensor: keras.KerasTensor | None = None,
    input_shape: common.Shape | None = None,
    pooling: str | None = None,
    classes: int = 10,
    classifier_activation: common.Activation = "softmax",
    name: str = "mnist_cnn",
) -> keras.Model:
    """Build the net: two convolutions, a max-pool, two dense layers; 220,234 parameters.

    Args:
        include_top: Whether the two dense layers follow the pool.
        weights: None for Glorot-uniform kernels and zero biases, or a `.keras` file of this net.
        input_tensor: A tensor to start from instead of a new input.
        input_shape: Shape of one image in Keras's image data format, 28x28x1 by default and 3x3
            at least; without a top the default leaves height and width open.
        pooling: Without a top: None for the map [batch, height/4, width/4, 64], "avg" or "max"
            for its mean or maximum, [batch, 64].
        classes: Width of the last layer.
        classifier_activation: Activation of the last layer; None gives the logits.
        name: Name of the model.

    Returns:
        A model from images in [0, 1], [batch, height, width, channels], to [batch, classes].

    Raises:
        UsageError: An argument does not fit the net.
        CorruptFileError: The weights file cannot be read.
    """
    layers = keras.layers
    inputs = common.image_input(INPUT_SHAPE, 3, include_top, input_shape, input_tensor)
    x = layers.Conv2D(32, 3, padding="same", activation="relu", name="conv1")(inputs)
    x = layers.Conv2D(64, 3, strides=2, padding="same", activation="relu", name="conv2")(x)
    x = layers.MaxPooling2D(2, strides=2, padding="valid", name="pool3")(x)
    if include_top:
        x = layers.Flatten(name="pool3_flat")(x)
        x = layers.Dense(64, activation="relu", name="fc1")(x)
        x = common.classifier(x, classes, classifier_activation, name="output")
    else:
        x = common.global_pool(x, pooling)
    return common.build_model(inputs, x, name, weights)
