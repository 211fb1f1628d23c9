"""How long `kerazoo.summary` takes: beside its peers, and by the number of layers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import pandas as pd
import tensorflow as tf
from tensorflow.python.profiler import model_analyzer, option_builder

from kerazoo.accounting.table import summary
from kerazoo.bench.rounds import time_in_turn
from kerazoo.models import create_model

LENGTHS = (250, 500, 1000, 2000)


def bench() -> pd.DataFrame:
    """Time the table of vgg16 beside Keras's own and TensorFlow's profiler, then longer chains.

    Returns:
        The columns `model`, `program`, `layers`, `milliseconds`, `microseconds_a_layer` and
        `ratio`: to kerazoo on the same model, or, between chains, to the shorter one before.
    """
    tf.get_logger().setLevel("ERROR")  # the profiler's own warning that it is old
    model = create_model("vgg16")
    programs: dict[tuple[str, str], tuple[keras.Model, Callable[[], Any]]] = {
        ("vgg16", "kerazoo.summary"): (model, partial(summary, model)),
        ("vgg16", "keras Model.summary"): (model, partial(model.summary, print_fn=_drop)),
        ("vgg16", "TensorFlow profiler"): (model, partial(_profile, model)),
    }
    for length in LENGTHS:
        chain = _chain(length)
        name = f"chain of {length}"
        programs[name, "kerazoo.summary"] = (chain, partial(summary, chain))
    runs = {" ".join(key): run for key, (_, run) in programs.items()}
    times = time_in_turn(runs)["median"].to_numpy()
    table = pd.DataFrame(list(programs), columns=["model", "program"])
    table["layers"] = [len(counted.layers) for counted, _ in programs.values()]
    table["milliseconds"] = 1e3 * times
    table["microseconds_a_layer"] = 1e6 * times / table.layers
    base = [times[0]] * (len(table) - len(LENGTHS)) + [times[3], *times[3:-1]]
    return table.assign(ratio=times / base)


def _chain(length: int) -> keras.Model:
    x = inputs = keras.Input((32, 32, 4))
    for _ in range(length):
        x = keras.layers.Conv2D(4, 3, padding="same")(x)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + 4 * length)  # Keras goes down a chain by recursion
    try:
        return keras.Model(inputs, x)
    finally:
        sys.setrecursionlimit(limit)


def _drop(line: str, **_: Any) -> None:
    """Take a line of Keras's table to nowhere."""


def _profile(model: keras.Model) -> None:
    """Count operations as TensorFlow 1 did: trace the graph, then profile it."""
    shape = tf.TensorSpec((1, *model.input_shape[1:]))
    graph = tf.function(lambda x: model(x, training=False)).get_concrete_function(shape).graph
    builder = option_builder.ProfileOptionBuilder
    options = builder(builder.float_operation()).with_empty_output().build()
    model_analyzer.profile(graph, cmd="op", options=options)
