"""A pair under comparison: forward pass, gradients, training steps, each with its tolerance."""

from __future__ import annotations

import contextlib
import gc
import itertools
import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from kerazoo.difference import Difference, difference, largest
from kerazoo.errors import UsageError, did_you_mean
from kerazoo.parity.pairs import PAIRS, Pair
from kerazoo.parity.port import Port
from kerazoo.precision import computing_in
from legacy_tf1.program import Program, tf1

logger = logging.getLogger("kerazoo")

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
) -> pd.DataFrame:
    """Compare a port with its TF1 program.

    Args:
        name: The name of the pair.
        pair: The pair; None for the one of that name.
        precisions: The floating-point types to compute in.

    Returns:
        One row a comparison: `pair, precision, quantity, absolute, relative` (largest differences,
        as in `Difference`), `tolerance` and `passed`.

    Raises:
        UsageError: There is no pair of that name.
    """
    pair = pair or PAIRS[find_pairs([name])[0]]
    rows = []
    for precision in precisions:
        logger.info("%s in %s ...", name, precision)
        with _floats(precision):
            for (quantity, kind), group in itertools.groupby(
                _differences(pair, precision), key=lambda found: found[:2]
            ):
                found = largest([each for *_, each in group])
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


def _differences(pair: Pair, precision: str) -> Iterator[tuple[str, str, Difference]]:
    """Yield (what is compared, the kind of tolerance, the difference).

    The program runs and is closed before the port is built, and what it computed waits in a folder
    for temporary files, so that at no time both are in memory.
    """
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder)
        with Program(pair.build, precision) as program:
            start = {
                pair.names[name]: _save(saved / f"start-{number}.npy", value)
                for number, (name, value) in enumerate(_start(program))
            }
            theirs = [
                (quantity, kind, _save(saved / f"{number}.npy", value))
                for number, (quantity, kind, value) in enumerate(
                    _results(_program_side(pair, program, precision), pair, start, precision)
                )
            ]
        port = _port_side(pair, precision)
        for (quantity, kind, path), (_, _, value) in zip(
            theirs, _results(port, pair, start, precision), strict=True
        ):
            yield quantity, kind, difference(np.load(path, mmap_mode="r"), value)
            path.unlink()


def _save(path: Path, value: np.ndarray) -> Path:
    np.save(path, value)
    return path


def _start(program: Program) -> Iterator[tuple[str, np.ndarray]]:
    """Yield weights to start from, the same at every call: Glorot-uniform kernels, some biases."""
    random = np.random.default_rng(1)
    for name, value in program.weights.items():
        if value.ndim == 1:
            drawn = random.normal(scale=0.1, size=value.shape)
        else:
            *field, fan_in, fan_out = value.shape
            limit = np.sqrt(6 / (np.prod(field) * (fan_in + fan_out)))
            drawn = random.uniform(-limit, limit, value.shape)
        yield name, drawn.astype(value.dtype)


@dataclass(frozen=True)
class _Side:
    """One side of a pair.

    Attributes:
        runs: The program or the port.
        names: The port's name of a weight, or "images" -> the side's.
        preprocess: What the side does to images.
        optimizer: Returns its optimizer of a kind, None for the one in its graph.
    """

    runs: Program | Port
    names: Mapping[str, str]
    preprocess: Callable[[np.ndarray], np.ndarray]
    optimizer: Callable[[str], Any]


def _program_side(pair: Pair, program: Program, precision: str) -> _Side:
    def optimizer(kind: str) -> Any:
        if kind == "SGD":
            return tf1.train.GradientDescentOptimizer(pair.sgd_rate)
        if precision == "float32" and program.nodes.training_op is not None:
            return None
        return tf1.train.AdamOptimizer(pair.adam_rate, *BETAS[precision])

    names = {port: program for program, port in pair.names.items()}
    return _Side(program, {**names, "images": "images"}, pair.present, optimizer)


def _port_side(pair: Pair, precision: str) -> _Side:
    def optimizer(kind: str) -> keras.optimizers.Optimizer:
        if kind == "SGD":
            return keras.optimizers.SGD(_single(pair.sgd_rate))
        settings = (pair.adam_rate, *BETAS[precision], pair.adam_epsilon)
        return keras.optimizers.Adam(*map(_single, settings))

    port = Port(pair.port(), pair.prepare)
    names = {name: name for name in (*pair.names.values(), "images")}
    return _Side(port, names, lambda images: images, optimizer)


def _results(
    side: _Side, pair: Pair, start: Mapping[str, Path], precision: str
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield (what was computed, the kind of tolerance, its value), in an order that sides share."""

    def restart() -> None:
        if start:
            side.runs.weights = {
                side.names[name]: np.load(path, mmap_mode="r") for name, path in start.items()
            }

    def batches(number: int) -> list[tuple[np.ndarray, Any]]:
        return [
            (side.preprocess(images.astype(precision)), labels)
            for images, labels in pair.batches(number)
        ]

    restart()
    images = side.preprocess(pair.images().astype(precision))
    yield "forward", "forward", side.runs.forward(images)
    gradients = side.runs.gradients(*batches(1))
    gc.collect()  # what a tape leaves is made of cycles, and as large as a model
    for name in (*start, "images"):
        gradient = gradients.pop(side.names[name])
        yield f"gradient of {name}", "gradient", gradient.ravel() if name == "images" else gradient
    for kind, steps in (("SGD", pair.sgd_steps), ("Adam", pair.adam_steps)):
        if steps:
            restart()
            losses = side.runs.train(batches(steps), side.optimizer(kind))
            gc.collect()
            yield f"loss of {steps} {kind} steps", "loss", np.array(losses)
            weights = side.runs.weights
            for name in start:
                yield f"weights after {steps} {kind} steps", kind, weights.pop(side.names[name])


def _single(number: float) -> float:
    """Return the float32 nearest to a number: TF1 holds an optimizer's settings in that width."""
    return float(np.float32(number))
