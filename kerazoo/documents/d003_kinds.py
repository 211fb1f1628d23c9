"""Document 003_f507a061fff3ec1f, lines 151-366: the kinds of convolution."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import layers

from kerazoo.accounting.windows import Window, field_from_output
from kerazoo.documents.claim import Claim, formula
from kerazoo.documents.live import Live, kernel_of
from kerazoo.layers import SpatiallySeparableConv2D, separate

GROUPS = [(8, 3, 1), (8, 3, 2), (8, 3, 4)]  # channels, maps a group, groups


def claims() -> list[Claim]:
    """Return what these lines state."""
    return [
        *_kinds(),
        *_grouped(),
        *_group_limits(),
        *_separable(),
        *_depthwise(),
        *_transposed(),
        *_dilated(),
    ]


def _in_groups(live: Live, inputs: int, each: int, groups: int) -> Any:
    return live.conv(6, 3, inputs, each * groups, groups=groups)


def _kinds() -> list[Claim]:
    def channels_in(live: Live, kernel: int, channels: int) -> int:
        return kernel_of(layers.Conv2D(4, kernel), (8, 8, channels))[2]

    found = []
    for line, kernel in ((185, 3), (203, 1)):
        found += [
            formula(
                line,
                f"channels of a {kernel}x{kernel} kernel",
                "C_in = C_k",
                lambda channels: channels,
                lambda live, channels, kernel=kernel: channels_in(live, kernel, channels),
                [(1,), (3,), (64,)],
            ),
            formula(
                line + 1,
                f"channels behind N {kernel}x{kernel} kernels",
                "C_out = N",
                lambda filters: filters,
                lambda live, filters, kernel=kernel: live.conv(8, kernel, 3, filters).output_shape[
                    -1
                ],
                [(1,), (3,), (64,)],
            ),
        ]
    return [
        *found,
        Claim(202, "kernel", (1, 1), lambda live: layers.Conv2D(1, 1).kernel_size, "1x1"),
        Claim(
            205,
            "a 1x1 convolution keeps height and width",
            (7, 9),
            lambda live: live.row((7, 9, 6), layers.Conv2D(5, 1)).output_shape[:2],
            "size of the map does not change",
        ),
        Claim(
            206,
            "weights and work of 1x1 are below those of 3x3",
            (True, True),
            lambda live: tuple(
                live.conv(8, 1, 4, 4, padding="same")[name]
                < live.conv(8, 3, 4, 4, padding="same")[name]
                for name in ("weight_params", "macs")
            ),
            "both smaller",
        ),
    ]


def _grouped() -> list[Claim]:
    return [
        Claim(
            223,
            "groups of AlexNet's five convolutions, two where it is parted between two GPUs",
            (1, 2, 1, 2, 2),
            lambda live: tuple(
                live.model("alexnet").get_layer(f"conv{number}").groups for number in range(1, 6)
            ),
            "in groups",
        ),
        formula(
            235,
            "channels that a group sees",
            "C_in / g",
            lambda inputs, each, g: inputs // g,
            lambda live, inputs, each, g: kernel_of(
                layers.Conv2D(each * g, 3, groups=g), (6, 6, inputs)
            )[2],
            GROUPS,
        ),
        formula(
            236,
            "groups of kernels, N a group",
            "N g groups of N K K C_k/g",
            lambda inputs, each, g: each * g,
            lambda live, inputs, each, g: layers.Conv2D(each * g, 3, groups=g).groups,
            GROUPS,
            erratum="there are g groups, and N g kernels",
            right=(1, 2, 4),
        ),
        formula(
            237,
            "maps that come out, N a group",
            "N g",
            lambda inputs, each, g: each * g,
            lambda live, *case: _in_groups(live, *case).output_shape[-1],
            GROUPS,
        ),
    ]


def _group_limits() -> list[Claim]:
    return [
        Claim(
            238,
            "one group is an ordinary convolution",
            0,
            lambda live: (
                _in_groups(live, 8, 3, 1).weight_params - live.conv(6, 3, 8, 3).weight_params
            ),
            "g = 1",
        ),
        Claim(
            238,
            "as many groups as channels are a depthwise convolution",
            0,
            lambda live: (
                _in_groups(live, 8, 1, 8).weight_params
                - live.row((6, 6, 8), layers.DepthwiseConv2D(3, use_bias=False)).weight_params
            ),
            "g = C_in",
        ),
        formula(
            239,
            "maps for the weights of one ordinary map",
            "g",
            lambda inputs, each, g: g,
            lambda live, inputs, each, g: (
                live.conv(6, 3, inputs, 1).weight_params
                // (_in_groups(live, inputs, each, g).weight_params // (each * g))
            ),
            GROUPS,
        ),
    ]


def _channel_by_channel(live: Live) -> Any:
    return live.row((8, 8, 6), layers.DepthwiseConv2D(3, use_bias=False))


def _separable() -> list[Claim]:
    def products(live: Live, *kernels: tuple[int, int]) -> int:
        chain = [layers.Conv2D(1, k, padding="same", use_bias=False) for k in kernels]
        return live.rows((9, 9, 1), *chain).macs.sum() // 81

    return [
        Claim(
            251,
            "3x3 as 3x1 and 1x3: both see as much",
            3,
            lambda live: live.row((9, 9, 1), SpatiallySeparableConv2D(1, 3)).receptive_field,
            "3x3",
        ),
        Claim(
            259,
            "kernels that can be separated: with rows in proportion, and others",
            (True, False),
            lambda live: (
                _can_be_separated(np.outer([1, 2, 1], [1, 0, -1])),
                _can_be_separated(np.eye(3)),
            ),
            "rows and columns in proportion",
        ),
        Claim(260, "products for a 3x3 kernel", 9, lambda live: products(live, (3, 3))),
        Claim(260, "products for each of the two", 3, lambda live: products(live, (3, 1))),
        Claim(
            260,
            "products for both",
            6,
            lambda live: (
                live.row((9, 9, 1), SpatiallySeparableConv2D(1, 3, padding="same")).macs // 81
            ),
        ),
    ]


def _can_be_separated(kernel: np.ndarray) -> bool:
    try:
        separate(kernel)
    except ValueError:
        return False
    return True


def _depthwise() -> list[Claim]:
    return [
        Claim(
            276,
            "one kernel KxKx1 a channel",
            (3, 3, 6, 1),
            lambda live: kernel_of(layers.DepthwiseConv2D(3), (8, 8, 6)),
            "K*K*1",
        ),
        Claim(
            276,
            "a depthwise convolution keeps the channels",
            6,
            lambda live: _channel_by_channel(live).output_shape[-1],
            "C_out = C_in",
        ),
        Claim(
            286,
            "one 1x1 kernel gives one map",
            1,
            lambda live: live.conv(8, 1, 6, 1).output_shape[-1],
        ),
        Claim(
            290,
            "256 maps need so many 1x1 kernels",
            256,
            lambda live: live.conv(8, 1, 6, 256).output_shape[-1],
        ),
        Claim(
            296,
            "a separable convolution has fewer weights and less work",
            (True, True),
            lambda live: tuple(
                live.row((8, 8, 6), layers.SeparableConv2D(16, 3, use_bias=False))[name]
                < live.row((8, 8, 6), layers.Conv2D(16, 3, use_bias=False))[name]
                for name in ("weight_params", "macs")
            ),
            "both much smaller",
        ),
    ]


def _transposed() -> list[Claim]:
    def enlarged(live: Live, n: int, k: int, s: int) -> int:
        return live.row((n, n, 1), layers.Conv2DTranspose(1, k, strides=s)).output_shape[0]

    def inserted(live: Live, n: int, s: int) -> int:
        gaps = layers.Conv2DTranspose(1, 1, strides=s)
        spread = live.row((n, n, 1), gaps).output_shape[0] - (s - 1)  # Keras adds a gap at the end
        return spread + 2 * (s - 1)

    return [
        Claim(
            315,
            "outputs that pixels a, b, c and d take part in (3x3, stride 2, padding 1)",
            (1, 2, 1, 4),
            lambda live: tuple(_uses(live, *pixel) for pixel in ((0, 0), (0, 1), (0, 2), (1, 1))),
            "1; 1 and 2; 2; 1 to 4",
        ),
        formula(
            333,
            "size after zeros are put between and around",
            "s n + s - 1",
            lambda n, s: s * n + s - 1,
            inserted,
            [(3, 1), (3, 2), (5, 3)],
        ),
        formula(
            337,
            "size of a transposed convolution's output",
            "s n + (s - k)",
            lambda n, k, s: s * n + s - k,
            enlarged,
            [(2, 3, 1), (4, 3, 2), (5, 4, 2)],
            erratum="the border is padded by s - 1 where it needs k - 1: (n - 1) s + k comes out",
            right=(4, 9, 12),
        ),
        Claim(343, "4x4 under 3x3", (2, 2, 1), lambda live: live.conv(4, 3).output_shape, "2x2"),
        Claim(
            343,
            "2x2 through the transposed 3x3",
            4,
            lambda live: enlarged(live, 2, 3, 1),
            "4x4",
        ),
    ]


def _uses(live: Live, row: int, column: int) -> int:
    """Return how many outputs of a 3x3 convolution, stride 2, padding 1, on 3x3 see a pixel."""
    chain = (layers.ZeroPadding2D(1), layers.Conv2D(1, 3, strides=2))
    boxes = [live.box(3, *chain, place=(y, x)) for y in range(2) for x in range(2)]
    return sum(
        box.start[0] <= row < box.stop[0] and box.start[1] <= column < box.stop[1] for box in boxes
    )


def _dilated() -> list[Claim]:
    def skipped(live: Live, rate: int) -> int:
        wide = live.conv(20, 2, dilation_rate=rate).receptive_field
        return wide - 2

    return [
        Claim(
            351,
            "pooling halves a map",
            (112, 56, 28, 14, 7),
            lambda live: tuple(live.vgg16.output_shape[f"pool{n}"][0] for n in range(1, 6)),
            "224, 112, 56, 28, 14 halved",
        ),
        Claim(
            353,
            "dilation rate of an ordinary convolution",
            (1, 1),
            lambda live: layers.Conv2D(1, 3).dilation_rate,
            "1",
        ),
        formula(
            355,
            "field of small kernels one behind the other",
            "(kernelSize - 1) * layers + 1",
            lambda kernel, number: (kernel - 1) * number + 1,
            lambda live, kernel, number: live.rows(
                (40, 40, 1), *(layers.Conv2D(1, kernel) for _ in range(number))
            ).receptive_field.iloc[-1],
            [(3, 1), (3, 2), (3, 3), (5, 4)],
        ),
        formula(
            355,
            "dilated ones, each rate twice the one before, grow like",
            "exponentially",
            lambda number: 2 ** (number + 1) - 1,
            lambda live, number: field_from_output(
                [Window(3, dilation=2**place) for place in range(number)]
            ),
            [(1,), (2,), (3,), (8,)],
        ),
        formula(
            363,
            "pixels left out between two that are read",
            "rate - 1",
            lambda rate: rate - 1,
            skipped,
            [(1,), (2,), (4,)],
        ),
        formula(
            364,
            "length of a kernel with rate - 1 zeros put between its values",
            "rate - 1 zeros",
            lambda kernel, rate: kernel + (kernel - 1) * (rate - 1),
            lambda live, kernel, rate: live.conv(20, kernel, dilation_rate=rate).receptive_field,
            [(3, 1), (3, 2), (5, 3)],
        ),
    ]
