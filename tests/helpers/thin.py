"""Networks at a fraction of their width: the same wiring, with fewer weights and less work.

Width proves nothing about wiring, names, layouts, padding or training. The constructors of kerazoo
take `alpha`; the layers of keras.applications and of tf-slim are made with fewer filters here.
"""

import functools
import importlib
import inspect
from collections.abc import Container, Iterable
from typing import Any

import keras
import pytest

from kerazoo import registry
from kerazoo.weights import load_weights

ALPHA = 1 / 16
# Thinner, a module of one or two channels in GoogLeNet may be dead from the start, and TensorFlow
# crashes on a CPU in the gradient of a strided 1x1 convolution over fewer than twelve channels.
ALPHAS = {"resnet": 1 / 4, "googlenet": 1 / 4, "inception": 1 / 4}
# They have the blocks of vgg16, of resnet18 and of resnet50, fewer or more of them.
REPEATING = ("vgg11", "vgg13", "vgg19", "resnet34", "resnet101", "resnet152")
# Last layers, as wide as there are classes, by their names in keras.applications and in tf-slim.
LAST = ("predictions", "fc8", "logits", "Conv2d_0c_1x1")


def alpha_of(network: str) -> float:
    """Return the width multiplier of a thin network, by its name in any of the zoos."""
    name = network.lower()
    return next((alpha for start, alpha in ALPHAS.items() if name.startswith(start)), ALPHA)


def takes_alpha(name: str) -> bool:
    """Return whether a model of the zoo comes in several widths."""
    return "alpha" in inspect.signature(registry.constructor(name)).parameters


def create_model(name: str, **options: Any) -> keras.Model:
    """Build a model of the zoo thin, if its family comes in several widths."""
    return thinned(registry.constructor(name), name)(**options)


def both_widths(names: Iterable[str], full: Container[str] = ()) -> list[Any]:
    """Return parameters (name, width): thin but for the names of `full`; by --full also "full"."""
    names = list(names)
    thin = [pytest.param(name, "thin") for name in names if name not in full]
    return thin + [pytest.param(name, "full", marks=pytest.mark.full) for name in names]


def make_thin(patch: pytest.MonkeyPatch) -> None:
    """Make the networks of kerazoo, keras.applications and tf-slim thin until it is undone.

    Those of kerazoo are all that have an `alpha`; those of keras.applications are VGG and ResNet.
    """
    for name in registry.names():
        constructor = thinned(registry.constructor(name), name)
        patch.setitem(registry._models, name, (registry.find(name), constructor))
    for module in ("vgg16", "vgg19", "resnet"):
        layers = _ThinLayers(alpha_of(module))
        patch.setattr(f"keras.src.applications.{module}.layers", layers)
    _make_slim_thin(patch)


def thinned(constructor: registry.Constructor, name: str) -> registry.Constructor:
    """Return a constructor of the thin network, which is of full width as far as it knows."""
    if not takes_alpha(name):
        return constructor

    @functools.wraps(constructor)
    def construct(*, weights: Any = None, alpha: float = 1.0, **options: Any) -> keras.Model:
        model = constructor(alpha=alpha * alpha_of(name), **options)
        config = model.kerazoo_config
        options = {key: value for key, value in config.options.items() if key != "alpha"}
        model.kerazoo_config = registry.ModelConfig(config.name, options)
        if weights is not None:
            load_weights(model, weights)
        return model

    return construct


def _scaled(width: int, alpha: float) -> int:
    return max(1, round(width * alpha))


class _ThinLayers:
    """`keras.layers`, as a module of keras.applications sees it."""

    def __init__(self, alpha: float) -> None:
        self._alpha = alpha

    def __getattr__(self, name: str) -> Any:
        layer = getattr(keras.layers, name)
        if name not in ("Conv2D", "Dense"):
            return layer

        def make(width: int, *arguments: Any, **options: Any) -> keras.Layer:
            if options.get("name") not in LAST:
                width = _scaled(width, self._alpha)
            return layer(width, *arguments, **options)

        return make


def _make_slim_thin(patch: pytest.MonkeyPatch) -> None:
    import tf_slim
    from tf_slim.nets import resnet_v1

    from legacy_tf1.program import tf1

    conv2d, block = tf_slim.conv2d, resnet_v1.resnet_v1_block

    def thin_block(scope: str, base_depth: int, **options: Any) -> Any:
        return block(scope, _scaled(base_depth, ALPHAS["resnet"]), **options)

    @functools.wraps(conv2d)  # with the key by which slim keeps its settings
    def thin_conv2d(inputs: Any, width: int, *arguments: Any, **options: Any) -> Any:
        network = tf1.get_variable_scope().name
        if "bottleneck_v1" not in network and options.get("scope") not in LAST:
            width = _scaled(width, alpha_of(network))
        return conv2d(inputs, width, *arguments, **options)

    patch.setattr(resnet_v1, "resnet_v1_block", thin_block)
    for module in ("tf_slim", "tf_slim.layers", "tf_slim.layers.layers"):
        patch.setattr(importlib.import_module(module), "conv2d", thin_conv2d)
