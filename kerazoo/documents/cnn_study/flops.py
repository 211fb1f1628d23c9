"""cnn-study, lines 876-1043: FLOPs and parameters."""


from kerazoo.documents.claim import Claim, Claims
from kerazoo.documents.probes import conv, dense, depthwise, output_size, row, rows
from kerazoo.lazy import layers

SHAPES = [(4, 5, 6), (7, 7, 3)]  # height, width, channels
KERNELS = [(3, 3, 64), (1, 64, 32), (5, 1, 6)]  # size, inputs, outputs
CONVOLUTIONS = [(3, 3, 8, 16), (16, 1, 7, 4), (1, 5, 6, 2)]  # inputs, kernel, output size, outputs
SEPARABLE = [(8, 16, 3), (7, 4, 5)]  # inputs, outputs, kernel
DENSE = [(784, 64), (64, 10)]  # inputs, outputs
EXAMPLE = (64, 3, 3, 3)  # the program's filters: number, channels, rows, columns


def _convolutions_and_dense() -> Claims:
    plain, biased = (
        [conv(size + k - 1, k, i, o, use_bias=use_bias) for i, k, size, o in CONVOLUTIONS]
        for use_bias in (False, True)
    )
    elements = [size * size * o for _, _, size, o in CONVOLUTIONS]
    yield Claim(899, "operations of a convolution without bias",
        [(2 * i * k * k - 1) * size * size * o for i, k, size, o in CONVOLUTIONS],
        [layer.flops for layer in plain], printed="(2 C_i K^2 - 1) H W C_o")
    yield Claim(903, "operations of a convolution with bias",
        [2 * i * k * k * size * size * o for i, k, size, o in CONVOLUTIONS],
        [layer.flops for layer in biased], printed="without the - 1")
    yield Claim(907, "multiplications and additions of one output",
        [i * k * k + i * k * k - 1 for i, k, _, _ in CONVOLUTIONS],
        [layer.flops // number for layer, number in zip(plain, elements, strict=True)],
        printed="C_i K^2 + (C_i K^2 - 1)")
    yield Claim(911, "additions of n numbers, without and with bias",
        [(i * k * k - 1, i * k * k) for i, k, _, _ in CONVOLUTIONS],
        [((a.flops - a.macs) // number, (b.flops - b.macs) // number)
         for a, b, number in zip(plain, biased, elements, strict=True)], printed="n - 1, n")
    layer = conv(5, 3)
    yield Claim(920, "height of 5x5 after 3x3", 3, layer.output_shape[0])
    yield Claim(920, "operations of one pixel of the output", 17, layer.flops // 9,
        printed="9 + 8 = 17")
    yield Claim(920, "operations of the whole output", 153, layer.flops, printed="17 * 9 = 153")
    yield Claim(929, "operations of the depthwise half of a separable convolution, with bias",
        [2 * k * k * 36 * i for i, _, k in SEPARABLE],
        [depthwise(5 + k, k, i, use_bias=True).flops for i, _, k in SEPARABLE],
        printed="2 k^2 H W C_in")
    yield Claim(930, "operations of the 1x1 half of a separable convolution, with bias",
        [2 * i * 36 * o for i, o, _ in SEPARABLE],
        [conv(6, 1, i, o, use_bias=True).flops for i, o, _ in SEPARABLE],
        printed="2 C_in H W C_out")
    yield Claim(940, "operations of a dense layer without bias",
        [(2 * i - 1) * o for i, o in DENSE], [dense(i, o).flops for i, o in DENSE],
        printed="(2 I - 1) O")
    yield Claim(944, "operations of a dense layer with bias", [2 * i * o for i, o in DENSE],
        [dense(i, o, use_bias=True).flops for i, o in DENSE], printed="without the - 1")


def _pooling_and_activations() -> Claims:
    elements = [h * w * c for h, w, c in SHAPES]
    pools = [row(shape, layers.MaxPooling2D(2)) for shape in SHAPES]
    yield Claim(956, "operations of global pooling", elements,
        [row(shape, layers.GlobalMaxPooling2D()).flops for shape in SHAPES],
        printed="H_in W_in C_in")
    yield Claim(960, "operations of 2x2 pooling",
        [4 * (h // 2) * (w // 2) * c for h, w, c in SHAPES], [pool.flops for pool in pools],
        printed="k^2 H_out W_out C_out")
    yield Claim(962, "channels after pooling", [c for _, _, c in SHAPES],
        [pool.output_shape[-1] for pool in pools], printed="C_out = C_in")
    yield Claim(968, "operations of ReLU", elements,
        [row(shape, layers.ReLU()).flops for shape in SHAPES], printed="H W C")
    yield Claim(972, "operations of the sigmoid", [4 * number for number in elements],
        [row(shape, layers.Activation("sigmoid")).flops for shape in SHAPES],
        printed="4 H W C")


def _program() -> Claims:
    yield Claim(998, "operations of one output of the program", 27 + 26, conv(3, 3, 3).flops,
        printed="n + (n - 1), n = 27")
    yield Claim(1000, "rows of the program's output", 300, output_size(300, 3, 1),
        printed="(300 - 3 + 2)/1 + 1")
    yield Claim(1001, "operations of the program for 300 rows and 200 columns",
        _by_program(300, 200, 1), _by_layers(300, 200, 1), printed="rows for columns too",
        erratum="columns are taken from the number of rows: right for square images only",
        right=54 * 300 * 200 * 64)
    yield Claim(1004, "operations of all filters of the program", 53 * 300 * 300 * 64,
        conv(300, 3, 3, 64, padding=1).flops, printed="53 * 300 * 300 * 64")
    yield Claim(1008, "operations of ReLU on one element", 2, row((1,), layers.ReLU()).flops,
        printed="1 comparison and 1 multiplication",
        erratum="only a comparison, as line 968 and the program's sum count it", right=1)
    yield Claim(1010, "operations of 64 filters and ReLU on 3x300x300", _by_program(300, 300, 1),
        _by_layers(300, 300, 1), printed="311,040,000")
    yield Claim(1010, "operations of 64 filters and ReLU on 3x300x300, stride 2",
        _by_program(300, 300, 2), _by_layers(300, 300, 2), printed="ReLU on the input's size",
        erratum="ReLU acts on the output, a quarter as large here", right=54 * 150 * 150 * 64)


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


def _parameters() -> Claims:
    sizes = {conv(size, 3, 3, 64, use_bias=True).params for size in (8, 16, 32)}
    yield Claim(1025, "parameters of a convolution on 8x8, 16x16 and 32x32", {1792}, sizes,
        printed="not changed by the size of the feature map")
    yield Claim(1027, "parameters of a convolution with bias",
        [(k * k * i + 1) * o for k, i, o in KERNELS],
        [conv(8, k, i, o, use_bias=True).params for k, i, o in KERNELS],
        printed="(k^2 C_in + 1) C_out")
    yield Claim(1028, "parameters of a convolution without bias",
        [k * k * i * o for k, i, o in KERNELS], [conv(8, k, i, o).params for k, i, o in KERNELS],
        printed="k^2 C_in C_out")
    both = [layers.SeparableConv2D(o, k, use_bias=False) for k, _, o in KERNELS]
    shapes = [(8, 8, i) for _, i, _ in KERNELS]
    yield Claim(1033, "parameters of the depthwise half of a separable convolution",
        [k * k * i for k, i, _ in KERNELS], [depthwise(8, k, i).params for k, i, _ in KERNELS],
        printed="k^2 C_in")
    yield Claim(1034, "parameters of the 1x1 half", [i * o for _, i, o in KERNELS],
        [conv(8, 1, i, o).params for _, i, o in KERNELS], printed="(1*1*C_in) C_out")
    yield Claim(1035, "parameters of both halves", [k * k * i + i * o for k, i, o in KERNELS],
        [row(shape, layer).params for shape, layer in zip(shapes, both, strict=True)],
        printed="k^2 C_in + C_in C_out")
    yield Claim(1039, "parameters of pooling", 0, row((8, 8, 3), layers.MaxPooling2D(2)).params)
    yield Claim(1043, "parameters of a dense layer with bias", [i * o + 1 for i, o in DENSE],
        [dense(i, o, use_bias=True).params for i, o in DENSE], printed="I*O + 1",
        erratum="every output has a bias: (I + 1) O", right=(50_240, 650))


SECTIONS = (_convolutions_and_dense, _pooling_and_activations, _program, _parameters)
