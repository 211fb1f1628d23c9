"""Private parts of Keras that kerazoo needs, each with its reason."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from kerazoo.lazy import keras


@contextlib.contextmanager
def shapes_only() -> Iterator[None]:
    """Build models whose weights have shapes and no values, in no memory and almost no time.

    They can be counted and traced, and neither run nor trained.

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
