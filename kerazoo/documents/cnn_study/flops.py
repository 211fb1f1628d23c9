"""cnn-study, lines 876-1043: FLOPs and parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
from keras import layers

from kerazoo.documents.claim import Claim
from kerazoo.documents.probes import conv, dense, depthwise, output_size, row, rows

# The claims are tables: the formatter would put every argument on its own line.
# fmt: off

SHAPES = [(4, 5, 6), (7, 7, 3)]  # height, width, channels
KERNELS = [(3, 3, 64), (1, 64, 32), (5, 1, 6)]  # size, inputs, outputs
CONVOLUTIONS = [(3, 3, 8, 16), (16, 1, 7, 4), (1, 5, 6, 2)]  # inputs, kernel, output size, outputs
SEPARABLE = [(8, 16, 3), (7, 4, 5)]  # inputs, outputs, kernel
DENSE = [(784, 64), (64, 10)]  # inputs, outputs
EXAMPLE = (64, 3, 3, 3)  # the program's filters: number, channels, rows, columns


def claims() -> Iterator[Claim]:
    """Yield what the chapter states."""
    for section in (_convolution, _example, _separable_and_dense, _pooling_and_activations,
                    _program, _parameters, _separable_parameters):
        yield from section()


def _convolution() -> list[Claim]:
    sizes = [size * size * o for _, _, size, o in CONVOLUTIONS]
    plain = [_conv(*case) for case in CONVOLUTIONS]
    biased = [_conv(*case, use_bias=True) for case in CONVOLUTIONS]
    additions = [
        [(layer.flops - layer.macs) // size for layer in (without, with_bias)]
        for without, with_bias, size in zip(plain, biased, sizes, strict=True)
    ]
    return [
        Claim(899, "operations of a convolution without bias",
            [(2 * i * k * k - 1) * size * size * o for i, k, size, o in CONVOLUTIONS],
            [layer.flops for layer in plain], printed="(2 C_i K^2 - 1) H W C_o"),
        Claim(903, "operations of a convolution with bias",
            [2 * i * k * k * size * size * o for i, k, size, o in CONVOLUTIONS],
            [layer.flops for layer in biased], printed="without the - 1"),
        Claim(907, "multiplications and additions of one output",
            [i * k * k + i * k * k - 1 for i, k, _, _ in CONVOLUTIONS],
            [layer.flops // size for layer, size in zip(plain, sizes, strict=True)],
            printed="C_i K^2 + (C_i K^2 - 1)"),
        Claim(911, "additions of n numbers, without and with bias",
            [(i * k * k - 1, i * k * k) for i, k, _, _ in CONVOLUTIONS], additions,
            printed="n - 1, n"),
    ]


def _conv(inputs: int, kernel: int, size: int, outputs: int, use_bias: bool = False) -> Any:
    return conv(size + kernel - 1, kernel, inputs, outputs, use_bias=use_bias)


def _flops(shape: tuple[int, ...], layer: keras.Layer) -> int:
    return row(shape, layer).flops


def _example() -> list[Claim]:
    layer = conv(5, 3)
    return [
        Claim(920, "height of 5x5 after 3x3", 3, layer.output_shape[0]),
        Claim(920, "operations of one pixel of the output", 17, layer.flops // 9,
            printed="9 + 8 = 17"),
        Claim(920, "operations of the whole output", 153, layer.flops, printed="17 * 9 = 153"),
    ]


def _separable_and_dense() -> list[Claim]:
    return [
        Claim(929, "operations of the depthwise half of a separable convolution, with bias",
            [2 * k * k * 36 * i for i, _, k in SEPARABLE],
            [depthwise(5 + k, k, i, use_bias=True).flops for i, _, k in SEPARABLE],
            printed="2 k^2 H W C_in"),
        Claim(930, "operations of the 1x1 half of a separable convolution, with bias",
            [2 * i * 36 * o for i, o, _ in SEPARABLE],
            [conv(6, 1, i, o, use_bias=True).flops for i, o, _ in SEPARABLE],
            printed="2 C_in H W C_out"),
        Claim(940, "operations of a dense layer without bias", [(2 * i - 1) * o for i, o in DENSE],
            [dense(i, o).flops for i, o in DENSE], printed="(2 I - 1) O"),
        Claim(944, "operations of a dense layer with bias", [2 * i * o for i, o in DENSE],
            [dense(i, o, use_bias=True).flops for i, o in DENSE], printed="without the - 1"),
    ]


def _pooling_and_activations() -> list[Claim]:
    elements = [h * w * c for h, w, c in SHAPES]
    pools = [row(shape, layers.MaxPooling2D(2)) for shape in SHAPES]
    return [
        Claim(956, "operations of global pooling", elements,
            [_flops(shape, layers.GlobalMaxPooling2D()) for shape in SHAPES],
            printed="H_in W_in C_in"),
        Claim(960, "operations of 2x2 pooling", [4 * (h // 2) * (w // 2) * c for h, w, c in SHAPES],
            [pool.flops for pool in pools], printed="k^2 H_out W_out C_out"),
        Claim(962, "channels after pooling", [c for _, _, c in SHAPES],
            [pool.output_shape[-1] for pool in pools], printed="C_out = C_in"),
        Claim(968, "operations of ReLU", elements,
            [_flops(shape, layers.ReLU()) for shape in SHAPES], printed="H W C"),
        Claim(972, "operations of the sigmoid", [4 * number for number in elements],
            [_flops(shape, layers.Activation("sigmoid")) for shape in SHAPES], printed="4 H W C"),
    ]


def _program() -> list[Claim]:
    return [
        Claim(998, "operations of one output of the program", 27 + 26, conv(3, 3, 3).flops,
            printed="n + (n - 1), n = 27"),
        Claim(1000, "rows of the program's output", 300, output_size(300, 3, 1),
            printed="(300 - 3 + 2)/1 + 1"),
        Claim(1001, "operations of the program for 300 rows and 200 columns",
            _by_program(300, 200, 1), _by_layers(300, 200, 1), printed="rows for columns too",
            erratum="columns are taken from the number of rows: right for square images alone",
            right=54 * 300 * 200 * 64),
        Claim(1004, "operations of all filters of the program", 53 * 300 * 300 * 64,
            conv(300, 3, 3, 64, padding=1).flops, printed="53 * 300 * 300 * 64"),
        Claim(1008, "operations of ReLU on one element", 2, _flops((1,), layers.ReLU()),
            printed="1 comparison and 1 multiplication",
            erratum="a comparison alone, as line 968 and the program's sum count it", right=1),
        Claim(1010, "operations of 64 filters and ReLU on 3x300x300", _by_program(300, 300, 1),
            _by_layers(300, 300, 1), printed="311,040,000"),
        Claim(1010, "operations of 64 filters and ReLU on 3x300x300, stride 2",
            _by_program(300, 300, 2), _by_layers(300, 300, 2), printed="ReLU on the input's size",
            erratum="ReLU acts on the output, a quarter as large here", right=54 * 150 * 150 * 64),
    ]


def _by_program(height: int, width: int, stride: int) -> int:
    """Return the operations as lines 993-1010 compute them: 64 filters of 3x3, padding 1, ReLU."""
    number, channels, kernel_rows, kernel_columns = EXAMPLE
    n = channels * kernel_rows * kernel_columns
    instances = ((height - kernel_rows + 2) // stride + 1) ** 2
    return instances * (2 * n - 1) * number + number * height * width


def _by_layers(height: int, width: int, stride: int) -> int:
    """Return the operations of the same layers in Keras."""
    conv2d = layers.Conv2D(64, 3, strides=stride, use_bias=False, activation="relu")
    return rows((height, width, 3), layers.ZeroPadding2D(1), conv2d).flops.sum()


def _parameters() -> list[Claim]:
    sizes = {conv(size, 3, 3, 64, use_bias=True).params for size in (8, 16, 32)}
    return [
        Claim(1025, "parameters of a convolution on 8x8, 16x16 and 32x32", {1792}, sizes,
            printed="not changed by the size of the feature map"),
        Claim(1027, "parameters of a convolution with bias",
            [(k * k * i + 1) * o for k, i, o in KERNELS],
            [conv(8, k, i, o, use_bias=True).params for k, i, o in KERNELS],
            printed="(k^2 C_in + 1) C_out"),
        Claim(1028, "parameters of a convolution without bias",
            [k * k * i * o for k, i, o in KERNELS],
            [conv(8, k, i, o).params for k, i, o in KERNELS], printed="k^2 C_in C_out"),
    ]


def _separable_parameters() -> list[Claim]:
    both = [layers.SeparableConv2D(o, k, use_bias=False) for k, _, o in KERNELS]
    shapes = [(8, 8, i) for _, i, _ in KERNELS]
    return [
        Claim(1033, "parameters of the depthwise half of a separable convolution",
            [k * k * i for k, i, _ in KERNELS], [depthwise(8, k, i).params for k, i, _ in KERNELS],
            printed="k^2 C_in"),
        Claim(1034, "parameters of the 1x1 half", [i * o for _, i, o in KERNELS],
            [conv(8, 1, i, o).params for _, i, o in KERNELS], printed="(1*1*C_in) C_out"),
        Claim(1035, "parameters of both halves", [k * k * i + i * o for k, i, o in KERNELS],
            [row(shape, layer).params for shape, layer in zip(shapes, both, strict=True)],
            printed="k^2 C_in + C_in C_out"),
        Claim(1039, "parameters of pooling", 0, row((8, 8, 3), layers.MaxPooling2D(2)).params),
        Claim(1043, "parameters of a dense layer with bias", [i * o + 1 for i, o in DENSE],
            [dense(i, o, use_bias=True).params for i, o in DENSE], printed="I*O + 1",
            erratum="every output has a bias: (I + 1) O", right=(50_240, 650)),
    ]
