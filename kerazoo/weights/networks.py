"""Which network of another library is which of kerazoo, and whether both compute the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kerazoo.errors import KerazooError, UsageError
from kerazoo.registry import ModelConfig
from kerazoo.weights.keras_names import resnet_name, vgg_name
from kerazoo.weights.preprocessing import CAFFE, Preprocessing

if TYPE_CHECKING:
    import keras

BATCH_NORM = "_bn"  # added to a convolution's name for its batch normalization

# Options that change the result with the same weights, or the width of all layers.
GRAPH_OPTIONS = ("stride_on", "use_bias", "pool_padding", "epsilon", "alpha")

# Settings of a layer that change its output and that no shape of a weight shows.
SETTINGS = {
    "Conv2D": ("strides", "groups"),
    "BatchNormalization": ("epsilon",),
    "MaxPooling2D": ("pool_size", "strides", "padding"),
    "LocalResponseNormalization": ("size", "k", "alpha", "beta"),
}


@dataclass(frozen=True)
class Network:
    """A network of another library that kerazoo has too.

    Attributes:
        name: Its name there.
        config: The call that builds it in kerazoo.
        layers: Names of kerazoo's layers with weights -> theirs, without batch normalizations.
        top: Layers of kerazoo above the features, the classifier last.
        preprocessing: What its weights expect to be done to an image.
        fc_sizes: Height and width of the feature map under a dense layer that is a convolution
            there, where it is not 1x1.
    """

    name: str
    config: ModelConfig
    layers: Mapping[str, str]
    top: tuple[str, ...]
    preprocessing: Preprocessing
    fc_sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)


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


def find_network(model: keras.Model, networks: Iterable[Network], library: str) -> Network:
    """Return what a model of kerazoo is in another library.

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
    model: keras.Model, source: keras.Model, called: str, error: type[KerazooError]
) -> None:
    """Check that two models compute the same with the same weights.

    Raises:
        KerazooError: Layers of the same name have different settings; the message lists them.
    """
    layers = {layer.name: layer for layer in model.layers}
    found: dict[str, list[str]] = {}
    for other in source.layers:
        layer = layers.get(other.name)
        if layer is None or type(layer) is not type(other):
            continue
        for setting in SETTINGS.get(type(layer).__name__, ()):
            value, wanted = getattr(layer, setting), getattr(other, setting)
            if value != wanted:
                found.setdefault(f"has {setting} {value}, not {wanted}", []).append(layer.name)
    if found:
        differences = [
            f"{names[0]}{f' (and {len(names) - 1} more)' if len(names) > 1 else ''} {difference}"
            for difference, names in found.items()
        ]
        raise error(f"{called} is another network than '{model.name}': {', '.join(differences)}")


def vgg_convolutions(depths: Sequence[int]) -> list[str]:
    """Return the convolutions of a VGG: conv1_1, conv1_2, ..., conv5_3."""
    return [
        f"conv{block}_{number}"
        for block, depth in enumerate(depths, start=1)
        for number in range(1, depth + 1)
    ]


def resnet_units(depths: Sequence[int]) -> list[tuple[int, int]]:
    """Return stage and unit of every bottleneck: (2, 1), (2, 2), (2, 3), (3, 1), ..."""
    return [
        (stage, unit) for stage, depth in enumerate(depths, start=2) for unit in range(1, depth + 1)
    ]


RESNETS = ((50, (3, 4, 6, 3)), (101, (3, 4, 23, 3)), (152, (3, 8, 36, 3)))


def resnet_layers(depths: Sequence[int]) -> list[str]:
    """Return the convolutions of a ResNet of bottlenecks, and its last dense layer."""
    layers = ["conv1"]
    for stage, unit in resnet_units(depths):
        layers += [f"conv{stage}_{unit}_{number}" for number in (1, 2, 3)]
        layers += [f"conv{stage}_{unit}_shortcut"] if unit == 1 else []
    return [*layers, "fc"]


def _keras_vgg(name: str, depths: Sequence[int]) -> Network:
    layers = [*vgg_convolutions(depths), "fc6", "fc7", "fc8"]
    names = {layer: vgg_name(layer) for layer in layers}
    return Network(name, ModelConfig(name.lower()), names, ("fc6", "fc7", "fc8"), CAFFE)


def _keras_resnet(number: int, depths: Sequence[int]) -> Network:
    *convolutions, last = resnet_layers(depths)
    layers = [*convolutions, *(f"{name}{BATCH_NORM}" for name in convolutions), last]
    config = ModelConfig(f"resnet{number}", RESNET_OPTIONS)
    names = {layer: resnet_name(layer) for layer in layers}
    return Network(f"ResNet{number}", config, names, ("fc",), CAFFE)


RESNET_OPTIONS = {"use_bias": True, "pool_padding": "symmetric", "epsilon": 1.001e-5}
KERAS_NETWORKS = (
    _keras_vgg("VGG16", (2, 2, 3, 3, 3)),
    _keras_vgg("VGG19", (2, 2, 4, 4, 4)),
    *(_keras_resnet(number, depths) for number, depths in RESNETS),
)


def names_in_kerazoo(model: keras.Model) -> dict[str, str]:
    """Return kerazoo's names of the layers of a model built with layer_names="keras", else {}."""
    config: ModelConfig | None = getattr(model, "kerazoo_config", None)
    if config is None or config.options.get("layer_names") != "keras":
        return {}
    networks = (network for network in KERAS_NETWORKS if network.config.name == config.name)
    return {theirs: ours for network in networks for ours, theirs in network.layers.items()}
