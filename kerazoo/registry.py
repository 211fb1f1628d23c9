"""Every model of the zoo by its name, with the facts that the tests recompute."""

from __future__ import annotations

import fnmatch
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import kerazoo.models
from kerazoo.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import keras

Builder = TypeVar("Builder", bound=Callable[..., Any])


@dataclass(frozen=True)
class Entry:
    """A model of the zoo.

    Attributes:
        builder: The constructor; it takes what those of keras.applications take.
        source: Where the network is described.
        year: When that was published.
        input_shape: (height, width, channels) of its default input.
        params: Number of trainable weights and biases, as built by default.
        macs: Multiply-accumulates of one image's forward pass, biases left out.
        divisible: Whether on a CPU the parts of a batch train faster side by side than the whole:
            no image has a part in what another one gives, and the weights are few.
    """

    builder: Callable[..., keras.Model]
    source: str
    year: int
    input_shape: tuple[int, int, int]
    params: int
    macs: int
    divisible: bool = False


_entries: dict[str, Entry] = {}


def register(
    name: str,
    *,
    source: str,
    year: int,
    input_shape: tuple[int, int, int],
    params: int,
    macs: int,
    divisible: bool = False,
) -> Callable[[Builder], Builder]:
    """Enter the decorated constructor under `name`, with the facts of its `Entry`.

    Raises:
        ValueError: The name is taken.
    """

    def enter(builder: Builder) -> Builder:
        if name in _entries:
            raise ValueError(f"two models are registered as '{name}'")
        _entries[name] = Entry(builder, source, year, input_shape, params, macs, divisible)
        return builder

    return enter


def list_models(pattern: str = "*") -> list[str]:
    """Return the sorted names of the models that match a shell-style `pattern`."""
    for module in pkgutil.iter_modules(kerazoo.models.__path__):
        importlib.import_module(f"kerazoo.models.{module.name}")
    return sorted(fnmatch.filter(_entries, pattern))


def find(name: str) -> Entry:
    """Return the entry of a model.

    Raises:
        UsageError: No model has that name; the message gives the nearest one.
    """
    names = list_models()
    if name not in names:
        hint = did_you_mean(name, names)
        raise UsageError(f"unknown model '{name}'{hint}; `kerazoo list` names them all")
    return _entries[name]


def create_model(name: str, /, **options: Any) -> keras.Model:
    """Build the model called `name`; the options are those of its constructor.

    Every constructor takes `include_top, weights, input_tensor, input_shape, pooling, classes,
    classifier_activation` and `name` with their meaning in keras.applications; `weights=None`,
    random initial values, is the default.

    Raises:
        UsageError: No model has that name.
    """
    return find(name).builder(**options)
