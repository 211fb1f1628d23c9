"""Compare a port with its TF1 program: forward pass, gradients, training steps."""

import contextlib
import functools
import gc
import itertools
import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kerazoo.difference import Difference, difference, largest
from kerazoo.errors import UsageError, did_you_mean
from kerazoo.lazy import keras
from kerazoo.parity.pairs import PAIRS, Pair
from kerazoo.parity.port import Port
from kerazoo.precision import dtype_policy
from legacy_tf1.program import Batch, Program, tf1

logger = logging.getLogger("kerazoo")

PRECISIONS = ("float32", "float64")
# The largest difference that passes: relative for outputs and gradients, absolute after training,
# because weights near zero have no digits that agree. The gradient of a bias in float32 is a sum of
# up to 100,000 terms, which TF1 and Keras add in different orders.
TOLERANCES = {
    "forward": {"float32": ("relative", 1e-5), "float64": ("relative", 1e-12)},
    "gradient": {"float32": ("relative", 1e-4), "float64": ("relative", 1e-12)},
    "loss": {"float32": ("absolute", 1e-5), "float64": ("absolute", 1e-10)},
    "SGD": {"float32": ("absolute", 1e-5), "float64": ("absolute", 1e-10)},
    "Adam": {"float32": ("absolute", 1e-4), "float64": ("absolute", 1e-10)},
}
# Adam's decay rates: those of the notes; for float64 such that their powers are exact in float32,
# in which TF1 computes them at any precision.
BETAS = {"float32": (0.9, 0.999), "float64": (0.875, 0.9375)}


def compare(
    name: str, pair: Pair | None = None, precisions: Sequence[str] = PRECISIONS
) -> pd.DataFrame:
    """Compare a port with its TF1 program.

    Args:
        name: The name of the pair.
        pair: The pair; None for the one of that name.
        precisions: The floating-point types to compute in.

    Returns:
        One row per comparison: `pair, precision, quantity, absolute, relative` (largest
        differences, as in `Difference`), `tolerance` and `passed`.

    Raises:
        UsageError: There is no pair of that name.
    """
    if pair is None and name not in PAIRS:
        hint = did_you_mean(name, PAIRS)
        raise UsageError(f"unknown pair '{name}'{hint}; choose one of {', '.join(PAIRS)}")
    pair = pair or PAIRS[name]
    rows = []
    for precision in precisions:
        logger.info("%s in %s ...", name, precision)
        with _floats(precision):
            for (quantity, kind), group in itertools.groupby(
                _differences(pair, precision), key=lambda result: result[:2]
            ):
                result = largest([each for *_, each in group])
                measure, maximum = TOLERANCES[kind][precision]
                passed = getattr(result, measure) <= maximum
                row = {"pair": name, "precision": precision, "quantity": quantity}
                tolerance = f"{measure[:3]} {maximum:.0e}"
                rows.append({**row, **vars(result), "tolerance": tolerance, "passed": passed})
    return pd.DataFrame(rows)


@contextlib.contextmanager
def _floats(precision: str) -> Iterator[None]:
    """Let Keras compute in `precision` within a `with` block."""
    before = keras.config.floatx()
    keras.config.set_floatx(precision)
    try:
        with dtype_policy(precision):
            yield
    finally:
        keras.config.set_floatx(before)
        gc.collect()  # a model has reference cycles, and a large one leaves no memory for the next


def _differences(pair: Pair, precision: str) -> Iterator[tuple[str, str, Difference]]:
    """Yield (what is compared, the kind of tolerance, the difference).

    The program is closed before the port is built, and its results are in temporary files
    meanwhile, so that the two are never in memory together.
    """
    with tempfile.TemporaryDirectory() as directory:
        saved = Path(directory)
        with Program(pair.build, precision, names=pair.names) as program:
            initial = {
                name: _save(saved / f"initial-{number}.npy", value)
                for number, (name, value) in enumerate(_initial_weights(program))
            }
            results = _results(_tf1_side(pair, program, precision), pair, initial, precision)
            expected = [
                (quantity, kind, _save(saved / f"{number}.npy", value))
                for number, (quantity, kind, value) in enumerate(results)
            ]
        results = _results(_keras_side(pair, precision), pair, initial, precision)
        for (quantity, kind, path), (_, _, value) in zip(expected, results, strict=True):
            yield quantity, kind, difference(np.load(path, mmap_mode="r"), value)
            path.unlink()


def _save(path: Path, value: np.ndarray) -> Path:
    np.save(path, value)
    return path


def _initial_weights(program: Program) -> Iterator[tuple[str, np.ndarray]]:
    """Yield Glorot uniform kernels and normal biases, the same at every call."""
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
    """The program or the port of a pair."""

    runs: Program | Port
    preprocess: Callable[[np.ndarray], np.ndarray]
    optimizers: Mapping[str, Any]  # "SGD", "Adam" -> None for the one in the program's graph


def _tf1_side(pair: Pair, program: Program, precision: str) -> _Side:
    optimizers = {
        "SGD": tf1.train.GradientDescentOptimizer(pair.sgd_rate),
        "Adam": tf1.train.AdamOptimizer(pair.adam_rate, *BETAS[precision]),
    }
    if precision == "float32" and program.nodes.training_op is not None:
        optimizers["Adam"] = None
    return _Side(program, pair.tf1_preprocess, optimizers)


def _keras_side(pair: Pair, precision: str) -> _Side:
    model = pair.port()
    adam = (pair.adam_rate, *BETAS[precision], pair.adam_epsilon)
    optimizers = {
        "SGD": keras.optimizers.SGD(_single(pair.sgd_rate)),
        "Adam": keras.optimizers.Adam(*map(_single, adam)),
    }
    return _Side(Port(model), functools.partial(pair.keras_preprocess, model), optimizers)


def _results(
    side: _Side, pair: Pair, initial: Mapping[str, Path], precision: str
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield (what was computed, the kind of tolerance, its value), in the same order per side."""

    def restart() -> None:
        if initial:
            side.runs.weights = {key: np.load(path, mmap_mode="r") for key, path in initial.items()}

    def batches(number: int) -> list[Batch]:
        return [(side.preprocess(x.astype(precision)), y) for x, y in pair.batches(number)]

    restart()
    images = side.preprocess(pair.images().astype(precision))
    yield "forward", "forward", side.runs.forward(images)
    gradients = side.runs.gradients(*batches(1))
    gc.collect()  # the tape leaves reference cycles as large as a model
    for name in (*initial, "images"):
        gradient = gradients.pop(name)
        yield f"gradient of {name}", "gradient", gradient.ravel() if name == "images" else gradient
    for kind, steps in (("SGD", pair.sgd_steps), ("Adam", pair.adam_steps)):
        if steps:
            restart()
            losses = side.runs.train(batches(steps), side.optimizers[kind])
            gc.collect()
            yield f"loss of {steps} {kind} steps", "loss", np.array(losses)
            weights = side.runs.weights
            for name in initial:
                yield f"weights after {steps} {kind} steps", kind, weights.pop(name)


def _single(number: float) -> float:
    """Return the nearest float32, in which TF1 has the settings of an optimizer."""
    return float(np.float32(number))
