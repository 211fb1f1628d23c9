"""The networks of other libraries: their names, their layers, and what builds them in kerazoo."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kerazoo.errors import UsageError
from kerazoo.lazy import keras
from kerazoo.registry import ModelConfig
from kerazoo.weights.preprocessing import CAFFE, Preprocessing

if TYPE_CHECKING:
    import numpy as np

# Names of layers in kerazoo, and in keras.applications; the first pattern that fits counts.
VGG_NAMES = {
    r"conv(\d)_(\d)": r"block\1_conv\2",
    r"pool(\d)": r"block\1_pool",
    r"pool5_flat": "flatten",
    r"fc6": "fc1",
    r"fc7": "fc2",
    r"fc8": "predictions",
}
RESNET_NAMES = {
    r"conv1": "conv1_conv",
    r"pool1": "pool1_pool",
    r"conv(\d)_(\d+)_(\d)": r"conv\1_block\2_\3_conv",
    r"conv(\d)_(\d+)_shortcut": r"conv\1_block\2_0_conv",
    r"conv(\d)_(\d+)_shortcut_bn": r"conv\1_block\2_0_bn",
    r"conv(\d)_(\d+)_relu": r"conv\1_block\2_out",
    r"conv(\d)_(\d+)_(.+)": r"conv\1_block\2_\3",
    r"global_pool": "avg_pool",
    r"fc": "predictions",
}

BATCH_NORM = "_bn"  # added to a convolution's name for its batch normalization

KINDS = ("kernel", "bias")
NORM_KINDS = ("gamma", "beta", "moving_mean", "moving_variance")


def kinds(number: int) -> Sequence[str]:
    """Return names for the weights of a layer, of which a file stores the order alone."""
    if number == len(NORM_KINDS):
        return NORM_KINDS
    return [*KINDS[:number], *(f"weight {place + 1}" for place in range(len(KINDS), number))]


@dataclass(frozen=True)
class Network:
    """A network of another library that kerazoo can build."""

    name: str  # in the other library
    config: ModelConfig  # the call that builds it in kerazoo
    layers: Mapping[str, str]  # kerazoo's layers with weights -> their names in the other library
    top: tuple[str, ...]  # kerazoo's layers after the features, the classifier last
    preprocessing: Preprocessing  # what its weights expect
    # The kernel sizes of dense layers that are convolutions there, where they are not 1x1.
    fc_sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    library: str = ""  # "" for a program
    rules: Mapping[str, str] = field(default_factory=dict)  # for the names of all other layers

    def weights(self) -> list[str]:
        """Return kerazoo's names of the weights, "layer/weight"."""
        return [
            f"{layer}/{kind}"
            for layer in self.layers
            for kind in (NORM_KINDS if layer.endswith(BATCH_NORM) else KINDS)
        ]

    def name_of(self, key: str) -> str:
        """Return the name of a weight in the other library, without a scope."""
        layer, _, kind = key.partition("/")
        return f"{self.layer_name(layer)}/{kind}"

    def layer_name(self, layer: str) -> str:
        """Return the name of a layer in the other library."""
        return self.layers.get(layer) or keras_name(self.rules, layer)


def config_of(model: keras.Model) -> ModelConfig:
    """Return the call that built a model.

    Raises:
        UsageError: It was not built by kerazoo.
    """
    config: ModelConfig | None = getattr(model, "kerazoo_config", None)
    if config is None:
        raise UsageError(
            f"'{model.name}' was not built by kerazoo.create_model: build the same model with it, "
            "and give this one as weights="
        )
    return config


def keras_name(rules: Mapping[str, str], name: str) -> str:
    """Return a layer's name in keras.applications, by `VGG_NAMES` or `RESNET_NAMES`."""
    for pattern, replacement in rules.items():
        if re.fullmatch(pattern, name):
            return re.sub(pattern, replacement, name)
    return name


def vgg_convolutions(depths: Sequence[int]) -> list[str]:
    """Return the convolutions of a VGG: conv1_1, conv1_2, ..., conv5_3."""
    return [
        f"conv{block}_{number}"
        for block, depth in enumerate(depths, start=1)
        for number in range(1, depth + 1)
    ]


def resnet_convolutions(depths: Sequence[int]) -> list[str]:
    """Return the convolutions of a ResNet of bottlenecks: conv1, conv2_1_1, conv2_1_2, ..."""
    layers = ["conv1"]
    for stage, depth in enumerate(depths, start=2):
        for block in range(1, depth + 1):
            parts = ("1", "2", "3", "shortcut") if block == 1 else ("1", "2", "3")
            layers += [f"conv{stage}_{block}_{part}" for part in parts]
    return layers


def _keras_network(
    name: str,
    layers: Sequence[str],
    top: tuple[str, ...],
    rules: Mapping[str, str],
    options: Mapping[str, Any],
) -> Network:
    names = {layer: keras_name(rules, layer) for layer in (*layers, *top)}
    config = ModelConfig(name.lower(), options)
    return Network(name, config, names, top, CAFFE, library=KERAS, rules=rules)


def _keras_resnet(number: int, depths: Sequence[int]) -> Network:
    convolutions = resnet_convolutions(depths)
    layers = [*convolutions, *(f"{name}{BATCH_NORM}" for name in convolutions)]
    options = {"use_bias": True, "pool_padding": "symmetric", "epsilon": 1.001e-5}
    return _keras_network(f"ResNet{number}", layers, ("fc",), RESNET_NAMES, options)


KERAS = "keras.applications"
VGGS = {11: (1, 1, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
VGG_TOP = ("fc6", "fc7", "fc8")
RESNETS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
KERAS_NETWORKS = (
    *(
        _keras_network(f"VGG{number}", vgg_convolutions(VGGS[number]), VGG_TOP, VGG_NAMES, {})
        for number in (16, 19)
    ),
    *(_keras_resnet(number, depths) for number, depths in RESNETS.items()),
)


def names_in_kerazoo(model: keras.Model) -> dict[str, str]:
    """Return kerazoo's names of the layers of a model built with layer_names="keras", else {}."""
    config: ModelConfig | None = getattr(model, "kerazoo_config", None)
    if config is None or config.options.get("layer_names") != "keras":
        return {}
    networks = (network for network in KERAS_NETWORKS if network.config.name == config.name)
    return {other: name for network in networks for name, other in network.layers.items()}


def named_layers(model: keras.Model) -> Iterator[tuple[str, Any]]:
    """Yield the layers of a model with kerazoo's names, in nested models "model/layer"."""
    names = names_in_kerazoo(model)
    for layer in model.layers:
        if isinstance(layer, keras.Model) and layer.layers:
            yield from ((f"{layer.name}/{name}", inner) for name, inner in named_layers(layer))
        else:
            yield names.get(layer.name, layer.name), layer


def named_weights(model: keras.Model) -> dict[str, Any]:
    """Return every weight of a model by "layer/weight", with kerazoo's names of layers."""
    return {
        f"{name}/{weight.name}": weight
        for name, layer in named_layers(model)
        for weight in layer.weights
    }


def weight_arrays(model: keras.Model) -> dict[str, np.ndarray]:
    """Return the elements of every weight of a model, see `named_weights`."""
    return {key: weight.numpy() for key, weight in named_weights(model).items()}


def nested_models(model: keras.Model) -> Iterator[tuple[str, keras.Model]]:
    """Yield the models in a model with what the names of their layers begin with."""
    for layer in model.layers:
        if isinstance(layer, keras.Model) and layer.layers:
            yield f"{layer.name}/", layer
            yield from ((f"{layer.name}/{start}", inner) for start, inner in nested_models(layer))
