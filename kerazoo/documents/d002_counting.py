"""Document 002_f6d111ebe1e6fd2a: 1x1 convolutions, receptive fields, counting VGG-16."""

from __future__ import annotations

import numpy as np
from keras import layers

from kerazoo.accounting.windows import Window, field_from_output
from kerazoo.documents import rules
from kerazoo.documents.claim import Claim, formula
from kerazoo.documents.live import Live, kernel_of

NAME = "002_f6d111ebe1e6fd2a"


def claims() -> list[Claim]:
    """Return what the document states, line by line."""
    return [*_pointwise(), *_fields(), *_convolution(), *_weights(), *_work(), *_formulas()]


def _pointwise() -> list[Claim]:
    return [
        Claim(
            3,
            "a 1x1 convolution changes the channels alone (7x9 map)",
            (7, 9),
            lambda live: live.row((7, 9, 6), layers.Conv2D(5, 1)).output_shape[:2],
            "width and height stay",
        ),
        Claim(
            5,
            "6 channels through five 1x1 kernels",
            5,
            lambda live: live.row((7, 9, 6), layers.Conv2D(5, 1)).output_shape[-1],
            "WxHx6 becomes WxHx5",
        ),
        formula(
            9,
            "a 1x1 convolution is a dense layer at every position: its weights",
            "1x1xm on n maps = dense from n to m",
            lambda n, m: n * m,
            lambda live, n, m: live.conv(4, 1, n, m).weight_params,
            [(6, 5), (64, 32)],
        ),
        Claim(
            11,
            "weights of one 1x1 kernel on one channel",
            1,
            lambda live: live.conv(5, 1).weight_params,
        ),
    ]


def _fields() -> list[Claim]:

    return [
        formula(
            29,
            "the last layer sees as much of the layer before as its kernel is long",
            "field = kernel",
            lambda kernel: kernel,
            lambda live, kernel: live.conv(21, kernel).receptive_field,
            [(1,), (2,), (3,), (7,)],
        ),
        Claim(
            31,
            "a layer's field depends on its kernel, its stride and the field of the layer behind",
            (3, 5, 7),
            lambda live: tuple(
                field_from_output([Window(3, stride), *rest])
                for stride, rest in ((1, []), (1, [Window(3)]), (2, [Window(3)]))
            ),
            "3; 3 before 3; 3 with stride 2 before 3",
        ),
        Claim(
            33,
            "padding is left out of a field's size: VALID and SAME alike",
            (3, 3),
            lambda live: tuple(
                live.conv(21, 3, padding=padding).receptive_field for padding in ("valid", "same")
            ),
            "no padding in the formula",
        ),
        Claim(
            41,
            "going backward gives what going forward gives: VGG-16's pool5",
            0,
            lambda live: (
                live.vgg16.receptive_field["pool5"] - field_from_output(_vgg16_chain(live))
            ),
            "the same in principle",
        ),
    ]


def _vgg16_chain(live: Live) -> list[Window]:
    features = [
        layer for layer in live.model("vgg16").layers if layer.name.startswith(("conv", "pool"))
    ]
    kernels = [getattr(layer, "kernel_size", None) or layer.pool_size for layer in features]
    return [
        Window(kernel[0], layer.strides[0]) for kernel, layer in zip(kernels, features, strict=True)
    ]


def _convolution() -> list[Claim]:
    def flipped(live: Live) -> float:
        image = np.arange(9, dtype="float32").reshape(1, 3, 3, 1)
        layer = layers.Conv2D(1, 3, use_bias=False)
        layer.build(image.shape)
        layer.set_weights([np.arange(9, dtype="float32").reshape(3, 3, 1, 1)])
        return float(layer(image)[0, 0, 0, 0])

    return [
        formula(
            78,
            "size of a convolution's output",
            "N = (W - F + 2P)/S + 1",
            lambda w, f, p, s: (w - f + 2 * p) // s + 1,
            lambda live, w, f, p, s: live.conv(w, f, padding=p, strides=s).output_shape[0],
            [(32, 5, 0, 1), (32, 5, 2, 1), (31, 3, 1, 2), (227, 11, 2, 4)],
        ),
        Claim(
            81,
            "weights of a convolution of 3 channels to 96 with 11x11 kernels",
            (11, 11, 3, 96),
            lambda live: kernel_of(layers.Conv2D(96, 11, strides=4), (227, 227, 3)),
            "in_channels=3, out_channels=96, kernel_size=11",
        ),
        Claim(
            98,
            "a layer turns its kernel round before it slides: 0..8 on an image of 0..8",
            sum(place * (8 - place) for place in range(9)),
            flipped,
            "turned by 180 degrees",
            erratum="layers of neural networks do not; document 003, line 74, says so too",
            right=sum(place * place for place in range(9)),
        ),
    ]


def _weights() -> list[Claim]:
    def weights(live: Live, name: str) -> int:
        return live.vgg16.weight_params[name]

    def shape(live: Live, name: str) -> tuple[int, ...]:
        return live.vgg16.output_shape[name]

    def kernel(live: Live, name: str) -> tuple[int, ...]:
        return tuple(live.model("vgg16").get_layer(name).kernel.shape)

    return [
        Claim(106, "weights of a 3x3 kernel", 9, lambda live: live.conv(5, 3).weight_params),
        formula(
            114,
            "weights of a convolution",
            "filter size * maps before * filters",
            lambda k, before, filters: k * k * before * filters,
            lambda live, k, before, filters: live.conv(8, k, before, filters).weight_params,
            [(3, 3, 64), (3, 64, 128), (1, 256, 64)],
        ),
        Claim(116, "input of conv1_1", (224, 224, 3), lambda live: live.vgg16.output_shape.iloc[0]),
        Claim(116, "filters of conv1_1", (3, 3, 64), lambda live: _without_input(live, "conv1_1")),
        Claim(116, "output of conv1_1", (224, 224, 64), lambda live: shape(live, "conv1_1")),
        Claim(118, "weights of conv1_1", 1728, lambda live: weights(live, "conv1_1")),
        Claim(120, "input of conv2_1", (112, 112, 64), lambda live: shape(live, "pool1")),
        Claim(120, "filters of conv2_1", (3, 3, 128), lambda live: _without_input(live, "conv2_1")),
        Claim(120, "output of conv2_1", (112, 112, 128), lambda live: shape(live, "conv2_1")),
        Claim(122, "weights of conv2_1", 73728, lambda live: weights(live, "conv2_1")),
        _last_convolution(130),
        Claim(130, "values of the first dense layer", 4096, lambda live: shape(live, "fc6")[-1]),
        Claim(
            130,
            "the first dense layer as a convolution: 4096 filters of",
            (7, 7, 512, 4096),
            lambda live: kernel(live, "fc6"),
            "4096 of 7x7x512",
        ),
        Claim(132, "weights of that layer", 102_760_448, lambda live: weights(live, "fc6")),
        Claim(
            134,
            "weights of the first dense layer, in words",
            100_000_000,
            lambda live: weights(live, "fc6"),
            "a hundred million",
            rules.digits(1),
        ),
        Claim(
            134,
            "share of the dense layers in all weights, in percent",
            80,
            lambda live: round(100 * live.dense_share("weight_params")),
            "about 80%",
            erratum="all three are 89%, the first alone is 74%",
            right=89,
        ),
    ]


def _without_input(live: Live, name: str) -> tuple[int, ...]:
    height, width, _, filters = live.model("vgg16").get_layer(name).kernel.shape
    return height, width, filters


def _last_convolution(line: int) -> Claim:
    return Claim(
        line,
        "output of VGG-16's last convolution",
        (7, 7, 512),
        lambda live: live.vgg16.output_shape["conv5_3"],
        erratum="that is the pool behind it; the convolution gives 14x14x512",
        right=(14, 14, 512),
    )


def _macs(live: Live, name: str) -> int:
    return live.vgg16.macs[name]


def _shape(live: Live, name: str) -> tuple[int, ...]:
    return live.vgg16.output_shape[name]


def _work() -> list[Claim]:
    return [
        Claim(140, "input of conv1_1", (224, 224, 3), lambda live: live.vgg16.output_shape.iloc[0]),
        Claim(140, "output of conv1_1", (224, 224, 64), lambda live: _shape(live, "conv1_1")),
        Claim(
            142,
            "products of conv1_1 for one position",
            576,
            lambda live: _macs(live, "conv1_1") // 224**2,
            "3*3*64 = 576",
            erratum="each filter also runs over the 3 input channels",
            right=3 * 3 * 3 * 64,
        ),
        Claim(
            144,
            "products of conv1_1",
            224 * 224 * 64 * 3 * 3 * 64,
            lambda live: _macs(live, "conv1_1"),
            "224*224*64*3*3*64",
            erratum="that is conv1_2; conv1_1 has 3 input channels and no 64",
            right=86_704_128,
        ),
    ]


def _formulas() -> list[Claim]:
    return [
        formula(
            148,
            "products of a convolution, a filter taken with its input channels",
            "output feature map * filter",
            lambda side, k, inputs, filters: side * side * filters * k * k * inputs,
            lambda live, side, k, inputs, filters: (
                live.conv(side, k, inputs, filters, padding="same").macs
            ),
            [(224, 3, 3, 64), (28, 3, 256, 512), (7, 1, 512, 64)],
        ),
        formula(
            150,
            "work of a batch",
            "times batch size",
            lambda batch: batch,
            lambda live, batch: (
                live.row((8, 8, 3), layers.Conv2D(4, 3), batch=batch).macs
                // live.row((8, 8, 3), layers.Conv2D(4, 3)).macs
            ),
            [(1,), (2,), (100,)],
        ),
        _last_convolution(156),
        Claim(156, "values of the dense layer", 4096, lambda live: _shape(live, "fc6")[-1]),
        Claim(
            156,
            "products of the first dense layer",
            102_760_448,
            lambda live: _macs(live, "fc6"),
            "7*7*512*1*4096 = 102760448",
        ),
        Claim(
            160,
            "most weights are in dense layers, most work in convolutions",
            (True, True),
            lambda live: live.mostly_dense(),
            "weights: dense layers; work: convolutions",
        ),
    ]
