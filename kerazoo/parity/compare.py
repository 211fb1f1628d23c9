"""A pair under comparison: forward pass, gradients, training steps, each with its tolerance."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd

from kerazoo.errors import UsageError, did_you_mean
from kerazoo.parity.difference import Difference, difference
from kerazoo.parity.pairs import PAIRS, Pair
from kerazoo.parity.port import Port
from kerazoo.precision import computing_in
from legacy_tf1.program import Program, tf1

PRECISIONS = ("float32", "float64")
# Largest difference that passes: relative for a pass forward or backward, absolute for what
# training leaves, since a weight near zero has no digits to agree in. A bias's gradient in float32
# is a sum over up to 100,000 places, which TF1 and Keras add up in different orders.
TOLERANCES = {
    "forward": {"float32": ("relative", 1e-5), "float64": ("relative", 1e-12)},
    "gradient": {"float32": ("relative", 1e-4), "float64": ("relative", 1e-12)},
    "loss": {"float32": ("absolute", 1e-5), "float64": ("absolute", 1e-10)},
    "SGD": {"float32": ("absolute", 1e-5), "float64": ("absolute", 1e-10)},
    "Adam": {"float32": ("absolute", 1e-4), "float64": ("absolute", 1e-10)},
}
# Adam's decay rates: the documents', but in float64 such that their powers are exact in float32,
# where TF1 holds them whatever the precision.
BETAS = {"float32": (0.9, 0.999), "float64": (0.875, 0.9375)}


def find_pairs(names: Sequence[str] = ()) -> list[str]:
    """Return the names of the pairs, all where none is given.

    Raises:
        UsageError: There is no pair of that name.
    """
    for name in names:
        if name not in PAIRS:
            raise UsageError(
                f"unknown pair '{name}'{did_you_mean(name, PAIRS)}: there are {', '.join(PAIRS)}"
            )
    return list(names or PAIRS)


def compare(
    name: str,
    pair: Pair | None = None,
    precisions: Sequence[str] = PRECISIONS,
    say: Callable[[str], object] = print,
) -> pd.DataFrame:
    """Hold a port against its TF1 program.

    Args:
        name: The name of the pair.
        pair: The pair; None for the one of that name.
        precisions: The floating-point types to compute in.
        say: Takes a line before each stretch of work.

    Returns:
        One row a comparison: `pair, precision, quantity, absolute, relative` (largest differences,
        as in `Difference`), `tolerance` and `passed`.

    Raises:
        UsageError: There is no pair of that name.
    """
    pair = pair or PAIRS[find_pairs([name])[0]]
    rows = []
    for precision in precisions:
        say(f"{name} in {precision} ...")
        with _floats(precision):
            for quantity, kind, found in _comparisons(pair, precision):
                measure, most = TOLERANCES[kind][precision]
                passed = getattr(found, measure) <= most
                row = (name, precision, quantity, found.absolute, found.relative)
                rows.append((*row, f"{measure[:3]} {most:.0e}", passed))
    columns = ["pair", "precision", "quantity", "absolute", "relative", "tolerance", "passed"]
    return pd.DataFrame(rows, columns=columns)


@contextlib.contextmanager
def _floats(precision: str) -> Iterator[None]:
    """Let Keras compute in `precision`."""
    before = keras.config.floatx()
    keras.config.set_floatx(precision)
    try:
        with computing_in(precision):
            yield
    finally:
        keras.config.set_floatx(before)
        gc.collect()  # a model is made of cycles, and a large one leaves no room for the next


def _comparisons(pair: Pair, precision: str) -> Iterator[tuple[str, str, Difference]]:
    """Yield (what is compared, the kind of tolerance, the difference)."""
    port = Port(pair.port(), pair.prepare)
    with Program(pair.build, precision) as program:
        begin = _beginning(program)
        images = pair.images().astype(precision)

        def both_from_the_beginning() -> None:
            program.weights = begin
            if begin:
                port.weights = {pair.names[name]: value for name, value in begin.items()}

        both_from_the_beginning()
        theirs, ours = program.forward(pair.present(images)), port.forward(images)
        yield "forward", "forward", difference(theirs, ours)
        yield from _gradients(pair, program, port, precision)
        for kind, steps in (("SGD", pair.sgd_steps), ("Adam", pair.adam_steps)):
            if steps:
                both_from_the_beginning()
                yield from _training(pair, program, port, kind, steps, precision)


def _beginning(program: Program) -> dict[str, np.ndarray]:
    """Return weights to begin with, the same at every call: Glorot-uniform kernels, some biases."""
    random = np.random.default_rng(1)

    def draw(value: np.ndarray) -> np.ndarray:
        if value.ndim == 1:
            return random.normal(scale=0.1, size=value.shape)
        *field, fan_in, fan_out = value.shape
        limit = np.sqrt(6 / (np.prod(field) * (fan_in + fan_out)))
        return random.uniform(-limit, limit, value.shape)

    return {name: draw(value).astype(value.dtype) for name, value in program.weights.items()}


def _batches(pair: Pair, number: int, precision: str) -> list[tuple[np.ndarray, Any]]:
    return [(images.astype(precision), labels) for images, labels in pair.batches(number)]


def _gradients(
    pair: Pair, program: Program, port: Port, precision: str
) -> Iterator[tuple[str, str, Difference]]:
    ((images, labels),) = _batches(pair, 1, precision)
    theirs = program.gradients((pair.present(images), labels))
    ours = port.gradients((images, labels))
    for name, gradient in theirs.items():
        key = pair.names.get(name, name)
        found = ours.pop(key)
        if key == "images":
            found = found.reshape(gradient.shape)
        yield f"gradient of {key}", "gradient", difference(gradient, found)


def _training(
    pair: Pair, program: Program, port: Port, kind: str, steps: int, precision: str
) -> Iterator[tuple[str, str, Difference]]:
    batches = _batches(pair, steps, precision)
    presented = [(pair.present(images), labels) for images, labels in batches]
    theirs, ours = _optimizers(pair, program, kind, precision)
    losses = program.train(presented, theirs), port.train(batches, ours)
    yield f"loss of {steps} {kind} steps", "loss", difference(*losses)
    found = port.weights
    differences = [
        difference(value, found[pair.names[name]]) for name, value in program.weights.items()
    ]
    yield (
        f"weights after {steps} {kind} steps",
        kind,
        Difference(*(max(getattr(each, part) for each in differences) for part in _PARTS)),
    )


def _optimizers(pair: Pair, program: Program, kind: str, precision: str) -> tuple[Any, Any]:
    """Return the program's optimizer, None for the one in its graph, and the port's."""
    if kind == "SGD":
        rate = pair.sgd_rate
        return tf1.train.GradientDescentOptimizer(rate), keras.optimizers.SGD(_single(rate))
    rate, betas = pair.adam_rate, BETAS[precision]
    theirs = tf1.train.AdamOptimizer(rate, *betas)
    if precision == "float32" and program.nodes.training_op is not None:
        theirs = None
    return theirs, keras.optimizers.Adam(*map(_single, (rate, *betas, pair.adam_epsilon)))


def _single(number: float) -> float:
    """Return the float32 nearest to a number: TF1 holds an optimizer's settings in that width."""
    return float(np.float32(number))


_PARTS = ("absolute", "relative")
