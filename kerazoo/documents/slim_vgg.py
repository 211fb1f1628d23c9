"""slim-vgg: the bottleneck, and VGG-16 as a tf-slim program."""

from kerazoo.documents.claim import Claim, Claims, Setting, decimals
from kerazoo.documents.probes import conv, model, named, residual_convolutions, settings, table
from kerazoo.models.resnet import basic, bottleneck

# Number, convolutions, filters in the program, filters as listed in line 33 to 37, size.
BLOCKS = [
    (1, 2, 64, 64, 224), (2, 2, 128, 128, 112), (3, 3, 256, 256, 56), (4, 3, 512, 256, 28),
    (5, 3, 512, 256, 14),
]
Block = tuple[int, int, int, int, int]
DENSE = [(89, "fc6", 4096, 7), (93, "fc7", 4096, 1), (97, "fc8", 1000, 1)]  # filters, kernel


def _bottleneck_and_windows() -> Claims:
    narrow = residual_convolutions(bottleneck, 64).weight_params.sum()
    wide = residual_convolutions(basic, 256).weight_params.sum()
    yield Claim(10, "weights of 1x1 to 64, 3x3, and 1x1 back to 256 channels", 69_632, narrow,
        printed="1x1x256x64 + 3x3x64x64 + 1x1x64x256 = 69632")
    yield Claim(12, "weights of two 3x3 convolutions of 256 channels", 1_179_648, wide,
        printed="3x3x256x256x2 = 1179648")
    yield Claim(12, "weights of the two convolutions to those of the three", 16.94, wide / narrow,
        rule=decimals(2, "to two decimals"))
    yield Setting(18, "kernels of the convolutions", {(3, 3)},
        settings("vgg16", "conv", "kernel_size"))
    yield Setting(18, "strides of the convolutions", {(1, 1)}, settings("vgg16", "conv", "strides"),
        printed="1")
    height, width, _ = conv(28, 3, 1, 32).output_shape
    yield Claim(21, "height of 28x28x1 after 3x3 windows without padding", 26, height,
        printed="input (28, 28, 1), 26")
    yield Claim(22, "number of 3x3 windows in 28x28", 26, height * width, printed="26",
        erratum="26 along each side are 26 * 26 = 676", right=676)
    yield Setting(25, "windows of the pools", {(2, 2)}, settings("vgg16", "pool", "pool_size"),
        printed="2x2")
    yield Setting(25, "strides of the pools", {(2, 2)}, settings("vgg16", "pool", "strides"),
        printed="2")


def _vgg16() -> Claims:
    vgg16, shapes = model("vgg16"), table("vgg16").output_shape
    yield Setting(32, "the input", (224, 224, 3), vgg16.input_shape[1:])
    for line, block in enumerate(BLOCKS, start=33):
        yield from _block(line, line, line, block)
    yield Claim(38, "output of fc6", (1, 1, 4096), shapes["fc6"])
    yield Claim(38, "output of fc7", (1, 1, 4096), shapes["fc7"])
    yield Claim(39, "output of fc8", (1, 1, 1000), shapes["fc8"])
    yield Setting(53, "classes", 1000, vgg16.output_shape[-1])
    yield Setting(55, "fraction of elements that dropout keeps", 0.5,
        1 - vgg16.get_layer("dropout6").rate, printed="dropout_keep_prob = 0.5")
    for line, block in zip(range(64, 89, 5), BLOCKS, strict=True):
        yield from _block(line, line + 3, line + 2, block)
        number, convolutions, filters, _, _ = block
        layers = named("vgg16", f"conv{number}_")
        yield Setting(line + 1, f"slim.repeat of block {number}", (convolutions, filters, (3, 3)),
            (len(layers), layers[0].filters, layers[0].kernel_size),
            printed=f"repeat {convolutions}, {filters}, [3, 3]")
    for line, name, filters, kernel in DENSE:
        layer, printed = vgg16.get_layer(name), "num_classes" if name == "fc8" else filters
        yield Claim(line, f"output of {name}", (1, 1, filters), shapes[name])
        yield Setting(line + 1, f"slim.conv2d of {name}", (filters, (kernel, kernel)),
            (layer.filters, layer.kernel_size), printed=f"{printed}, [{kernel}, {kernel}]")
    yield Claim(105, "output after squeezing axes 1 and 2", (1000,), shapes["fc8_squeezed"],
        printed="tf.squeeze [1, 2]")


def _block(line: int, window_line: int, pool_line: int, block: Block) -> Claims:
    """Yield what is stated on a block and its pool; the notes list blocks 4 and 5 as block 3."""
    number, convolutions, filters, listed, size = block
    shapes, layers = table("vgg16").output_shape, named("vgg16", f"conv{number}_")
    pool, output = f"pool{number}", shapes[layers[-1].name]
    copied = f"copied from block 3; block {number} has {filters}, as its output shape shows"
    yield Claim(line, f"convolutions of block {number}", convolutions, len(layers))
    yield Setting(line, f"kernels of block {number}", (3, 3), layers[0].kernel_size,
        printed="[3,3]")
    yield Claim(line, f"feature maps of block {number}", listed, output[-1],
        erratum=copied if listed != filters else "", right=filters)
    yield Claim(line, f"output of block {number}'s convolutions", (size, size, filters), output)
    if listed != filters:
        before = f"pool{number - 1}"
        after = shapes.index[shapes.index.get_loc(before) + 1]
        yield Claim(line, f"name of the block after {before}", "conv3", after.partition("_")[0],
            erratum=f"copied from block 3; the program calls it conv{number}",
            right=f"conv{number}")
    yield Setting(window_line, f"window of {pool}", (2, 2),
        model("vgg16").get_layer(pool).pool_size, printed="2x2")
    yield Claim(pool_line, f"output of {pool}", (size // 2, size // 2, filters), shapes[pool])


SECTIONS = (_bottleneck_and_windows, _vgg16)
