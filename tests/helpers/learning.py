"""How every network learns scikit-learn's digits in a few minutes: narrow, on small images."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Learns:
    """How narrow a network is, how small its images, and after how many epochs it has learned."""

    epochs: int
    side: int = 32
    options: dict[str, Any] = field(default_factory=dict)


VGG = {"head": "dense", "alpha": 0.25}
NETWORKS = {
    "alexnet": Learns(5, 67, {"alpha": 0.25}),
    "alexnet_v2": Learns(2, 67, {"alpha": 0.25}),
    "googlenet": Learns(5, 32, {"alpha": 0.25}),
    "inception_v1": Learns(4, 64, {"alpha": 0.25}),
    "lenet5": Learns(4),
    "mnist_cnn": Learns(2, 28),
    "resnet18": Learns(2, 32, {"alpha": 0.25}),
    "resnet34": Learns(2, 32, {"alpha": 0.25}),
    "resnet50": Learns(5, 64, {"alpha": 0.25}),
    "resnet101": Learns(5, 48, {"alpha": 0.1875}),
    "resnet152": Learns(12, 48, {"alpha": 0.1875}),
    "sppnet": Learns(5, 32, {"alpha": 0.25}),
    "vgg11": Learns(3, 32, VGG),
    "vgg11_lrn": Learns(3, 32, VGG),
    "vgg13": Learns(3, 32, VGG),
    "vgg16": Learns(3, 32, VGG),
    "vgg16c": Learns(3, 32, VGG),
    "vgg19": Learns(4, 32, VGG),
    "zfnet": Learns(3, 53, {"alpha": 0.25}),
}
