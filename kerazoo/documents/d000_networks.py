"""Document 000_edc3730cabfc8e8e, lines 226-397: the MNIST net and VGG-16.

Its accuracies are in `accuracy`.
"""

from __future__ import annotations

import keras
import numpy as np

from kerazoo.documents.claim import Claim
from kerazoo.documents.live import Live
from kerazoo.documents.vgg16_layers import LAYERS, Listed
from kerazoo.training.options import Recipe


def claims() -> list[Claim]:
    """Return what these lines state."""
    return [*_mnist(), *_recipe(), *_vgg16()]


def _mnist() -> list[Claim]:
    def layer(live: Live, name: str) -> keras.Layer:
        return live.model("mnist_cnn").get_layer(name)

    def shape(live: Live, name: str) -> tuple[int, ...]:
        return live.table("mnist_cnn").output_shape[name]

    def axis(line: int, text: str, stated: int, place: int) -> Claim:
        return Claim(line, text, stated, lambda live: live.model("mnist_cnn").input_shape[place])

    return [
        axis(236, "height of the images", 28, 1),
        axis(237, "width of the images", 28, 2),
        axis(238, "channels of the images", 1, 3),
        Claim(
            239,
            "values of an image",
            784,
            lambda live: live.table("mnist_cnn").activation_bytes.iloc[0] // 4,
            "height * width",
        ),
        *_convolution_settings(241, "conv1", 32, 1),
        *_convolution_settings(246, "conv2", 64, 2),
        Claim(251, "maps of pool3", 64, lambda live: shape(live, "pool3")[-1], "conv2_fmaps"),
        Claim(253, "neurons of fc1", 64, lambda live: layer(live, "fc1").units),
        Claim(254, "outputs", 10, lambda live: layer(live, "output").units),
        Claim(
            272,
            "pool3 has a window of 2x2 and stride 2",
            ((2, 2), (2, 2)),
            lambda live: (layer(live, "pool3").pool_size, layer(live, "pool3").strides),
        ),
        Claim(
            273,
            "values of the flattened pool3",
            64 * 7 * 7,
            lambda live: shape(live, "pool3_flat")[0],
            "64 * 7 * 7",
        ),
        Claim(273, "maps that are pooled", 64, lambda live: shape(live, "conv2")[-1]),
        Claim(273, "size of a pooled map", (7, 7), lambda live: shape(live, "pool3")[:2]),
        Claim(274, "conv1 keeps 28x28", (28, 28), lambda live: shape(live, "conv1")[:2]),
        Claim(274, "conv2 gives 14x14", (14, 14), lambda live: shape(live, "conv2")[:2]),
        Claim(274, "pool3 gives 7x7", (7, 7), lambda live: shape(live, "pool3")[:2]),
    ]


def _convolution_settings(line: int, name: str, filters: int, stride: int) -> list[Claim]:
    def setting(place: int, attribute: str, stated: object, shown: str) -> Claim:
        def compute(live: Live) -> object:
            return getattr(live.model("mnist_cnn").get_layer(name), attribute)

        return Claim(line + place, f"{attribute} of {name}", stated, compute, shown)

    return [
        setting(0, "filters", filters, str(filters)),
        setting(1, "kernel_size", (3, 3), "3"),
        setting(2, "strides", (stride, stride), str(stride)),
        setting(3, "padding", "same", "SAME"),
    ]


def _recipe() -> list[Claim]:
    return [
        Claim(
            290,
            "of [0.1, 0.6, 0.4] the largest has the number",
            1,
            lambda live: int(keras.ops.argmax(np.array([0.1, 0.6, 0.4]))),
        ),
        Claim(301, "epochs", 10, lambda live: Recipe().epochs),
        Claim(302, "images in a batch", 100, lambda live: Recipe().batch_size),
    ]


def _vgg16() -> list[Claim]:
    found = [
        Claim(
            333,
            "VGG-16's input",
            (224, 224, 3),
            lambda live: live.model("vgg16").input_shape[1:],
            "224*224*3",
        )
    ]
    size, channels = 224, 3
    for number, layer in enumerate(LAYERS):
        found += _layer(335 + 3 * number, layer, size, channels)
        size, channels = layer.shape[0], layer.shape[2]
    return found


def _layer(line: int, layer: Listed, size: int, channels: int) -> list[Claim]:
    """Return what stands about a layer: how its size comes, its size, its weights."""
    dense = layer.name.startswith("fc")
    found = [] if dense else [_arithmetic(line, layer, size)]
    written = "*".join(map(str, layer.shape))
    terms = f"{size}*{size}*{channels}*" if layer.name == "fc6" else f"{channels}*"
    shown = f"{terms}{layer.shape[2]} = " if dense else f"(3*3*{channels})*{layer.shape[2]} = "
    return [
        *found,
        Claim(
            line,
            f"output of {layer.name}",
            layer.shape,
            lambda live: live.vgg16.output_shape[layer.name],
            written,
        ),
        Claim(
            line + 1,
            f"weights of {layer.name}",
            layer.weights,
            lambda live: live.vgg16.weight_params[layer.name],
            f"{shown if layer.weights else ''}{layer.weights}",
        ),
    ]


def _arithmetic(line: int, layer: Listed, size: int) -> Claim:
    kernel, stride, padding = (2, 2, 0) if "pool" in layer.name else (3, 1, 1)
    text, out = f"how the size of {layer.name} comes", layer.shape[0]

    def length(live: Live) -> int:
        return live.length(size, kernel, stride, padding)

    if layer.name == "pool1":
        reason = "the + 1 is missing: (224-2)/2 is 111, and 112 comes out of (224-2)/2+1"
        return Claim(
            line, text, (224 - 2) // 2, length, "(224-2)/2 = 112", erratum=reason, right=112
        )
    pads = "+2*1" if padding else ""
    return Claim(line, text, out, length, f"({size}-{kernel}{pads})/{stride}+1 = {out}")
