"""VGG-16 layer by layer, as two of the documents list it."""

from __future__ import annotations

from typing import NamedTuple

Shape = tuple[int, int, int]


class Listed(NamedTuple):
    """A layer of the lists.

    Attributes:
        name: Its name in the zoo's vgg16.
        shape: Output, as both documents state it.
        weights: Weights without biases, as both documents state them.
        memory: Values of the output, as document 001_092f92962bc4b0ed rounds them.
    """

    name: str
    shape: Shape
    weights: int
    memory: int


LAYERS = (
    Listed("conv1_1", (224, 224, 64), 1_728, 3_200_000),
    Listed("conv1_2", (224, 224, 64), 36_864, 3_200_000),
    Listed("pool1", (112, 112, 64), 0, 800_000),
    Listed("conv2_1", (112, 112, 128), 73_728, 1_600_000),
    Listed("conv2_2", (112, 112, 128), 147_456, 1_600_000),
    Listed("pool2", (56, 56, 128), 0, 400_000),
    Listed("conv3_1", (56, 56, 256), 294_912, 800_000),
    Listed("conv3_2", (56, 56, 256), 589_824, 800_000),
    Listed("conv3_3", (56, 56, 256), 589_824, 800_000),
    Listed("pool3", (28, 28, 256), 0, 200_000),
    Listed("conv4_1", (28, 28, 512), 1_179_648, 400_000),
    Listed("conv4_2", (28, 28, 512), 2_359_296, 400_000),
    Listed("conv4_3", (28, 28, 512), 2_359_296, 400_000),
    Listed("pool4", (14, 14, 512), 0, 100_000),
    Listed("conv5_1", (14, 14, 512), 2_359_296, 100_000),
    Listed("conv5_2", (14, 14, 512), 2_359_296, 100_000),
    Listed("conv5_3", (14, 14, 512), 2_359_296, 100_000),
    Listed("pool5", (7, 7, 512), 0, 25_000),
    Listed("fc6", (1, 1, 4096), 102_760_448, 4_096),
    Listed("fc7", (1, 1, 4096), 16_777_216, 4_096),
    Listed("fc8", (1, 1, 1000), 4_096_000, 1_000),
)
