"""Which networks of another zoo are which of this one, and whether a model computes the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kerazoo import registry
from kerazoo.compat import shapes_only
from kerazoo.errors import KerazooError, UsageError
from kerazoo.weights.preprocessing import Preprocessing

if TYPE_CHECKING:
    import keras

Depths = tuple[int, ...]
BATCH_NORM = "_bn"  # what follows a convolution's name in that of its batch normalisation

# Of each kind of layer what changes its outputs, most of it seen in no weight.
SETTINGS = {
    "Conv2D": ("filters", "kernel_size", "strides", "groups", "use_bias"),
    "BatchNormalization": ("epsilon",),
    "MaxPooling2D": ("pool_size", "strides", "padding"),
    "ZeroPadding2D": ("padding",),
    "LocalResponseNormalization": ("size", "k", "alpha", "beta"),
}


@dataclass(frozen=True)
class Family:
    """Networks of another zoo that are built by one scheme.

    Attributes:
        networks: The other zoo's name -> this one's, and how many layers its parts have.
        layers: From those numbers to this zoo's layers with weights -> the other's.
        top: Layers above the features, last the one as wide as there are classes.
        preprocessing: What the weights expect to be done to an image.
        options: With which this zoo's constructor builds the same graph.
        maps: Of a dense layer that is a convolution there the height and width of the map below it,
            where it is not 1x1.
    """

    networks: Mapping[str, tuple[str, Depths]]
    layers: Callable[[Depths], dict[str, str]]
    top: tuple[str, ...]
    preprocessing: Preprocessing
    options: Mapping[str, Any] = field(default_factory=dict)
    maps: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def all_layers(self) -> dict[str, str]:
        """Return the layers of the largest network, which are those of all of them."""
        depths = (depths for _, depths in self.networks.values())
        return self.layers(tuple(map(max, zip(*depths, strict=True))))


def find_network(
    model: keras.Model, families: Iterable[Family], zoo: str
) -> tuple[str, Family, dict[str, str]]:
    """Return the other zoo's name of a model's network, its family, and its layers.

    Raises:
        UsageError: The zoo has no such network, or builds it otherwise; the message says how.
    """
    names = _convolutions_of(layer.name for layer in model.layers if layer.weights)
    known = []
    for family in families:
        for network, (own, depths) in family.networks.items():
            known.append(network)
            layers = family.layers(depths)
            if names - set(family.top) == _convolutions_of(layers) - set(family.top):
                with shapes_only():
                    reference = registry.create_model(own, include_top=False, **family.options)
                check_same(model, reference, _called(zoo, network, own, family.options))
                return network, family, layers
    raise UsageError(
        f"{zoo} has no network with the layers of '{model.name}': it has {', '.join(known)}"
    )


def _convolutions_of(names: Iterable[str]) -> set[str]:
    return {name.removesuffix(BATCH_NORM) for name in names}


def check_same(
    model: keras.Model,
    reference: keras.Model,
    called: str,
    error: type[KerazooError] = UsageError,
) -> None:
    """Make sure that with equal weights the features of both models compute the same.

    Raises:
        KerazooError: They do not; the message says where they differ.
    """
    ours, theirs = _settings(model), _settings(reference)
    found: dict[str, list[str]] = {}
    for name in {**theirs, **ours}:
        for difference in _differences(ours.get(name), theirs.get(name)):
            found.setdefault(difference, []).append(name)
    told = [
        f"{names[0]}{f' (and {len(names) - 1} more)' if len(names) > 1 else ''} {difference}"
        for difference, names in found.items()
    ]
    if told:
        raise error(f"{called}, from which '{model.name}' differs: {', '.join(told)}")


def _differences(ours: Mapping[str, Any] | None, theirs: Mapping[str, Any] | None) -> list[str]:
    if ours is None:
        return ["is missing"]
    if theirs is None:
        return ["is not there"]
    return [
        f"has {setting} {ours[setting]}, not {value}"
        for setting, value in theirs.items()
        if ours.get(setting, value) != value
    ]


def check_source(
    model: keras.Model, source: keras.Model, called: str, error: type[KerazooError]
) -> None:
    """Make sure that a model of this zoo computes what the one computes that its weights are of.

    Models of different layers are left to the names of their weights.

    Raises:
        KerazooError: It does not; the message says where they differ.
    """
    if _convolutions(model) == _convolutions(source):
        check_same(model, source, f"{called} is another net", error)


def _convolutions(model: keras.Model) -> set[str]:
    return {name for name, settings in _settings(model).items() if "kernel_size" in settings}


def _settings(model: keras.Model) -> dict[str, dict[str, Any]]:
    """Return the settings of a model's layers, but for those in place of dense layers."""
    return {
        layer.name: {name: getattr(layer, name) for name in SETTINGS[type(layer).__name__]}
        for layer in model.layers
        if type(layer).__name__ in SETTINGS and not layer.name.startswith("fc")
    }


def _called(zoo: str, network: str, own: str, options: Mapping[str, Any]) -> str:
    given = "".join(f", {name}={value!r}" for name, value in options.items())
    return f"{network} of {zoo} is create_model('{own}'{given})"


def vgg_convolutions(depths: Depths) -> list[str]:
    """Return the convolutions of a VGG: conv1_1, conv1_2, ..., conv5_3."""
    return [
        f"conv{block}_{place}"
        for block, depth in enumerate(depths, start=1)
        for place in range(1, depth + 1)
    ]


def resnet_units(depths: Depths) -> list[tuple[int, int]]:
    """Return stage and unit of every bottleneck: (2, 1), (2, 2), (2, 3), (3, 1), ..."""
    return [
        (stage, unit) for stage, depth in enumerate(depths, start=2) for unit in range(1, depth + 1)
    ]
