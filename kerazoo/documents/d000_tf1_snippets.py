"""Document 000_edc3730cabfc8e8e, lines 1-224: convolution and pooling, with snippets in TF1."""

from __future__ import annotations

from functools import partial

import keras
import numpy as np
from keras import layers

from kerazoo.demos import conv_layer, filter_demo
from kerazoo.documents.claim import Claim, formula
from kerazoo.documents.live import Live, kernel_of

NAME = "000_edc3730cabfc8e8e"
POINTWISE = partial(layers.Conv2D, 32, 1)


def claims() -> list[Claim]:
    """Return what these lines state."""
    return [*_convolution(), *_sizes(), *_alexnet(), *_pointwise(), *_snippets(), *_photos()]


def _convolution() -> list[Claim]:
    def six(live: Live, filters: int) -> tuple[int, ...]:
        return live.conv(6, 3, 3, filters).output_shape

    def same(live: Live, stride: int) -> int:
        return live.conv(28, 3, padding="same", strides=stride).output_shape[0]

    return [
        Claim(
            17,
            "SAME padding with stride 1 keeps the size, stride 2 halves it (28x28)",
            (28, 14),
            lambda live: (same(live, 1), same(live, 2)),
        ),
        Claim(
            35,
            "a kernel for a 6x6x3 image is 3x3x3",
            (3, 3, 3),
            lambda live: kernel_of(layers.Conv2D(1, 3), (6, 6, 3))[:3],
        ),
        Claim(
            39,
            "numbers of such a kernel",
            27,
            lambda live: live.conv(6, 3, 3).weight_params,
        ),
        Claim(39, "its map of the 6x6 image is 4x4", (4, 4), lambda live: six(live, 1)[:2]),
        Claim(43, "one kernel gives 4x4x1", (4, 4, 1), lambda live: six(live, 1)),
        Claim(43, "one kernel gives one output channel", 1, lambda live: six(live, 1)[-1]),
        Claim(45, "two kernels give 4x4x2", (4, 4, 2), lambda live: six(live, 2)),
    ]


def _first_of_alexnet(live: Live) -> keras.Layer:
    return live.model("alexnet").get_layer("conv1")


def _sizes() -> list[Claim]:
    return [
        Claim(
            53,
            "inputs have four axes: samples, height, width, channels",
            4,
            lambda live: live.model("vgg16").inputs[0].ndim,
        ),
        Claim(
            57,
            "kernels have four axes: height, width, channels in, channels out",
            (3, 3, 64, 128),
            lambda live: tuple(live.model("vgg16").get_layer("conv2_1").kernel.shape),
            "[kernel height, kernel width, in, out]",
        ),
        formula(
            61,
            "a kernel's input channels are those of the input",
            "in depth of the kernel = channels",
            lambda channels: channels,
            lambda live, channels: kernel_of(layers.Conv2D(5, 3), (8, 8, channels))[2],
            [(1,), (3,), (64,)],
        ),
        formula(
            62,
            "the output's channels are the kernel's output channels",
            "out depth of the output = kernels",
            lambda filters: filters,
            lambda live, filters: live.conv(8, 3, 3, filters).output_shape[-1],
            [(1,), (5,), (64,)],
        ),
        formula(
            65,
            "height and width of a convolution's output",
            "(in - kernel + 2 padding) / stride + 1",
            lambda size, kernel, padding, stride: (size - kernel + 2 * padding) // stride + 1,
            lambda live, size, kernel, padding, stride: live.conv(
                size, kernel, strides=stride, padding=padding
            ).output_shape[0],
            [(7, 3, 0, 1), (7, 3, 1, 2), (227, 11, 0, 4), (224, 3, 1, 1)],
        ),
    ]


def _alexnet() -> list[Claim]:
    return [
        Claim(
            72,
            "AlexNet's input",
            (227, 227, 3),
            lambda live: live.model("alexnet").input_shape[1:],
            "227 x 227 x 3",
        ),
        Claim(73, "kernels of its first layer", 96, lambda live: _first_of_alexnet(live).filters),
        Claim(
            74,
            "each of these kernels",
            (11, 11, 3),
            lambda live: tuple(_first_of_alexnet(live).kernel.shape[:3]),
        ),
        Claim(
            75,
            "their stride and padding",
            ((4, 4), "valid"),
            lambda live: (_first_of_alexnet(live).strides, _first_of_alexnet(live).padding),
            "stride = 4, padding = 0",
        ),
        Claim(
            77,
            "height and width of its output",
            55,
            lambda live: live.table("alexnet").output_shape["conv1"][0],
            "(227 - 11) / 4 + 1 = 55",
        ),
        Claim(
            79,
            "its kernels in all",
            (11, 11, 3, 96),
            lambda live: tuple(_first_of_alexnet(live).kernel.shape),
        ),
        Claim(
            79,
            "its output for a batch of 256",
            (256, 55, 55, 96),
            lambda live: _first_of_alexnet(live).compute_output_shape((256, 227, 227, 3)),
        ),
    ]


def _pointwise() -> list[Claim]:
    return [
        Claim(
            83,
            "GoogLeNet and ResNet have 1x1 convolutions",
            (True, True),
            lambda live: tuple(1 in live.kernels(name) for name in ("googlenet", "resnet50")),
            "1x1",
        ),
        Claim(
            84,
            "a 1x1 convolution of 512 channels to 32 keeps height and width",
            (227, 227, 32),
            lambda live: live.row((227, 227, 512), POINTWISE()).output_shape,
        ),
        Claim(
            86,
            "its kernels",
            (1, 1, 512, 32),
            lambda live: kernel_of(POINTWISE(), (227, 227, 512)),
        ),
        Claim(
            86,
            "its output for a batch of 256",
            (256, 227, 227, 32),
            lambda live: POINTWISE().compute_output_shape((256, 227, 227, 512)),
        ),
        Claim(
            90,
            "a dense layer is a convolution as large as its input: one output position",
            (1, 1),
            lambda live: live.vgg16.output_shape["fc6"][:2],
        ),
        Claim(
            92,
            "32x32x512 through a 32x32 convolution with 4096 kernels, batch 256",
            (256, 1, 1, 4096),
            lambda live: layers.Conv2D(4096, 32).compute_output_shape((256, 32, 32, 512)),
        ),
        Claim(
            94,
            "a kernel over its window is a product of two vectors: so many products (3x3x64)",
            576,
            lambda live: live.conv(3, 3, 64).macs,
            "dot product",
        ),
    ]


def _snippets() -> list[Claim]:
    def helper(live: Live) -> int:
        return conv_layer.conv_layer(5, 3, 1, "same").output_shape[-1]

    return [
        Claim(
            106,
            "channels that the helper conv_layer gives for 3 channels and 5 kernels",
            3,
            helper,
            "return x",
            erratum="it returns its input x; line 111 and its purpose want y",
            right=5,
        ),
        Claim(
            111,
            "the helper's output has out_channel channels (5)",
            5,
            helper,
            "[batch, height, width, out_channel]",
        ),
    ]


def _photos() -> list[Claim]:
    return [
        Claim(
            117,
            "shape of the two photos in one array",
            (2, 427, 640, 3),
            lambda live: live.photos().shape,
        ),
        Claim(
            123,
            "7x7 kernels of 2 maps on 3 channels: [fh, fw, fn, fn'], fn the layer's own maps",
            (7, 7, 2, 3),
            lambda live: filter_demo.line_filters().shape,
            erratum="the previous layer's maps come first, as lines 57 and 141 have it",
            right=(7, 7, 3, 2),
        ),
        Claim(
            127,
            "the convolution's output has as many channels as the filter has maps",
            2,
            lambda live: filter_demo.line_filter()(live.photos()[:1]).shape[-1],
        ),
        Claim(
            141,
            "shape of the two filters",
            (7, 7, 3, 2),
            lambda live: filter_demo.line_filters().shape,
        ),
        Claim(
            142,
            "the vertical line is column 3 of the first filter",
            3,
            lambda live: int(np.argmax(filter_demo.line_filters()[0, :, 0, 0])),
        ),
        Claim(
            143,
            "the horizontal line is row 3 of the second filter",
            3,
            lambda live: int(np.argmax(filter_demo.line_filters()[:, 0, 0, 1])),
        ),
        Claim(
            144,
            "the lines are 1 on three channels",
            3,
            lambda live: int(filter_demo.line_filters()[0, 3, :, 0].sum()),
        ),
        Claim(
            147,
            "the convolution's stride",
            (2, 2),
            lambda live: filter_demo.line_filter().get_layer("conv").strides,
        ),
        Claim(
            154,
            "channels of the result",
            2,
            lambda live: filter_demo.line_filter()(live.photos()[:1]).shape[-1],
        ),
        Claim(
            196,
            "max pooling of 2x2 with stride 2 quarters a photo's pixels, VALID drops the odd row",
            (213, 320, 3),
            lambda live: live.row((427, 640, 3), layers.MaxPooling2D(2)).output_shape,
            "ksize 2x2, strides 2x2",
        ),
        Claim(
            216,
            "pooling keeps the number of maps",
            (64, 128, 256, 512, 512),
            lambda live: tuple(live.vgg16.output_shape[f"pool{n}"][-1] for n in range(1, 6)),
            "maps before = maps after",
        ),
    ]
