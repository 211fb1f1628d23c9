"""slim-vgg: the bottleneck, and VGG-16 as a tf-slim program."""

from __future__ import annotations

from collections.abc import Iterator

from kerazoo.documents import rules
from kerazoo.documents.claim import Claim
from kerazoo.documents.probes import conv, model, residual_convolutions, settings, table
from kerazoo.models.resnet import basic, bottleneck

# Claims are rows of a table: the formatter would put every argument on a line of its own.
# fmt: off

# Convolutions, filters and size of VGG-16's blocks.
BLOCKS = {1: (2, 64, 224), 2: (2, 128, 112), 3: (3, 256, 56), 4: (3, 512, 28), 5: (3, 512, 14)}


def claims() -> Iterator[Claim]:
    """Yield what the notes state, chapter by chapter."""
    for section in (_bottleneck, _windows, _steps, _program):
        yield from section()


def _bottleneck() -> list[Claim]:
    narrow = residual_convolutions(bottleneck, 64).weight_params.sum()
    wide = residual_convolutions(basic, 256).weight_params.sum()
    three = "1x1x256x64 + 3x3x64x64 + 1x1x64x256 = 69632"
    two = "3x3x256x256x2 = 1179648"
    return [
        Claim(10, "weights of 1x1, 3x3 and 1x1 kernels", 69_632, narrow, printed=three),
        Claim(12, "weights of two 3x3 convolutions", 1_179_648, wide, printed=two),
        Claim(12, "the second to the first", 16.94, wide / narrow, rule=rules.TWO_DECIMALS),
    ]


def _windows() -> list[Claim]:
    kernels, strides = (
        settings("vgg16", "conv", "kernel_size"),
        settings("vgg16", "conv", "strides"),
    )
    windows, steps = settings("vgg16", "pool", "pool_size"), settings("vgg16", "pool", "strides")
    height, width, _ = conv(28, 3, 1, 32).output_shape
    side = "input (28, 28, 1), 26"
    return [
        Claim(18, "kernels of the convolutions", {(3, 3)}, kernels, setting=True),
        Claim(18, "strides of the convolutions", {(1, 1)}, strides, printed="1", setting=True),
        Claim(21, "size of 28x28 after 3x3 windows, no padding", 26, height, printed=side),
        Claim(22, "number of windows", 26, height * width, printed="26",
            erratum="26 along each side are 26 * 26 = 676", right=676),
        Claim(25, "windows of the pools", {(2, 2)}, windows, printed="2x2", setting=True),
        Claim(25, "strides of the pools", {(2, 2)}, steps, printed="2", setting=True),
    ]


def _steps() -> Iterator[Claim]:
    shapes, image = table("vgg16").output_shape, model("vgg16").input_shape[1:]
    yield Claim(32, "the input", (224, 224, 3), image, setting=True)
    for line, block in zip(range(33, 38), BLOCKS, strict=True):
        yield from _convolutions(line, block)
        yield _pool_window(line, block)
        yield _pool_output(line, block)
    yield Claim(38, "output of fc6", (1, 1, 4096), shapes["fc6"])
    yield Claim(38, "output of fc7", (1, 1, 4096), shapes["fc7"])
    yield Claim(39, "output of fc8", (1, 1, 1000), shapes["fc8"])


def _convolutions(line: int, block: int) -> Iterator[Claim]:
    """Yield what a line states on a block; it calls blocks 4 and 5 "conv3", of 256 filters."""
    number, filters, size = BLOCKS[block]
    names = [name for name in table("vgg16").index if name.startswith(f"conv{block}_")]
    output, what = table("vgg16").output_shape[names[-1]], f"feature maps of block {block}"
    kernel = model("vgg16").get_layer(names[0]).kernel_size
    yield Claim(line, f"convolutions of block {block}", number, len(names))
    what_kernel = f"kernels of block {block}"
    yield Claim(line, what_kernel, (3, 3), kernel, printed="[3,3]", setting=True)
    yield Claim(line, f"output of block {block}'s convolutions", (size, size, filters), output)
    if block < 4:
        yield Claim(line, what, filters, output[-1])
        return
    reason = f"copied from block 3; block {block} has {filters}, as in its output shape"
    yield Claim(line, what, 256, output[-1], erratum=reason, right=filters)
    yield _block_name(line, block)


def _block_name(line: int, block: int) -> Claim:
    names = list(table("vgg16").index)
    after = names[names.index(f"pool{block - 1}") + 1]
    return Claim(line, f"name of the block after pool{block - 1}", "conv3", after.partition("_")[0],
        erratum=f"copied from block 3; the program calls it conv{block}", right=f"conv{block}")


def _pool_window(line: int, block: int) -> Claim:
    window = model("vgg16").get_layer(f"pool{block}").pool_size
    return Claim(line, f"window of pool{block}", (2, 2), window, printed="2x2", setting=True)


def _pool_output(line: int, block: int) -> Claim:
    _, filters, size = BLOCKS[block]
    output = table("vgg16").output_shape[f"pool{block}"]
    return Claim(line, f"output of pool{block}", (size // 2, size // 2, filters), output)


def _program() -> Iterator[Claim]:
    vgg16, kept = model("vgg16"), "dropout_keep_prob=0.5"
    rate = vgg16.get_layer("dropout6").rate
    yield Claim(53, "classes", 1000, vgg16.output_shape[-1], setting=True)
    yield Claim(55, "fraction that dropout keeps", 0.5, 1 - rate, printed=kept, setting=True)
    for block, line in zip(BLOCKS, range(64, 89, 5), strict=True):
        yield from _convolutions(line, block)
        yield _repeated(line + 1, block)
        yield _pool_output(line + 2, block)
        yield _pool_window(line + 3, block)
    for line, name, filters, kernel in (
        (89, "fc6", 4096, 7),
        (93, "fc7", 4096, 1),
        (97, "fc8", 1000, 1),
    ):
        yield from _dense(line, name, filters, kernel)
    squeezed = table("vgg16").output_shape["fc8_squeezed"]
    yield Claim(105, "output without axes 1 and 2", (1000,), squeezed, printed="tf.squeeze [1, 2]")


def _repeated(line: int, block: int) -> Claim:
    number, filters, _ = BLOCKS[block]
    found = [one for one in model("vgg16").layers if one.name.startswith(f"conv{block}_")]
    options = len(found), found[0].filters, found[0].kernel_size
    what, printed = f"slim.repeat of block {block}", f"repeat {number}, {filters}, [3, 3]"
    return Claim(line, what, (number, filters, (3, 3)), options, printed=printed, setting=True)


def _dense(line: int, name: str, filters: int, kernel: int) -> list[Claim]:
    layer, output = model("vgg16").get_layer(name), table("vgg16").output_shape[name]
    stated, options = (filters, (kernel, kernel)), (layer.filters, layer.kernel_size)
    printed = f"{'num_classes' if name == 'fc8' else filters}, [{kernel}, {kernel}]"
    return [
        Claim(line, f"output of {name}", (1, 1, filters), output),
        Claim(line + 1, f"slim.conv2d of {name}", stated, options, printed=printed, setting=True),
    ]
