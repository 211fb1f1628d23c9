"""vgg-walkthrough: how data goes through VGG-16, with a table of its memory."""

from typing import Any

import numpy as np

from kerazoo.documents.claim import Claim, Claims, Setting, decimals, digits
from kerazoo.documents.probes import model, runnable, settings, table
from kerazoo.documents.vgg16_layers import INPUT, LAYERS
from kerazoo.lazy import keras, tf
from kerazoo.models import list_models

UNITS = {"K": 1_000, "M": 1_000_000}


def _memory_table() -> Claims:
    vgg16 = table("vgg16")
    elements, two_digits = vgg16.activation_bytes // 4, digits(2)
    yield Setting(19, "the input", INPUT, model("vgg16").input_shape[1:])
    yield Claim(19, "elements of the input", 150_000, elements.iloc[0], printed="150K",
        rule=two_digits)
    yield Claim(19, "weights of the input", 0, vgg16.weight_params.iloc[0])
    for line, (name, output, weights, printed) in enumerate(LAYERS, start=20):
        yield Claim(line, f"output of {name}", output, vgg16.output_shape[name])
        yield Claim(line, f"elements of the output of {name}", _number(printed), elements[name],
            printed=printed, rule=two_digits)
        yield Claim(line, f"weights of {name}", weights, vgg16.weight_params[name],
            printed=f"{weights:,}")
    bytes_ = vgg16.activation_bytes
    total = bytes_.iloc[0] + bytes_[[layer.name for layer in LAYERS]].sum()
    yield Claim(42, "elements of all outputs", 24_000_000, total // 4, printed="24M",
        erratum="the rows above sum to 15.2M", right=15_237_608)
    yield Claim(42, "bytes of all outputs", 93_000_000, total, printed="24M * 4 bytes ~= 93MB",
        erratum="four bytes an element are 61 MB; 24M * 4 bytes would be 96 MB, or 91.6 MiB",
        right=60_950_432)
    yield Claim(42, "memory with gradients to that without", 2, _memory(), printed="~*2 for bwd")
    yield Claim(43, "parameters", 138_000_000, vgg16.attrs["total"]["params"], printed="138M",
        rule=decimals(-6, "to the nearest million"))


def _number(printed: str) -> int:
    """Return the number that is printed as 3.2M, 800K or 4096."""
    return round(float(printed.rstrip("KM")) * UNITS.get(printed[-1], 1))


def _memory() -> float:
    """Return the ratio of mnist_cnn's outputs with their gradients to the outputs only."""
    net = runnable("mnist_cnn")
    outputs = keras.Model(net.inputs, [layer.output for layer in net.layers[1:]])
    images = tf.constant(np.zeros((1, 28, 28, 1), "float32"))
    with tf.GradientTape() as tape:
        tape.watch(images)
        tensors = outputs(images)
        loss = tf.reduce_sum(tensors[-1])
    gradients = tape.gradient(loss, tensors)
    forward = sum(tf.size(tensor).numpy() for tensor in tensors)
    backward = sum(tf.size(tensor).numpy() for tensor in gradients)
    return (forward + backward) / forward


def _layers() -> Claims:
    yield Setting(52, "strides of all convolutions", {(1, 1)}, _of_all_vgg("conv", "strides"),
        printed="1")
    yield Claim(52, "kernels of all convolutions of the paper's table", {(3, 3)},
        _of_all_vgg("conv", "kernel_size"), printed="3x3",
        erratum="column C of the paper's table has three convolutions of 1x1",
        right={(1, 1), (3, 3)})
    yield Setting(52, "padding of all convolutions", {"same"}, _of_all_vgg("conv", "padding"),
        printed="size unchanged")
    yield Setting(52, "windows of all pools", {(2, 2)}, _of_all_vgg("pool", "pool_size"),
        printed="2x2")
    yield Setting(52, "strides of all pools", {(2, 2)}, _of_all_vgg("pool", "strides"), printed="2")
    image = model("vgg16").input_shape[1:]
    first, second = table("vgg16").loc["conv1_1"], table("vgg16").loc["conv1_2"]
    conv1_1, conv1_2 = model("vgg16").get_layer("conv1_1"), model("vgg16").get_layer("conv1_2")
    yield Setting(57, "the input", (224, 224, 3), image)
    yield Setting(57, "channels of the input", 3, image[-1])
    yield Claim(59, "neurons of conv1_1", (224, 224, 64), first.output_shape)
    yield Claim(59, "neurons of conv1_1 with the same weights", 224 * 224,
        first.macs // first.weight_params, printed="224*224")
    yield Claim(59, "inputs of each neuron of conv1_1", (3, 3, 3), tuple(conv1_1.kernel.shape[:3]))
    yield Setting(59, "filters of conv1_1", 64, conv1_1.filters)
    yield Claim(61, "feature map of one filter of conv1_1", (224, 224), first.output_shape[:2])
    yield Claim(61, "output of conv1_1", (224, 224, 64), first.output_shape)
    yield Claim(61, "weights of conv1_1", 3 * 3 * 3 * 64, first.weight_params, printed="3x3x3x64")
    yield Claim(64, "neurons of conv1_2", (224, 224, 64), second.output_shape)
    yield Setting(64, "filters of conv1_2", 64, conv1_2.filters)
    yield Claim(64, "each filter of conv1_2", (3, 3, 64), tuple(conv1_2.kernel.shape[:3]))
    yield Claim(64, "weights of conv1_2", 3 * 3 * 64 * 64, second.weight_params,
        printed="(3x3x64)x64")


def _of_all_vgg(start: str, attribute: str) -> set[Any]:
    return set().union(*(settings(name, start, attribute) for name in list_models("vgg*")))


SECTIONS = (_memory_table, _layers)
