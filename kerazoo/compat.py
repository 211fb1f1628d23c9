"""Private parts of Keras that kerazoo needs, each with its reason."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from kerazoo.lazy import keras


def common_seed() -> Any:
    """Return the variable of the generator that layers without a seed of their own draw from.

    Reason: its state is part of what resuming restores, and Keras has no public name for it.
    """
    from keras.src.random.seed_generator import global_seed_generator

    return global_seed_generator().state


@contextlib.contextmanager
def shapes_only() -> Iterator[None]:
    """Build models whose weights have shapes and no values, in no memory and almost no time.

    They are for counting and tracing, and not to be loaded, trained or saved: Keras makes up values
    where it reads a weight.

    Reason: Keras lists the weights that are built in a `keras.StatelessScope`, and would give them
    all values as soon as the next scope ends; it has no public way to take them off that list.
    """
    from keras.src.backend.common import global_state

    name = "uninitialized_variables"
    before = global_state.get_global_attribute(name, [])
    global_state.set_global_attribute(name, [])
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        global_state.set_global_attribute(name, before)
