"""slim-vgg: the bottleneck, and VGG-16 as a tf-slim program."""

from __future__ import annotations

from collections.abc import Iterator

from kerazoo.documents import rules
from kerazoo.documents.claim import Claim
from kerazoo.documents.probes import conv, model, residual_convolutions, settings, table
from kerazoo.models.resnet import basic, bottleneck

# The claims are tables: the formatter would put every argument on its own line.
# fmt: off

# Number, convolutions, filters in the program, filters as listed in line 33 to 37, size.
BLOCKS = [
    (1, 2, 64, 64, 224), (2, 2, 128, 128, 112), (3, 3, 256, 256, 56), (4, 3, 512, 256, 28),
    (5, 3, 512, 256, 14),
]
Block = tuple[int, int, int, int, int]
DENSE = [(89, "fc6", 4096, 7), (93, "fc7", 4096, 1), (97, "fc8", 1000, 1)]  # filters, kernel


def claims() -> Iterator[Claim]:
    """Yield what the notes state, chapter by chapter."""
    for section in (_bottleneck, _windows, _steps, _program):
        yield from section()


def _bottleneck() -> list[Claim]:
    narrow = residual_convolutions(bottleneck, 64).weight_params.sum()
    wide = residual_convolutions(basic, 256).weight_params.sum()
    return [
        Claim(10, "weights of 1x1 to 64, 3x3, and 1x1 back to 256 channels", 69_632, narrow,
            printed="1x1x256x64 + 3x3x64x64 + 1x1x64x256 = 69632"),
        Claim(12, "weights of two 3x3 convolutions of 256 channels", 1_179_648, wide,
            printed="3x3x256x256x2 = 1179648"),
        Claim(12, "weights of the two convolutions to those of the three", 16.94, wide / narrow,
            rule=rules.TWO_DECIMALS),
    ]


def _windows() -> list[Claim]:
    kernels = settings("vgg16", "conv", "kernel_size")
    strides, steps = settings("vgg16", "conv", "strides"), settings("vgg16", "pool", "strides")
    height, width, _ = conv(28, 3, 1, 32).output_shape
    return [
        Claim(18, "kernels of the convolutions", {(3, 3)}, kernels, setting=True),
        Claim(18, "strides of the convolutions", {(1, 1)}, strides, printed="1", setting=True),
        Claim(21, "height of 28x28x1 after 3x3 windows without padding", 26, height,
            printed="input (28, 28, 1), 26"),
        Claim(22, "number of 3x3 windows in 28x28", 26, height * width, printed="26",
            erratum="26 along each side are 26 * 26 = 676", right=676),
        Claim(25, "windows of the pools", {(2, 2)}, settings("vgg16", "pool", "pool_size"),
            printed="2x2", setting=True),
        Claim(25, "strides of the pools", {(2, 2)}, steps, printed="2", setting=True),
    ]


def _steps() -> Iterator[Claim]:
    shapes, image = table("vgg16").output_shape, model("vgg16").input_shape[1:]
    yield Claim(32, "the input", (224, 224, 3), image, setting=True)
    for line, block in enumerate(BLOCKS, start=33):
        yield from _convolutions(line, block)
        yield from _pool(line, line, block)
    yield Claim(38, "output of fc6", (1, 1, 4096), shapes["fc6"])
    yield Claim(38, "output of fc7", (1, 1, 4096), shapes["fc7"])
    yield Claim(39, "output of fc8", (1, 1, 1000), shapes["fc8"])


def _convolutions(line: int, block: Block) -> list[Claim]:
    """Return what a line states on a block; it calls blocks 4 and 5 "conv3", of 256 filters."""
    number, convolutions, filters, listed, size = block
    layers = [layer for layer in model("vgg16").layers if layer.name.startswith(f"conv{number}_")]
    output = table("vgg16").output_shape[layers[-1].name]
    copied = f"copied from block 3; block {number} has {filters}, as its output shape says"
    claims = [
        Claim(line, f"convolutions of block {number}", convolutions, len(layers)),
        Claim(line, f"kernels of block {number}", (3, 3), layers[0].kernel_size, printed="[3,3]",
            setting=True),
        Claim(line, f"feature maps of block {number}", listed, output[-1],
            erratum=copied if listed != filters else "", right=filters),
        Claim(line, f"output of block {number}'s convolutions", (size, size, filters), output),
    ]
    return claims if listed == filters else [*claims, _block_name(line, number)]


def _block_name(line: int, number: int) -> Claim:
    names = list(table("vgg16").index)
    after = names[names.index(f"pool{number - 1}") + 1]
    return Claim(line, f"name of the block after pool{number - 1}", "conv3",
        after.partition("_")[0], erratum=f"copied from block 3; the program calls it conv{number}",
        right=f"conv{number}")


def _pool(line: int, output_line: int, block: Block) -> list[Claim]:
    """Return what the notes state on the pool after a block: its window and its output."""
    number, _, filters, _, size = block
    name, output = f"pool{number}", (size // 2, size // 2, filters)
    return [
        Claim(line, f"window of {name}", (2, 2), model("vgg16").get_layer(name).pool_size,
            printed="2x2", setting=True),
        Claim(output_line, f"output of {name}", output, table("vgg16").output_shape[name]),
    ]


def _program() -> Iterator[Claim]:
    vgg16 = model("vgg16")
    yield Claim(53, "classes", 1000, vgg16.output_shape[-1], setting=True)
    yield Claim(55, "fraction of elements that dropout keeps", 0.5,
        1 - vgg16.get_layer("dropout6").rate, printed="dropout_keep_prob=0.5", setting=True)
    for block, line in zip(BLOCKS, range(64, 89, 5), strict=True):
        yield from _convolutions(line, block)
        yield _repeated(line + 1, block)
        yield from _pool(line + 3, line + 2, block)
    for line, name, filters, kernel in DENSE:
        yield from _dense(line, name, filters, kernel)
    yield Claim(105, "output after squeezing axes 1 and 2", (1000,),
        table("vgg16").output_shape["fc8_squeezed"], printed="tf.squeeze [1, 2]")


def _repeated(line: int, block: Block) -> Claim:
    number, convolutions, filters, _, _ = block
    layers = [layer for layer in model("vgg16").layers if layer.name.startswith(f"conv{number}_")]
    return Claim(line, f"slim.repeat of block {number}", (convolutions, filters, (3, 3)),
        (len(layers), layers[0].filters, layers[0].kernel_size),
        printed=f"repeat {convolutions}, {filters}, [3, 3]", setting=True)


def _dense(line: int, name: str, filters: int, kernel: int) -> list[Claim]:
    layer, output = model("vgg16").get_layer(name), table("vgg16").output_shape[name]
    printed = f"{'num_classes' if name == 'fc8' else filters}, [{kernel}, {kernel}]"
    return [
        Claim(line, f"output of {name}", (1, 1, filters), output),
        Claim(line + 1, f"slim.conv2d of {name}", (filters, (kernel, kernel)),
            (layer.filters, layer.kernel_size), printed=printed, setting=True),
    ]
