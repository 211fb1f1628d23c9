"""Document 003_f507a061fff3ec1f, lines 1-366: convolution and its kinds."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import layers

from kerazoo.accounting.table import cpr
from kerazoo.accounting.windows import Window, field_from_output
from kerazoo.documents.claim import Claim, formula
from kerazoo.documents.live import Live, dense_macs, kernel_of


def claims() -> list[Claim]:
    """Return what these lines state."""
    return [*_maps(), *_counts(), *_savings(), *_padding(), *_kinds(), *_separable(), *_others()]


def _maps() -> list[Claim]:
    return [
        Claim(
            23,
            "range of pixel values",
            (0, 255),
            lambda live: (int(live.photos().min()), int(live.photos().max())),
            "0 to 255",
        ),
        Claim(
            35,
            "a 5x5 image under a 3x3 filter, step 1",
            (3, 3, 1),
            lambda live: live.conv(5, 3).output_shape,
            "3x3",
        ),
        formula(
            55,
            "depth of the maps",
            "number of filters",
            lambda filters: filters,
            lambda live, filters: live.conv(5, 3, 1, filters).output_shape[-1],
            [(1,), (4,), (32,)],
        ),
        Claim(
            69,
            "convolution by turning the filter round the place",
            [0, 1, 4, 4],
            lambda live: live.slid([0, 0, 1, 2, 0], [2, 1]),
            "sum X(i) H(m - i); X = 1 2, H = 0 1 2",
        ),
        Claim(
            69,
            "the same with the roles exchanged",
            [0, 1, 4, 4],
            lambda live: live.slid([0, 0, 1, 2, 0, 0], [2, 1, 0]),
            "sum X(m - i) H(i)",
        ),
        Claim(
            76,
            "what a convolution layer computes: the filter is not turned",
            [5, 2],
            lambda live: live.slid([1, 2, 0], [1, 2]),
            "sum X(m + i) H(i); X = 1 2 0, H = 1 2",
        ),
    ]


def _counts() -> list[Claim]:
    cases = [(3, 5, 8, 16), (1, 7, 64, 32), (5, 28, 1, 6)]

    def layer(live: Live, kernel: int, out: int, inputs: int, filters: int) -> Any:
        return live.conv(out + kernel - 1, kernel, inputs, filters)

    def ratio(live: Live, batch: int = 1) -> float:
        return cpr(live.rows((14, 14, 8), layers.Conv2D(4, 3), batch=batch)).iloc[-1]

    return [
        formula(
            78,
            "two-dimensional kernels that K channels in and L out need",
            "K L",
            lambda inputs, filters: inputs * filters,
            lambda live, k, filters: int(
                np.prod(kernel_of(layers.Conv2D(filters, 3), (8, 8, k))[2:])
            ),
            [(3, 64), (8, 16)],
        ),
        formula(
            78,
            "multiply-accumulates of a convolution",
            "I J M N K L",
            lambda kernel, out, inputs, filters: kernel**2 * out**2 * inputs * filters,
            lambda live, *case: layer(live, *case).macs,
            cases,
        ),
        formula(
            80,
            "weights of a convolution",
            "I J K L",
            lambda kernel, out, inputs, filters: kernel**2 * inputs * filters,
            lambda live, *case: layer(live, *case).weight_params,
            cases,
        ),
        Claim(82, "compute-to-parameter ratio of a 12x12 map", 144, ratio, "M N"),
        Claim(84, "the ratio for a batch of 5", 5 * 144, lambda live: ratio(live, 5), "B times"),
    ]


def _savings() -> list[Claim]:
    side = 1000

    def local(live: Live) -> Any:
        return live.conv(side, 10, padding="same")

    return [
        Claim(90, "neurons of 1000*1000", 10**6, lambda live: local(live).output_shape[0] ** 2),
        Claim(
            90,
            "connections if each sees every pixel",
            10**12,
            lambda live: dense_macs(side * side, side * side),
            "10^12",
        ),
        Claim(
            90,
            "connections if each sees 10*10",
            10**8,
            lambda live: local(live).macs,
            "10^8",
        ),
        Claim(
            92,
            "weights of one neuron",
            100,
            lambda live: local(live).macs // 10**6,
        ),
        Claim(92, "weights if none are shared", 10**8, lambda live: local(live).macs, "10^8"),
        Claim(92, "weights if all share them", 100, lambda live: local(live).weight_params),
        Claim(
            96,
            "weights of 100 such kernels",
            10**4,
            lambda live: live.conv(20, 10, 1, 100).weight_params,
            "10^4",
        ),
        Claim(96, "their maps", 100, lambda live: live.conv(20, 10, 1, 100).output_shape[-1]),
        Claim(
            96,
            "weights of one dense feature, to compare",
            10**12,
            lambda live: dense_macs(side * side, side * side),
            "10^12",
        ),
    ]


def _padding() -> list[Claim]:
    sizes = [(6, 3), (28, 5), (9, 9)]

    def valid(live: Live, n: int, f: int) -> int:
        return live.conv(n, f).output_shape[0]

    def added(live: Live, kernel: int) -> tuple[int, int]:
        box = live.box(8, layers.Conv2D(1, kernel, padding="same"), place=(4, 4))
        return 4 - box.full_start[0], box.full_stop[0] - 5

    return [
        formula(113, "size without padding", "n - f + 1", lambda n, f: n - f + 1, valid, sizes),
        Claim(113, "6x6 under 3x3", 4, lambda live: valid(live, 6, 3), "4x4"),
        formula(122, "size if VALID", "n - f + 1", lambda n, f: n - f + 1, valid, sizes),
        formula(
            130,
            "size with p pixels added at every side",
            "n + 2p - f + 1",
            lambda n, f, p: n + 2 * p - f + 1,
            lambda live, n, f, p: live.conv(n, f, padding=p).output_shape[0],
            [(6, 3, 1), (6, 5, 1), (9, 3, 2)],
        ),
        formula(
            130,
            "padding that keeps the size",
            "p = (f - 1)/2",
            lambda f: ((f - 1) // 2, (f - 1) // 2),
            added,
            [(1,), (3,), (5,), (7,)],
        ),
        Claim(130, "padding for 3x3", (1, 1), lambda live: added(live, 3), "(3-1)/2 = 1"),
        Claim(
            134,
            "an even filter is padded more on the left than on the right (4x4)",
            (2, 1),
            lambda live: added(live, 4),
            "left more, right less",
            erratum="TensorFlow and Keras add the odd one after: 1 before, 2 behind",
            right=(1, 2),
        ),
        Claim(
            137,
            "usual sizes of filters",
            {1, 3, 5, 7},
            lambda live: live.kernels("googlenet"),
            "3x3, 5x5, 1x1, even 7x7",
        ),
        formula(
            145,
            "size with padding and stride, rounded down",
            "floor((n + 2p - f)/s + 1)",
            lambda n, f, p, s: int((n + 2 * p - f) / s + 1),
            lambda live, n, f, p, s: live.conv(n, f, padding=p, strides=s).output_shape[0],
            [(7, 3, 0, 2), (8, 3, 0, 2), (8, 3, 1, 3), (224, 11, 2, 4)],
        ),
    ]


def _kinds() -> list[Claim]:
    def channels_in(live: Live, kernel: int, channels: int) -> int:
        return kernel_of(layers.Conv2D(4, kernel), (8, 8, channels))[2]

    def grouped(live: Live, inputs: int, each: int, groups: int) -> Any:
        return live.conv(6, 3, inputs, each * groups, groups=groups)

    groups = [(8, 3, 1), (8, 3, 2), (8, 3, 4)]
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
        formula(
            235,
            "channels that a group sees",
            "C_in / g",
            lambda inputs, each, g: inputs // g,
            lambda live, inputs, each, g: kernel_of(
                layers.Conv2D(each * g, 3, groups=g), (6, 6, inputs)
            )[2],
            groups,
        ),
        formula(
            236,
            "groups of kernels, N a group",
            "N g groups of N K K C_k/g",
            lambda inputs, each, g: each * g,
            lambda live, inputs, each, g: layers.Conv2D(each * g, 3, groups=g).groups,
            groups,
            erratum="there are g groups, and N g kernels",
            right=(1, 2, 4),
        ),
        formula(
            237,
            "maps that come out, N a group",
            "N g",
            lambda inputs, each, g: each * g,
            lambda live, *case: grouped(live, *case).output_shape[-1],
            groups,
        ),
        Claim(
            238,
            "one group is an ordinary convolution",
            0,
            lambda live: grouped(live, 8, 3, 1).weight_params - live.conv(6, 3, 8, 3).weight_params,
            "g = 1",
        ),
        Claim(
            238,
            "as many groups as channels are a depthwise convolution",
            0,
            lambda live: (
                grouped(live, 8, 1, 8).weight_params
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
                // (grouped(live, inputs, each, g).weight_params // (each * g))
            ),
            groups,
        ),
    ]


def _separable() -> list[Claim]:
    def products(live: Live, *kernels: tuple[int, int]) -> int:
        chain = [layers.Conv2D(1, k, padding="same", use_bias=False) for k in kernels]
        return live.rows((9, 9, 1), *chain).macs.sum() // 81

    def depthwise(live: Live) -> Any:
        return live.row((8, 8, 6), layers.DepthwiseConv2D(3, use_bias=False))

    return [
        Claim(
            251,
            "3x3 as 3x1 and 1x3: both see as much",
            3,
            lambda live: live.rows(
                (9, 9, 1), layers.Conv2D(1, (3, 1)), layers.Conv2D(1, (1, 3))
            ).receptive_field.iloc[-1],
            "3x3",
        ),
        Claim(
            259,
            "a kernel can be separated if its rows are multiples: rank",
            1,
            lambda live: int(np.linalg.matrix_rank(np.outer([1, 2, 1], [1, 0, -1]))),
            "rows and columns in proportion",
        ),
        Claim(260, "products for a 3x3 kernel", 9, lambda live: products(live, (3, 3))),
        Claim(260, "products for each of the two", 3, lambda live: products(live, (3, 1))),
        Claim(260, "products for both", 6, lambda live: products(live, (3, 1), (1, 3))),
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
            lambda live: depthwise(live).output_shape[-1],
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


def _others() -> list[Claim]:
    return [*_transposed(), *_dilated()]


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
