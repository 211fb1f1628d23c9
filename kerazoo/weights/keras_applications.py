"""Weights of keras.applications' VGG16 and VGG19: a model object, a file, or a download.

Source: keras.applications.vgg16 and vgg19. Their layers are `block1_conv1` to `block5_conv3`, and a
dense head of `fc1`, `fc2` and `predictions`.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo.errors import CorruptFileError, DataMissingError, KerazooError, UsageError
from kerazoo.lazy import keras
from kerazoo.weights import h5
from kerazoo.weights.preprocessing import CAFFE
from kerazoo.weights.transfer import Source, assign, named_weights
from kerazoo.weights.vgg_names import TOP, find_network

if TYPE_CHECKING:
    from collections.abc import Mapping

NETWORKS = {"VGG16": (2, 2, 3, 3, 3), "VGG19": (2, 2, 4, 4, 4)}
HEAD = dict(zip(("fc1", "fc2", "predictions"), TOP, strict=True))
THEIR_HEAD = {own: theirs for theirs, own in HEAD.items()}


def from_model(source: keras.Model) -> Source:
    """Return the weights of a model of keras.applications, or of a model of this zoo."""
    weights = {key: weight.numpy() for key, weight in named_weights(source).items()}
    found = _source(f"the model '{source.name}'", weights, UsageError)
    preprocessing = getattr(source, "preprocessing", found.preprocessing)
    return dataclasses.replace(found, preprocessing=preprocessing)


def read(path: Path) -> Source:
    """Return the weights of a `.h5` or `.weights.h5` file.

    Raises:
        CorruptFileError: It cannot be read.
    """
    return _source(f"'{path}'", h5.read(path), CorruptFileError)


def imagenet(model: keras.Model) -> Source:
    """Return the weights that keras.applications' network of the model's layers has downloaded.

    Raises:
        UsageError: keras.applications has no such network.
        DataMissingError, CorruptFileError: See `download`.
    """
    network = find_network(model, NETWORKS, "keras.applications")
    has_top = any(layer.name in TOP for layer in model.layers)
    return from_model(download(network, has_top))


def download(network: str, include_top: bool) -> keras.Model:
    """Return VGG16 or VGG19 trained on ImageNet, fetched by the loader of keras.applications.

    Raises:
        DataMissingError: The weights cannot be downloaded.
        CorruptFileError: What came is not the original.
    """
    try:
        return getattr(keras.applications, network)(include_top=include_top, weights="imagenet")
    except MemoryError:
        raise
    except ValueError as error:
        raise CorruptFileError(
            f"the downloaded weights of {network} are damaged: {error}"
        ) from error
    except Exception as error:  # Keras raises a bare Exception where a download fails
        raise DataMissingError(
            f"the imagenet weights of {network} cannot be downloaded: "
            "check the network, or give a file instead"
        ) from error


def as_model(model: keras.Model) -> keras.Model:
    """Return keras.applications' network with the weights of a VGG of this zoo.

    Raises:
        UsageError: keras.applications has no such network.
    """
    network = find_network(model, NETWORKS, "keras.applications")
    weights = {key: weight.numpy() for key, weight in named_weights(model).items()}
    options: dict[str, Any] = {"include_top": "fc8/kernel" in weights, "weights": None}
    if "fc6/kernel" in weights and not options["include_top"]:
        raise UsageError(f"{network} ends in fc8 or before fc6, and '{model.name}' ends in fc7")
    if options["include_top"]:
        options["classes"] = len(weights["fc8/bias"])
    options["input_shape"] = _input_shape(model, weights)
    result = getattr(keras.applications, network)(**options)
    named = {_their_name(key): (key, array) for key, array in weights.items()}
    assign(result, Source(f"'{model.name}'", named, error=UsageError))
    return result


def _input_shape(model: keras.Model, weights: Mapping[str, np.ndarray]) -> tuple[int | None, ...]:
    """Return the input on which a dense head has the weights of the model's head."""
    if "fc6/kernel" in weights and weights["fc6/kernel"].ndim == 2:
        return model.input_shape[1:]
    side = 224 if "fc6/kernel" in weights else None
    channels = weights["conv1_1/kernel"].shape[2]
    first = keras.config.image_data_format() == "channels_first"
    return (channels, side, side) if first else (side, side, channels)


def write(model: keras.Model, path: Path) -> None:
    """Write the weights of a VGG as a file that keras.applications loads.

    Args:
        model: A VGG of this zoo.
        path: Ends in `.weights.h5` for Keras 3's form, in `.h5` for that of the official files.

    Raises:
        UsageError: The path ends otherwise, or keras.applications has no such network.
    """
    if path.suffix != ".h5":
        raise UsageError(f"'{path}': weights of keras.applications go to a .weights.h5 or .h5 file")
    theirs = as_model(model)
    aside = path.with_name(f".new-{path.name}")
    try:
        if path.name.endswith(".weights.h5"):
            theirs.save_weights(aside)
        else:
            h5.write(
                aside,
                {
                    layer.name: {weight.name: weight.numpy() for weight in layer.weights}
                    for layer in theirs.layers
                },
            )
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _source(name: str, weights: Mapping[str, np.ndarray], error: type[KerazooError]) -> Source:
    """Return weights by the zoo's names, which are their own where they are of this zoo."""
    if "block1_conv1/kernel" not in weights:
        tensors = {key: (key, array) for key, array in weights.items()}
        return Source(name, tensors, (), TOP, error=error)
    tensors = {}
    for own, array in weights.items():
        key = _renamed(own, r"block(.)_conv(.)", r"conv\1_\2", HEAD)
        tensors[key if key not in tensors else f"{own}, a second time"] = (own, array)
    return Source(name, tensors, (), TOP, CAFFE, _their_name, error)


def _their_name(key: str) -> str:
    return _renamed(key, r"conv(.)_(.)", r"block\1_conv\2", THEIR_HEAD)


def _renamed(key: str, pattern: str, replacement: str, head: Mapping[str, str]) -> str:
    """Return "layer/weight" with the layer's name in the other zoo."""
    layer, _, kind = key.partition("/")
    return f"{head.get(layer, re.sub(f'^{pattern}$', replacement, layer))}/{kind}"
