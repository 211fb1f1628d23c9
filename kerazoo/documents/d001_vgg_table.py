"""Document 001_092f92962bc4b0ed: how data goes through VGG, with a table of its memory."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerazoo import list_models
from kerazoo.documents import rules
from kerazoo.documents.claim import Claim
from kerazoo.documents.live import Live
from kerazoo.documents.vgg16_layers import LAYERS, Listed

NAME = "001_092f92962bc4b0ed"


def claims() -> list[Claim]:
    """Return what the document states, line by line."""
    return [*_table(), *_totals(), *_details(), *_first_layers()]


def _values(live: Live, name: str) -> int:
    """Return the number of values of a layer's output."""
    return int(live.vgg16.activation_bytes[name]) // 4


def _input(live: Live) -> str:
    return str(live.vgg16.index[0])


def _table() -> list[Claim]:
    found = [
        Claim(19, "the input", (224, 224, 3), lambda live: live.vgg16.output_shape.iloc[0]),
        Claim(
            19,
            "values of the input",
            150_000,
            lambda live: _values(live, _input(live)),
            "150K",
            rules.digits(2),
        ),
        Claim(19, "weights of the input", 0, lambda live: live.vgg16.weight_params.iloc[0]),
    ]
    for line, layer in enumerate(LAYERS, start=20):
        found += _row(line, layer)
    return found


def _row(line: int, layer: Listed) -> list[Claim]:
    return [
        Claim(
            line,
            f"output of {layer.name}",
            layer.shape,
            lambda live: live.vgg16.output_shape[layer.name],
        ),
        Claim(
            line,
            f"values of {layer.name}'s output",
            layer.memory,
            lambda live: _values(live, layer.name),
            _short(layer.memory),
            rules.digits(2),
        ),
        Claim(
            line,
            f"weights of {layer.name}",
            layer.weights,
            lambda live: live.vgg16.weight_params[layer.name],
            f"{layer.weights:,}",
        ),
    ]


def _short(number: int) -> str:
    if number % 1000 or number < 25_000:
        return str(number)
    return f"{number / 10**6:.1f}M" if number > 10**6 else f"{number // 1000}K"


def _totals() -> list[Claim]:
    def values(live: Live) -> int:
        return sum(_values(live, name) for name in (_input(live), *(row.name for row in LAYERS)))

    return [
        Claim(
            42,
            "values of all rows",
            24_000_000,
            values,
            "24M",
            erratum="the sum of the document's own rows is 15.2M",
            right=15_237_608,
        ),
        Claim(
            42,
            "bytes of all rows",
            93_000_000,
            lambda live: 4 * values(live),
            "24M * 4 bytes ~= 93MB",
            erratum="four bytes a value are 61 MB; and 24M * 4 bytes would be 96 MB, or 91.6 MiB",
            right=60_950_432,
        ),
        Claim(
            42,
            "with the backward pass, times the memory of the forward pass",
            2,
            _with_gradients,
            "~*2 for bwd",
        ),
        Claim(
            43,
            "parameters",
            138_000_000,
            lambda live: live.vgg16.attrs["total"]["params"],
            "138M",
            rules.MILLIONS,
        ),
    ]


def _with_gradients(live: Live) -> float:
    """Return the values of all outputs and their gradients, to those of the outputs (mnist_cnn)."""
    model = live.runnable("mnist_cnn")
    outputs = keras.Model(model.inputs, [layer.output for layer in model.layers[1:]])
    images = tf.constant(np.zeros((1, 28, 28, 1), "float32"))
    with tf.GradientTape() as tape:
        tape.watch(images)
        maps = outputs(images)
        loss = tf.reduce_sum(maps[-1])
    gradients = tape.gradient(loss, maps)
    forward = sum(tf.size(tensor).numpy() for tensor in maps)
    backward = sum(tf.size(tensor).numpy() for tensor in gradients)
    return (forward + backward) / forward


def _details() -> list[Claim]:
    def settings(live: Live, kind: str, attribute: str) -> set[Any]:
        return {
            getattr(layer, attribute)
            for name in list_models("vgg*")
            for layer in live.model(name).layers
            if layer.name.startswith(kind)
        }

    return [
        Claim(
            52,
            "strides of all convolutions of the paper's table",
            {(1, 1)},
            lambda live: settings(live, "conv", "strides"),
            "1",
        ),
        Claim(
            52,
            "kernels of all convolutions of the paper's table",
            {(3, 3)},
            lambda live: settings(live, "conv", "kernel_size"),
            "3x3",
            erratum="column C of the paper's table has three convolutions of 1x1",
            right={(1, 1), (3, 3)},
        ),
        Claim(
            52,
            "the padding of all convolutions keeps the size",
            {"same"},
            lambda live: settings(live, "conv", "padding"),
            "size unchanged",
        ),
        Claim(
            52,
            "windows of all pools",
            {(2, 2)},
            lambda live: settings(live, "pool", "pool_size"),
            "2x2",
        ),
        Claim(
            52,
            "strides of all pools",
            {(2, 2)},
            lambda live: settings(live, "pool", "strides"),
            "2",
        ),
    ]


def _first_layers() -> list[Claim]:
    def kernel(live: Live, name: str) -> tuple[int, ...]:
        return tuple(live.model("vgg16").get_layer(name).kernel.shape)

    def shape(live: Live, name: str) -> tuple[int, ...]:
        return live.vgg16.output_shape[name]

    first, second = "conv1_1", "conv1_2"
    return [
        Claim(57, "the input", (224, 224, 3), lambda live: live.vgg16.output_shape.iloc[0]),
        Claim(57, "channels of the input", 3, lambda live: live.vgg16.output_shape.iloc[0][-1]),
        Claim(59, "neurons of conv1_1", (224, 224, 64), lambda live: shape(live, first)),
        Claim(
            59,
            "neurons of conv1_1 that share their weights",
            224 * 224,
            lambda live: live.vgg16.macs[first] // live.vgg16.weight_params[first],
            "224*224",
        ),
        Claim(
            59, "inputs of each neuron of conv1_1", (3, 3, 3), lambda live: kernel(live, first)[:3]
        ),
        Claim(59, "filters of conv1_1", 64, lambda live: kernel(live, first)[-1]),
        Claim(61, "map of one filter of conv1_1", (224, 224), lambda live: shape(live, first)[:2]),
        Claim(61, "data behind conv1_1", (224, 224, 64), lambda live: shape(live, first)),
        Claim(
            61,
            "weights of conv1_1",
            3 * 3 * 3 * 64,
            lambda live: live.vgg16.weight_params[first],
            "3x3x3x64",
        ),
        Claim(64, "neurons of conv1_2", (224, 224, 64), lambda live: shape(live, second)),
        Claim(64, "filters of conv1_2", 64, lambda live: kernel(live, second)[-1]),
        Claim(64, "each filter of conv1_2", (3, 3, 64), lambda live: kernel(live, second)[:3]),
        Claim(
            64,
            "weights of conv1_2",
            3 * 3 * 64 * 64,
            lambda live: live.vgg16.weight_params[second],
            "(3x3x64)x64",
        ),
    ]
