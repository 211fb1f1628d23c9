"""Document 003_f507a061fff3ec1f, lines 876-1043: FLOPs and parameters."""

from __future__ import annotations

from typing import Any

from keras import layers

from kerazoo.documents.claim import Claim, formula
from kerazoo.documents.live import Live

MAPS = [(4, 5, 6), (7, 7, 3)]  # height, width, channels
PARAMETERS = [(3, 3, 64), (1, 64, 32), (5, 1, 6)]  # kernel, inputs, outputs
# inputs, kernel, side of the output, outputs
CONVOLUTIONS = [(3, 3, 8, 16), (16, 1, 7, 4), (1, 5, 6, 2)]


def claims() -> list[Claim]:
    """Return what these lines state."""
    return [
        *_convolution(),
        *_separable_and_dense(),
        *_pools(),
        *_snippet(),
        *_parameters(),
        *_separable_parameters(),
    ]


def _conv(live: Live, inputs: int, kernel: int, side: int, outputs: int, **options: Any) -> Any:
    return live.conv(side + kernel - 1, kernel, inputs, outputs, **options)


def _convolution() -> list[Claim]:
    def one(live: Live) -> Any:
        return live.conv(5, 3)

    return [
        formula(
            899,
            "operations of a convolution without bias",
            "(2 C_i K^2 - 1) H W C_o",
            lambda i, k, side, o: (2 * i * k * k - 1) * side * side * o,
            lambda live, *case: _conv(live, *case).flops,
            CONVOLUTIONS,
        ),
        formula(
            903,
            "operations of a convolution with bias",
            "without the - 1",
            lambda i, k, side, o: 2 * i * k * k * side * side * o,
            lambda live, *case: _conv(live, *case, use_bias=True).flops,
            CONVOLUTIONS,
        ),
        formula(
            907,
            "products and sums of one value",
            "C_i K^2 + (C_i K^2 - 1)",
            lambda i, k, side, o: i * k * k + i * k * k - 1,
            lambda live, i, k, side, o: _conv(live, i, k, side, o).flops // (side * side * o),
            CONVOLUTIONS,
        ),
        formula(
            911,
            "sums of n numbers, without and with bias",
            "n - 1, n",
            lambda i, k, side, o: (i * k * k - 1, i * k * k),
            lambda live, *case: tuple(
                (row.flops - row.macs) // (case[2] ** 2 * case[3])
                for row in (_conv(live, *case), _conv(live, *case, use_bias=True))
            ),
            CONVOLUTIONS,
        ),
        Claim(920, "5x5 under 3x3 gives a side of", 3, lambda live: one(live).output_shape[0]),
        Claim(920, "operations of one pixel", 17, lambda live: one(live).flops // 9, "9 + 8 = 17"),
        Claim(920, "operations of the map", 153, lambda live: one(live).flops, "17 * 9 = 153"),
    ]


def _flops(live: Live, shape: tuple[int, ...], layer: Any) -> int:
    return live.row(shape, layer).flops


def _separable_and_dense() -> list[Claim]:
    sides = [(8, 16, 3), (7, 4, 5)]
    return [
        formula(
            929,
            "first part of a depthwise separable convolution, with bias",
            "2 k^2 H W C_in",
            lambda inputs, outputs, k: 2 * k * k * 36 * inputs,
            lambda live, inputs, outputs, k: _flops(
                live, (5 + k, 5 + k, inputs), layers.DepthwiseConv2D(k)
            ),
            sides,
        ),
        formula(
            930,
            "second part, with bias",
            "2 C_in H W C_out",
            lambda inputs, outputs, k: 2 * inputs * 36 * outputs,
            lambda live, inputs, outputs, k: live.conv(6, 1, inputs, outputs, use_bias=True).flops,
            sides,
        ),
        formula(
            940,
            "operations of a dense layer without bias",
            "(2 I - 1) O",
            lambda i, o: (2 * i - 1) * o,
            lambda live, i, o: _flops(live, (i,), layers.Dense(o, use_bias=False)),
            [(784, 64), (64, 10)],
        ),
        formula(
            944,
            "operations of a dense layer with bias",
            "without the - 1",
            lambda i, o: 2 * i * o,
            lambda live, i, o: _flops(live, (i,), layers.Dense(o)),
            [(784, 64), (64, 10)],
        ),
    ]


def _pools() -> list[Claim]:
    return [
        formula(
            956,
            "operations of global pooling",
            "H_in W_in C_in",
            lambda h, w, c: h * w * c,
            lambda live, *shape: _flops(live, shape, layers.GlobalMaxPooling2D()),
            MAPS,
        ),
        formula(
            960,
            "operations of pooling (2x2)",
            "k^2 H_out W_out C_out",
            lambda h, w, c: 4 * (h // 2) * (w // 2) * c,
            lambda live, *shape: _flops(live, shape, layers.MaxPooling2D(2)),
            MAPS,
        ),
        formula(
            962,
            "channels behind pooling",
            "C_out = C_in",
            lambda h, w, c: c,
            lambda live, *shape: live.row(shape, layers.MaxPooling2D(2)).output_shape[-1],
            MAPS,
        ),
        formula(
            968,
            "operations of ReLU",
            "H W C",
            lambda h, w, c: h * w * c,
            lambda live, *shape: _flops(live, shape, layers.ReLU()),
            MAPS,
        ),
        formula(
            972,
            "operations of the sigmoid",
            "4 H W C",
            lambda h, w, c: 4 * h * w * c,
            lambda live, *shape: _flops(live, shape, layers.Activation("sigmoid")),
            MAPS,
        ),
    ]


def _program(shape: tuple[int, int, int], filters: tuple[int, int, int, int], stride: int) -> int:
    """Return what the arithmetic of lines 993-1010 gives, padding 1, ReLU.

    Args:
        shape: Channels, rows, columns.
        filters: Number, channels, rows, columns.
        stride: Step of the filters.
    """
    products = filters[1] * filters[2] * filters[3]
    rows = (shape[1] - filters[2] + 2) // stride + 1
    places = rows * rows
    values = filters[0] * shape[1] * shape[2]
    return places * (2 * products - 1) * filters[0] + values


def _layer(live: Live, rows: int, columns: int, stride: int) -> int:
    """Return the operations of the live layer."""
    conv = layers.Conv2D(64, 3, strides=stride, use_bias=False, activation="relu")
    return live.rows((rows, columns, 3), layers.ZeroPadding2D(1), conv).flops.sum()


def _snippet() -> list[Claim]:
    filters = (64, 3, 3, 3)
    return [
        Claim(
            998,
            "operations of one value of the example",
            27 + 26,
            lambda live: live.conv(3, 3, 3).flops,
            "n + (n - 1), n = 27",
        ),
        Claim(
            1000,
            "rows that the filter fits on",
            300,
            lambda live: live.conv(300, 3, padding=1).output_shape[0],
            "(300 - 3 + 2)/1 + 1",
        ),
        Claim(
            1004,
            "operations of all filters",
            53 * 300 * 300 * 64,
            lambda live: live.conv(300, 3, 3, 64, padding=1).flops,
            "53 * 300 * 300 * 64",
        ),
        Claim(
            1008,
            "operations of ReLU on a value",
            2,
            lambda live: live.row((1,), layers.ReLU()).flops,
            "1 comparison and 1 multiplication",
            erratum="a comparison alone, as line 968 and the program's own sum count it",
            right=1,
        ),
        Claim(
            1010,
            "operations of the example: 3x300x300 under 64 filters, ReLU",
            _program((3, 300, 300), filters, 1),
            lambda live: _layer(live, 300, 300, 1),
            "311,040,000",
        ),
        Claim(
            1001,
            "the same for 300 rows and 200 columns",
            _program((3, 300, 200), filters, 1),
            lambda live: _layer(live, 300, 200, 1),
            "rows for columns too",
            erratum="columns are taken from the number of rows: right for square images alone",
            right=54 * 300 * 200 * 64,
        ),
        Claim(
            1010,
            "the same with stride 2",
            _program((3, 300, 300), filters, 2),
            lambda live: _layer(live, 300, 300, 2),
            "ReLU on the input's size",
            erratum="ReLU acts on the output, a quarter as large here",
            right=54 * 150 * 150 * 64,
        ),
    ]


def _both_parts(live: Live, k: int, inputs: int, outputs: int) -> int:
    layer = layers.SeparableConv2D(outputs, k, use_bias=False)
    return live.row((8, 8, inputs), layer).params


def _first_part(live: Live, k: int, inputs: int, outputs: int) -> int:
    return live.row((8, 8, inputs), layers.DepthwiseConv2D(k, use_bias=False)).params


def _parameters() -> list[Claim]:
    return [
        Claim(
            1025,
            "parameters of a convolution for maps of 8, 16 and 32",
            {1792},
            lambda live: {
                int(live.conv(side, 3, 3, 64, use_bias=True).params) for side in (8, 16, 32)
            },
            "not changed by the size of the map",
        ),
        formula(
            1027,
            "parameters of a convolution with bias",
            "(k^2 C_in + 1) C_out",
            lambda k, i, o: (k * k * i + 1) * o,
            lambda live, k, i, o: live.conv(8, k, i, o, use_bias=True).params,
            PARAMETERS,
        ),
        formula(
            1028,
            "parameters of a convolution without bias",
            "k^2 C_in C_out",
            lambda k, i, o: k * k * i * o,
            lambda live, k, i, o: live.conv(8, k, i, o).params,
            PARAMETERS,
        ),
    ]


def _separable_parameters() -> list[Claim]:
    return [
        formula(
            1033,
            "first part of a depthwise separable convolution",
            "k^2 C_in",
            lambda k, i, o: k * k * i,
            _first_part,
            PARAMETERS,
        ),
        formula(
            1034,
            "second part",
            "(1*1*C_in) C_out",
            lambda k, i, o: i * o,
            lambda live, k, i, o: live.conv(8, 1, i, o).params,
            PARAMETERS,
        ),
        formula(
            1035,
            "both parts",
            "k^2 C_in + C_in C_out",
            lambda k, i, o: k * k * i + i * o,
            _both_parts,
            PARAMETERS,
        ),
        Claim(
            1039,
            "parameters of pooling",
            0,
            lambda live: live.row((8, 8, 3), layers.MaxPooling2D(2)).params,
        ),
        formula(
            1043,
            "parameters of a dense layer with bias",
            "I*O + 1",
            lambda i, o: i * o + 1,
            lambda live, i, o: live.row((i,), layers.Dense(o)).params,
            [(784, 64), (64, 10)],
            erratum="every output has a bias: (I + 1) O",
            right=(50_240, 650),
        ),
    ]
