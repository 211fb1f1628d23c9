"""Document 003_f507a061fff3ec1f, lines 1051-1117: the networks."""

from __future__ import annotations

from kerazoo import registry
from kerazoo.documents import rules
from kerazoo.documents.claim import Claim
from kerazoo.documents.live import Live


def claims() -> list[Claim]:
    """Return what these lines state; of networks without a number there is nothing to check."""
    return [
        _year(1070, "alexnet", 2012),
        _year(1087, "googlenet", 2014),
        _year(1093, "vgg16", 2014),
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
