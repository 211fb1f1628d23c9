"""The state of Keras callbacks: their plain attributes that change while they are used."""

import contextlib
import hashlib
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerazoo.compat import SET_IN_CALLBACKS
from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.lazy import keras
from kerazoo.training.record import INCOMPATIBLE, types_of
from kerazoo.values import short

Arrays = dict[str, np.ndarray]
Callbacks = Sequence[keras.callbacks.Callback]

NUMBERS = "biuf"  # kinds of dtypes
CALLBACK = "callback/"  # of the arrays in callbacks
PATH = re.compile(r"[/\\]|^[.~]")
# Functions that Keras's callbacks compare with, chosen at the end of the first epoch.
COMPARISONS = {"less": keras.ops.less, "greater": keras.ops.greater}
# What is raised for a value that is not plain, or that none was encoded to.
NOT_PLAIN = (LookupError, TypeError, ValueError, RecursionError)

LEFT_OUT = (
    "checkpoints leave out the attribute '%s' of the callback %s, and resuming cannot restore it: "
    "set it to None before the training begins"
)
logger = logging.getLogger("kerazoo")


def check_callbacks(changes: Any, callbacks: Callbacks) -> None:
    """Check that what `CallbackStates.take` returned is of such callbacks.

    Raises:
        CorruptFileError: `take` returned no such thing.
        UsageError: It is of other callbacks.
    """
    types = {"class": str, "attributes": dict}
    if not isinstance(changes, list) or any(types_of(each) != types for each in changes):
        raise CorruptFileError(INCOMPATIBLE)
    saved = [each["class"] for each in changes]
    given = [type(callback).__name__ for callback in callbacks]
    if given != saved:
        raise UsageError(
            f"the checkpoint is of the callbacks {short(saved)}, not of {given}: resume in Python "
            "with the same ones, kerazoo.training.train.resume(run, callbacks=[...])"
        )


class CallbackStates:
    """The state of Keras callbacks: their plain attributes that change while they are used.

    Plain are numbers, None, arrays, `COMPARISONS`, texts that are no paths, and lists, tuples and
    dicts of such. An attribute is saved if the callback, or its class, has it when the training
    begins, and keeps its kind. One that is a text then is not: it may be a path.

    Args:
        callbacks: Just after the training has begun.
    """

    def __init__(self, callbacks: Callbacks) -> None:
        arrays: Arrays = {}
        self._callbacks = callbacks
        self._at_first = [_plain(callback, arrays) for callback in callbacks]
        self._arrays = {key: array.copy() for key, array in arrays.items()}
        self._warned: set[tuple[str, ...]] = set()

    def take(self, arrays: Arrays) -> list[dict[str, Any]]:
        """Return what has changed, its arrays put into `arrays`.

        A warning in the log names each attribute that has changed and is not saved, except in
        callbacks of Keras, which set them anew.
        """
        changes = []
        for callback, at_first in zip(self._callbacks, self._at_first, strict=True):
            kind, changed = type(callback).__name__, {}
            plain = _plain(callback, {})
            left_out = [name for name in at_first if name not in plain]
            for name, value in plain.items():
                if value == at_first.get(name):
                    continue
                if name in at_first and _is_alike(at_first[name], value):
                    changed[name] = _encoded(getattr(callback, name), arrays)
                else:
                    left_out.append(name)
            if not type(callback).__module__.startswith("keras."):
                for name in left_out:
                    self._warn(name, kind)
            changes.append({"class": kind, "attributes": changed})
        return changes

    def _warn(self, *attribute: str) -> None:
        if attribute not in self._warned:
            self._warned.add(attribute)
            logger.warning(LEFT_OUT, *attribute)

    def restore(self, changes: Sequence[Mapping[str, Any]], arrays: Mapping[str, Any]) -> None:
        """Restore what `take` returned; what was unchanged then gets its initial value.

        Raises:
            CorruptFileError, UsageError: It is not of these callbacks; nothing is set then.
        """
        check_callbacks(changes, self._callbacks)
        values = []
        for callback, at_first, each in zip(self._callbacks, self._at_first, changes, strict=True):
            changed = {
                name: _decoded(at_first[name], self._arrays)
                for name, value in _plain(callback, {}).items()
                if name in at_first and value != at_first[name] and _is_alike(at_first[name], value)
            }
            for name, value in each["attributes"].items():
                changed[name] = _checked(name, value, at_first, arrays)
            if isinstance(callback, keras.callbacks.History):
                _check_history(changed.get("history", {}))
            values.append(changed)
        for callback, changed in zip(self._callbacks, values, strict=True):
            for name, value in changed.items():
                setattr(callback, name, value)


def _checked(name: str, value: Any, at_first: Mapping[str, Any], arrays: Mapping[str, Any]) -> Any:
    """Return the value of an attribute in a checkpoint.

    Raises:
        CorruptFileError: `CallbackStates.take` would not have taken it.
    """
    with contextlib.suppress(*NOT_PLAIN):
        decoded = _decoded(value, arrays)
        if _is_alike(at_first[name], _encoded(decoded, {})):
            return decoded
    raise CorruptFileError(f"the checkpoint has an invalid value of {short(name)}")


def _check_history(history: dict[str, Any]) -> None:
    """Check what Keras appends the logs of an epoch to."""
    if not all(isinstance(each, list) for each in history.values()):
        raise CorruptFileError("the checkpoint has an invalid value of 'history'")


def _is_alike(first: Any, value: Any) -> bool:
    """Return whether an attribute that was `first` may become `value`, both encoded."""
    return first is None or _kind(first) == _kind(value) != "str"


def _kind(value: Any) -> str:
    """Return the kind of an encoded value."""
    kind = next(iter(value)) if isinstance(value, dict) else type(value).__name__
    return "number" if kind in ("bool", "int", "float") else kind


def _plain(callback: keras.callbacks.Callback, arrays: Arrays) -> dict[str, Any]:
    """Return the plain attributes of a callback and its classes, encoded, by name."""
    owners = [vars(owner) for owner in (*reversed(type(callback).__mro__), callback)]
    values = {name: value for owner in owners for name, value in owner.items()}
    attributes = {}
    for name, value in values.items():
        if name not in SET_IN_CALLBACKS and not name.startswith("__"):
            with contextlib.suppress(*NOT_PLAIN):
                attributes[name] = _encoded(value, arrays)
    return attributes


def _encoded(value: Any, arrays: Arrays) -> Any:
    """Return a plain value for JSON, with its arrays put into `arrays` by their content.

    Raises:
        TypeError, RecursionError: It is not plain.
    """
    if isinstance(value, np.generic):
        value = value.item()
    kind = type(value)
    if kind in (list, tuple):
        return {kind.__name__: [_encoded(each, arrays) for each in value]}
    if kind is dict:
        keys = (key if isinstance(key, str) else _encoded(key, arrays) for key in value)
        items = (_encoded(each, arrays) for each in value.values())
        return {"dict": list(map(list, zip(keys, items, strict=True)))}
    if kind is np.ndarray and value.dtype.kind in NUMBERS:
        content = f"{value.dtype} {value.shape} ".encode() + value.tobytes()
        key = CALLBACK + hashlib.sha256(content).hexdigest()
        arrays[key] = value
        return {"array": key}
    for name, comparison in COMPARISONS.items():
        if value is comparison:
            return {"comparison": name}
    if (
        kind not in (type(None), bool, int, float, str)
        or (kind is int and abs(value) >= 2**63)
        or (kind is str and PATH.search(value))
    ):
        raise TypeError("not plain")
    return value


def _decoded(value: Any, arrays: Mapping[str, Any]) -> Any:
    """Return the value that `_encoded` encoded, or raise one of `NOT_PLAIN`."""
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "array":
        return np.array(arrays[content])
    if kind == "comparison":
        return COMPARISONS[content]
    if kind == "dict":
        return {
            key if isinstance(key, str) else _decoded(key, arrays): _decoded(each, arrays)
            for key, each in content
        }
    return {"list": list, "tuple": tuple}[kind](_decoded(each, arrays) for each in content)
