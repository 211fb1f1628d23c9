"""Networks whose names are those of a source, after a scope."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from kerazoo.registry import ModelConfig
from kerazoo.weights.networks import Network
from kerazoo.weights.selection import suffixes


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
        fallback = self.network.name_of(key) if self.network else key
        return f"{self.scope}{self._names.get(key, fallback)}"

    def layer_name(self, layer: str) -> str:
        """Return the name that is expected for a layer of kerazoo."""
        return f"{self.scope}{self.network.layer_name(layer) if self.network else layer}"

    @cached_property
    def _names(self) -> dict[str, str]:
        return {key: name for name, key in self.keys.items()}


def matched(
    network: Network | None,
    keys: Mapping[str, str],
    names: Collection[str],
    ignored: Collection[str],
) -> Match:
    """Return where the names of a network are among `names`; those to ignore need not be."""
    counts = Counter(scope for name in names for scope in _scopes(name, keys))
    most = max(counts.values(), default=0)
    # Of two with the same number of these names, as VGG16 in VGG19, the one without others.
    fits = [scope for scope, count in counts.items() if count == most]
    inside = {s: len(_inside(s, [t for t in fits if t != s], names)) for s in fits}
    scopes = sorted((s for s in inside if inside[s] == min(inside.values())), key=len) or [""]
    top = network.top if network else ()
    needed = [name for name, key in keys.items() if key.partition("/")[0] not in top]
    there = {*names, *ignored}
    complete = bool(needed) and all(f"{scopes[0]}{name}" in there for name in needed)
    return Match(network, keys, scopes, most, complete, likely=2 * most >= len(needed))


def _inside(scope: str, others: Collection[str], names: Collection[str]) -> list[str]:
    """Return the names that begin with a scope, and with none of the others inside it."""
    inner = tuple(other for other in others if other.startswith(scope))
    return [name for name in names if name.startswith(scope) and not name.startswith(inner)]


def _scopes(name: str, known: Collection[str]) -> Iterator[str]:
    """Yield what is before a known name at the end of `name`, such as "cnn/"."""
    yield from (name.removesuffix(each) for each in suffixes(name) if each in known)
