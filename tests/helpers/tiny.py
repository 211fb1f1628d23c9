"""A network that trains in a second, with every kind of state, entered as a user's own would be.

It has batch normalisation and dropout, and 1,030 weights. `enter` registers it for good, for a
process of its own; `entered` does so for a `with` block.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import keras

from kerazoo import registry
from kerazoo.cli import main
from kerazoo.models.common import Asked, constructor

NAME = "tiny_cnn"


@contextlib.contextmanager
def entered() -> Iterator[None]:
    """Have the network among the models of the zoo meanwhile."""
    enter()
    try:
        yield
    finally:
        del registry._entries[NAME]


def enter() -> None:
    """Enter the network into the zoo."""

    @constructor(
        NAME,
        source="the tests",
        year=2026,
        input_shape=(28, 28, 1),
        params=1_026,
        macs=2_548,
        classes=10,
    )
    def tiny_cnn(asked: Asked) -> keras.Model:
        inputs = asked.inputs(least=28)
        x = keras.layers.Conv2D(2, 4, strides=4, use_bias=False)(inputs)
        x = keras.layers.Activation("relu")(keras.layers.BatchNormalization()(x))
        x = keras.layers.Dropout(0.1)(keras.layers.Flatten()(x))
        return asked.model(inputs, asked.classifier(x, "classifier"))


def command(*arguments: str) -> int:
    """Be the command of kerazoo in a process of its own, the network among its models."""
    enter()
    return main(arguments)
