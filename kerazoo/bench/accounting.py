"""Time of `kerazoo.summary`, compared with Keras and TensorFlow, and by the number of layers."""

from __future__ import annotations

import io
import statistics
import sys
from collections.abc import Iterator
from functools import partial

from kerazoo.accounting.table import summary
from kerazoo.bench.timing import Row, Run, time_in_turn
from kerazoo.compat import profile_operations
from kerazoo.lazy import keras, tf
from kerazoo.models import create_model

LENGTHS = (250, 500, 1000, 2000)


def bench() -> Iterator[list[Row]]:
    """Time the tables of vgg16 by kerazoo, Keras and TensorFlow's profiler, then longer chains.

    Yields:
        The rows after every round; `ratio` is to kerazoo on the same model, or, between chains, to
        the next shorter one.
    """
    tf.get_logger().setLevel("ERROR")  # the profiler warns that it is old
    model, printed = create_model("vgg16"), io.StringIO()
    programs: list[tuple[str, str, keras.Model, Run]] = [
        ("vgg16", "kerazoo.summary", model, partial(summary, model)),
        ("vgg16", "keras Model.summary", model, partial(model.summary, print_fn=printed.write)),
        ("vgg16", "TensorFlow profiler", model, partial(_profile, model)),
    ]
    for length in LENGTHS:
        chain = _chain(length)
        programs.append((f"chain of {length}", "kerazoo.summary", chain, partial(summary, chain)))
    for seconds in time_in_turn({f"{name} {program}": run for name, program, _, run in programs}):
        medians = [statistics.median(each) for each in seconds.values()]
        bases = [medians[0]] * 3 + [medians[3], *medians[3:-1]]
        yield [
            {
                "model": name,
                "program": program,
                "layers": len(model.layers),
                "milliseconds": 1e3 * time,
                "microseconds_a_layer": 1e6 * time / len(model.layers),
                "ratio": time / base,
            }
            for (name, program, model, _), time, base in zip(programs, medians, bases, strict=True)
        ]


def _chain(length: int) -> keras.Model:
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 5 * length))  # Keras walks it by recursion
    x = inputs = keras.Input((32, 32, 4))
    for _ in range(length):
        x = keras.layers.Conv2D(4, 3, padding="same")(x)
    return keras.Model(inputs, x)


def _profile(model: keras.Model) -> None:
    """Count operations as in TensorFlow 1: trace the graph, then profile it."""
    shape = tf.TensorSpec((1, *model.input_shape[1:]))
    traced = tf.function(lambda x: model(x, training=False)).get_concrete_function(shape)
    profile_operations(traced.graph)
