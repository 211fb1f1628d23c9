"""The study documents' network for handwritten digits.

Source: document 000_edc3730cabfc8e8e, lines 226-315, a TF1 program that the document takes from
Géron, "Hands-On Machine Learning with Scikit-Learn and TensorFlow" (2017), chapter 13. Layers,
sizes and names are the program's; the softmax that it applies outside its logits layer is
`classifier_activation` here.
"""

from __future__ import annotations

from kerazoo.lazy import keras
from kerazoo.models import common


@common.constructor(
    "mnist_cnn",
    source="study document 000_edc3730cabfc8e8e, lines 226-315",
    year=2017,
    input_shape=(28, 28, 1),
    params=220_234,
    macs=4_039_808,
    classes=10,
    divisible=True,
)
def mnist_cnn(asked: common.Asked) -> keras.Model:
    """Build the net: two convolutions, a max-pool, two dense layers; 220,234 parameters.

    Images have 3x3 pixels at least. Kernels begin Glorot-uniform, biases zero. Without a top the
    features are pool3, [batch, height/4, width/4, 64].

    Args:
        asked: The arguments that all constructors share.

    Returns:
        A model from images in [0, 1], [batch, height, width, channels], to [batch, classes].

    Raises:
        UsageError: An argument does not fit the net.
        CorruptFileError: The weights file cannot be read.
    """
    layers = keras.layers
    inputs = asked.inputs(least=3)
    x = layers.Conv2D(32, 3, padding="same", activation="relu", name="conv1")(inputs)
    x = layers.Conv2D(64, 3, strides=2, padding="same", activation="relu", name="conv2")(x)
    x = layers.MaxPooling2D(2, strides=2, padding="valid", name="pool3")(x)
    if not asked.include_top:
        return asked.model(inputs, asked.pooled(x))
    x = layers.Flatten(name="pool3_flat")(x)
    x = layers.Dense(64, activation="relu", name="fc1")(x)
    return asked.model(inputs, asked.classifier(x, "output"))
