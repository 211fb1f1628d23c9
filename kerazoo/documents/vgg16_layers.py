"""VGG-16 layer by layer, as cnn-notes and vgg-walkthrough both list it."""

from typing import NamedTuple


class Layer(NamedTuple):
    """A layer as the notes list it."""

    name: str  # in kerazoo's vgg16
    output: tuple[int, int, int]  # height, width, channels
    weights: int  # without biases
    elements: str  # of the output, as vgg-walkthrough prints them


INPUT = (224, 224, 3)
LAYERS = (
    Layer("conv1_1", (224, 224, 64), 1_728, "3.2M"),
    Layer("conv1_2", (224, 224, 64), 36_864, "3.2M"),
    Layer("pool1", (112, 112, 64), 0, "800K"),
    Layer("conv2_1", (112, 112, 128), 73_728, "1.6M"),
    Layer("conv2_2", (112, 112, 128), 147_456, "1.6M"),
    Layer("pool2", (56, 56, 128), 0, "400K"),
    Layer("conv3_1", (56, 56, 256), 294_912, "800K"),
    Layer("conv3_2", (56, 56, 256), 589_824, "800K"),
    Layer("conv3_3", (56, 56, 256), 589_824, "800K"),
    Layer("pool3", (28, 28, 256), 0, "200K"),
    Layer("conv4_1", (28, 28, 512), 1_179_648, "400K"),
    Layer("conv4_2", (28, 28, 512), 2_359_296, "400K"),
    Layer("conv4_3", (28, 28, 512), 2_359_296, "400K"),
    Layer("pool4", (14, 14, 512), 0, "100K"),
    Layer("conv5_1", (14, 14, 512), 2_359_296, "100K"),
    Layer("conv5_2", (14, 14, 512), 2_359_296, "100K"),
    Layer("conv5_3", (14, 14, 512), 2_359_296, "100K"),
    Layer("pool5", (7, 7, 512), 0, "25K"),
    Layer("fc6", (1, 1, 4096), 102_760_448, "4096"),
    Layer("fc7", (1, 1, 4096), 16_777_216, "4096"),
    Layer("fc8", (1, 1, 1000), 4_096_000, "1000"),
)
