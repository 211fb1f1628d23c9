"""Checkpoints of tf-slim's VGG networks.

Source: tf_slim 1.1.0, nets/vgg.py: `vgg_16/conv1/conv1_1/weights`, `vgg_16/fc6/biases`.
"""

from __future__ import annotations

import functools
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from kerazoo.errors import UsageError
from kerazoo.weights import checkpoint
from kerazoo.weights.checkpoint import Checkpoint
from kerazoo.weights.preprocessing import SLIM_VGG
from kerazoo.weights.transfer import Source, named_weights
from kerazoo.weights.vgg_names import TOP, conv_kernel, convolutions, find_network

if TYPE_CHECKING:
    import keras

NETWORKS = {"vgg_a": (1, 1, 2, 2, 2), "vgg_16": (2, 2, 3, 3, 3), "vgg_19": (2, 2, 4, 4, 4)}
KINDS = {"kernel": "weights", "bias": "biases"}


def is_slim(names: Collection[str]) -> bool:
    """Tell slim's checkpoints by what the names of their tensors end in."""
    return any(name.endswith("/weights") for name in names)


def read(file: Checkpoint) -> Source:
    """Return the tensors of a VGG's checkpoint.

    Raises:
        CorruptFileError: The checkpoint cannot be read.
    """
    weights, besides = file.weights()
    scope = scope_of(weights)
    own = own_names("vgg_19", scope)  # it has all the layers of the others
    tensors = {own.get(name, name): (name, file.tensor(name)) for name in weights}
    own_name = functools.partial(_slim_name, scope)
    return Source(file.name, tensors, besides, TOP, SLIM_VGG, own_name, fits=network)


def network(model: keras.Model) -> str:
    """Return slim's name of the network with the layers of a model.

    Raises:
        UsageError: There is none.
    """
    return find_network(model, NETWORKS, "tf-slim")


def scope_of(names: Collection[str]) -> str:
    """Return what every name begins with: "vgg_16/"."""
    first = _slim_name("", "conv1_1/kernel")
    return next((name.removesuffix(first) for name in names if name.endswith(first)), "")


def own_names(network: str, scope: str) -> dict[str, str]:
    """Return the zoo's name of every weight of a network by slim's, which begins with `scope`."""
    layers = [*convolutions(NETWORKS[network]), *TOP]
    keys = [f"{layer}/{kind}" for layer in layers for kind in KINDS]
    return {_slim_name(scope, key): key for key in keys}


def write(model: keras.Model, path: Path) -> None:
    """Write the weights of a VGG as a checkpoint that slim's graph restores.

    Raises:
        UsageError: slim has no network with the model's layers.
    """
    scope = f"{network(model)}/"
    tensors = {}
    for key, weight in named_weights(model).items():
        tensors[_slim_name(scope, key)] = conv_kernel(key, weight.numpy())
    if _slim_name(scope, "fc8/kernel") not in tensors:
        raise UsageError(f"tf-slim's networks end in fc8, and '{model.name}' does not")
    checkpoint.write(path, tensors)


def _slim_name(scope: str, key: str) -> str:
    """Return "vgg_16/conv1/conv1_1/weights" for "vgg_16/" and "conv1_1/kernel"."""
    layer, kind = key.split("/")
    block = f"{layer.partition('_')[0]}/" if "_" in layer else ""
    return f"{scope}{block}{layer}/{KINDS[kind]}"
