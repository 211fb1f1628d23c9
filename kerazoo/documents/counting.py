"""counting: 1x1 convolutions, receptive fields, and the weights and MACs of VGG-16."""

import numpy as np

from kerazoo.documents.claim import Claim, Claims, Setting, digits
from kerazoo.documents.probes import (
    conv,
    dense_fraction,
    model,
    mostly_dense,
    named,
    output_size,
    row,
    table,
)
from kerazoo.documents.vgg16_layers import INPUT
from kerazoo.documents.windows import Window, field_from_output
from kerazoo.lazy import layers

SIZES = [(32, 5, 0, 1), (32, 5, 2, 1), (31, 3, 1, 2), (227, 11, 2, 4)]  # W, F, P, S
KERNELS = [(3, 3, 64), (3, 64, 128), (1, 256, 64)]  # size, input channels, filters
# size, kernel, input channels, filters
CONVOLUTIONS = [(224, 3, 3, 64), (28, 3, 256, 512), (7, 1, 512, 64)]


def _sizes_and_fields() -> Claims:
    yield Claim(3, "height and width of 7x9x6 after five 1x1 kernels", (7, 9),
        row((7, 9, 6), layers.Conv2D(5, 1)).output_shape[:2], printed="width and height stay")
    yield Claim(9, "weights of a 1x1 convolution, as of a dense layer at every position",
        [n * m for n, m in ((6, 5), (64, 32))],
        [conv(4, 1, n, m).weight_params for n, m in ((6, 5), (64, 32))],
        printed="1x1xm on n feature maps = dense from n to m")
    yield Claim(11, "weights of one 1x1 kernel on one channel", 1, conv(5, 1).weight_params)
    sizes = (1, 2, 3, 7)
    yield Claim(29, "receptive field of a layer's output on its input", sizes,
        [conv(21, kernel).receptive_field for kernel in sizes], printed="field = kernel")
    chains = ([Window(3)], [Window(3), Window(3)], [Window(3, 2), Window(3)])
    yield Claim(31, "receptive field by kernel, stride and the field of the next layer", (3, 5, 7),
        [field_from_output(chain) for chain in chains],
        printed="3; 3 before 3; 3 with stride 2 before 3")
    yield Claim(33, "receptive field of a 3x3 kernel with VALID and SAME", (3, 3),
        [conv(21, 3, padding=padding).receptive_field for padding in ("valid", "same")],
        printed="no padding in the formula")
    yield Claim(41, "receptive field of VGG-16's pool5, forward minus backward", 0,
        table("vgg16").receptive_field["pool5"] - field_from_output(_vgg16_windows()),
        printed="the same in principle")
    yield Claim(78, "size of a convolution's output",
        [(w - f + 2 * p) // s + 1 for w, f, p, s in SIZES], [output_size(*case) for case in SIZES],
        printed="N = (W - F + 2P)/S + 1")
    yield Claim(98, "a layer rotates its kernel first: a kernel of 0 to 8 on an image of 0 to 8",
        sum(place * (8 - place) for place in range(9)), _kernel_on_image(),
        printed="turned by 180 degrees",
        erratum="layers of neural networks do not; cnn-study, line 74, agrees",
        right=sum(place * place for place in range(9)))


def _vgg16_windows() -> list[Window]:
    """Return the windows of VGG-16 up to pool5."""
    chosen = named("vgg16", "conv", "pool")
    kernels = [getattr(layer, "kernel_size", None) or layer.pool_size for layer in chosen]
    return [Window(size[0], one.strides[0]) for size, one in zip(kernels, chosen, strict=True)]


def _kernel_on_image() -> float:
    """Return what a convolution layer gives for a 3x3 kernel on an image, both 0 to 8."""
    numbers = np.arange(9, dtype="float32")
    layer = layers.Conv2D(1, 3, use_bias=False)
    layer.build((1, 3, 3, 1))
    layer.set_weights([numbers.reshape(3, 3, 1, 1)])
    return float(layer(numbers.reshape(1, 3, 3, 1))[0, 0, 0, 0])


def _weights() -> Claims:
    vgg16, counted = model("vgg16"), table("vgg16")
    conv1_1, conv2_1 = vgg16.get_layer("conv1_1"), vgg16.get_layer("conv2_1")
    yield Claim(106, "weights of a 3x3 kernel", 9, conv(5, 3).weight_params)
    yield Claim(114, "weights of a convolution",
        [k * k * inputs * filters for k, inputs, filters in KERNELS],
        [conv(8, *kernel).weight_params for kernel in KERNELS],
        printed="filter size * input channels * filters")
    yield Setting(116, "input of conv1_1", INPUT, vgg16.input_shape[1:])
    yield Setting(116, "size and number of conv1_1's filters", (3, 3, 64),
        (*conv1_1.kernel_size, conv1_1.filters))
    yield Claim(116, "output of conv1_1", (224, 224, 64), counted.output_shape["conv1_1"])
    yield Claim(118, "weights of conv1_1", 1728, counted.weight_params["conv1_1"])
    yield Claim(120, "input of conv2_1", (112, 112, 64), counted.output_shape["pool1"])
    yield Setting(120, "size and number of conv2_1's filters", (3, 3, 128),
        (*conv2_1.kernel_size, conv2_1.filters))
    yield Claim(120, "output of conv2_1", (112, 112, 128), counted.output_shape["conv2_1"])
    yield Claim(122, "weights of conv2_1", 73728, counted.weight_params["conv2_1"])
    yield _last_convolution(130)
    fc6 = counted.loc["fc6"]
    yield Claim(130, "outputs of the first dense layer", 4096, fc6.output_shape[-1])
    yield Claim(130, "kernels of the first dense layer", (7, 7, 512, 4096),
        tuple(vgg16.get_layer("fc6").kernel.shape), printed="4096 of 7x7x512")
    yield Claim(132, "weights of the first dense layer", 102_760_448, fc6.weight_params)
    yield Claim(134, "weights of the first dense layer, in words", 10**8, fc6.weight_params,
        printed="a hundred million", rule=digits(1))
    yield Claim(134, "percentage of all weights that dense layers have", 80,
        round(100 * dense_fraction("weight_params")), printed="about 80%",
        erratum="all three have 89%, the first alone 74%", right=89)


def _last_convolution(line: int) -> Claim:
    return Claim(line, "output of VGG-16's last convolution", (7, 7, 512),
        table("vgg16").output_shape["conv5_3"],
        erratum="that is the output of the pool after it; the convolution gives 14x14x512",
        right=(14, 14, 512))


def _macs() -> Claims:
    conv1_1 = table("vgg16").loc["conv1_1"]
    yield Setting(140, "input of conv1_1", INPUT, model("vgg16").input_shape[1:])
    yield Claim(140, "output of conv1_1", (224, 224, 64), conv1_1.output_shape)
    yield Claim(142, "multiply-accumulates of conv1_1 for one pixel", 576, conv1_1.macs // 224**2,
        printed="3*3*64 = 576", erratum="each filter also runs over the 3 input channels",
        right=3 * 3 * 3 * 64)
    yield Claim(144, "multiply-accumulates of conv1_1", 224 * 224 * 64 * 3 * 3 * 64, conv1_1.macs,
        printed="224*224*64*3*3*64",
        erratum="that is conv1_2; conv1_1 has 3 input channels and no 64", right=86_704_128)
    yield Claim(148, "multiply-accumulates of a convolution, its filters with all channels",
        [n * n * filters * k * k * inputs for n, k, inputs, filters in CONVOLUTIONS],
        [conv(*case, padding="same").macs for case in CONVOLUTIONS],
        printed="output feature map * filter")
    batches, one = (1, 2, 100), row((8, 8, 3), layers.Conv2D(4, 3)).macs
    yield Claim(150, "multiply-accumulates of a batch to those of one sample", batches,
        [row((8, 8, 3), layers.Conv2D(4, 3), batch=batch).macs // one for batch in batches],
        printed="times batch size")
    yield _last_convolution(156)
    fc6 = table("vgg16").loc["fc6"]
    yield Claim(156, "outputs of the first dense layer", 4096, fc6.output_shape[-1])
    yield Claim(156, "multiply-accumulates of the first dense layer", 102_760_448, fc6.macs,
        printed="7*7*512*1*4096 = 102760448")
    yield Claim(160, "where VGG-16 has most weights, and most multiply-accumulates", (True, True),
        mostly_dense(), printed="weights: dense layers; work: convolutions")


SECTIONS = (_sizes_and_fields, _weights, _macs)
