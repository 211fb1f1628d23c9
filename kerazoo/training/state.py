"""The state of a training: variables, random generators, callbacks."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerazoo.compat import SET_IN_CALLBACKS, common_seed
from kerazoo.errors import CorruptFileError
from kerazoo.lazy import keras

Arrays = dict[str, np.ndarray]
Callbacks = Sequence[keras.callbacks.Callback]
# Functions that Keras's callbacks compare with, chosen at the end of the first epoch.
COMPARISONS = {"less": keras.ops.less, "greater": keras.ops.greater}


def variables(model: keras.Model) -> dict[str, Any]:
    """Return a model's variables: weights and seeds, the optimizer's, Keras's common seed.

    Their names are numbers, because Keras numbers the names of layers across models.
    """
    groups = {
        "model": model.variables,
        "optimizer": model.optimizer.variables,
        "random": [common_seed()],
    }
    return {
        f"{group}/{number}": variable
        for group, members in groups.items()
        for number, variable in enumerate(members)
    }


def values(model: keras.Model) -> Arrays:
    """Return the values of `variables`."""
    return {key: keras.ops.convert_to_numpy(value) for key, value in variables(model).items()}


def assign(model: keras.Model, arrays: Mapping[str, np.ndarray]) -> None:
    """Set all `variables` of a model.

    Raises:
        CorruptFileError: The arrays are of another model; nothing is set then.
    """
    targets = variables(model)
    expected = {name: tuple(variable.shape) for name, variable in targets.items()}
    saved = {name: arrays[name].shape for name in arrays if name.partition("/")[0] != "callback"}
    if expected != saved:
        different = sorted(name for name, _ in expected.items() ^ saved.items())
        raise CorruptFileError(f"the checkpoint belongs to another model: {different[0]} differs")
    for name, variable in targets.items():
        variable.assign(arrays[name])


def random_state() -> dict[str, Any]:
    """Return the states of Python's and NumPy's generators."""
    kind, keys, *rest = np.random.get_state()
    return {"python": random.getstate(), "numpy": [kind, np.asarray(keys).tolist(), *rest]}


def set_random_state(record: Mapping[str, Any]) -> None:
    """Set the states that `random_state` returned, also after they went through JSON."""
    version, keys, following = record["python"]
    random.setstate((version, tuple(keys), following))
    kind, keys, *rest = record["numpy"]
    np.random.set_state((kind, np.array(keys, np.uint32), *rest))


class CallbackStates:
    """The state of Keras callbacks: their plain attributes that change while they are used.

    Plain are numbers, texts, None, arrays, `COMPARISONS`, and lists, tuples and dicts of such.

    Args:
        callbacks: Just after the training has begun.
    """

    def __init__(self, callbacks: Callbacks) -> None:
        self._callbacks = callbacks
        self._at_first = [_plain(callback, "") for callback in callbacks]

    def take(self, arrays: Arrays) -> list[dict[str, Any]]:
        """Return what has changed, its arrays put into `arrays`."""
        changes = []
        pairs = zip(self._callbacks, self._at_first, strict=True)
        for number, (callback, at_first) in enumerate(pairs):
            changed = {}
            for name, (value, inside) in _plain(callback, f"callback/{number}").items():
                if inside or at_first.get(name) != (value, {}):
                    changed[name] = value
                    arrays.update(inside)
            changes.append({"class": type(callback).__name__, "attributes": changed})
        return changes

    def restore(self, changes: Sequence[Mapping[str, Any]], arrays: Mapping[str, Any]) -> None:
        """Restore what `take` returned; what was unchanged then gets its initial value.

        Raises:
            CorruptFileError: It is of other callbacks; nothing is set then.
        """
        saved = [each["class"] for each in changes]
        given = [type(callback).__name__ for callback in self._callbacks]
        if given != saved:
            raise CorruptFileError(f"the checkpoint is of the callbacks {saved}, not of {given}")
        trios = zip(self._callbacks, self._at_first, changes, strict=True)
        for callback, at_first, each in trios:
            now, changed = _plain(callback, ""), each["attributes"]
            for name in at_first.keys() & now.keys() - changed.keys():
                value, inside = at_first[name]
                if not inside and now[name] != (value, {}):
                    setattr(callback, name, _decoded(value, {}))
            for name, value in changed.items():
                setattr(callback, name, _decoded(value, arrays))


class _NotPlainError(Exception):
    """A value is of a kind that is not kept."""


def _plain(callback: keras.callbacks.Callback, prefix: str) -> dict[str, tuple[Any, Arrays]]:
    """Return the plain attributes by name, encoded, and the arrays inside each."""
    attributes = {}
    for name, value in vars(callback).items():
        if name in SET_IN_CALLBACKS:
            continue
        inside: Arrays = {}
        try:
            attributes[name] = _encoded(value, inside, f"{prefix}/{name}"), inside
        except _NotPlainError:
            continue
    return attributes


def _encoded(value: Any, arrays: Arrays, key: str) -> Any:
    """Return a plain value for JSON, with its arrays put into `arrays` under names from `key`."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
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
        pairs = enumerate(value.items())
        return {
            "dict": [
                [_encoded(name, arrays, f"{key}/{i}"), _encoded(each, arrays, f"{key}/{i}/value")]
                for i, (name, each) in pairs
            ]
        }
    raise _NotPlainError


def _decoded(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "array":
        return arrays[content]
    if kind == "comparison":
        return COMPARISONS[content]
    if kind == "dict":
        return {_decoded(name, arrays): _decoded(each, arrays) for name, each in content}
    return {"list": list, "tuple": tuple}[kind](_decoded(each, arrays) for each in content)
