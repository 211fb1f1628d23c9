"""Document 003_f507a061fff3ec1f, lines 1051-1117: the networks."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

from kerazoo import registry
from kerazoo.documents import rules
from kerazoo.documents.claim import Claim
from kerazoo.documents.live import Live
from kerazoo.models.resnet import basic, bottleneck


def claims() -> list[Claim]:
    """Return what these lines state; of networks without a number there is nothing to check."""
    return [*_lenet(), *_years(), *_sizes(), *_residual()]


def _years() -> list[Claim]:
    return [
        _year(1070, "alexnet", 2012),
        _year(1081, "zfnet", 2013),
        _year(1087, "googlenet", 2014),
        _year(1093, "vgg16", 2014),
        _year(1101, "resnet50", 2015),
    ]


def _lenet() -> list[Claim]:
    def kinds(live: Live) -> set[str]:
        return {type(layer).__name__ for layer in live.model("lenet5").layers}

    return [
        Claim(
            1054,
            "decade of LeNet",
            1990,
            lambda live: registry.find("lenet5").year // 10 * 10,
            "1990s",
        ),
        Claim(
            1060,
            "LeNet has convolution, subsampling and a non-linear activation",
            True,
            lambda live: (
                {"Conv2D", "TrainableSubsampling"} <= kinds(live)
                and float(live.model("lenet5").get_layer("c1").activation(2.0)) != 2
            ),
            "three kinds of layer",
        ),
        Claim(
            1063,
            "LeNet's activation is tanh, but for two scales",
            True,
            lambda live: bool(
                np.allclose(
                    live.model("lenet5").get_layer("c1").activation(np.array([-3.0, 0.5])),
                    1.7159 * np.tanh(2 / 3 * np.array([-3.0, 0.5])),
                )
            ),
            "tanh or sigmoid",
        ),
        Claim(
            1065,
            "connections between S2 and C3, fewer than all 96",
            True,
            lambda live: live.table("lenet5").weight_params["c3"] // 25 == 60 < 6 * 16,
            "sparse",
        ),
    ]


def _residual() -> list[Claim]:
    return [
        Claim(
            1106,
            "a residual unit adds its input to what it computes",
            True,
            _adds_its_input,
            "F(x) + x",
        ),
        Claim(
            1112,
            "an inception module offers kernels of",
            {1, 3, 5},
            lambda live: {
                layer.kernel_size[0]
                for layer in live.model("googlenet").layers
                if layer.name.startswith("inception_3a_") and hasattr(layer, "kernel_size")
            },
            "all of them, and a pool",
        ),
        Claim(
            1116,
            "a bottleneck layer saves computing",
            True,
            lambda live: _work(live, bottleneck, 64) < _work(live, basic, 256),
            "smaller, as good",
        ),
    ]


def _work(live: Live, block: Callable[..., object], width: int) -> int:
    return live.convolutions(live.residual(block, width)).macs.sum()


def _adds_its_input(live: Live) -> bool:
    """Return whether a unit whose last scale is zero passes on what is positive."""
    inputs = keras.Input((14, 14, 256))
    unit = keras.Model(inputs, bottleneck(inputs, 64, "unit"))
    unit.get_layer("unit_3_bn").gamma.assign(np.zeros(256))
    maps = np.random.default_rng(0).normal(size=(1, 14, 14, 256)).astype("float32")
    return bool(np.allclose(unit(maps), np.maximum(maps, 0)))


def _sizes() -> list[Claim]:
    return [
        Claim(
            1089,
            "parameters of GoogLeNet",
            4_000_000,
            lambda live: live.table("googlenet").attrs["total"]["params"],
            "4M",
            erratum="7.0M; 4M is no version of the paper's table 1, whose own sum is 6.8M",
            right=6_998_552,
        ),
        Claim(
            1089,
            "parameters of AlexNet",
            60_000_000,
            lambda live: live.table("alexnet").attrs["total"]["params"],
            "60M",
            rules.digits(1),
        ),
        Claim(1095, "layers of VGG with weights", 16, _weighted_layers),
        Claim(1095, "kernels of VGG", {3}, lambda live: live.kernels("vgg16") - {1, 7}, "3x3"),
        Claim(
            1095,
            "kernels of AlexNet's first layers",
            {9, 11},
            lambda live: {
                live.model("alexnet").get_layer(name).kernel_size[0] for name in ("conv1", "conv2")
            },
            "9x9, 11x11",
            erratum="11x11 and 5x5; the paper has no 9x9",
            right={11, 5},
        ),
        Claim(
            1095,
            "AlexNet has no 1x1 convolution",
            False,
            lambda live: 1 in live.kernels("alexnet"),
            "avoids 1x1",
        ),
    ]


def _weighted_layers(live: Live) -> int:
    return int((live.vgg16.params > 0).sum())


def _year(line: int, name: str, year: int) -> Claim:
    return Claim(line, f"year of {name}", year, lambda live: registry.find(name).year)
