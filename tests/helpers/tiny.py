"""A network that trains in a second, with every kind of state, entered as a user's own would be.

It has batch normalization and dropout, and 1,030 weights. `enter` registers it for good, for a
process of its own; `entered` does so for a `with` block.
"""

import contextlib
from collections.abc import Iterator

import keras

from kerazoo import registry
from kerazoo.__main__ import main
from kerazoo.models import _builder
from kerazoo.registry import Weights

NAME = "tiny_cnn"
INFO = registry.ModelInfo(
    NAME, "the tests", "", 2026, input_shape=(28, 28, 1), params=1_026, macs=2_548
)


@contextlib.contextmanager
def entered() -> Iterator[None]:
    """Have the network among the models of the zoo meanwhile."""
    enter()
    try:
        yield
    finally:
        del registry._models[NAME]


def enter() -> None:
    """Enter the network into the zoo."""

    @_builder.constructor(INFO)
    def tiny_cnn(
        include_top: bool = True,
        weights: Weights = None,
        input_tensor: keras.KerasTensor | None = None,
        input_shape: _builder.Shape | None = None,
        pooling: str | None = None,
        classes: int = 10,
        classifier_activation: _builder.Activation = "softmax",
        name: str = NAME,
        *,
        auxiliary_heads: bool = False,
    ) -> keras.Model:
        inputs = _builder.image_input(INFO, include_top, input_tensor, input_shape, minimum=28)
        x = keras.layers.Conv2D(2, 4, strides=4, use_bias=False, name="conv")(inputs)
        x = keras.layers.Activation("relu", name="conv_relu")(
            keras.layers.BatchNormalization(name="conv_bn")(x)
        )
        top = (classes, classifier_activation)
        if not include_top:
            return _builder.functional(inputs, _builder.pooled(x, pooling), name)
        outputs = _builder.classifier(
            keras.layers.Dropout(0.1, name="dropout")(keras.layers.Flatten(name="flat")(x)),
            *top,
            "classifier",
        )
        if auxiliary_heads:
            x = keras.layers.GlobalAveragePooling2D(name="auxiliary_pool")(x)
            outputs = [outputs, _builder.classifier(x, *top, "auxiliary")]
        return _builder.functional(inputs, outputs, name)


def command(*arguments: str) -> int:
    """Be the command of kerazoo in a process of its own, the network among its models."""
    enter()
    return main(arguments)
