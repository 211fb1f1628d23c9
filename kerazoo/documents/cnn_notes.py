"""cnn-notes: convolution and pooling with TF1 snippets, the MNIST network, sizes of VGG-16.

The accuracies of the MNIST network, lines 318-327, are in `accuracy`.
"""

import numpy as np

from kerazoo.data.photos import sample_photos
from kerazoo.documents.claim import Claim, Claims, Setting
from kerazoo.documents.probes import conv, kernel_sizes, model, output_size, row, table
from kerazoo.documents.vgg16_layers import INPUT, LAYERS, Layer
from kerazoo.documents.windows import Window, output_from_input
from kerazoo.lazy import keras, layers
from kerazoo.ports.conv_layer import conv_layer
from kerazoo.ports.filter_demo import line_filter, line_filters
from kerazoo.recipe import Recipe

# size, kernel, padding, stride
SIZES = [(7, 3, 0, 1), (7, 3, 1, 2), (227, 11, 0, 4), (224, 3, 1, 1)]


def _convolution_and_alexnet() -> Claims:
    one = conv(6, 3, 3)
    same = [conv(28, 3, padding="same", strides=stride).output_shape[0] for stride in (1, 2)]
    yield Claim(17, "size of 28x28 after SAME padding with strides 1 and 2", (28, 14), same)
    yield Claim(39, "weights of one 3x3x3 kernel", 27, one.weight_params)
    yield Claim(39, "size of 6x6x3 after one 3x3x3 kernel", (4, 4), one.output_shape[:2])
    yield Claim(43, "output of one 3x3x3 kernel on 6x6x3", (4, 4, 1), one.output_shape)
    yield Claim(45, "output of two such kernels", (4, 4, 2), conv(6, 3, 3, 2).output_shape)
    vgg16 = model("vgg16")
    yield Claim(53, "axes of an input: samples, height, width, channels", 4, vgg16.inputs[0].ndim)
    yield Claim(57, "order of the axes of a kernel, here VGG-16's conv2_1", (3, 3, 64, 128),
        tuple(vgg16.get_layer("conv2_1").kernel.shape),
        printed="[kernel height, kernel width, in, out]")
    yield Claim(65, "height and width of a convolution's output",
        [(n - k + 2 * p) // s + 1 for n, k, p, s in SIZES], [output_size(*case) for case in SIZES],
        printed="(in - kernel + 2 padding) / stride + 1")
    conv1 = model("alexnet").get_layer("conv1")
    kernel, moves = tuple(conv1.kernel.shape), (conv1.strides, conv1.padding)
    yield Setting(72, "AlexNet's input", (227, 227, 3), model("alexnet").input_shape[1:],
        printed="227 x 227 x 3")
    yield Setting(73, "kernels of AlexNet's conv1", 96, conv1.filters)
    yield Claim(74, "shape of one kernel of AlexNet's conv1", (11, 11, 3), kernel[:3])
    yield Setting(75, "stride and padding of AlexNet's conv1", ((4, 4), "valid"), moves,
        printed="stride = 4, padding = 0")
    yield Claim(77, "height and width of the output of AlexNet's conv1", 55,
        table("alexnet").output_shape["conv1"][0], printed="(227 - 11) / 4 + 1 = 55")
    yield Claim(79, "shape of all kernels of AlexNet's conv1", (11, 11, 3, 96), kernel)
    yield Claim(79, "output of AlexNet's conv1 for a batch of 256", (256, 55, 55, 96),
        conv1.compute_output_shape((256, 227, 227, 3)))


def _snippets_and_pools() -> Claims:
    yield Setting(83, "GoogLeNet and ResNet have 1x1 convolutions", (True, True),
        [1 in kernel_sizes(name) for name in ("googlenet", "resnet50")], printed="1x1")
    pointwise, dense = layers.Conv2D(32, 1), layers.Conv2D(4096, 32)
    yield Claim(84, "227x227x512 after 32 kernels of 1x1", (227, 227, 32),
        row((227, 227, 512), pointwise).output_shape)
    yield Claim(86, "227x227x512 after 32 kernels of 1x1, batch of 256", (256, 227, 227, 32),
        pointwise.compute_output_shape((256, 227, 227, 512)))
    yield Claim(90, "size after a dense layer as a convolution, here VGG-16's fc6", (1, 1),
        table("vgg16").output_shape["fc6"][:2])
    yield Claim(92, "32x32x512 after 4096 kernels of 32x32, batch of 256", (256, 1, 1, 4096),
        dense.compute_output_shape((256, 32, 32, 512)))
    yield Claim(94, "multiplications of a 3x3x64 kernel and its window", 576, conv(3, 3, 64).macs,
        printed="dot product")
    helper = conv_layer(5, 3, 1, "same").output_shape[-1]
    yield Claim(106, "output channels of conv_layer for 3 channels and 5 kernels", 3, helper,
        printed="return x", erratum="it returns its input x; line 111 and its purpose want y",
        right=5)
    yield Claim(111, "output channels of conv_layer for 5 kernels", 5, helper,
        printed="[batch, height, width, out_channel]")
    photos, filters, net = sample_photos(), line_filters(), line_filter()
    channels = net(photos[:1]).shape[-1]
    yield Claim(117, "shape of the two photos in one array", (2, 427, 640, 3), photos.shape)
    yield Claim(123,
        "two 7x7 filters on 3 channels: [fh, fw, fn, fn'], fn this layer's feature maps",
        (7, 7, 2, 3), filters.shape, right=(7, 7, 3, 2),
        erratum="the previous layer's channels come first, as in lines 57 and 141")
    yield Claim(127, "channels of a convolution's output, as many as filters", 2, channels)
    yield Setting(141, "shape of the two filters", (7, 7, 3, 2), filters.shape)
    yield Setting(142, "column of the first filter's vertical line", 3,
        np.argmax(filters[0, :, 0, 0]))
    yield Setting(143, "row of the second filter's horizontal line", 3,
        np.argmax(filters[:, 0, 0, 1]))
    yield Setting(144, "channels on which the lines are 1", 3, int(filters[0, 3, :, 0].sum()))
    yield Setting(147, "stride of the two filters", (2, 2), net.get_layer("conv").strides)
    yield Claim(154, "channels of the two filters' output", 2, channels)
    yield Claim(196, "a photo of 427x640 after VALID max pooling", (213, 320, 3),
        row((427, 640, 3), layers.MaxPooling2D(2)).output_shape, printed="ksize 2x2, strides 2x2")
    yield Claim(216, "feature maps after each of VGG-16's pools", (64, 128, 256, 512, 512),
        [table("vgg16").output_shape[f"pool{block}"][-1] for block in range(1, 6)],
        printed="feature maps before = after")


def _mnist() -> Claims:
    mnist, shapes = model("mnist_cnn"), table("mnist_cnn").output_shape
    _, height, width, channels = mnist.input_shape
    yield Setting(236, "height of the images", 28, height)
    yield Setting(237, "width of the images", 28, width)
    yield Setting(238, "channels of the images", 1, channels)
    yield Claim(239, "pixels of an image", 784, table("mnist_cnn").activation_bytes.iloc[0] // 4,
        printed="height * width")
    yield from _conv_settings(241, "conv1", 32, 1)
    yield from _conv_settings(246, "conv2", 64, 2)
    yield Claim(251, "feature maps of pool3", 64, shapes["pool3"][-1], printed="conv2_fmaps")
    yield Setting(253, "neurons of fc1", 64, mnist.get_layer("fc1").units)
    yield Setting(254, "outputs", 10, mnist.get_layer("output").units)
    pool3 = mnist.get_layer("pool3")
    yield Setting(272, "window and stride of pool3", ((2, 2), (2, 2)),
        (pool3.pool_size, pool3.strides))
    yield Claim(273, "elements of the flattened pool3", 64 * 7 * 7, shapes["pool3_flat"][0],
        printed="64 * 7 * 7")
    yield Claim(273, "feature maps before pool3", 64, shapes["conv2"][-1])
    yield Claim(273, "size of a feature map after pool3", (7, 7), shapes["pool3"][:2])
    yield Claim(274, "size after conv1", (28, 28), shapes["conv1"][:2])
    yield Claim(274, "size after conv2", (14, 14), shapes["conv2"][:2])
    yield Claim(274, "size after pool3", (7, 7), shapes["pool3"][:2])
    largest = keras.ops.argmax(np.array([0.1, 0.6, 0.4]))
    yield Claim(290, "index of the largest of [0.1, 0.6, 0.4]", 1, int(largest))
    yield Setting(301, "epochs", 10, Recipe().epochs)
    yield Setting(302, "batch size", 100, Recipe().batch_size)


def _conv_settings(line: int, name: str, filters: int, stride: int) -> Claims:
    layer = model("mnist_cnn").get_layer(name)
    settings = [
        ("filters", filters, str(filters)), ("kernel_size", (3, 3), "3"),
        ("strides", (stride, stride), str(stride)), ("padding", "same", "SAME"),
    ]
    for number, (option, stated, printed) in enumerate(settings, start=line):
        yield Setting(number, f"{option} of {name}", stated, getattr(layer, option),
            printed=printed)


def _vgg16() -> Claims:
    image = model("vgg16").input_shape[1:]
    yield Setting(333, "input of VGG-16", INPUT, image, printed="224*224*3")
    inputs = [INPUT, *(layer.output for layer in LAYERS[:-1])]
    for line, shape, layer in zip(range(335, 398, 3), inputs, LAYERS, strict=True):
        yield from _vgg16_layer(line, shape, layer)


def _vgg16_layer(line: int, inputs: tuple[int, int, int], layer: Layer) -> Claims:
    """Yield what the notes state on a layer with inputs of a shape."""
    name, output, weights, _ = layer
    counted = table("vgg16").loc[name]
    if name.startswith("fc"):
        product = "*".join(str(side) for side in (*inputs, output[-1]) if side > 1)
    else:
        product = f"(3*3*{inputs[-1]})*{output[-1]}"
        yield _vgg16_size(line, inputs[0], layer)
    yield Claim(line, f"output of {name}", output, counted.output_shape,
        printed="*".join(map(str, output)))
    yield Claim(line + 1, f"weights of {name}", weights, counted.weight_params,
        printed=f"{product} = {weights}" if weights else "0")


def _vgg16_size(line: int, size: int, layer: Layer) -> Claim:
    pool = layer.name.startswith("pool")
    recomputed, _ = output_from_input(size, [Window(2, 2) if pool else Window(3, 1, 1)])
    what, stated = f"height and width of {layer.name}", layer.output[0]
    if layer.name == "pool1":
        return Claim(line, what, (224 - 2) // 2, recomputed, printed="(224-2)/2 = 112",
            erratum="the + 1 is missing: (224-2)/2 is 111, and 112 comes out of (224-2)/2+1",
            right=112)
    formula = f"({size}-2)/2+1" if pool else f"({size}-3+2*1)/1+1"
    return Claim(line, what, stated, recomputed, printed=f"{formula} = {stated}")


SECTIONS = (_convolution_and_alexnet, _snippets_and_pools, _mnist, _vgg16)
