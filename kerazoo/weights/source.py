"""Weights as a file or another program names them, and which weights of kerazoo these are."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from kerazoo.errors import CorruptFileError, KerazooError, UsageError
from kerazoo.lazy import keras
from kerazoo.registry import ModelConfig
from kerazoo.weights.card import Card
from kerazoo.weights.foreign import check_known
from kerazoo.weights.graph import check_same_graph, extra_layers, find_network
from kerazoo.weights.match import Match, matched
from kerazoo.weights.networks import Network, kinds, named_layers, named_weights, names_in_kerazoo
from kerazoo.weights.preprocessing import Preprocessing
from kerazoo.weights.selection import Selection, is_average, suffixes

logger = logging.getLogger("kerazoo")


@dataclass(frozen=True)
class Source:
    """Weights by their names in a checkpoint, a file or a model."""

    name: str  # in messages
    tensors: Mapping[str, np.ndarray]  # a checkpoint reads each when it is needed
    networks: Sequence[Network] = ()  # whose names these may be
    # Beginning of names, such as "vgg16/" -> that nested model; "" is the outer one. A file without
    # a graph has None for each.
    models: Mapping[str, keras.Model | None] = field(default_factory=dict)
    in_order: bool = False  # whether the weights of a layer have an order and no names
    others: Collection[str] = ()  # what is no weight, such as the state of an optimizer
    preprocessing: Preprocessing | None = None  # if the models do not know it
    card: Card | None = None  # how they were trained, if the models do not know it
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
        others = set(self.others)
        candidates = [name for name in self.tensors if name not in others]
        averages = []
        if not self.models:  # in models of Keras, weights may have such names
            averages = [
                name
                for name in candidates
                if is_average(name) and not any(each in targets for each in suffixes(name))
            ]
        renamed, may_be_none = selection.names(self.name, candidates, averages)
        ignored = {n: tensor for n, tensor in renamed.items() if selection.ignores(n, tensor)}
        chosen = {n: tensor for n, tensor in renamed.items() if n not in ignored}
        match = self._match(chosen, ignored, targets, getattr(model, "kerazoo_config", None))
        if model is not None:
            expected = [match.name_of(key) for key in targets]
            selection.check_ignored(self.name, [*renamed, *self.tensors, *expected])
        keys = {name: match.key_of(name) for name in renamed}
        for name in [name for name, tensor in chosen.items() if tensor in may_be_none]:
            if keys[name] is None or (model is not None and keys[name] not in targets):
                del chosen[name]
        unknown = [name for name in chosen if keys[name] is None]
        # Of a model with others inside, those outside of the one that fits are left out.
        scope = match.scope if match.scope in self.models else ""
        outside = [chosen[name] for name in unknown if not name.startswith(scope)]
        used = {*chosen.values(), *ignored.values()}
        unused = [name for name in averages if name not in used]
        return LoadedWeights(
            self,
            match,
            selection,
            names={key: chosen[name] for name in chosen if (key := keys[name]) is not None},
            ignored={key for name in ignored if (key := keys[name]) is not None},
            skipped=[*_counted([*self.others, *unused]), *outside, *ignored.values()],
            unexpected={n: chosen[n] for n in unknown if n.startswith(scope)},
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
        of_kerazoo = _names_in_order(targets) if self.in_order else {key: key for key in targets}
        tables.append((None, of_kerazoo))
        matches = [matched(network, keys, names, ignored) for network, keys in tables]
        likely = [match for match in matches if match.network is None or match.likely]

        def rank(match: Match) -> tuple[bool, int, int]:
            network = match.network
            fits = network is None or (config is not None and network.config.name == config.name)
            return match.complete and fits, match.count, -len(match.keys)

        best = max(likely, key=rank)
        if not best.complete:
            outer = self.models.get("")
            check_known(self.name, [*names, *([outer.name] if outer is not None else [])])
        elif len(best.scopes) > 1:
            scopes = ", ".join(f"'{scope}'" for scope in sorted(best.scopes))
            raise UsageError(
                f"{self.name} has several networks that fit, which begin with {scopes}: leave "
                "out all but one with load_weights(..., ignore=[...])"
            )
        return best


@dataclass(frozen=True)
class LoadedWeights:
    """The weights of a source by kerazoo's names, as a selection gives them."""

    source: Source
    match: Match
    selection: Selection
    names: Mapping[str, str]  # "layer/weight" -> name in the source
    ignored: Collection[str]  # "layer/weight" of those that are in the source and not loaded
    skipped: Collection[str]  # what else the source contains, such as the state of an optimizer
    unexpected: Mapping[str, str]  # renamed -> name in the source of what may be no weight

    def array(self, key: str) -> np.ndarray:
        """Return the elements of a weight by kerazoo's name."""
        return self.source.tensors[self.names[key]]

    def ignores(self, key: str) -> bool:
        """Return whether a weight need not be there, by kerazoo's name."""
        return key in self.ignored or self.selection.ignores(self.match.name_of(key))

    @property
    def graph(self) -> keras.Model | None:
        """The model that they are of, if it is known."""
        return self.source.models.get(self.match.scope)

    @property
    def preprocessing(self) -> Preprocessing | None:
        """What they expect, if it is known."""
        of_graph: Preprocessing | None = getattr(self.graph, "preprocessing", None)
        return of_graph or (self.match.network or self.source).preprocessing

    @property
    def _card(self) -> Card | None:
        return getattr(self.graph, "kerazoo_card", None) or self.source.card

    def card(self, model: keras.Model) -> Card | None:
        """Return what is known of how they were trained, if it holds for a model."""
        card = self._card
        return card if card and card.fits(model) else None

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The classes that they were trained for, if these are known."""
        return self._card.class_names if self._card else None

    @property
    def config(self) -> ModelConfig | None:
        """The call that builds the model that they are of, if it is known."""
        return getattr(self.graph, "kerazoo_config", None) or self.match.config

    def check_graph(self, model: keras.Model) -> None:
        """Check that a model computes the same as the one the weights are of, if that is known.

        Raises:
            UsageError: The model is not the network whose names they have.
            KerazooError: Layers have other settings.
        """
        source, match = self.source, self.match
        if match.network and (library := match.network.library):
            try:
                find_network(model, [n for n in source.networks if n.library == library], library)
            except UsageError as error:
                if not names_in_kerazoo(model):
                    raise
                if self.graph is None:  # and the names do not show it
                    logger.warning("%s may be of another graph: %s", source.name, error)
        if (outer := source.models.get("")) is not None:
            by_name = dict(named_layers(outer))
            names = {name: match.layer_name(name) for name, _ in named_layers(model)}
            others = {name: by_name[other] for name, other in names.items() if other in by_name}
            loaded = {key.rpartition("/")[0] for key in self.names}
            check_same_graph(model, others, loaded, source.name, source.error)

    def extra_layers(self, model: keras.Model) -> list[str]:
        """Return the layers of their model that another lacks and that may change its outputs."""
        if (outer := self.source.models.get("")) is None:
            return []
        match = self.match
        layers = {name: each for name, each in named_layers(outer) if name.startswith(match.scope)}
        loaded = {match.layer_name(key.rpartition("/")[0]) for key in self.names}
        return extra_layers(layers, loaded, [match.layer_name(n) for n, _ in named_layers(model)])

    def nested_models(self) -> str:
        """Return what to add to a message where none of the nested models fits."""
        nested = [f"'{start.rstrip('/')}'" for start in self.source.models if start]
        return (
            f"; it holds the models {', '.join(nested)}" if nested and not self.match.scope else ""
        )


def _names_in_order(targets: Collection[str]) -> dict[str, str]:
    """Return the names that the reader of `.h5` files gives to weights, with kerazoo's names."""
    layers: dict[str, list[str]] = {}
    for key in targets:
        layers.setdefault(key.rpartition("/")[0], []).append(key)
    return {
        f"{layer}/{kind}": key
        for layer, keys in layers.items()
        for kind, key in zip(kinds(len(keys)), keys, strict=True)
    }


def _counted(names: Collection[str]) -> list[str]:
    """Return names, and the number of those that end alike, as the slots of an optimizer do."""
    counts = Counter(name.rpartition("/")[2] for name in dict.fromkeys(names))
    single = [name for name in names if counts[name.rpartition("/")[2]] == 1]
    several = [f"{number} tensors .../{end}" for end, number in counts.items() if number > 1]
    return [*single, *several]
