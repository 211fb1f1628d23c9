"""Keras's HDF5 files of weights, read by the names of their layers; no code in them is run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import ml_dtypes
import numpy as np

from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.files import check_file
from kerazoo.lazy import keras
from kerazoo.weights import keras_archive
from kerazoo.weights.h5_attributes import Attributes
from kerazoo.weights.h5_check import check, opened
from kerazoo.weights.networks import kinds

Layer = tuple[str, list[np.ndarray]]


def read(path: Path) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the weights of a `.h5` or `.weights.h5` file.

    Returns:
        The weights by "layer/kernel", and what the names in nested models begin with.

    Raises:
        UsageError: There is no such file.
        CorruptFileError: It cannot be read, or has no weights of named layers.
    """
    check_file(path)
    weights: dict[str, np.ndarray] = {}
    with path.open("rb") as content, opened(path, f"'{path}'") as file:
        check(file, f"'{path}'", path.stat().st_size)
        attributes = Attributes(content, path.stat().st_size)
        root = file.get("model_weights", file)
        is_keras_3 = "layers" in file or any("vars" in each for each in file.values())
        layers = _keras_3(file, attributes) if is_keras_3 else _legacy(root, attributes)
        for layer, arrays in layers:
            for kind, array in zip(kinds(len(arrays)), arrays, strict=True):
                if weights.setdefault(f"{layer}/{kind}", array) is not array:
                    raise CorruptFileError(f"'{path}' has two layers '{layer}'")
    if not weights:
        raise CorruptFileError(f"'{path}' holds no weights of named layers")
    parts = [name.split("/")[:-2] for name in weights]
    starts = {"/".join([*each[:end], ""]) for each in parts for end in range(1, len(each) + 1)}
    return weights, sorted(starts)


def model_config(path: Path) -> Any:
    """Return the config of the model in an `.h5` file that Keras saved as a whole.

    Raises:
        UsageError: There is no such file, or it has weights alone.
        CorruptFileError: It cannot be read.
    """
    check_file(path)
    with path.open("rb") as content, opened(path, f"'{path}'") as file:
        check(file, f"'{path}'", path.stat().st_size)
        if "model_config" not in file.attrs:
            raise UsageError(
                f"'{path}' has weights and no model: give the .keras or .h5 file of `model.save`"
            )
        (text,) = Attributes(content, path.stat().st_size).texts(file, "model_config")
        return keras_archive.uncompiled(json.loads(text))


def _keras_3(group: h5py.Group, attributes: Attributes, start: str = "") -> Iterator[Layer]:
    """Yield the layers of what Keras 3 saves as `.weights.h5`.

    They are in the group "layers", or of a subclass of Keras's Model, in groups of its attributes.
    """
    for key, child in group.items():
        if key in ("vars", "optimizer"):
            continue
        variables = child.get("vars")
        if variables is None:
            yield from _keras_3(child, attributes, start)
        elif "layers" in child:
            (name,) = attributes.texts(variables, "name")
            yield from _keras_3(child, attributes, f"{start}{name}/")
        elif len(variables):
            (name,) = attributes.texts(variables, "name")
            arrays = [_array(variables[str(place)]) for place in range(len(variables))]
            yield f"{start}{name}", arrays


def _legacy(root: h5py.Group, attributes: Attributes) -> Iterator[Layer]:
    """Yield the layers of what Keras 1 and 2 saved, as weights or as a model."""
    for name in attributes.texts(root, "layer_names"):
        group = root[name]
        layers: dict[str, list[np.ndarray]] = {}
        for each in attributes.texts(group, "weight_names"):
            inner = "/".join(each.split("/")[:-1]).removeprefix(f"{name}/")
            layers.setdefault(inner, []).append(_array(group[each]))
        if len(layers) > 1:  # a nested model
            yield from ((f"{name}/{inner}", arrays) for inner, arrays in layers.items())
        else:
            yield from ((name, arrays) for arrays in layers.values())


def _array(dataset: Any) -> np.ndarray:
    array = dataset[()]
    # HDF5 has no type for it
    return array.view(ml_dtypes.bfloat16) if array.dtype == "V2" else array


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
