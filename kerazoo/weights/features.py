"""Loading the features of a network, with a new head for other classes."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from kerazoo import registry
from kerazoo.compat import shapes_only
from kerazoo.errors import UsageError
from kerazoo.lazy import keras
from kerazoo.registry import Weights
from kerazoo.text import listed
from kerazoo.values import short
from kerazoo.weights import source_of
from kerazoo.weights.networks import config_of
from kerazoo.weights.selection import Selection
from kerazoo.weights.transfer import assign, layers_of_other_shapes

WITHOUT_TOP = {"include_top": False, "auxiliary_heads": False}

logger = logging.getLogger("kerazoo")


def feature_layers(model: keras.Model) -> set[str]:
    """Return the names of the layers that a model of kerazoo has without its top."""
    return _layers_with(model, WITHOUT_TOP)


def _layers_with(model: keras.Model, options: Mapping[str, Any]) -> set[str]:
    """Return the names of the layers that a model has with other options, those that it takes."""
    config = config_of(model)
    known = registry.options(config.name)
    changes = {name: value for name, value in options.items() if name in known}
    with shapes_only():
        changed = registry.constructor(config.name)(**{**config.options, **changes})
        return {layer.name for layer in changed.layers}


def load_features(
    model: keras.Model, weights: Weights, class_names: Sequence[str] | None = None
) -> None:
    """Set the weights of a model, of its features alone where those of its top do not fit.

    If the weights are of other classes, the last layer keeps its values; if other layers of the top
    have another shape, the whole top does; auxiliary heads do where the weights have none. A
    message in the log names them.

    Args:
        model: A model of kerazoo.
        weights: See `load_weights`, whose errors it raises.
        class_names: The classes that the model is for; None if they are other ones in any case.
    """
    source = source_of(model, weights, any_classes=True)
    loaded = source.loaded(Selection(), model)
    with_weights = [layer.name for layer in model.layers if layer.weights]
    heads = _auxiliary_heads(model)
    last = [name for name in with_weights if name not in heads][-1]
    new = layers_of_other_shapes(model, loaded)
    if new - heads - {last}:
        top = set(with_weights) - feature_layers(model)
        new = top if new <= top else set()
    elif class_names is None or loaded.class_names not in (None, tuple(class_names)):
        new |= {last}
    if not heads & {key.rpartition("/")[0] for key in loaded.names}:
        new |= heads
    if new:
        names = {loaded.match.layer_name(layer) for layer in new}
        loaded = source.loaded(Selection(ignore=sorted(f"{name}/*" for name in names)), model)
        kept = [layer for layer in with_weights if layer in new]
        logger.info("new layers, which start with random weights: %s", listed(kept))
    assign(model, loaded, new)
    model.preprocessing = loaded.preprocessing


def _auxiliary_heads(model: keras.Model) -> set[str]:
    """Return the layers with weights that a model has with its auxiliary heads alone."""
    if not config_of(model).options.get("auxiliary_heads"):
        return set()
    names = {layer.name for layer in model.layers if layer.weights}
    return names - _layers_with(model, {"auxiliary_heads": False})


def new_head(model: keras.Model, classes: int) -> keras.Model:
    """Return a model with the features of another one and a new last layer for other classes.

    Args:
        model: A model of kerazoo, which is unchanged.
        classes: Number of classes.

    Returns:
        The same network with `classes` outputs; all its weights but those of the last layer are
        those of `model`, and so is its preprocessing.

    Raises:
        UsageError: The model was not built by kerazoo, or `classes` is not possible.

    >>> model = new_head(create_model("mnist_cnn", weights="mnist"), 3)
    >>> model.output_shape
    (None, 3)
    """
    if not isinstance(model, keras.Model):
        raise UsageError(f"model must be a model of kerazoo; received {short(model)}")
    config = config_of(model)
    options = {**config.options, "include_top": True, "classes": classes}
    new = registry.constructor(config.name)(**options)
    load_features(new, model)
    return new
