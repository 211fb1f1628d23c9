"""The networks. `from kerazoo.models import VGG16` replaces `from keras.applications import VGG16`.

Each module registers the constructors of one family, which can be imported from here: `vgg16`,
`resnet50`, `googlenet` (or `GoogLeNet`). `VGG16`, `VGG19`, `ResNet50`, `ResNet101` and `ResNet152`
build the graphs of keras.applications, with its names of layers.
"""

from __future__ import annotations

import fnmatch
import importlib
import pkgutil
from typing import Any

from kerazoo import registry
from kerazoo.errors import UsageError
from kerazoo.lazy import keras
from kerazoo.models.resnet import ResNet50, ResNet101, ResNet152
from kerazoo.models.vgg import VGG16, VGG19
from kerazoo.values import short

__all__ = [
    "VGG16",
    "VGG19",
    "ResNet50",
    "ResNet101",
    "ResNet152",
    "create_model",
    "decode_predictions",
    "list_models",
    "preprocess_input",
]


def list_models(pattern: str = "*") -> list[str]:
    """Return the sorted names of the models that match a shell-style pattern, in any case.

    A pattern that is not a name and has no wildcards matches the names that contain it.

    >>> list_models("vgg1[13]")
    ['vgg11', 'vgg13']
    >>> list_models("Net_")
    ['alexnet_v2']
    """
    if not isinstance(pattern, str):
        raise UsageError(f"a pattern of names is a text; received {short(pattern)}")
    pattern, names = pattern.lower(), registry.names()
    return fnmatch.filter(names, pattern) or fnmatch.filter(names, f"*{pattern}*")


def create_model(name: str, /, **options: Any) -> keras.Model:
    """Build a model.

    All models take the arguments of keras.applications below. `help(kerazoo.models.vgg16)` shows
    the further options of a model.

    Args:
        name: Name of the model; `list_models()` lists all.
        **options:
            include_top: Whether to build the classifier, True by default. Without it the model ends
                with the features, and height and width are open by default.
            weights: None (the default) for random initial values, "imagenet", "mnist", the path of
                a file or checkpoint, or a model: see `kerazoo.weights.load_weights`.
            input_tensor: A Keras tensor to start from instead of a new input.
            input_shape: Shape of one image in Keras's image data format, (height, width, channels)
                or (channels, height, width).
            pooling: Without a top, None for features [batch, height, width, channels], "avg" or
                "max" for their mean or maximum [batch, channels].
            classes: Number of classes.
            classifier_activation: Activation of the last layer, "softmax" by default; None for
                logits.
            name: Name of the Keras model.

    Returns:
        The model; its `kerazoo_config` holds the name and the options.

    Raises:
        UsageError: No model or option has this name, or an option has a wrong value.
        DataMissingError: The weights cannot be downloaded.
        CorruptFileError: The file of the weights is damaged or does not fit the model.

    >>> create_model("mnist_cnn", classes=5).output_shape
    (None, 5)
    """
    return registry.constructor(name)(**options)


def preprocess_input(images: Any, data_format: str | None = None) -> Any:
    """Return images as `VGG16`, `ResNet50` and the like expect them with weights="imagenet".

    `kerazoo.preprocess` does this for a model with any loaded weights.

    Args:
        images: RGB in [0, 255], [batch, height, width, 3].
        data_format: "channels_last" or "channels_first"; None for Keras's setting.

    Returns:
        BGR minus ImageNet's mean, of the same shape.
    """
    return keras.applications.imagenet_utils.preprocess_input(images, data_format, mode="caffe")


def decode_predictions(scores: Any, top: int = 5) -> list[list[tuple[str, str, float]]]:
    """Return the `top` classes of ImageNet for each row of scores [batch, 1000].

    Returns:
        For each image (WordNet id, name, score), the highest score first.

    Raises:
        ValueError: The scores have another shape.
    """
    return keras.applications.imagenet_utils.decode_predictions(scores, top=top)


def _import_families() -> None:
    """Import the modules of this package, each of which registers its constructors."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    globals().update({name: registry.constructor(name) for name in registry.names()})


def __getattr__(name: str) -> Any:
    """Return a constructor whose name is spelled otherwise, such as `ResNet18` or `GoogLeNet`."""
    for known in registry.names():
        if known.replace("_", "") == name.lower():
            return registry.constructor(known)
    raise AttributeError(f"module 'kerazoo.models' has no attribute '{name}'")


_import_families()
