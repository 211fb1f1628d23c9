"""Weights as a file or another program names them, and which weights of kerazoo these are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np

from kerazoo.errors import CorruptFileError, KerazooError, UsageError
from kerazoo.lazy import keras
from kerazoo.registry import ModelConfig
from kerazoo.weights import h5
from kerazoo.weights.foreign import check_known
from kerazoo.weights.networks import Network, check_same_graph, find_network, named_layers
from kerazoo.weights.preprocessing import Preprocessing
from kerazoo.weights.selection import Selection
from kerazoo.weights.transfer import LoadedWeights, named_weights


@dataclass(frozen=True)
class Source:
    """Weights by their names in a checkpoint, a file or a model."""

    called: str  # in messages
    tensors: Mapping[str, np.ndarray]  # a checkpoint reads each when it is needed
    networks: Sequence[Network]  # whose names these may be
    # Beginning of names, such as "vgg16/" -> that nested model; "" is the outer one. A file without
    # a graph has None for each.
    models: Mapping[str, keras.Model | None] = field(default_factory=dict)
    in_order: bool = False  # whether the weights of a layer have an order and no names
    others: Collection[str] = ()  # what is no weight
    slots: Collection[str] = ()  # state of an optimizer, a tensor for each weight
    preprocessing: Preprocessing | None = None  # if the models do not know it
    error: type[KerazooError] = CorruptFileError  # raised if the weights do not fit a model

    def loaded(self, selection: Selection, model: keras.Model | None = None) -> LoadedWeights:
        """Return the weights by kerazoo's names; a checkpoint has not read their elements yet.

        Args:
            selection: What to load.
            model: The model that they are for; None if it is not known yet.

        Raises:
            UsageError: They are of a network that kerazoo does not have, or of several that fit,
                or a pattern of the selection fits nothing.
        """
        targets = () if model is None else named_weights(model)
        no_weights = {*self.others, *self.slots}
        renamed = selection.names(self.called, [n for n in self.tensors if n not in no_weights])
        ignored = {n: tensor for n, tensor in renamed.items() if selection.ignores(n, tensor)}
        chosen = {n: tensor for n, tensor in renamed.items() if n not in ignored}
        match = self._match(chosen, ignored, targets, getattr(model, "kerazoo_config", None))
        names: dict[str, str] = {}
        unexpected: list[str] = []
        outside: list[str] = []
        for name, tensor in chosen.items():
            key = match.key_of(name)
            if key is not None:
                names[key] = tensor
            else:
                inside = name.startswith(match.scope) or match.scope not in self.models
                (unexpected if inside else outside).append(tensor)
        if model is not None:
            expected = [match.name_of(key) for key in targets]
            selection.check_ignored(self.called, [*renamed, *self.tensors, *expected])
        network, inner = match.network, self.models.get(match.scope)
        others = _counted([*self.others, *self.slots, *selection.dropped(self.tensors)])
        return LoadedWeights(
            self.called,
            names,
            self.tensors,
            [*others, *outside, *ignored.values()],
            unexpected,
            lambda key: selection.ignores(match.name_of(key)),
            getattr(inner, "preprocessing", None) or (network or self).preprocessing,
            getattr(inner, "kerazoo_config", None) or match.config,
            match.name_of,
            self.error,
            lambda model: self._check_graph(model, match),
            self._nested_models(match),
            network,
            inner,
        )

    def _match(
        self,
        names: Collection[str],
        ignored: Collection[str],
        targets: Collection[str],
        config: ModelConfig | None,
    ) -> Match:
        """Return the network with the most of the names, and of these the smallest.

        A complete one that the model is, whose weights are `targets`, comes first.
        """
        tables: list[tuple[Network | None, dict[str, str]]]
        tables = [(n, {n.name_of(key): key for key in n.weights()}) for n in self.networks]
        own = _names_in_order(targets) if self.in_order else {key: key for key in targets}
        tables.append((None, own))
        matches = [_matched(network, keys, names, ignored) for network, keys in tables]
        found = [match for match in matches if match.network is None or match.likely]

        def rank(match: Match) -> tuple[bool, int, int]:
            network = match.network
            fits = network is None or (config is not None and network.config.name == config.name)
            return match.complete and fits, match.count, -len(match.keys)

        best = max(found, key=rank)
        if not best.complete:
            outer = self.models.get("")
            check_known(self.called, [*names, *([outer.name] if outer is not None else [])])
        elif len(best.scopes) > 1:
            scopes = ", ".join(f"'{scope}'" for scope in sorted(best.scopes))
            raise UsageError(
                f"{self.called} has several networks that fit, which begin with {scopes}: leave "
                "out all but one with load_weights(..., ignore=[...])"
            )
        return best

    def _check_graph(self, model: keras.Model, match: Match) -> None:
        if match.network and (library := match.network.library):
            find_network(model, [n for n in self.networks if n.library == library], library)
        if (outer := self.models.get("")) is not None:
            layers = {match.layer_of(name): layer for name, layer in named_layers(outer)}
            check_same_graph(model, layers, self.called, self.error)

    def _nested_models(self, match: Match) -> str:
        """Return what to add to a message where none of the nested models fits."""
        nested = [f"'{start.rstrip('/')}'" for start in self.models if start]
        return f"; it holds the models {', '.join(nested)}" if nested and not match.scope else ""


@dataclass(frozen=True)
class Match:
    """A network whose names, after a scope, are those of a source."""

    network: Network | None  # None where the names are kerazoo's
    keys: Mapping[str, str]  # the names in it -> kerazoo's names
    # Beginnings of names, such as "vgg_16/", with the most of these names, the shortest first.
    scopes: Sequence[str]
    count: int  # of the names that are there
    complete: bool  # whether all are there, but for the top
    likely: bool = True  # whether half of them are there

    @property
    def scope(self) -> str:
        """The first of the scopes."""
        return self.scopes[0]

    @property
    def config(self) -> ModelConfig | None:
        """The call that builds the network."""
        network = self.network
        return network.config if network and (network.library or self.complete) else None

    def key_of(self, name: str) -> str | None:
        """Return kerazoo's name of a weight; None for what is not of this network."""
        if not name.startswith(self.scope):
            return None
        rest = name.removeprefix(self.scope)
        return self.keys.get(rest, None if self.network else rest)

    def name_of(self, key: str) -> str:
        """Return the name that is expected for a weight of kerazoo."""
        names = {key: name for name, key in self.keys.items()}
        fallback = self.network.name_of(key) if self.network else key
        return f"{self.scope}{names.get(key, fallback)}"

    def layer_of(self, name: str) -> str:
        """Return kerazoo's name of a layer."""
        rest = name.removeprefix(self.scope)
        layers = {
            name.rpartition("/")[0]: key.rpartition("/")[0] for name, key in self.keys.items()
        }
        return layers.get(rest, "" if self.network else rest)


def _matched(
    network: Network | None,
    keys: Mapping[str, str],
    names: Collection[str],
    ignored: Collection[str],
) -> Match:
    """Return where the names of a network are among `names`; those to ignore need not be."""
    counts = Counter(scope for name in names for scope in _scopes(name, keys))
    most = max(counts.values(), default=0)
    # Of two with the same number of these names, as VGG16 in VGG19, the one without others.
    inside = {s: sum(map(str.startswith, names, repeat(s))) for s in counts if counts[s] == most}
    scopes = sorted((s for s in inside if inside[s] == min(inside.values())), key=len) or [""]
    top = network.top if network else ()
    needed = [name for name, key in keys.items() if key.partition("/")[0] not in top]
    there = {*names, *ignored}
    complete = bool(needed) and all(f"{scopes[0]}{name}" in there for name in needed)
    return Match(network, keys, scopes, most, complete, likely=2 * most >= len(needed))


def _scopes(name: str, known: Collection[str]) -> Iterator[str]:
    """Yield what is before a known name at the end of `name`, such as "cnn/"."""
    parts = name.split("/")
    for number in range(len(parts)):
        if "/".join(parts[number:]) in known:
            yield "".join(f"{part}/" for part in parts[:number])


def _names_in_order(targets: Collection[str]) -> dict[str, str]:
    """Return the names that `h5.read` gives to the weights of layers: that name -> kerazoo's."""
    layers: dict[str, list[str]] = {}
    for key in targets:
        layers.setdefault(key.rpartition("/")[0], []).append(key)
    return {
        f"{layer}/{kind}": key
        for layer, keys in layers.items()
        for kind, key in zip(h5.kinds(len(keys)), keys, strict=True)
    }


def _counted(names: Collection[str]) -> list[str]:
    """Return names, and the number of those that end alike, as the slots of an optimizer do."""
    counts = Counter(name.rpartition("/")[2] for name in names)
    single = [name for name in names if counts[name.rpartition("/")[2]] == 1]
    return [*single, *(f"{number} slots {end}" for end, number in counts.items() if number > 1)]
