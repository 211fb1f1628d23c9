"""Every zoo at a sixteenth of its width: wired as ever, with a 256th of the weights and the work.

Width proves nothing about wiring, names, layouts, padding or training. The constructors of kerazoo
take `alpha`; the layers of keras.applications and of tf-slim are made with fewer filters here.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Any

import keras
import pytest
import tf_slim
from tf_slim.nets import resnet_v1

from kerazoo import registry
from legacy_tf1.program import tf1

ALPHA = 1 / 16
# Last layers, as wide as there are classes, by their names in keras.applications and in tf-slim.
LAST = ("predictions", "fc8", "logits", "Conv2d_0c_1x1")


def thin(width: int) -> int:
    """Return a sixteenth of a width."""
    return max(1, round(width * ALPHA))


def create_model(name: str, **options: Any) -> keras.Model:
    """Build a model of the zoo thin, if its family comes in several widths."""
    return _thin_builder(registry.find(name).builder)(**options)


def make_thin(patch: pytest.MonkeyPatch) -> None:
    """Make every network thin until the patch is undone."""
    for name in registry.list_models():
        info = registry.find(name)
        builder = _thin_builder(info.builder)
        patch.setitem(registry._entries, name, dataclasses.replace(info, builder=builder))
    for module in ("vgg16", "vgg19", "resnet"):
        patch.setattr(f"keras.src.applications.{module}.layers", _ThinLayers())
    block = resnet_v1.resnet_v1_block
    patch.setattr(
        resnet_v1,
        "resnet_v1_block",
        lambda scope, base_depth, *rest, **options: block(
            scope, thin(base_depth), *rest, **options
        ),
    )
    conv2d = _thin_conv2d(tf_slim.conv2d)
    for name in ("tf_slim", "tf_slim.layers", "tf_slim.layers.layers"):
        patch.setattr(importlib.import_module(name), "conv2d", conv2d)


def _thin_builder(builder: Callable[..., keras.Model]) -> Callable[..., keras.Model]:
    takes_alpha = "alpha" in inspect.signature(builder).parameters
    return functools.partial(builder, alpha=ALPHA) if takes_alpha else builder


class _ThinLayers:
    """`keras.layers`, as the modules of keras.applications see it."""

    def __getattr__(self, name: str) -> Any:
        layer = getattr(keras.layers, name)
        if name not in ("Conv2D", "Dense"):
            return layer

        def make(width: int, *arguments: Any, **options: Any) -> keras.Layer:
            width = width if options.get("name") in LAST else thin(width)
            return layer(width, *arguments, **options)

        return make


def _thin_conv2d(conv2d: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(conv2d)  # and slim's settings for it
    def make(inputs: Any, width: int, *arguments: Any, **options: Any) -> Any:
        thin_already = "bottleneck_v1" in tf1.get_variable_scope().name
        if not thin_already and options.get("scope") not in LAST:
            width = thin(width)
        return conv2d(inputs, width, *arguments, **options)

    return make
