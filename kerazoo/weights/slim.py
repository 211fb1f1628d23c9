"""Checkpoints of tf-slim's networks.

Source: tf_slim 1.1.0, nets/vgg.py, alexnet.py, inception_v1.py and resnet_v1.py, such as
`vgg_16/conv1/conv1_1/weights`, `InceptionV1/Mixed_3b/Branch_0/Conv2d_0a_1x1/BatchNorm/beta`,
`resnet_v1_50/block1/unit_1/bottleneck_v1/conv1/weights`.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kerazoo.errors import UsageError
from kerazoo.weights import checkpoint
from kerazoo.weights.checkpoint import Checkpoint
from kerazoo.weights.families import (
    BATCH_NORM,
    Depths,
    Family,
    find_network,
    resnet_units,
    vgg_convolutions,
)
from kerazoo.weights.h5 import NORM_KINDS
from kerazoo.weights.preprocessing import SLIM_INCEPTION, SLIM_VGG, Preprocessing
from kerazoo.weights.transfer import Source, named_weights

if TYPE_CHECKING:
    import keras

KINDS = {"kernel": "weights", "bias": "biases"}
DENSE = ("fc6", "fc7", "fc8")
# What slim calls the branches of a module, and the convolutions of the stem.
BRANCHES = {
    "1x1": "Branch_0/Conv2d_0a_1x1",
    "3x3_reduce": "Branch_1/Conv2d_0a_1x1",
    "3x3": "Branch_1/Conv2d_0b_3x3",
    "5x5_reduce": "Branch_2/Conv2d_0a_1x1",
    "5x5": "Branch_2/Conv2d_0b_3x3",
    "pool_proj": "Branch_3/Conv2d_0b_1x1",
}
STEM = {"conv1": "Conv2d_1a_7x7", "conv2_reduce": "Conv2d_2b_1x1", "conv2": "Conv2d_2c_3x3"}


def _vgg(depths: Depths) -> dict[str, str]:
    convolutions = {name: f"{name[:5]}/{name}" for name in vgg_convolutions(depths)}
    return {**convolutions, "fc6": "fc6", "fc7": "fc7", "fc8": "fc8"}


def _resnet(depths: Depths) -> dict[str, str]:
    layers = {"conv1": "conv1"}
    for stage, unit in resnet_units(depths):
        scope = f"block{stage - 1}/unit_{unit}/bottleneck_v1"
        for number in (1, 2, 3):
            layers[f"conv{stage}_{unit}_{number}"] = f"{scope}/conv{number}"
        if unit == 1:
            layers[f"conv{stage}_{unit}_shortcut"] = f"{scope}/shortcut"
    return {**layers, "fc": "logits"}


def _alexnet(_: Depths) -> dict[str, str]:
    return {name: name for name in ("conv1", "conv2", "conv3", "conv4", "conv5", *DENSE)}


def _inception(_: Depths) -> dict[str, str]:
    layers = dict(STEM)
    for block, letters in ((3, "ab"), (4, "abcde"), (5, "ab")):
        for own, theirs in zip(letters, "bcdef", strict=False):
            for branch, path in BRANCHES.items():
                layers[f"inception_{block}{own}_{branch}"] = f"Mixed_{block}{theirs}/{path}"
    # the one that slim has named otherwise
    layers["inception_5a_5x5"] = "Mixed_5b/Branch_2/Conv2d_0a_3x3"
    return {**layers, "classifier": "Logits/Conv2d_0c_1x1"}


FAMILIES = (
    Family(
        {
            "vgg_a": ("vgg11", (1, 1, 2, 2, 2)),
            "vgg_16": ("vgg16", (2, 2, 3, 3, 3)),
            "vgg_19": ("vgg19", (2, 2, 4, 4, 4)),
        },
        _vgg,
        DENSE,
        SLIM_VGG,
        maps={"fc6": (7, 7)},
    ),
    Family(
        {
            "resnet_v1_50": ("resnet50", (3, 4, 6, 3)),
            "resnet_v1_101": ("resnet101", (3, 4, 23, 3)),
            "resnet_v1_152": ("resnet152", (3, 8, 36, 3)),
        },
        _resnet,
        ("fc",),
        SLIM_VGG,
        {"stride_on": "last_3x3"},
    ),
    Family({"alexnet_v2": ("alexnet_v2", ())}, _alexnet, DENSE, SLIM_VGG, maps={"fc6": (5, 5)}),
    Family({"inception_v1": ("inception_v1", ())}, _inception, ("classifier",), SLIM_INCEPTION),
)
SCOPES = {"inception_v1": "InceptionV1"}  # where it is not the network's name


def is_slim(names: Collection[str]) -> bool:
    """Tell slim's checkpoints by what the names of their tensors end in."""
    return any(name.endswith("/weights") for name in names)


def read(file: Checkpoint) -> Source:
    """Return the tensors of a network's checkpoint.

    Raises:
        CorruptFileError: The checkpoint cannot be read.
    """
    weights, besides = file.weights()
    scope, family = _family(weights)
    layers = family.all_layers()
    own = _own_names(layers, scope)
    tensors = {own.get(name, name): (name, file.tensor(name)) for name in weights}
    return Source(
        file.name,
        tensors,
        besides,
        family.top,
        family.preprocessing,
        lambda key: _slim_name(layers, scope, key),
        fits=network,
    )


def network(model: keras.Model) -> str:
    """Return slim's name of the network of a model.

    Raises:
        UsageError: slim has none, or builds it otherwise.
    """
    return find_network(model, FAMILIES, "tf-slim")[0]


def scope_of(names: Collection[str]) -> str:
    """Return what every name begins with: "vgg_16/"."""
    return _family(names)[0]


def own_names(network: str, scope: str) -> dict[str, str]:
    """Return this zoo's name of every weight of a network by slim's, which begins with `scope`."""
    (family,) = (each for each in FAMILIES if network in each.networks)
    return _own_names(family.layers(family.networks[network][1]), scope)


def write(model: keras.Model, path: Path) -> Preprocessing:
    """Write the weights of a model as a checkpoint that slim's graph restores.

    Returns:
        What slim's own program does to an image.

    Raises:
        UsageError: slim has no such network.
    """
    network, family, layers = find_network(model, FAMILIES, "tf-slim")
    weights = {key: weight.numpy() for key, weight in named_weights(model).items()}
    last = family.top[-1]
    if f"{last}/kernel" not in weights:
        raise UsageError(f"tf-slim's networks end in {last}, and '{model.name}' does not")
    scope, tensors, channels = f"{SCOPES.get(network, network)}/", {}, 0
    for key, array in weights.items():
        tensors[_slim_name(layers, scope, key)] = _conv_kernel(key, array, family, channels)
        channels = array.shape[-1]
    checkpoint.write(path, tensors)
    return family.preprocessing


def _family(names: Collection[str]) -> tuple[str, Family]:
    """Return the scope and the family of which a checkpoint has the most layers."""
    found = []
    for family in FAMILIES:
        layers = family.all_layers()
        first = f"{next(iter(layers.values()))}/weights"
        scopes = (name.removesuffix(first) for name in names if name.endswith(first))
        scope = min(scopes, key=len, default="")
        common = _own_names(layers, scope).keys() & set(names)
        found.append((len(common), scope, family))
    _, scope, family = max(found, key=lambda each: each[0])
    return scope, family


def _own_names(layers: dict[str, str], scope: str) -> dict[str, str]:
    keys = [f"{layer}/{kind}" for layer in layers for kind in KINDS]
    keys += [f"{layer}{BATCH_NORM}/{kind}" for layer in layers for kind in NORM_KINDS]
    return {_slim_name(layers, scope, key): key for key in keys}


def _slim_name(layers: dict[str, str], scope: str, key: str) -> str:
    """Return "vgg_16/conv1/conv1_1/weights" for "vgg_16/" and "conv1_1/kernel"."""
    layer, kind = key.split("/")
    convolution = layer.removesuffix(BATCH_NORM)
    path = layers.get(convolution, convolution)
    return f"{scope}{path}/{KINDS.get(kind) or f'BatchNorm/{kind}'}"


def _conv_kernel(key: str, array: np.ndarray, family: Family, channels: int) -> np.ndarray:
    """Return a weight as slim has it: a dense kernel [h * w * in, out] as [h, w, in, out].

    The order is that in which a map [height, width, channels] is flattened, whose `channels` are
    those of the weight before this one.

    Raises:
        UsageError: The dense layers do not stand on a map of the network's size.
    """
    if array.ndim != 2:
        return array
    layer = key.split("/")[0]
    if layer not in family.maps:
        return array.reshape(1, 1, *array.shape)
    height, width = family.maps[layer]
    if len(array) != height * width * channels:
        told = "x".join(map(str, array.shape))
        raise UsageError(f"{key} is {told}, made for no map of {height}x{width}")
    return array.reshape(height, width, channels, array.shape[1])
