"""What the converters of the VGGs share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kerazoo.errors import UsageError

if TYPE_CHECKING:
    import keras
    import numpy as np

TOP = ("fc6", "fc7", "fc8")


def find_network(model: keras.Model, networks: Mapping[str, tuple[int, ...]], zoo: str) -> str:
    """Return the name of the network that has exactly the model's layers below its top.

    Args:
        model: A VGG.
        networks: Name -> number of 3x3 convolutions in each block.
        zoo: What messages call the other zoo.

    Raises:
        UsageError: There is none.
    """
    from kerazoo.layers.lrn import LocalResponseNormalization

    kernels = {
        layer.name: getattr(layer, "kernel_size", None)
        for layer in model.layers
        if (layer.weights and layer.name not in TOP)
        or isinstance(layer, LocalResponseNormalization)
    }
    for network, blocks in networks.items():
        if kernels == dict.fromkeys(convolutions(blocks), (3, 3)):
            return network
    raise UsageError(
        f"{zoo} has no network with the layers of '{model.name}': it has {', '.join(networks)}"
    )


def convolutions(blocks: tuple[int, ...]) -> list[str]:
    """Return the names of the convolutions: conv1_1, conv1_2, ..., conv5_3."""
    return [
        f"conv{block}_{place}"
        for block, number in enumerate(blocks, start=1)
        for place in range(1, number + 1)
    ]


def conv_kernel(key: str, array: np.ndarray) -> np.ndarray:
    """Return a weight as the conv head has it: a dense kernel [h * w * in, out] as [h, w, in, out].

    The order is that in which a map [height, width, channels] is flattened.

    Raises:
        UsageError: The dense head does not stand on a map of 7x7.
    """
    if array.ndim != 2:
        return array
    shape = (7, 7, 512, 4096) if key == "fc6/kernel" else (1, 1, *array.shape)
    if array.shape != (math.prod(shape[:3]), shape[3]):
        raise UsageError(f"{key} is {'x'.join(map(str, array.shape))}, made for no map of 7x7")
    return array.reshape(shape)
