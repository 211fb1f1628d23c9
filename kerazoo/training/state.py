"""The state of a training: variables and random generators."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerazoo.compat import common_seed
from kerazoo.errors import CorruptFileError
from kerazoo.lazy import keras
from kerazoo.training.callback_states import CALLBACK, Arrays

Groups = Mapping[str, Sequence[Any]]  # variables, such as those of the model


def variables(groups: Groups) -> dict[str, Any]:
    """Return variables by their group and number, and Keras's common seed.

    Their names are numbers, because Keras numbers the names of layers across models.
    """
    groups = {**groups, "random": [common_seed()]}
    return {
        f"{group}/{number}": variable
        for group, members in groups.items()
        for number, variable in enumerate(members)
    }


def values(groups: Groups) -> Arrays:
    """Return the values of `variables`."""
    return {key: keras.ops.convert_to_numpy(value) for key, value in variables(groups).items()}


def assign(groups: Groups, arrays: Mapping[str, np.ndarray]) -> None:
    """Set all `variables` of the groups.

    Raises:
        CorruptFileError: The arrays are of another model; nothing is set then.
    """
    targets = variables(groups)
    expected = {name: (tuple(each.shape), str(each.dtype)) for name, each in targets.items()}
    saved = {
        name: (array.shape, str(array.dtype))
        for name, array in arrays.items()
        if not name.startswith(CALLBACK)
    }
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
    random.setstate(_python_state(record))
    np.random.set_state(_numpy_state(record))


def check_random_state(record: Any) -> None:
    """Check what `set_random_state` takes.

    Raises:
        CorruptFileError: It is no state of these generators.
    """
    try:
        version, _, following = state = _python_state(record)
        random.Random().setstate(state)
        kind, keys, position, *_ = state = _numpy_state(record)
        np.random.RandomState().set_state(state)
        valid = version == 3 and isinstance(following, float | None) and kind == "MT19937"
        # NumPy checks neither, and reads beyond its memory.
        valid &= keys.shape == (624,) and type(position) is int and 0 <= position <= 624
    except (TypeError, ValueError, LookupError, OverflowError):
        valid = False
    if not valid:
        raise CorruptFileError("the checkpoint has no valid state of the random generators")


def _python_state(record: Any) -> tuple[Any, ...]:
    version, keys, following = record["python"]
    return version, tuple(keys), following


def _numpy_state(record: Any) -> tuple[Any, ...]:
    kind, keys, *rest = record["numpy"]
    return kind, np.array(keys, np.uint32), *rest
