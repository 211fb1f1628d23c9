"""How fast two workers train on a core each, beside one on one core."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

import pandas as pd

from kerazoo import registry
from kerazoo.bench.scaling import StepCost, fit
from kerazoo.bench.timed_process import TimedProcess
from kerazoo.data.images import ImageShape
from kerazoo.errors import KerazooError, UsageError
from kerazoo.training import cluster

logger = logging.getLogger("kerazoo")

ROUNDS = 5
REPEATS = 20  # all-reduces that are timed at once
MODELLED = (2, 4, 8, 16)  # workers
WORKER = "kerazoo.bench.worker:Worker"
ALONE = {"TF_CONFIG": ""}
ON_CPU = {"CUDA_VISIBLE_DEVICES": ""}
Times = dict[str, float]


@dataclass(frozen=True)
class Case:
    """What is trained.

    Attributes:
        model: Name of a model.
        image_shape: Of its images.
        batch_size: The smallest global batch.
        images: Images of an epoch.
    """

    model: str
    image_shape: ImageShape
    batch_size: int
    images: int


CASES = {
    "mnist_cnn": Case("mnist_cnn", (28, 28, 1), 200, 9_600),
    "resnet18": Case("resnet18", (64, 64, 3), 32, 256),
}


def bench(model: str | None = None, batch_size: int | None = None) -> pd.DataFrame:
    """Time the epochs of one worker and of two, each on a core of its own, on random images.

    An epoch evaluates 3 images for each 11 that it trains on, as one of MNIST, and ends with a
    checkpoint. Rows whose `source` is "model" are not measured: they follow from
    `kerazoo.bench.scaling.StepCost`, with the latency and bandwidth between processes of this
    machine.

    Args:
        model: Its name; None for `mnist_cnn` and, at 64x64, `resnet18`.
        batch_size: The smallest global batch, an even number; twice and four times as many images
            follow.

    Returns:
        The columns `model`, `workers`, `batch_size`, the global one, `images_per_second` of the
        training steps, `strong_scaling`, the ratio to one worker with this global batch,
        `weak_scaling`, that to one worker with as many images as each worker has, in per cent
        `communication`, the part of the steps in which workers sum something or wait for one
        another, `evaluation` and `checkpoint`, those of the epoch, and `source`: "measured" or
        "model".

    Raises:
        UsageError: The batch cannot be shared by two workers.
        KerazooError: There are not two cores, or a worker failed.
    """
    if batch_size is not None and batch_size % 2:
        raise UsageError(f"the batch of two workers must be an even number; received {batch_size}")
    cases = [_case(name, batch_size) for name in ([model] if model else CASES)]
    return pd.concat([_table(case) for case in cases], ignore_index=True)


def _case(model: str, batch_size: int | None) -> Case:
    case = CASES.get(model) or Case(model, registry.find(model).input_shape, 32, 128)
    size = batch_size or case.batch_size
    return dataclasses.replace(case, batch_size=size, images=max(case.images, 4 * size))


def _table(case: Case) -> pd.DataFrame:
    with (
        _two_processes(case, [ALONE, ALONE]) as independent,
        _two_processes(case, cluster.on_this_machine(2)) as workers,
    ):
        size = _call_all(workers, "size")[0]
        latency, gradients = (
            _call_all(workers, "exchange", numbers, REPEATS)[0]["exchange"]
            for numbers in (1, size["weights"])
        )
        measured = {}
        for batch_size in (case.batch_size, 2 * case.batch_size, 4 * case.batch_size):
            logger.info("%s, %d images a step: %d rounds", case.model, batch_size, ROUNDS)
            measured[batch_size] = _measured(independent, workers, batch_size)
    cost = fit(
        [batch_size // 2 for batch_size in measured],
        [
            times["training"] * (batch_size // 2) / case.images
            for batch_size, (_, times, _) in measured.items()
        ],
        size["exchanges"],
        4 * size["weights"],
        latency,
        gradients,
    )
    return pd.DataFrame([*_rows(case, measured), *_modelled(case, cost)])


def _measured(
    independent: Sequence[TimedProcess], workers: Sequence[TimedProcess], batch_size: int
) -> tuple[Times, Times, Times]:
    """Return the median times of one worker, of two that train alone, and of two together.

    Those that train alone, at the same time, take half of each batch; the slower of them counts.
    """
    rounds = [
        (
            independent[0]("epoch", batch_size, True),
            max(
                _call_all(independent, "epoch", batch_size // 2, False), key=itemgetter("training")
            ),
            _call_all(workers, "epoch", batch_size, False)[0],
        )
        for _ in range(ROUNDS + 1)
    ]
    one, alone, two = (
        {name: statistics.median(each[name] for each in times[1:]) for name in times[0]}
        for times in zip(*rounds, strict=True)
    )
    return one, alone, two


def _rows(case: Case, measured: dict[int, tuple[Times, Times, Times]]) -> Iterator[dict[str, Any]]:
    for batch_size, (one, alone, two) in measured.items():
        for workers, times in ((1, one), (2, two)):
            whole = sum(times.values())
            smaller = measured.get(batch_size // workers)
            waiting = times["training"] - alone["training"] / 2 if workers == 2 else 0
            yield {
                "model": case.model,
                "workers": workers,
                "batch_size": batch_size,
                "images_per_second": round(case.images / times["training"], 1),
                "strong_scaling": round(one["training"] / times["training"], 2),
                "weak_scaling": smaller and round(smaller[0]["training"] / times["training"], 2),
                "communication": f"{waiting / times['training']:.0%}",
                "evaluation": f"{times['evaluation'] / whole:.0%}",
                "checkpoint": f"{times['checkpoint'] / whole:.0%}",
                "source": "measured",
            }


def _modelled(case: Case, cost: StepCost) -> Iterator[dict[str, Any]]:
    for workers in MODELLED:
        for batch_size in (case.batch_size, case.batch_size * workers):
            if batch_size < workers:
                continue
            seconds = cost.seconds(workers, batch_size)
            compute = cost.seconds(1, batch_size / workers)
            yield {
                "model": case.model,
                "workers": workers,
                "batch_size": batch_size,
                "images_per_second": round(batch_size / seconds, 1),
                "strong_scaling": round(cost.seconds(1, batch_size) / seconds, 2),
                "weak_scaling": round(workers * compute / seconds, 2),
                "communication": f"{1 - compute / seconds:.0%}",
                "source": "model",
            }


@contextlib.contextmanager
def _two_processes(
    case: Case, environments: Sequence[dict[str, str]]
) -> Iterator[list[TimedProcess]]:
    """Start two processes of `kerazoo.bench.worker`, each on a core of its own."""
    arguments = (case.model, case.image_shape, case.images)
    with contextlib.ExitStack() as stack:
        processes = [
            TimedProcess(
                "kerazoo.bench.worker:Worker", *arguments, core, environment=ON_CPU | environment
            )
            for core, environment in zip(_two_cores(), environments, strict=True)
        ]
        for process in processes:
            stack.callback(process.kill)
        for process in processes:
            process.receive()
        yield processes


def _two_cores() -> list[int]:
    """Return the numbers of two cores that are not two threads of one."""
    found: dict[str | int, int] = {}
    for number in os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ():
        threads = Path(f"/sys/devices/system/cpu/cpu{number}/topology/thread_siblings_list")
        core = threads.read_text() if threads.exists() else number
        found.setdefault(core, number)
    if len(found) < 2:
        raise KerazooError("bench workers needs two cores to which processes can be bound")
    return sorted(found.values())[:2]


def _call_all(processes: Sequence[TimedProcess], *arguments: Any) -> list[Any]:
    """Return what all processes return, at work at the same time."""
    for each in processes:
        each.send(*arguments)
    return [each.receive() for each in processes]
