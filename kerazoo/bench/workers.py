"""How fast two workers train on a core each, beside one on one core."""

from __future__ import annotations

import contextlib
import os
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from kerazoo import registry
from kerazoo.bench.apart import Apart
from kerazoo.bench.scaling import StepCost, fitted
from kerazoo.data.images import ImageShape
from kerazoo.errors import KerazooError
from kerazoo.training import cluster

ROUNDS = 5
REPEATS = 20  # exchanges that are timed at once
MACHINES = (2, 4, 8, 16)
Times = dict[str, float]


@dataclass(frozen=True)
class Case:
    """What is trained.

    Attributes:
        model: Name of a model.
        image_shape: Of its images.
        batch_size: The least global batch; twice and four times as many images follow.
        images: Images of an epoch.
    """

    model: str
    image_shape: ImageShape
    batch_size: int
    images: int


CASES = (
    Case("mnist_cnn", (28, 28, 1), 200, 9_600),
    Case("resnet18", (64, 64, 3), 32, 256),
)


def bench(
    say: Callable[[str], object], model: str | None = None, batch_size: int | None = None
) -> pd.DataFrame:
    """Time the epochs of one worker and of two, each on a core of its own, on random images.

    An epoch evaluates 3 images for each 11 that it trains on, as one of MNIST, and ends with a
    checkpoint. Rows whose `source` is "model" are not measured: they follow from
    `kerazoo.bench.scaling.StepCost`.

    Args:
        say: Takes lines of progress.
        model: Its name; `mnist_cnn` and, at 64x64, `resnet18` where there is none.
        batch_size: The least global batch.

    Returns:
        The columns `model`, `workers`, `batch_size`, the global one, `images_per_second` of the
        training steps, `ratio` to one worker with this batch, `growing` to one worker with as many
        images as each of them has, in per cent `collectives`, the share of the steps in which
        workers exchange something or wait for one another, `evaluation` and `checkpoint`, those of
        the epoch, and `source`: "measured" or "model".

    Raises:
        KerazooError: There are not two cores, or a worker failed.
    """
    cases = [_case(model, batch_size)] if model or batch_size else CASES
    return pd.concat([_table(case, say) for case in cases], ignore_index=True)


def _case(model: str | None, batch_size: int | None) -> Case:
    for case in CASES:
        if model in (case.model, None):
            size = batch_size or case.batch_size
            return Case(case.model, case.image_shape, size, max(case.images, 4 * size))
    assert model
    size = batch_size or 32
    return Case(model, registry.find(model).input_shape, size, 4 * size)


def _table(case: Case, say: Callable[[str], object]) -> pd.DataFrame:
    with _two(case) as alone, _two(case, cluster.on_this_machine(2)) as workers:
        (size, _), sizes = _all(workers, "size"), [case.batch_size * times for times in (1, 2, 4)]
        least, whole = (
            _all(workers, "exchange", numbers, REPEATS)[0]["exchange"]
            for numbers in (1, int(size["weights"]))
        )
        measured = {}
        for batch_size in sizes:
            say(f"{case.model}, {batch_size} images a step: {ROUNDS} rounds")
            measured[batch_size] = _measured(alone, workers, batch_size)
    steps = [
        (rows, times["training"] * rows / case.images)
        for batch_size, (one, apart, _) in measured.items()
        for rows, times in ((batch_size, one), (batch_size // 2, apart))
    ]
    rows, seconds = zip(*steps, strict=True)
    cost = fitted(
        rows,
        seconds,
        int(size["exchanges"]),
        4 * int(size["weights"]),
        least,
        whole,
    )
    return pd.DataFrame([*_rows(case, measured), *_modelled(case, cost)])


def _measured(
    alone: Sequence[Apart], workers: Sequence[Apart], batch_size: int
) -> tuple[Times, Times, Times]:
    """Return the median times of one worker, of two that exchange nothing, and of two.

    Those that exchange nothing take half of each batch; of the two the slower counts.
    """
    rounds = [
        (
            alone[0]("epoch", batch_size, 1),
            max(_all(alone, "epoch", batch_size // 2, 0), key=lambda times: times["training"]),
            _all(workers, "epoch", batch_size, 0)[0],
        )
        for _ in range(ROUNDS + 1)
    ]
    one, apart, two = (
        {name: statistics.median(each[name] for each in times[1:]) for name in times[0]}
        for times in zip(*rounds, strict=True)
    )
    return one, apart, two


def _rows(case: Case, measured: dict[int, tuple[Times, Times, Times]]) -> Iterator[dict[str, Any]]:
    for batch_size, (one, apart, two) in measured.items():
        for workers, times in ((1, one), (2, two)):
            whole = sum(times.values())
            growing = measured.get(batch_size // workers)
            exchanging = times["training"] - apart["training"] / 2 if workers == 2 else 0
            yield {
                "model": case.model,
                "workers": workers,
                "batch_size": batch_size,
                "images_per_second": round(case.images / times["training"], 1),
                "ratio": round(one["training"] / times["training"], 2),
                "growing": growing and round(growing[0]["training"] / times["training"], 2),
                "collectives": f"{exchanging / times['training']:.0%}",
                "evaluation": f"{times['evaluation'] / whole:.0%}",
                "checkpoint": f"{times['checkpoint'] / whole:.0%}",
                "source": "measured",
            }


def _modelled(case: Case, cost: StepCost) -> Iterator[dict[str, Any]]:
    for workers in MACHINES:
        for batch_size in (case.batch_size, case.batch_size * workers):
            seconds = cost.seconds(workers, batch_size)
            compute = cost.seconds(1, batch_size // workers)
            one = cost.seconds(1, batch_size)
            yield {
                "model": case.model,
                "workers": workers,
                "batch_size": batch_size,
                "images_per_second": round(batch_size / seconds, 1),
                "ratio": round(one / seconds, 2),
                "growing": round(workers * compute / seconds, 2),
                "collectives": f"{1 - compute / seconds:.0%}",
                "source": "model",
            }


@contextlib.contextmanager
def _two(case: Case, environments: Sequence[dict[str, str]] = ({}, {})) -> Iterator[list[Apart]]:
    """Start two processes of `kerazoo.bench.worker`, each on a core of its own."""
    available = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(available) < 2:
        raise KerazooError("bench workers needs two cores to which processes can be bound")
    asked = (case.model, case.image_shape, case.images)
    with contextlib.ExitStack() as stack:
        started = [
            Apart("kerazoo.bench.worker:Worker", *asked, core, environment=environment)
            for core, environment in zip(available, environments, strict=False)
        ]
        yield [stack.enter_context(each) for each in started]


def _all(processes: Sequence[Apart], *arguments: Any) -> list[Times]:
    """Return what all processes answer, at work at the same time."""
    for each in processes:
        each.ask(*arguments)
    return [each.answer() for each in processes]
