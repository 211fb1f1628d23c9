"""cnn-study, lines 1051-1117: the networks, as far as the notes state numbers or facts."""

import numpy as np

from kerazoo import registry
from kerazoo.documents.claim import Claim, Claims, Setting, digits
from kerazoo.documents.probes import kernel_sizes, model, named, residual_convolutions, table
from kerazoo.lazy import keras
from kerazoo.models.resnet import basic, bottleneck

YEARS = [(1070, "alexnet", 2012), (1081, "zfnet", 2013), (1087, "googlenet", 2014),
         (1093, "vgg16", 2014), (1101, "resnet50", 2015)]


def _networks() -> Claims:
    yield Setting(1054, "decade of LeNet", 1990, registry.find("lenet5").year // 10 * 10,
        printed="1990s")
    kinds = {type(layer).__name__ for layer in model("lenet5").layers}
    activation = model("lenet5").get_layer("c1").activation
    present = {"Conv2D", "TrainableSubsampling"} <= kinds and float(activation(2.0)) != 2
    yield Claim(1060, "LeNet has convolution, subsampling and a non-linear activation", True,
        present, printed="three kinds of layer")
    points = np.array([-3.0, 0.5])
    tanh = np.allclose(activation(points), 1.7159 * np.tanh(2 / 3 * points))
    yield Claim(1063, "LeNet's activation is a scaled tanh", True, tanh, printed="tanh or sigmoid")
    connections = table("lenet5").weight_params["c3"] // 25
    yield Claim(1065, "LeNet has 60 of the 96 connections between S2 and C3", True,
        connections == 60 < 6 * 16, printed="sparse")
    for line, name, year in YEARS:
        yield Setting(line, f"year of {name}", year, registry.find(name).year)
    googlenet, alexnet = (table(name).attrs["total"]["params"] for name in ("googlenet", "alexnet"))
    yield Claim(1089, "parameters of GoogLeNet", 4_000_000, googlenet, printed="4M",
        erratum="7.0M; 4M is no version of the paper's table 1, which sums to 6.8M",
        right=6_998_552)
    yield Claim(1089, "parameters of AlexNet", 60_000_000, alexnet, printed="60M",
        rule=digits(1))
    yield Claim(1095, "layers of VGG with weights", 16, (table("vgg16").params > 0).sum())
    kernels = kernel_sizes("vgg16") - {1, 7}  # those of the dense layers
    yield Setting(1095, "kernels of VGG", {3}, kernels, printed="3x3")
    first = {model("alexnet").get_layer(name).kernel_size[0] for name in ("conv1", "conv2")}
    yield Claim(1095, "kernels of AlexNet's first layers", {9, 11}, first, printed="9x9, 11x11",
        erratum="11x11 and 5x5; the paper has no 9x9", right={11, 5})
    yield Setting(1095, "AlexNet has 1x1 convolutions", False, 1 in kernel_sizes("alexnet"),
        printed="avoids 1x1")
    yield Claim(1106, "a residual unit adds its input to its output", True, _adds_its_input(),
        printed="F(x) + x")
    module = named("googlenet", "inception_3a_")
    yield Setting(1112, "kernels of an inception module", {1, 3, 5},
        {layer.kernel_size[0] for layer in module if hasattr(layer, "kernel_size")},
        printed="all of them, and a pool")
    narrow = residual_convolutions(bottleneck, 64).macs.sum()
    wide = residual_convolutions(basic, 256).macs.sum()
    yield Claim(1116, "a bottleneck computes less", True, narrow < wide, printed="smaller, as good")


def _adds_its_input() -> bool:
    """Return whether a unit whose last scale is zero returns the positive part of its input."""
    inputs = keras.Input((14, 14, 256))
    unit = keras.Model(inputs, bottleneck(inputs, 64, "unit"))
    unit.get_layer("unit_3_bn").gamma.assign(np.zeros(256))
    images = np.random.default_rng(0).normal(size=(1, 14, 14, 256)).astype("float32")
    return bool(np.allclose(unit(images), np.maximum(images, 0)))


SECTIONS = (_networks,)
