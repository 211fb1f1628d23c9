"""Document 004_3c2fc93a057b1e8c: the bottleneck, and slim's VGG-16."""

from __future__ import annotations

from keras import layers

from kerazoo.documents import rules
from kerazoo.documents.claim import Claim, formula
from kerazoo.documents.live import Live, kernel_of
from kerazoo.models.resnet import basic, bottleneck

NAME = "004_3c2fc93a057b1e8c"
BLOCKS = {1: (2, 64, 224), 2: (2, 128, 112), 3: (3, 256, 56), 4: (3, 512, 28), 5: (3, 512, 14)}


def claims() -> list[Claim]:
    """Return what the document states, line by line."""
    return [*_bottleneck(), *_windows(), *_steps(), *_program()]


def _bottleneck() -> list[Claim]:
    def narrow(live: Live) -> int:
        return live.convolutions(live.residual(bottleneck, 64)).weight_params.sum()

    def wide(live: Live) -> int:
        return live.convolutions(live.residual(basic, 256)).weight_params.sum()

    return [
        formula(
            2,
            "a kernel has as many channels as the input",
            "kernel channels = input channels",
            lambda channels: channels,
            lambda live, channels: kernel_of(layers.Conv2D(2, 3), (8, 8, channels))[2],
            [(1,), (3,), (256,)],
        ),
        Claim(
            10,
            "the first 1x1 convolution takes 256 channels to 64",
            (1, 1, 256, 64),
            lambda live: kernel_of(layers.Conv2D(64, 1), (14, 14, 256)),
            "64 of 1x1x256",
        ),
        Claim(
            10,
            "weights of 1x1 to 64, 3x3, 1x1 back to 256 channels",
            69_632,
            narrow,
            "1x1x256x64 + 3x3x64x64 + 1x1x64x256 = 69632",
        ),
        Claim(
            12,
            "weights of two 3x3 convolutions of 256 channels",
            1_179_648,
            wide,
            "3x3x256x256x2 = 1179648",
        ),
        Claim(
            12,
            "the one to the other",
            16.94,
            lambda live: wide(live) / narrow(live),
            "16.94",
            rules.TWO_DECIMALS,
        ),
    ]


def _windows() -> list[Claim]:
    def settings(live: Live, kind: str, name: str) -> set[object]:
        found = (layer for layer in live.model("vgg16").layers if layer.name.startswith(kind))
        return {getattr(layer, name) for layer in found}

    def small(live: Live) -> tuple[int, ...]:
        return live.conv(28, 3, 1, 32).output_shape

    return [
        Claim(18, "VGG-16's windows", {(3, 3)}, lambda live: settings(live, "conv", "kernel_size")),
        Claim(18, "their stride", {(1, 1)}, lambda live: settings(live, "conv", "strides"), "1"),
        Claim(
            21,
            "a map of 28x28x1 through 3x3 windows without padding gives a side of",
            26,
            lambda live: small(live)[0],
            "input (28, 28, 1), 26",
        ),
        Claim(
            22,
            "a window",
            (3, 3, 1),
            lambda live: kernel_of(layers.Conv2D(32, 3), (28, 28, 1))[:3],
        ),
        Claim(
            22,
            "windows in all",
            26,
            lambda live: small(live)[0] * small(live)[1],
            "26",
            erratum="26 along each side are 26 * 26 = 676",
            right=676,
        ),
        Claim(23, "values of a window's result", 32, lambda live: small(live)[-1], "(1, 1, 32)"),
        Claim(25, "pools", {(2, 2)}, lambda live: settings(live, "pool", "pool_size"), "2x2"),
        Claim(25, "their stride", {(2, 2)}, lambda live: settings(live, "pool", "strides"), "2"),
    ]


def _steps() -> list[Claim]:
    found = [Claim(32, "the input", (224, 224, 3), lambda live: live.vgg16.output_shape.iloc[0])]
    for block, line in zip(BLOCKS, range(33, 38), strict=True):
        found += [*_convolutions(line, block), *_pool(line, block)]
    return [
        *found,
        Claim(38, "output of fc6", (1, 1, 4096), lambda live: live.vgg16.output_shape["fc6"]),
        Claim(38, "output of fc7", (1, 1, 4096), lambda live: live.vgg16.output_shape["fc7"]),
        Claim(39, "output of fc8", (1, 1, 1000), lambda live: live.vgg16.output_shape["fc8"]),
    ]


def _convolutions(line: int, block: int) -> list[Claim]:
    """Return what a line says about a block; it calls blocks 4 and 5 "conv3", of width 256."""
    number, width, size = BLOCKS[block]
    wrong = block > 3

    def names(live: Live) -> list[str]:
        return [name for name in live.vgg16.index if name.startswith(f"conv{block}_")]

    def maps(live: Live) -> int:
        return live.vgg16.output_shape[names(live)[-1]][-1]

    reason = f"copied from block 3; block {block} is {width} wide, as its output says"
    return [
        Claim(line, f"convolutions of block {block}", number, lambda live: len(names(live))),
        Claim(
            line,
            f"kernels of block {block}",
            (3, 3),
            lambda live: live.model("vgg16").get_layer(names(live)[0]).kernel_size,
            "[3,3]",
        ),
        Claim(
            line,
            f"maps of block {block}",
            256 if wrong else width,
            maps,
            erratum=reason if wrong else "",
            right=width if wrong else None,
        ),
        Claim(
            line,
            f"output of block {block}'s convolutions",
            (size, size, width),
            lambda live: live.vgg16.output_shape[names(live)[-1]],
        ),
        *([_misnamed(line, block)] if wrong else []),
    ]


def _misnamed(line: int, block: int) -> Claim:
    def following(live: Live) -> str:
        names = list(live.vgg16.index)
        return names[names.index(f"pool{block - 1}") + 1].partition("_")[0]

    return Claim(
        line,
        f"name of the block behind pool{block - 1}",
        "conv3",
        following,
        erratum=f"copied from block 3; the program calls it conv{block}",
        right=f"conv{block}",
    )


def _pool(line: int, block: int) -> list[Claim]:
    _, width, size = BLOCKS[block]
    return [
        Claim(
            line,
            f"window of pool{block}",
            (2, 2),
            lambda live: live.model("vgg16").get_layer(f"pool{block}").pool_size,
            "2x2",
        ),
        Claim(
            line,
            f"output of pool{block}",
            (size // 2, size // 2, width),
            lambda live: live.vgg16.output_shape[f"pool{block}"],
        ),
    ]


def _program() -> list[Claim]:

    found = [
        Claim(53, "classes", 1000, lambda live: live.model("vgg16").output_shape[-1]),
        Claim(
            55,
            "share of values that dropout keeps",
            0.5,
            lambda live: 1 - live.model("vgg16").get_layer("dropout6").rate,
            "dropout_keep_prob=0.5",
        ),
    ]
    for block in BLOCKS:
        comment = 64 + 5 * (block - 1)
        found += _convolutions(comment, block)
        found.append(_repeated(comment + 1, block))
        found += [_pool(comment + 2, block)[1], _pool(comment + 3, block)[0]]
    return [*found, *_dense()]


def _repeated(line: int, block: int) -> Claim:
    number, width, _ = BLOCKS[block]

    def compute(live: Live) -> tuple[int, int, tuple[int, int]]:
        found = [one for one in live.model("vgg16").layers if one.name.startswith(f"conv{block}_")]
        return len(found), found[0].filters, found[0].kernel_size

    shown = f"repeat {number}, {width}, [3, 3]"
    return Claim(line, f"the program's block {block}", (number, width, (3, 3)), compute, shown)


def _dense() -> list[Claim]:
    squeezed = Claim(
        105,
        "squeezing axes 1 and 2 leaves the classes",
        (1000,),
        lambda live: live.vgg16.output_shape["fc8_squeezed"],
        "tf.squeeze [1, 2]",
    )
    layers = [(89, "fc6", 4096, 7), (93, "fc7", 4096, 1), (97, "fc8", 1000, 1)]
    return [*(claim for layer in layers for claim in _dense_layer(*layer)), squeezed]


def _dense_layer(line: int, name: str, width: int, kernel: int) -> list[Claim]:
    def settings(live: Live) -> tuple[int, tuple[int, int]]:
        layer = live.model("vgg16").get_layer(name)
        return layer.filters, layer.kernel_size

    shown = f"{'num_classes' if name == 'fc8' else width}, [{kernel}, {kernel}]"
    return [
        Claim(
            line,
            f"output of {name}",
            (1, 1, width),
            lambda live: live.vgg16.output_shape[name],
        ),
        Claim(line + 1, f"the program's {name}", (width, (kernel, kernel)), settings, shown),
    ]
