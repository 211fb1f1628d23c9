"""Weights of keras.applications' VGGs and ResNets: a model object, a file, or a download.

Source: keras.applications.vgg16, vgg19 and resnet. A VGG's layers are `block1_conv1` to
`block5_conv3`, with a dense head of `fc1`, `fc2` and `predictions`; those of a ResNet are
`conv2_block1_1_conv`, `conv2_block1_1_bn` and so on.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo.errors import CorruptFileError, DataMissingError, KerazooError, UsageError
from kerazoo.lazy import keras
from kerazoo.weights import h5
from kerazoo.weights.families import (
    BATCH_NORM,
    Depths,
    Family,
    check_source,
    find_network,
    resnet_units,
    vgg_convolutions,
)
from kerazoo.weights.preprocessing import CAFFE, Preprocessing
from kerazoo.weights.transfer import Source, assign, named_weights

if TYPE_CHECKING:
    from collections.abc import Mapping

ZOO = "keras.applications"


def _vgg(depths: Depths) -> dict[str, str]:
    layers = {name: f"block{name[4]}_conv{name[6]}" for name in vgg_convolutions(depths)}
    return {**layers, "fc6": "fc1", "fc7": "fc2", "fc8": "predictions"}


def _resnet(depths: Depths) -> dict[str, str]:
    layers = {"conv1": "conv1"}
    for stage, unit in resnet_units(depths):
        for number in (1, 2, 3):
            layers[f"conv{stage}_{unit}_{number}"] = f"conv{stage}_block{unit}_{number}"
        if unit == 1:
            layers[f"conv{stage}_{unit}_shortcut"] = f"conv{stage}_block{unit}_0"
    normalised = {f"{own}{BATCH_NORM}": f"{theirs}_bn" for own, theirs in layers.items()}
    convolutions = {own: f"{theirs}_conv" for own, theirs in layers.items()}
    return {**convolutions, **normalised, "fc": "predictions"}


FAMILIES = (
    Family(
        {"VGG16": ("vgg16", (2, 2, 3, 3, 3)), "VGG19": ("vgg19", (2, 2, 4, 4, 4))},
        _vgg,
        ("fc6", "fc7", "fc8"),
        CAFFE,
    ),
    Family(
        {
            "ResNet50": ("resnet50", (3, 4, 6, 3)),
            "ResNet101": ("resnet101", (3, 4, 23, 3)),
            "ResNet152": ("resnet152", (3, 8, 36, 3)),
        },
        _resnet,
        ("fc",),
        CAFFE,
        {"use_bias": True, "pool_padding": "symmetric", "epsilon": 1.001e-5},
    ),
)
NETWORKS = tuple(network for family in FAMILIES for network in family.networks)


def from_model(source: keras.Model) -> Source:
    """Return the weights of a model of keras.applications, or of a model of this zoo."""
    weights = {key: weight.numpy() for key, weight in named_weights(source).items()}
    called = f"the model '{source.name}'"
    found = _source(called, weights, UsageError)
    if found.preprocessing is None:  # it is of this zoo
        found = dataclasses.replace(
            found, fits=lambda model: check_source(model, source, called, UsageError)
        )
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
    network, family, _ = find_network(model, FAMILIES, ZOO)
    has_top = any(layer.name in family.top for layer in model.layers)
    return from_model(download(network, has_top))


def download(network: str, include_top: bool) -> keras.Model:
    """Return a network trained on ImageNet, fetched by the loader of keras.applications.

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
    """Return keras.applications' network with the weights of a model of this zoo.

    Raises:
        UsageError: keras.applications has no such network.
    """
    network, family, layers = find_network(model, FAMILIES, ZOO)
    weights = {key: weight.numpy() for key, weight in named_weights(model).items()}
    last = family.top[-1]
    options: dict[str, Any] = {"include_top": f"{last}/kernel" in weights, "weights": None}
    if f"{family.top[0]}/kernel" in weights and not options["include_top"]:
        raise UsageError(f"{network} ends in {last} or before its top, unlike '{model.name}'")
    if options["include_top"]:
        options["classes"] = len(weights[f"{last}/bias"])
    options["input_shape"] = _input_shape(model, weights)
    result = getattr(keras.applications, network)(**options)
    named = {_renamed(layers, key): (key, array) for key, array in weights.items()}
    assign(result, Source(f"'{model.name}'", named, error=UsageError))
    return result


def _input_shape(model: keras.Model, weights: Mapping[str, np.ndarray]) -> tuple[int | None, ...]:
    """Return the input on which their head has the weights of the model's head."""
    fc6 = weights.get("fc6/kernel")
    conv_head = fc6 is not None and fc6.ndim == 4
    if not conv_head and None not in model.input_shape[1:]:
        return model.input_shape[1:]
    side = 224 if conv_head or "fc/kernel" in weights else None
    channels = next(iter(weights.values())).shape[2]
    first = keras.config.image_data_format() == "channels_first"
    return (channels, side, side) if first else (side, side, channels)


def write(model: keras.Model, path: Path) -> Preprocessing:
    """Write the weights of a model as a file that keras.applications loads.

    Args:
        model: A VGG or a ResNet of this zoo.
        path: Ends in `.weights.h5` for Keras 3's form, in `.h5` for that of the official files.

    Returns:
        What keras.applications does to an image.

    Raises:
        UsageError: The path ends otherwise, or keras.applications has no such network.
    """
    if path.suffix != ".h5":
        raise UsageError(f"'{path}': weights of {ZOO} go to a .weights.h5 or .h5 file")
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
    return CAFFE


def _source(name: str, weights: Mapping[str, np.ndarray], error: type[KerazooError]) -> Source:
    """Return weights by this zoo's names, which are their own where they are of this zoo."""
    for family in FAMILIES:
        if f"{next(iter(family.all_layers().values()))}/kernel" in weights:
            return _theirs(name, weights, error, family)
    top = next((f.top for f in FAMILIES if f"{f.top[0]}/kernel" in weights), ())
    tensors = {key: (key, array) for key, array in weights.items()}
    return Source(name, tensors, (), top, error=error)


def _theirs(
    name: str, weights: Mapping[str, np.ndarray], error: type[KerazooError], family: Family
) -> Source:
    layers = family.all_layers()
    own_layers = {theirs: own for own, theirs in layers.items()}
    tensors = {}
    for theirs, array in weights.items():
        key = _renamed(own_layers, theirs)
        tensors[key if key not in tensors else f"{theirs}, a second time"] = (theirs, array)
    return Source(
        name,
        tensors,
        (),
        family.top,
        family.preprocessing,
        lambda key: _renamed(layers, key),
        error,
        lambda model: find_network(model, FAMILIES, ZOO),
    )


def _renamed(layers: Mapping[str, str], key: str) -> str:
    """Return "layer/weight" with the layer's name in the other zoo."""
    layer, _, kind = key.partition("/")
    return f"{layers.get(layer, layer)}/{kind}"
