"""Layers that are not trained."""

import fnmatch
from collections.abc import Iterable, Sequence

from kerazoo.errors import UsageError, did_you_mean
from kerazoo.lazy import keras
from kerazoo.recipe import FEATURES
from kerazoo.weights.features import feature_layers
from kerazoo.weights.networks import config_of


def layers_to_freeze(model: keras.Model, patterns: Sequence[str]) -> list[keras.Layer]:
    """Return the layers with weights whose names fit a pattern.

    Args:
        model: A model of kerazoo.
        patterns: Shell-style, such as "conv1_*"; "features" stands for all layers that the model
            has without its top.

    Raises:
        UsageError: A pattern fits no layer, or no layer would be trained.
    """
    layers = {layer.name: layer for layer in model.layers if layer.weights}
    names: set[str] = set()
    for pattern in patterns:
        fitting = feature_layers(model) if pattern == FEATURES else fnmatch.filter(layers, pattern)
        if not (matching := layers.keys() & set(fitting)):
            hint = did_you_mean(pattern, [FEATURES, *layers])
            hint = hint or f": `kerazoo summary {config_of(model).name}` lists its layers"
            raise UsageError(f"freeze='{pattern}' fits no layer of '{model.name}'{hint}")
        names |= matching
    if names == layers.keys():
        raise UsageError(f"freeze leaves no layer of '{model.name}' to train: leave out a pattern")
    return [layer for name, layer in layers.items() if name in names]


def set_trainable(layers: Iterable[keras.Layer], trainable: bool) -> None:
    """Train layers, or do not; batch normalization that is not trained keeps its moments."""
    for layer in layers:
        layer.trainable = trainable
