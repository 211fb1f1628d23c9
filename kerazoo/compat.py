"""Private parts of Keras that kerazoo needs, each with its reason."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from kerazoo.lazy import keras

Moments = Callable[[Any, Any], tuple[Any, Any]]


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


@contextlib.contextmanager
def gradients_summed(optimizer: Any) -> Iterator[None]:
    """Have an optimizer apply gradients as they are: the sums of all replicas' gradients.

    Reason: Keras adds up the gradients of the replicas when it applies them, after a loss scale or
    a clipping has looked at each replica's own, and has no public way not to.
    """
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer = optimizer.inner_optimizer
    optimizer._all_reduce_sum_gradients = lambda gradients_and_variables: gradients_and_variables
    try:
        yield
    finally:
        del optimizer._all_reduce_sum_gradients


def replace_moments(layer: Any, moments: Callable[[Moments, Any, Any], tuple[Any, Any]]) -> None:
    """Have a batch normalisation take its moments from a function in the place of Keras's own.

    Args:
        layer: The layer.
        moments: Returns mean and variance, each [channels], given Keras's own function, which takes
            what follows, the inputs and their mask.

    Reason: Keras exchanges its synchronized moments in three parts, one after the other, and has no
    public way to exchange them at once.
    """
    layer._moments = partial(moments, layer._moments)
