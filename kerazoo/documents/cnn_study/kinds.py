"""cnn-study, lines 151-366: the kinds of convolution."""

import contextlib

import numpy as np

from kerazoo.documents.claim import Claim, Claims, Setting
from kerazoo.documents.probes import (
    box,
    conv,
    depthwise,
    field_of,
    kernel_shape,
    model,
    row,
    table,
)
from kerazoo.documents.windows import Window, field_from_output
from kerazoo.layers import SpatiallySeparableConv2D, separate
from kerazoo.lazy import layers

GROUPS = [(8, 3, 1), (8, 3, 2), (8, 3, 4)]  # input channels, filters of a group, groups
INSERTED = [(3, 1), (3, 2), (5, 3)]  # size, stride
TRANSPOSED = [(2, 3, 1), (4, 3, 2), (5, 4, 2)]  # size, kernel, stride
STACKS = [(3, 1), (3, 2), (3, 3), (5, 4)]  # kernel, layers
DILATED = [(3, 1), (3, 2), (5, 3)]  # kernel, rate


def _pointwise_and_grouped() -> Claims:
    small, large = conv(8, 1, 4, 4, padding="same"), conv(8, 3, 4, 4, padding="same")
    yield Claim(205, "size of 7x9 after a 1x1 convolution", (7, 9),
        row((7, 9, 6), layers.Conv2D(5, 1)).output_shape[:2],
        printed="size of the feature map does not change")
    yield Claim(206, "weights and multiply-accumulates of 1x1 are below those of 3x3", (True, True),
        (small.weight_params < large.weight_params, small.macs < large.macs),
        printed="both smaller")
    groups = [model("alexnet").get_layer(f"conv{number}").groups for number in range(1, 6)]
    yield Setting(223, "groups of AlexNet's five convolutions, 2 for its two GPUs", (1, 2, 1, 2, 2),
        groups, printed="in groups")
    seen = [
        kernel_shape(layers.Conv2D(n * g, 3, groups=g), (6, 6, inputs))[2]
        for inputs, n, g in GROUPS
    ]
    yield Claim(235, "input channels of a group", [inputs // g for inputs, _, g in GROUPS], seen,
        printed="C_in / g")
    yield Claim(236, "groups of kernels, with N kernels each", [n * g for _, n, g in GROUPS],
        [inputs // each for (inputs, _, _), each in zip(GROUPS, seen, strict=True)],
        printed="N g groups of N K K C_k/g", erratum="there are g groups, and N g kernels",
        right=(1, 2, 4))
    one, ordinary = conv(6, 3, 8, 3, groups=1), conv(6, 3, 8, 3)
    eight, by_channel = conv(6, 3, 8, 8, groups=8), depthwise(6, 3, 8)
    yield Claim(238, "weights of one group minus those of an ordinary convolution", 0,
        one.weight_params - ordinary.weight_params, printed="g = 1")
    yield Claim(238, "weights of a group a channel minus those of a depthwise convolution", 0,
        eight.weight_params - by_channel.weight_params, printed="g = C_in")
    yield Claim(239, "feature maps for the weights of one ordinary feature map",
        [g for _, _, g in GROUPS], [_outputs_for_one(*case) for case in GROUPS], printed="g")


def _outputs_for_one(inputs: int, each: int, groups: int) -> int:
    """Return how many outputs of a grouped convolution have the weights of an ordinary one."""
    grouped = conv(6, 3, inputs, each * groups, groups=groups).weight_params
    return conv(6, 3, inputs, 1).weight_params // (grouped // (each * groups))


def _separable() -> Claims:
    both = row((9, 9, 1), SpatiallySeparableConv2D(1, 3, padding="same"))
    square, one = (conv(9, kernel, padding="same").macs // 81 for kernel in (3, (3, 1)))
    separable = [_is_separable(kernel) for kernel in (np.outer([1, 2, 1], [1, 0, -1]), np.eye(3))]
    yield Claim(251, "receptive field of 3x1 and 1x3 kernels", 3, both.receptive_field,
        printed="3x3")
    yield Claim(259, "whether a kernel is separable: with rows in proportion, another",
        (True, False), separable, printed="rows and columns in proportion")
    yield Claim(260, "multiplications of a 3x3 kernel", 9, square)
    yield Claim(260, "multiplications of each of the two kernels", 3, one)
    yield Claim(260, "multiplications of both kernels", 6, both.macs // 81)
    kernel = kernel_shape(layers.DepthwiseConv2D(3), (8, 8, 6))
    full = conv(8, 3, 6, 16)
    parts = row((8, 8, 6), layers.SeparableConv2D(16, 3, use_bias=False))
    yield Claim(276, "depthwise kernels for 6 channels", (3, 3, 6, 1), kernel, printed="K*K*1")
    yield Claim(276, "output channels for 6 channels, depthwise", 6,
        depthwise(8, 3, 6).output_shape[-1], printed="C_out = C_in")
    yield Claim(296, "a separable convolution has fewer weights and multiply-accumulates",
        (True, True), (parts.weight_params < full.weight_params, parts.macs < full.macs),
        printed="both much smaller")


def _is_separable(kernel: np.ndarray) -> bool:
    with contextlib.suppress(ValueError):
        return bool(separate(kernel))
    return False


def _transposed_and_dilated() -> Claims:
    yield Claim(315, "outputs that use pixels a, b, c and d (3x3, stride 2, padding 1)",
        (1, 2, 1, 4), [_uses(*pixel) for pixel in ((0, 0), (0, 1), (0, 2), (1, 1))],
        printed="1; 1 and 2; 2; 1 to 4")
    yield Claim(333, "size after zeros are inserted between and around pixels",
        [s * n + s - 1 for n, s in INSERTED],  # Keras puts s - 1 zeros at the end and none before
        [_enlarged(n, 1, s) + s - 1 for n, s in INSERTED], printed="s n + s - 1")
    yield Claim(337, "size of a transposed convolution's output",
        [s * n + s - k for n, k, s in TRANSPOSED], [_enlarged(n, k, s) for n, k, s in TRANSPOSED],
        printed="s n + (s - k)",
        erratum="the border is padded by s - 1 where it needs k - 1: (n - 1) s + k comes out",
        right=(4, 9, 12))
    yield Claim(343, "4x4 after a 3x3 convolution", (2, 2, 1), conv(4, 3).output_shape,
        printed="2x2")
    yield Claim(343, "height of 2x2 after a transposed 3x3", 4, _enlarged(2, 3, 1), printed="4x4")
    shapes = table("vgg16").output_shape
    halved = [shapes[f"pool{block}"][0] for block in range(1, 6)]
    yield Claim(351, "height after each of VGG-16's pools", (112, 56, 28, 14, 7), halved,
        printed="224, 112, 56, 28, 14 halved")
    yield Setting(353, "dilation rate of an ordinary convolution", (1, 1),
        layers.Conv2D(1, 3).dilation_rate, printed="1")
    yield Claim(355, "receptive field of stacked small kernels",
        [(kernel - 1) * number + 1 for kernel, number in STACKS],
        [field_of([Window(kernel)] * number) for kernel, number in STACKS],
        printed="(kernelSize - 1) * layers + 1")
    numbers, rates = (1, 2, 3, 8), (1, 2, 4)
    yield Claim(355, "receptive field of 3x3 kernels, each rate twice the one before",
        [2 ** (number + 1) - 1 for number in numbers],
        [field_from_output([Window(3, dilation=2**i) for i in range(n)]) for n in numbers],
        printed="exponentially")
    yield Claim(363, "pixels skipped between two that are read", [rate - 1 for rate in rates],
        [conv(20, 2, dilation_rate=rate).receptive_field - 2 for rate in rates], printed="rate - 1")
    yield Claim(364, "length of a kernel with rate - 1 zeros between its elements",
        [kernel + (kernel - 1) * (rate - 1) for kernel, rate in DILATED],
        [conv(20, kernel, dilation_rate=rate).receptive_field for kernel, rate in DILATED],
        printed="rate - 1 zeros")


def _enlarged(size: int, kernel: int, stride: int) -> int:
    layer = layers.Conv2DTranspose(1, kernel, strides=stride)
    return row((size, size, 1), layer).output_shape[0]


def _uses(y: int, x: int) -> int:
    """Return how many outputs of a 3x3 convolution, stride 2, padding 1, on 3x3 see a pixel."""
    chain = layers.ZeroPadding2D(1), layers.Conv2D(1, 3, strides=2)
    boxes = [box(3, *chain, place=place) for place in np.ndindex(2, 2)]
    return sum(
        seen.start[0] <= y < seen.stop[0] and seen.start[1] <= x < seen.stop[1] for seen in boxes
    )


SECTIONS = (_pointwise_and_grouped, _separable, _transposed_and_dilated)
