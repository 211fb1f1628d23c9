"""Weights of keras.applications' VGGs and ResNets: a model object, a file, or a download.

Source: keras.applications.vgg16, vgg19 and resnet. A VGG's layers are `block1_conv1` to
`block5_conv3`, with a dense head of `fc1`, `fc2` and `predictions`; those of a ResNet are
`conv2_block1_1_conv`, `conv2_block1_1_bn` and so on.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from kerazoo.errors import (
    CorruptFileError,
    DataMissingError,
    KerazooError,
    UsageError,
    is_damage,
)
from kerazoo.lazy import keras
from kerazoo.weights import h5
from kerazoo.weights.graph import find_network
from kerazoo.weights.networks import (
    KERAS,
    KERAS_NETWORKS,
    Network,
    named_layers,
    named_weights,
    nested_models,
    weight_arrays,
)
from kerazoo.weights.preprocessing import CAFFE, Preprocessing
from kerazoo.weights.source import Source
from kerazoo.weights.transfer import set_weights

CLASSES = 1000  # of ImageNet


def from_model(
    model: keras.Model, name: str = "", error: type[KerazooError] = UsageError
) -> Source:
    """Return the weights of a model of keras.applications or of kerazoo, or with one inside.

    Args:
        model: The model.
        name: Its name in messages, by default that of the model.
        error: What is raised if the weights do not fit another model.

    Raises:
        UsageError: A layer has LoRA weights.
    """
    models = {"": model, **dict(nested_models(model))}
    name = name or f"the model '{model.name}'"
    for path, layer in named_layers(model):
        if getattr(layer, "lora_enabled", False):
            raise UsageError(
                f"{name} has LoRA weights in '{path}': save it as a .weights.h5 file, which has "
                "them merged into the others, and load that"
            )
    return Source(name, weight_arrays(model), KERAS_NETWORKS, models, error=error)


def read(path: Path) -> Source:
    """Return the weights in a `.h5` or `.weights.h5` file.

    Raises:
        UsageError: There is no such file.
        CorruptFileError: It cannot be read.
    """
    weights, nested = h5.read(path)
    models = dict.fromkeys(["", *nested])
    return Source(f"'{path}'", weights, KERAS_NETWORKS, models, in_order=True)


def network_of(model: keras.Model) -> Network:
    """Return the network of keras.applications that a model is; errors as in `find_network`."""
    return find_network(model, KERAS_NETWORKS, KERAS)


def imagenet(model: keras.Model, any_classes: bool = False) -> Source:
    """Return the weights that keras.applications downloads for the network that a model is.

    Raises:
        UsageError: keras.applications has no such network; or the model has another number of
            classes, unless it may have any.
        DataMissingError, CorruptFileError: See `download`.
    """
    network = network_of(model)
    has_top = any(key.partition("/")[0] in network.top for key in named_weights(model))
    classes = model.output_shape[-1]
    if has_top and not any_classes and classes != CLASSES:
        raise UsageError(
            f"the imagenet weights are for classes={CLASSES}, not {classes}: create the model "
            f"with classes={CLASSES}, then kerazoo.new_head(model, {classes}) has its features"
        )
    return from_model(download(network.name, has_top))


def download(network: str, include_top: bool) -> keras.Model:
    """Return a network trained on ImageNet, fetched by the loader of keras.applications.

    Raises:
        DataMissingError: The weights cannot be downloaded.
        CorruptFileError: The download is damaged.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):  # where Keras prints its progress
            return getattr(keras.applications, network)(include_top=include_top, weights="imagenet")
    except ValueError as error:
        raise CorruptFileError(
            f"downloaded weights of {network} are damaged: remove them from ~/.keras/models"
        ) from error
    except Exception as error:  # Keras raises a bare Exception where a download fails
        if not is_damage(error):  # but a lack of memory, or a full disk
            raise
        raise DataMissingError(
            f"the imagenet weights of {network} cannot be downloaded: "
            "check the network, or give a file instead"
        ) from error


def as_model(model: keras.Model) -> keras.Model:
    """Return keras.applications' network with the weights of a model of kerazoo.

    Raises:
        UsageError: keras.applications has no such network.
    """
    network = network_of(model)
    weights = weight_arrays(model)
    first, last = network.top[0], network.top[-1]
    include_top = f"{last}/kernel" in weights
    if f"{first}/kernel" in weights and not include_top:
        raise UsageError(
            f"{network.name} ends with {last} or before its top; '{model.name}' does not"
        )
    result = getattr(keras.applications, network.name)(
        include_top=include_top,
        weights=None,
        input_shape=_input_shape(model, weights),
        **({"classes": len(weights[f"{last}/bias"])} if include_top else {}),
    )
    arrays = {network.name_of(key): array for key, array in weights.items()}
    set_weights(result, arrays, f"'{model.name}'")
    return result


def _input_shape(model: keras.Model, weights: Mapping[str, np.ndarray]) -> tuple[int | None, ...]:
    """Return the input shape for which the head of keras.applications has the same weights."""
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
        raise UsageError(f"'{path.name}': weights of {KERAS} go to a .weights.h5 or .h5 file")
    result = as_model(model)
    if path.name.endswith(".weights.h5"):
        result.save_weights(path)
    else:
        h5.write(path, result)
    return CAFFE
