"""Checkpoints of tf-slim's networks.

Source: tf_slim 1.1.0, https://github.com/google-research/tf-slim, nets/vgg.py, alexnet.py,
inception_v1.py and resnet_v1.py. Names are `vgg_16/conv1/conv1_1/weights`,
`InceptionV1/Mixed_3b/Branch_0/Conv2d_0a_1x1/BatchNorm/beta`,
`resnet_v1_50/block1/unit_1/bottleneck_v1/conv1/weights`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kerazoo import text
from kerazoo.errors import UsageError
from kerazoo.lazy import keras
from kerazoo.registry import ModelConfig
from kerazoo.weights import checkpoint_writer, networks
from kerazoo.weights.graph import find_network
from kerazoo.weights.networks import (
    BATCH_NORM,
    KINDS,
    NORM_KINDS,
    RESNETS,
    VGG_TOP,
    VGGS,
    Network,
    weight_arrays,
)
from kerazoo.weights.preprocessing import SLIM_INCEPTION, SLIM_VGG, Preprocessing

LIBRARY = "tf-slim"
SLIM_KINDS = {"kernel": "weights", "bias": "biases"}
SCOPES = {"inception_v1": "InceptionV1"}  # where it is not the network's name


@dataclass(frozen=True)
class SlimNetwork(Network):
    """A network of tf-slim; its batch normalization is named by the convolution before it."""

    norm_kinds: Sequence[str] = ()  # weights of the batch normalization after each convolution

    def weights(self) -> list[str]:
        """Return kerazoo's names of the weights, "layer/weight"."""
        keys = []
        for layer in self.layers:
            if not self.norm_kinds or layer in self.top:
                keys += [f"{layer}/{kind}" for kind in KINDS]
            else:
                norm = f"{layer}{BATCH_NORM}"
                keys += [f"{layer}/kernel", *(f"{norm}/{kind}" for kind in self.norm_kinds)]
        return keys

    def name_of(self, key: str) -> str:
        """Return "conv1/conv1_1/weights" for "conv1_1/kernel"."""
        layer, _, kind = key.rpartition("/")
        convolution = layer.removesuffix(BATCH_NORM)
        return f"{self.layer_name(convolution)}/{SLIM_KINDS.get(kind) or f'BatchNorm/{kind}'}"


# tf-slim's names for the branches of a module, and for the convolutions of the stem.
BRANCHES = {
    "1x1": "Branch_0/Conv2d_0a_1x1",
    "3x3_reduce": "Branch_1/Conv2d_0a_1x1",
    "3x3": "Branch_1/Conv2d_0b_3x3",
    "5x5_reduce": "Branch_2/Conv2d_0a_1x1",
    "5x5": "Branch_2/Conv2d_0b_3x3",
    "pool_proj": "Branch_3/Conv2d_0b_1x1",
}
STEM = {"conv1": "Conv2d_1a_7x7", "conv2_reduce": "Conv2d_2b_1x1", "conv2": "Conv2d_2c_3x3"}


def _vgg(name: str, number: int) -> Network:
    layers = {name: f"{name[:5]}/{name}" for name in networks.vgg_convolutions(VGGS[number])}
    layers |= {name: name for name in VGG_TOP}
    config = ModelConfig(f"vgg{number}")
    return SlimNetwork(name, config, layers, VGG_TOP, SLIM_VGG, {"fc6": (7, 7)}, LIBRARY)


def _alexnet() -> Network:
    layers = {name: name for name in ("conv1", "conv2", "conv3", "conv4", "conv5", *VGG_TOP)}
    config = ModelConfig("alexnet_v2")
    return SlimNetwork(config.name, config, layers, VGG_TOP, SLIM_VGG, {"fc6": (5, 5)}, LIBRARY)


def _resnet(number: int, depths: Sequence[int]) -> Network:
    """Return a ResNet, whose "conv2_1_2" is "block1/unit_1/bottleneck_v1/conv2"."""
    first, *others = networks.resnet_convolutions(depths)
    layers = {first: first, "fc": "logits"}
    for name in others:
        stage, unit, part = name.removeprefix("conv").split("_")
        convolution = part if part == "shortcut" else f"conv{part}"
        layers[name] = f"block{int(stage) - 1}/unit_{unit}/bottleneck_v1/{convolution}"
    config = ModelConfig(f"resnet{number}", {"stride_on": "last_3x3"})
    name = f"resnet_v1_{number}"
    return SlimNetwork(name, config, layers, ("fc",), SLIM_VGG, {}, LIBRARY, norm_kinds=NORM_KINDS)


def _inception() -> Network:
    layers = {**STEM, "classifier": "Logits/Conv2d_0c_1x1"}
    for block, letters in ((3, "ab"), (4, "abcde"), (5, "ab")):
        for letter, slims in zip(letters, "bcdef", strict=False):
            for branch, path in BRANCHES.items():
                layers[f"inception_{block}{letter}_{branch}"] = f"Mixed_{block}{slims}/{path}"
    layers["inception_5a_5x5"] = "Mixed_5b/Branch_2/Conv2d_0a_3x3"  # named by another rule
    config = ModelConfig("inception_v1")
    top = ("classifier",)
    norm_kinds = NORM_KINDS[1:]
    return SlimNetwork(
        config.name, config, layers, top, SLIM_INCEPTION, library=LIBRARY, norm_kinds=norm_kinds
    )


NETWORKS = (
    *(_vgg(*names) for names in (("vgg_a", 11), ("vgg_16", 16), ("vgg_19", 19))),
    *(_resnet(*resnet) for resnet in RESNETS.items()),
    _alexnet(),
    _inception(),
)


def network_of(model: keras.Model) -> Network:
    """Return the network of tf-slim that a model is; errors as in `find_network`."""
    return find_network(model, NETWORKS, LIBRARY)


def write(model: keras.Model, path: Path) -> Preprocessing:
    """Write the weights of a model as a checkpoint that tf-slim's graph restores.

    Returns:
        What tf-slim's own program does to an image.

    Raises:
        UsageError: tf-slim has no such network.
    """
    network = network_of(model)
    weights = weight_arrays(model)
    last = network.top[-1]
    if f"{last}/kernel" not in weights:
        raise UsageError(f"tf-slim's networks end with {last}, and '{model.name}' does not")
    scope, tensors, channels = f"{SCOPES.get(network.name, network.name)}/", {}, 0
    for key, array in weights.items():
        tensors[f"{scope}{network.name_of(key)}"] = _conv_kernel(key, array, network, channels)
        channels = array.shape[-1]
    checkpoint_writer.write(path, tensors)
    return network.preprocessing


def _conv_kernel(key: str, array: np.ndarray, network: Network, channels: int) -> np.ndarray:
    """Return a weight as tf-slim has it: a dense kernel [h * w * in, out] as [h, w, in, out].

    The order is that in which features [height, width, channels] are flattened, whose `channels`
    are those of the weight before this one.

    Raises:
        UsageError: The dense layers are not on a feature map of the network's size.
    """
    if array.ndim != 2:
        return array
    layer = key.split("/")[0]
    if layer not in network.fc_sizes:
        return array.reshape(1, 1, *array.shape)
    height, width = network.fc_sizes[layer]
    if len(array) != height * width * channels:
        shape = text.shape(array.shape)
        raise UsageError(f"{key} is {shape}: it is not for a feature map of {height}x{width}")
    return array.reshape(height, width, channels, array.shape[1])
