"""The state of Keras callbacks: their plain attributes that change while they are used."""

import contextlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerazoo.compat import SET_IN_CALLBACKS
from kerazoo.errors import CorruptFileError
from kerazoo.lazy import keras
from kerazoo.training.record import INCOMPATIBLE
from kerazoo.values import short

Arrays = dict[str, np.ndarray]
Callbacks = Sequence[keras.callbacks.Callback]
NUMBERS = "biuf"  # kinds of dtypes
CALLBACK = "callback/"  # of the arrays in callbacks
PATH = re.compile(r"[/\\]|^[.~]")
# Functions that Keras's callbacks compare with, chosen at the end of the first epoch.
COMPARISONS = {"less": keras.ops.less, "greater": keras.ops.greater}


def check_callbacks(changes: Any, callbacks: Callbacks) -> None:
    """Check that what `CallbackStates.take` returned is of such callbacks.

    Raises:
        CorruptFileError: It is not.
    """
    if not isinstance(changes, list) or not all(_is_change(each) for each in changes):
        raise CorruptFileError(INCOMPATIBLE)
    saved = [each["class"] for each in changes]
    given = [type(callback).__name__ for callback in callbacks]
    if given != saved:
        raise CorruptFileError(f"the checkpoint is of the callbacks {short(saved)}, not of {given}")


def _is_change(change: Any) -> bool:
    match change:
        case {"class": str(), "attributes": dict(), **rest}:
            return not rest
    return False


class CallbackStates:
    """The state of Keras callbacks: their plain attributes that change while they are used.

    Plain are numbers, None, arrays, `COMPARISONS`, texts that are no paths, and lists, tuples and
    dicts of such. An attribute is saved if the callback, or its class, has it when the training
    begins, and keeps its kind. One that is a text then is not: it may be a path.

    Args:
        callbacks: Just after the training has begun.
    """

    def __init__(self, callbacks: Callbacks) -> None:
        self._callbacks = callbacks
        self._at_first = [
            {name: each for name, each in _plain(callback, "").items() if type(each[0]) is not str}
            for callback in callbacks
        ]

    def take(self, arrays: Arrays) -> list[dict[str, Any]]:
        """Return what has changed, its arrays put into `arrays`."""
        changes = []
        pairs = zip(self._callbacks, self._at_first, strict=True)
        for number, (callback, at_first) in enumerate(pairs):
            changed = {}
            for name, (value, inside) in _plain(callback, f"{CALLBACK}{number}").items():
                if name not in at_first or not _is_alike(at_first[name][0], value):
                    continue
                if inside or at_first[name] != (value, {}):
                    changed[name] = value
                    arrays.update(inside)
            changes.append({"class": type(callback).__name__, "attributes": changed})
        return changes

    def restore(self, changes: Sequence[Mapping[str, Any]], arrays: Mapping[str, Any]) -> None:
        """Restore what `take` returned; what was unchanged then gets its initial value.

        Raises:
            CorruptFileError: It is not of these callbacks; nothing is set then.
        """
        check_callbacks(changes, self._callbacks)
        values = []
        for callback, at_first, each in zip(self._callbacks, self._at_first, changes, strict=True):
            changed = {
                name: _restored(name, value, at_first, arrays)
                for name, value in each["attributes"].items()
            }
            for name, (value, inside) in _plain(callback, "").items():
                if name in changed or name not in at_first or at_first[name][1]:
                    continue
                if at_first[name] != (value, inside):
                    changed[name] = _decoded(at_first[name][0], {})
            if isinstance(callback, keras.callbacks.History):
                _check_history(changed.get("history", {}))
            values.append(changed)
        for callback, changed in zip(self._callbacks, values, strict=True):
            for name, value in changed.items():
                setattr(callback, name, value)


def _restored(
    name: str, value: Any, at_first: Mapping[str, tuple[Any, Arrays]], arrays: Mapping[str, Any]
) -> Any:
    """Return the value to set of an attribute in a checkpoint.

    Raises:
        CorruptFileError: `CallbackStates.take` would not have taken it.
    """
    with contextlib.suppress(LookupError, TypeError, ValueError, RecursionError):
        if _is_alike(at_first[name][0], value):
            return _decoded(value, arrays)
    raise CorruptFileError(f"the checkpoint has an invalid value of {short(name)}")


def _check_history(history: dict[str, Any]) -> None:
    """Check what Keras appends the logs of an epoch to."""
    if not all(isinstance(each, list) for each in history.values()):
        raise CorruptFileError("the checkpoint has an invalid value of 'history'")


def _is_alike(first: Any, value: Any) -> bool:
    """Return whether an encoded value is of the kind that an attribute had at first."""
    return first is None or _kind(first) == _kind(value)


def _kind(value: Any) -> str:
    """Return the kind of an encoded value; a number can become an array of them."""
    if isinstance(value, dict):
        (kind,) = value
        return kind if kind != "array" else "number"
    return {str: "text", type(None): "none"}.get(type(value), "number")


class _NotPlainError(Exception):
    """A value is of a kind that is not kept."""


def _plain(callback: keras.callbacks.Callback, prefix: str) -> dict[str, tuple[Any, Arrays]]:
    """Return the plain attributes by name, encoded, and the arrays inside each."""
    attributes = {}
    for name, value in _attributes(callback).items():
        inside: Arrays = {}
        with contextlib.suppress(_NotPlainError):
            attributes[name] = _encoded(value, inside, f"{prefix}/{name}"), inside
    return attributes


def _attributes(callback: keras.callbacks.Callback) -> dict[str, Any]:
    """Return the attributes of a callback and, where it has none of the name, of its class."""
    owners = [vars(owner) for owner in reversed(type(callback).__mro__)]
    return {
        name: value
        for owner in (*owners, vars(callback))
        for name, value in owner.items()
        if name not in SET_IN_CALLBACKS and not name.startswith("__")
    }


def _encoded(value: Any, arrays: Arrays, key: str) -> Any:
    """Return a plain value for JSON, with its arrays put into `arrays` under names from `key`."""
    if isinstance(value, np.generic):
        value = value.item()
    if _is_simple(value):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in NUMBERS:
        arrays[key] = value
        return {"array": key}
    for name, comparison in COMPARISONS.items():
        if value is comparison:
            return {"comparison": name}
    kind = type(value)
    if kind in (list, tuple):
        items = [_encoded(each, arrays, f"{key}/{i}") for i, each in enumerate(value)]
        return {kind.__name__: items}
    if kind is dict:
        pairs = [
            [
                name if isinstance(name, str) else _encoded(name, arrays, f"{key}/{i}"),
                _encoded(each, arrays, f"{key}/{i}/value"),
            ]
            for i, (name, each) in enumerate(value.items())
        ]
        return {"dict": pairs}
    raise _NotPlainError


def _is_simple(value: Any) -> bool:
    """Return whether a value is None, a number or a text that is no path."""
    if isinstance(value, str):
        return not PATH.search(value)
    if isinstance(value, int):
        return abs(value) < 2**63
    return value is None or isinstance(value, float)


def _decoded(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """Return the value that `_encoded` encoded.

    Raises:
        ValueError, TypeError, LookupError, RecursionError: It encoded no such value.
    """
    if not isinstance(value, dict):
        if not _is_simple(value):
            raise ValueError("neither a number nor a text")
        return value
    ((kind, content),) = value.items()
    if kind == "array":
        if arrays[content].dtype.kind not in NUMBERS:
            raise ValueError("not an array of numbers")
        return arrays[content]
    if kind == "comparison":
        return COMPARISONS[content]
    if kind == "dict":
        return {
            name if isinstance(name, str) else _decoded(name, arrays): _decoded(each, arrays)
            for name, each in content
        }
    return {"list": list, "tuple": tuple}[kind](_decoded(each, arrays) for each in content)
