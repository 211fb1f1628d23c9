"""Whether a model computes the same as another with the same weights."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from kerazoo.errors import KerazooError, UsageError
from kerazoo.lazy import keras
from kerazoo.registry import ModelConfig
from kerazoo.weights.networks import Network, config_of, named_layers

# Options that change the result with the same weights, or the width of all layers.
GRAPH_OPTIONS = ("stride_on", "use_bias", "pool_padding", "epsilon", "alpha")

# Of a layer: settings that change its output and that no shape of a weight shows.
MERGES = ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract")
SETTINGS = {
    "Conv2D": ("strides", "groups"),
    "BatchNormalization": ("epsilon", "center", "scale"),
    "MaxPooling2D": ("pool_size", "strides", "padding"),
    "AveragePooling2D": ("pool_size", "strides", "padding"),
    "LocalResponseNormalization": ("size", "k", "alpha", "beta"),
}
# Layers without weights that change at most the shape of what they get when a model predicts.
NEUTRAL = re.compile(
    r"InputLayer|\w*Dropout\w*|Gaussian\w+|Random\w+|Flatten|Reshape|ZeroPadding2D|Identity|"
    r"ActivityRegularization|Global\w+"
)


def find_network(model: keras.Model, networks: Iterable[Network], library: str) -> Network:
    """Return the network of another library with the graph of a model of kerazoo.

    Raises:
        UsageError: The library has no such network, or builds it with other options.
    """
    config = config_of(model)
    names = []
    for network in networks:
        names.append(network.name)
        if network.config.name == config.name:
            options = {o: v for o, v in config.options.items() if o in GRAPH_OPTIONS}
            if options != network.config.options:
                raise UsageError(
                    f"{network.name} of {library} is {network.config}, and '{model.name}' is "
                    f"{ModelConfig(config.name, options)}"
                )
            return network
    raise UsageError(f"{library} has no '{config.name}': it has {', '.join(names)}")


def check_same_graph(
    model: keras.Model,
    others: Mapping[str, Any],
    loaded: Collection[str],
    source: str,
    error: type[KerazooError],
) -> None:
    """Check that a model computes the same as other layers with the same weights.

    The activation of the last layer with weights may differ, as `classifier_activation` does, and
    global pooling after the last layer that is loaded, as `pooling` does.

    Args:
        model: A model of kerazoo.
        others: Layers by the names that they have in kerazoo.
        loaded: Names of the layers whose weights are loaded.
        source: The name of their model or file in the message.
        error: What is raised.

    Raises:
        KerazooError: Layers of the same name have different settings; the message lists them.
    """
    layers = dict(named_layers(model))
    last = [name for name, layer in layers.items() if layer.weights][-1:]
    end = _last_place(layers, loaded)
    differences: dict[str, list[str]] = {}
    for place, (name, layer) in enumerate(layers.items()):
        wanted = _settings(others[name]) if name in others else {}
        is_after = type(layer).__name__.startswith("Global") and place > end
        for setting, value in _settings(layer).items():
            may_differ = is_after or (setting == "activation" and name in last)
            if value != wanted.get(setting, value) and not may_differ:
                difference = f"has {setting} {value}, not {wanted[setting]}"
                differences.setdefault(difference, []).append(layer.name)
    if differences:
        text = ", ".join(
            f"{names[0]}{f' (and {len(names) - 1} more)' if len(names) > 1 else ''} {difference}"
            for difference, names in differences.items()
        )
        raise error(f"{source} is another network than '{model.name}': {text}")


def extra_layers(
    layers: Mapping[str, Any], loaded: Collection[str], known: Collection[str]
) -> list[str]:
    """Return the layers without weights that another model lacks and that may change its outputs.

    Args:
        layers: By their names, in order.
        loaded: Names of those whose weights are loaded; what is after all of them does not count.
        known: Names of those that the other model has.
    """
    end = _last_place(layers, loaded)
    return [
        name
        for place, (name, layer) in enumerate(layers.items())
        if place < end
        and not (layer.weights or name in known or NEUTRAL.fullmatch(type(layer).__name__))
        and _settings(layer).get("activation") != "linear"
    ]


def _last_place(layers: Iterable[str], loaded: Collection[str]) -> int:
    """Return the place of the last layer that is loaded; -1 if none is."""
    return max((place for place, name in enumerate(layers) if name in loaded), default=-1)


def _settings(layer: Any) -> dict[str, Any]:
    """Return the settings of a layer that change its output and that no shape of a weight shows."""
    kind = "Conv2D" if isinstance(layer, keras.layers.Conv2D) else type(layer).__name__
    settings = {name: getattr(layer, name) for name in SETTINGS.get(kind, ())}
    if "Pooling" in kind or kind in MERGES:
        settings["kind"] = kind
    if kind == "Conv2D" and layer.kernel_size != (1, 1):
        settings |= {"padding": layer.padding, "dilation_rate": layer.dilation_rate}
    if (activation := getattr(layer, "activation", None)) is not None:
        name = getattr(activation, "__name__", type(activation).__name__)  # it may be a layer
        settings["activation"] = name.lower()
    return settings
