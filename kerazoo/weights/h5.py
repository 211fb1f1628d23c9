"""Keras's HDF5 files of weights, read by the names of their layers; no code in them is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from kerazoo.errors import CorruptFileError, reason
from kerazoo.lazy import keras

KINDS = ("kernel", "bias")
NORM_KINDS = ("gamma", "beta", "moving_mean", "moving_variance")


def read(path: Path) -> dict[str, np.ndarray]:
    """Return the weights of a `.h5` or `.weights.h5` file by "layer/kernel".

    Raises:
        CorruptFileError: It cannot be read, or has no weights of named layers.
    """
    try:
        with h5py.File(path) as file:
            layers = dict(_keras_3(file) if "layers" in file else _legacy(file))
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        message = f"'{path}' cannot be read as a file of weights: {reason(error)}"
        raise CorruptFileError(message) from error
    if not layers:
        raise CorruptFileError(f"'{path}' holds no weights of named layers")
    weights = {}
    for layer, arrays in layers.items():
        kinds = NORM_KINDS if len(arrays) == len(NORM_KINDS) else KINDS
        for number, array in enumerate(arrays):
            kind = kinds[number] if number < len(kinds) else f"weight {number + 1}"
            weights[f"{layer}/{kind}"] = array
    return weights


def _keras_3(file: h5py.File) -> Any:
    """Yield the layers of what Keras 3 saves as `.weights.h5`."""
    for group in file["layers"].values():
        variables = group["vars"]
        if len(variables):
            arrays = [variables[str(place)][()] for place in range(len(variables))]
            yield variables.attrs["name"], arrays


def _legacy(file: h5py.File) -> Any:
    """Yield the layers of what Keras 1 and 2 saved, as weights or as a model."""
    root = file.get("model_weights", file)
    for name in _texts(root.attrs["layer_names"]):
        names = _texts(root[name].attrs["weight_names"])
        if names:
            yield name, [root[name][each][()] for each in names]


def _texts(values: Any) -> list[str]:
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]


def write(path: Path, model: keras.Model) -> None:
    """Write the weights of a model like the official `.h5` files of keras.applications."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in model.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{weight.name}" for weight in layer.weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, layer.weights, strict=True):
                group[name] = weight.numpy()
