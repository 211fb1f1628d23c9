"""Which weights of a source are loaded, and by which names."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from kerazoo.errors import UsageError
from kerazoo.values import short

# What tf.train.ExponentialMovingAverage adds to the name of a weight, by itself or with `name=`.
AVERAGE = re.compile(
    r"/(\w*_)?(exponential_?moving_?average|moving_?average|moving_?avg|ema|averages?)(_\d+)?$",
    re.I,
)


@dataclass(frozen=True)
class Selection:
    """Which weights `kerazoo.load_weights` loads, by their names in the source.

    Raises:
        UsageError: A pattern is not a valid one, or `averages` is not a bool.
    """

    averages: bool = True
    ignore: Collection[str] = ()
    rename: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.averages, bool):
            raise UsageError(f"averages must be True or False; received {short(self.averages)}")
        is_list = isinstance(self.ignore, Collection) and not isinstance(self.ignore, str)
        if not is_list or not all(isinstance(each, str) for each in self.ignore):
            raise UsageError(f"ignore must be a list of patterns; received {short(self.ignore)}")
        if not isinstance(self.rename, Mapping):
            raise UsageError(f"rename must be a mapping of patterns; received {short(self.rename)}")
        for pattern, replacement in self.rename.items():
            try:
                re.sub(pattern, replacement, "")
            except (re.error, TypeError, IndexError, OverflowError, RecursionError) as error:
                raise UsageError(
                    f"rename: {pattern!r} to {replacement!r} is not a regular expression and its "
                    f"replacement: {error}"
                ) from error

    def ignores(self, *names: str) -> bool:
        """Return whether one of the names is to be ignored."""
        return any(fnmatchcase(name, pattern) for name in names for pattern in self.ignore)

    def check_ignored(self, source: str, names: Collection[str]) -> None:
        """Raise a UsageError where a pattern of `ignore` fits none of the names."""
        for pattern in self.ignore:
            if not any(fnmatchcase(name, pattern) for name in names):
                raise UsageError(f"ignore: '{pattern}' fits no name in {source}")

    def names(
        self, source: str, tensors: Collection[str], averages: Collection[str]
    ) -> tuple[dict[str, str], set[str]]:
        """Return the names of the tensors after averaging and renaming.

        An average has the name of the weight that it is of, in place of that weight.

        Args:
            source: Its name in messages.
            tensors: All names, those of the averages too.
            averages: Those of averages.

        Returns:
            New name -> name; and the averages that may be of no weight: those of what is not
            there, where there are raw weights too.

        Raises:
            UsageError: A pattern of `rename` fits no name, or gives two tensors one name; or a
                weight has several averages; or there are averages alone, and `averages` is false.
        """
        no_weights = set(averages)
        weights = {name: name for name in tensors if name not in no_weights}
        by_weight: dict[str, str] = {}
        for average in averages:
            name = _averaged(average, weights)
            if self.averages and self.ignores(average):
                continue
            if self.averages and name in by_weight:
                raise UsageError(
                    f"{source} has several averages of {name}: {by_weight[name]} and {average}; "
                    "leave out all but one with load_weights(..., ignore=[...])"
                )
            by_weight[name] = average
        of_weights = {name: average for name, average in by_weight.items() if name in weights}
        alone = not of_weights and len(averages) > len(weights)
        absent = set() if alone else set(by_weight.values()) - set(of_weights.values())
        if self.averages:
            weights |= by_weight
        elif alone:
            raise UsageError(f"{source} holds moving averages alone: load it with averages=True")
        result: dict[str, str] = {}
        unused = set(self.rename)
        for name, tensor in weights.items():
            new = name
            for pattern, replacement in self.rename.items():
                new, count = re.subn(pattern, replacement, new)
                if count:
                    unused.discard(pattern)
            if new in result:
                raise UsageError(f"rename gives {result[new]} and {tensor} of {source} one name")
            result[new] = tensor
        if unused:
            raise UsageError(f"rename: '{sorted(unused)[0]}' fits no name in {source}")
        return result, absent


def is_average(name: str) -> bool:
    """Return whether a name is that of a moving average."""
    return AVERAGE.search(name) is not None


def suffixes(name: str) -> list[str]:
    """Return "a/b/c", "b/c" and "c" for "a/b/c"."""
    parts = name.split("/")
    return ["/".join(parts[start:]) for start in range(len(parts))]


def _averaged(average: str, weights: Collection[str]) -> str:
    """Return the weight that an average is of; it may have been made inside another scope."""
    name = AVERAGE.sub("", average)
    return next((each for each in suffixes(name) if each in weights), name)
