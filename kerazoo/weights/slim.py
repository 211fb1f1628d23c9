"""Checkpoints of tf-slim's networks.

Source: tf_slim 1.1.0, https://github.com/google-research/tf-slim, nets/vgg.py, alexnet.py,
inception_v1.py and resnet_v1.py. Names are `vgg_16/conv1/conv1_1/weights`,
`InceptionV1/Mixed_3b/Branch_0/Conv2d_0a_1x1/BatchNorm/beta`,
`resnet_v1_50/block1/unit_1/bottleneck_v1/conv1/weights`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from kerazoo import text
from kerazoo.errors import UsageError
from kerazoo.lazy import keras
from kerazoo.registry import ModelConfig
from kerazoo.weights import checkpoint, networks
from kerazoo.weights.checkpoint import Checkpoint
from kerazoo.weights.h5 import NORM_KINDS
from kerazoo.weights.networks import BATCH_NORM, RESNETS, VGG_TOP, VGGS, Network
from kerazoo.weights.preprocessing import SLIM_INCEPTION, SLIM_VGG, Preprocessing
from kerazoo.weights.transfer import LoadedWeights, weight_arrays

KINDS = {"kernel": "weights", "bias": "biases"}
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
    return Network(name, config, layers, VGG_TOP, SLIM_VGG, fc_sizes={"fc6": (7, 7)})


def _alexnet() -> Network:
    layers = {name: name for name in ("conv1", "conv2", "conv3", "conv4", "conv5", *VGG_TOP)}
    config = ModelConfig("alexnet_v2")
    return Network(config.name, config, layers, VGG_TOP, SLIM_VGG, fc_sizes={"fc6": (5, 5)})


def _resnet(number: int, depths: Sequence[int]) -> Network:
    """Return a ResNet, whose "conv2_1_2" is "block1/unit_1/bottleneck_v1/conv2"."""
    first, *others = networks.resnet_convolutions(depths)
    layers = {first: first, "fc": "logits"}
    for name in others:
        stage, unit, part = name.removeprefix("conv").split("_")
        convolution = part if part == "shortcut" else f"conv{part}"
        layers[name] = f"block{int(stage) - 1}/unit_{unit}/bottleneck_v1/{convolution}"
    config = ModelConfig(f"resnet{number}", {"stride_on": "last_3x3"})
    return Network(f"resnet_v1_{number}", config, layers, ("fc",), SLIM_VGG)


def _inception() -> Network:
    layers = {**STEM, "classifier": "Logits/Conv2d_0c_1x1"}
    for block, letters in ((3, "ab"), (4, "abcde"), (5, "ab")):
        for letter, slims in zip(letters, "bcdef", strict=False):
            for branch, path in BRANCHES.items():
                layers[f"inception_{block}{letter}_{branch}"] = f"Mixed_{block}{slims}/{path}"
    layers["inception_5a_5x5"] = "Mixed_5b/Branch_2/Conv2d_0a_3x3"  # named by another rule
    config = ModelConfig("inception_v1")
    return Network(config.name, config, layers, ("classifier",), SLIM_INCEPTION)


NETWORKS = (
    *(_vgg(*names) for names in (("vgg_a", 11), ("vgg_16", 16), ("vgg_19", 19))),
    *(_resnet(*resnet) for resnet in RESNETS.items()),
    _alexnet(),
    _inception(),
)
SCOPES = {"inception_v1": "InceptionV1"}  # where it is not the network's name


def is_slim(names: Collection[str]) -> bool:
    """Return whether these are the names of the tensors of a checkpoint of tf-slim."""
    return any(name.endswith("/weights") for name in names)


def read(file: Checkpoint) -> LoadedWeights:
    """Return the weights in a checkpoint of a network.

    Raises:
        CorruptFileError: The checkpoint cannot be read.
    """
    weights, skipped = file.weights()
    scope, network = scope_and_network(weights)
    names = kerazoo_names(network.name, scope)
    return LoadedWeights(
        file.name,
        {names.get(name, name): (name, file.tensor(name)) for name in weights},
        skipped,
        network.top,
        network.preprocessing,
        network.config,
        lambda key: _slim_name(network, scope, key),
        check=network_of,
    )


def network_of(model: keras.Model) -> Network:
    """Return the network of tf-slim that a model is; errors as in `find_network`."""
    return networks.find_network(model, NETWORKS, "tf-slim")


def kerazoo_names(network: str, scope: str) -> dict[str, str]:
    """Return the names of a network's weights: in tf-slim, starting with `scope` -> in kerazoo."""
    match = next(each for each in NETWORKS if each.name == network)
    keys = [f"{layer}/{kind}" for layer in match.layers for kind in KINDS]
    keys += [f"{layer}{BATCH_NORM}/{kind}" for layer in match.layers for kind in NORM_KINDS]
    return {_slim_name(match, scope, key): key for key in keys}


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
        tensors[_slim_name(network, scope, key)] = _conv_kernel(key, array, network, channels)
        channels = array.shape[-1]
    checkpoint.write(path, tensors)
    return network.preprocessing


def scope_and_network(names: Collection[str]) -> tuple[str, Network]:
    """Return the scope, such as "vgg_16/", and the network with the most weights in a checkpoint.

    Of several such networks, return the one with the fewest layers.
    """
    candidates = []
    for network in NETWORKS:
        first = f"{next(iter(network.layers.values()))}/weights"
        scopes = (name.removesuffix(first) for name in names if name.endswith(first))
        scope = min(scopes, key=len, default="")
        weights = kerazoo_names(network.name, scope).keys() & set(names)
        candidates.append((len(weights), -len(network.layers), scope, network))
    *_, scope, network = max(candidates, key=lambda candidate: candidate[:2])
    return scope, network


def _slim_name(network: Network, scope: str, key: str) -> str:
    """Return "vgg_16/conv1/conv1_1/weights" for "vgg_16/" and "conv1_1/kernel"."""
    layer, kind = key.split("/")
    convolution = layer.removesuffix(BATCH_NORM)
    path = network.layers.get(convolution, convolution)
    return f"{scope}{path}/{KINDS.get(kind) or f'BatchNorm/{kind}'}"


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
