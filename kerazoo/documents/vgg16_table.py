"""VGG-16 layer by layer, as cnn-notes and vgg-walkthrough both list it."""

from __future__ import annotations

from typing import NamedTuple


class Layer(NamedTuple):
    """A layer as the notes list it.

    Attributes:
        name: Its name in the zoo's vgg16.
        output: Shape of the output: height, width, channels.
        elements: Elements of the output, as vgg-walkthrough prints them.
        weights: Weights without biases.
        product: How the notes write them as a product.
    """

    name: str
    output: tuple[int, int, int]
    elements: str
    weights: int = 0
    product: str = ""


INPUT = (224, 224, 3)
LAYERS = (
    Layer("conv1_1", (224, 224, 64), "3.2M", 1_728, "(3*3*3)*64"),
    Layer("conv1_2", (224, 224, 64), "3.2M", 36_864, "(3*3*64)*64"),
    Layer("pool1", (112, 112, 64), "800K"),
    Layer("conv2_1", (112, 112, 128), "1.6M", 73_728, "(3*3*64)*128"),
    Layer("conv2_2", (112, 112, 128), "1.6M", 147_456, "(3*3*128)*128"),
    Layer("pool2", (56, 56, 128), "400K"),
    Layer("conv3_1", (56, 56, 256), "800K", 294_912, "(3*3*128)*256"),
    Layer("conv3_2", (56, 56, 256), "800K", 589_824, "(3*3*256)*256"),
    Layer("conv3_3", (56, 56, 256), "800K", 589_824, "(3*3*256)*256"),
    Layer("pool3", (28, 28, 256), "200K"),
    Layer("conv4_1", (28, 28, 512), "400K", 1_179_648, "(3*3*256)*512"),
    Layer("conv4_2", (28, 28, 512), "400K", 2_359_296, "(3*3*512)*512"),
    Layer("conv4_3", (28, 28, 512), "400K", 2_359_296, "(3*3*512)*512"),
    Layer("pool4", (14, 14, 512), "100K"),
    Layer("conv5_1", (14, 14, 512), "100K", 2_359_296, "(3*3*512)*512"),
    Layer("conv5_2", (14, 14, 512), "100K", 2_359_296, "(3*3*512)*512"),
    Layer("conv5_3", (14, 14, 512), "100K", 2_359_296, "(3*3*512)*512"),
    Layer("pool5", (7, 7, 512), "25K"),
    Layer("fc6", (1, 1, 4096), "4096", 102_760_448, "7*7*512*4096"),
    Layer("fc7", (1, 1, 4096), "4096", 16_777_216, "4096*4096"),
    Layer("fc8", (1, 1, 1000), "1000", 4_096_000, "4096*1000"),
)
