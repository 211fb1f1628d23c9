"""Document 003_f507a061fff3ec1f, lines 1-150: what a convolution does, counts, saves and pads."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import layers

from kerazoo.accounting.table import cpr
from kerazoo.documents.claim import Claim, formula
from kerazoo.documents.live import Live, dense_macs, kernel_of


def claims() -> list[Claim]:
    """Return what these lines state."""
    return [*_maps(), *_counts(), *_savings(), *_padding()]


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
