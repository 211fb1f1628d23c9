"""The study notes' network for handwritten digits.

Source: `cnn-notes`, lines 226-315, a TF1 program from Géron, "Hands-On Machine Learning with
Scikit-Learn and TensorFlow" (2017), chapter 13, https://github.com/ageron/handson-ml. Layers, sizes
and names are the program's; the softmax that it applies outside its logits layer is
`classifier_activation` here.
"""

from __future__ import annotations

from kerazoo.lazy import keras
from kerazoo.models import _builder
from kerazoo.recipe import NOTES, PaperRecipe
from kerazoo.registry import ModelInfo, Weights

INFO = ModelInfo(
    "mnist_cnn",
    paper="study notes, cnn-notes, lines 226-315",
    url="https://github.com/ageron/handson-ml",
    year=2017,
    input_shape=(28, 28, 1),
    params=220_234,
    macs=4_039_808,
    paper_recipe=PaperRecipe(
        NOTES,
        sources={
            "epochs": "cnn-notes, line 301",
            "batch_size": "cnn-notes, line 302",
            "optimizer": "cnn-notes, line 286",
            "learning_rate": "the default of tf.train.AdamOptimizer",
            "epsilon": "the default of tf.train.AdamOptimizer",
        },
    ),
    micro_batches=True,
)


@_builder.constructor(INFO)
def mnist_cnn(
    include_top: bool = True,
    weights: Weights = None,
    input_tensor: keras.KerasTensor | None = None,
    input_shape: _builder.Shape | None = None,
    pooling: str | None = None,
    classes: int = 10,
    classifier_activation: _builder.Activation = "softmax",
    name: str = "mnist_cnn",
) -> keras.Model:
    """Build two convolutions, a max pooling and two dense layers; 220,234 parameters.

    Images have at least 3x3 pixels. Kernels start Glorot-uniform, biases at zero. Without a top the
    features are pool3, [batch, height/4, width/4, 64]. The arguments and
    the errors are those of `kerazoo.create_model`.

    Returns:
        A model from images in [0, 1], [batch, height, width, channels], to [batch, classes].
    """
    layers = keras.layers
    inputs = _builder.image_input(INFO, include_top, input_tensor, input_shape, minimum=3)
    x = layers.Conv2D(32, 3, padding="same", activation="relu", name="conv1")(inputs)
    x = layers.Conv2D(64, 3, strides=2, padding="same", activation="relu", name="conv2")(x)
    x = layers.MaxPooling2D(2, strides=2, padding="valid", name="pool3")(x)
    if not include_top:
        return _builder.functional(inputs, _builder.pooled(x, pooling), name)
    x = layers.Flatten(name="pool3_flat")(x)
    x = layers.Dense(64, activation="relu", name="fc1")(x)
    x = _builder.classifier(x, classes, classifier_activation, "output")
    return _builder.functional(inputs, x, name)
