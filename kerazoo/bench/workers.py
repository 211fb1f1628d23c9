"""Speed of training on two workers with a core each, compared with one worker on one core."""

import contextlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from kerazoo import registry
from kerazoo.bench.timed_process import TimedProcess
from kerazoo.bench.timing import ROUNDS, Row, Run, rounds_bar, time_in_turn
from kerazoo.errors import KerazooError, UsageError
from kerazoo.training import cluster

logger = logging.getLogger("kerazoo")

GROWTH = (1, 2, 4)  # of the batch
REPEATS = 20  # all-reduces that are timed at once
MODELED = (2, 4, 8, 16)  # workers
TASKS = ("training", "evaluation", "checkpoint")


class Case(NamedTuple):
    """A model with the shape of its images, the smallest global batch, and images of an epoch."""

    model: str
    image_shape: tuple[int, int, int]
    batch_size: int
    images: int


CASES = {
    "mnist_cnn": Case("mnist_cnn", (28, 28, 1), 200, 9_600),
    "resnet18": Case("resnet18", (64, 64, 3), 32, 256),
}


def cases(model: str | None = None, batch_size: int | None = None) -> list[Case]:
    """Return what `bench` trains; raise UsageError for a batch that two workers cannot share."""
    if batch_size is not None and batch_size % 2:
        raise UsageError(f"the batch of two workers must be an even number; received {batch_size}")
    chosen = []
    for name in [model] if model else CASES:
        case = CASES.get(name) or Case(name, registry.find(name).input_shape, 32, 128)
        size = batch_size or case.batch_size
        chosen.append(case._replace(batch_size=size, images=max(case.images, 4 * size)))
    return chosen


def bench(model: str | None = None, batch_size: int | None = None) -> Iterator[list[Row]]:
    """Time epochs of one worker and of two, each on a separate core, on random images.

    An epoch evaluates 3 images for each 11 that it trains on, as one of MNIST, and ends with a
    checkpoint; `evaluation` and `checkpoint` are fractions of its time, `communication` that of the
    training time in which two workers exchange gradients or wait. `strong_scaling` is the ratio to
    one worker with the same global batch, `weak_scaling` to one with as many images as each has.

    Args:
        model: Its name; None for `mnist_cnn` and, at 64x64, `resnet18`.
        batch_size: The smallest global batch; twice and four times as many images follow.

    Yields:
        The rows after every round, at the end of a model with those that `StepCost` predicts.

    Raises:
        UsageError: The batch cannot be shared by two workers.
        KerazooError: There are not two cores, or a worker failed.
    """
    finished: list[Row] = []
    chosen = cases(model, batch_size)
    with rounds_bar(len(chosen) * len(GROWTH) * ROUNDS) as bar:
        for case in chosen:
            for rows in _case_rows(case, bar):
                yield finished + rows
            finished += rows


def _case_rows(case: Case, bar: tqdm) -> Iterator[list[Row]]:
    medians: dict[int, dict[str, float]] = {}
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(each) for each in _start(case)]
        single, workers = processes[:2], processes[2:]
        model = _call_all(processes, "size")[0]  # when all have started
        number, gradients = (
            _call_all(workers, "exchange", size, REPEATS)[0] for size in (1, model["weights"])
        )
        for batch_size in (growth * case.batch_size for growth in GROWTH):
            name = f"{case.model}, {batch_size} images a step"
            bar.set_description(name)
            if bar.disable:
                logger.info("%s: %d rounds", name, ROUNDS)
            for seconds in time_in_turn(_programs(single, workers, batch_size), ROUNDS, bar):
                medians[batch_size] = {name: median(each) for name, each in seconds.items()}
                yield list(_measured(case, medians))
    steps = {size // 2: each["half"] * (size // 2) / case.images for size, each in medians.items()}
    image, step = np.polyfit(list(steps), list(steps.values()), 1)
    transfer = max(gradients - number, 0)
    cost = StepCost(max(float(step), 0), float(image), number * model["exchanges"], transfer)
    yield [*_measured(case, medians), *_modeled(case, cost)]


def _start(case: Case) -> Iterator[TimedProcess]:
    """Start two independent processes and two workers, each two on a core each, without a GPU."""
    arguments = ("kerazoo.bench.train:Worker", case.model, case.image_shape, case.images)
    environments = [{"TF_CONFIG": ""}] * 2 + cluster.on_this_machine(2)
    for core, environment in zip(2 * _two_cores(), environments, strict=True):
        yield TimedProcess(*arguments, core, CUDA_VISIBLE_DEVICES="", **environment)


def _programs(
    single: Sequence[TimedProcess], workers: Sequence[TimedProcess], batch_size: int
) -> dict[str, Run]:
    """Return the tasks of one worker and of two, and "half": both processes of `single` train."""
    half = partial(_call_all, single, "training", batch_size // 2, False)
    return {"half": half} | {
        f"{task} {len(processes)}": partial(_call_all, processes, task, batch_size, cut)
        for processes, cut in ((single[:1], True), (workers, False))
        for task in TASKS
    }


def _measured(case: Case, medians: Mapping[int, Mapping[str, float]]) -> Iterator[Row]:
    for batch_size, times in medians.items():
        for workers in (1, 2):
            seconds = times[f"training {workers}"]
            epoch = sum(times[f"{task} {workers}"] for task in TASKS)
            smaller = medians.get(batch_size // workers)
            waiting = 1 - times["half"] / 2 / seconds if workers == 2 else 0
            yield {
                "model": case.model,
                "workers": workers,
                "batch_size": batch_size,
                "images_per_second": round(case.images / seconds, 1),
                "strong_scaling": round(times["training 1"] / seconds, 2),
                "weak_scaling": smaller and round(smaller["training 1"] / seconds, 2),
                "communication": round(waiting, 2),
                "evaluation": round(times[f"evaluation {workers}"] / epoch, 2),
                "checkpoint": round(times[f"checkpoint {workers}"] / epoch, 2),
                "source": "measured",
            }


class StepCost(NamedTuple):
    """Seconds of a step of workers that sum their gradients by a ring all-reduce.

    On n workers a step of b images takes

        step + image * b / n + (n - 1) * latency + 2 (n - 1) / n * transfer

    seconds, as each worker sends 2 (n - 1) / n of the gradients, in 2 (n - 1) hops.

    Source: Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms for clusters of
    workstations", 2009, section 3, https://doi.org/10.1016/j.jpdc.2008.09.002.

    >>> cost = StepCost(step=1, image=2, latency=3, transfer=2)
    >>> cost.seconds(workers=1, batch_size=8), cost.seconds(workers=2, batch_size=8)
    (17.0, 14.0)
    """

    step: float  # of a step of any size, such as the optimizer's
    image: float  # of an image on one worker
    latency: float  # of the all-reduces of a step between two workers, without the data
    transfer: float  # of all gradients from one worker to another

    def seconds(self, workers: int, batch_size: float) -> float:
        """Return the seconds of a step."""
        compute = self.step + self.image * batch_size / workers
        sent = 2 * (workers - 1) / workers
        return compute + (workers - 1) * self.latency + sent * self.transfer


def _modeled(case: Case, cost: StepCost) -> Iterator[Row]:
    for workers in MODELED:
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
                "communication": round(1 - compute / seconds, 2),
                "evaluation": None,
                "checkpoint": None,
                "source": "model",
            }


def _two_cores() -> list[int]:
    """Return the numbers of two cores that are not two threads of one."""
    cores: dict[str | int, int] = {}
    for number in os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ():
        threads = Path(f"/sys/devices/system/cpu/cpu{number}/topology/thread_siblings_list")
        cores.setdefault(threads.read_text() if threads.exists() else number, number)
    if len(cores) < 2:
        raise KerazooError("bench workers needs two cores to which processes can be bound")
    return sorted(cores.values())[:2]


def _call_all(processes: Sequence[TimedProcess], *arguments: Any) -> list[Any]:
    """Return the results of all processes, which run at the same time."""
    for each in processes:
        each.send(*arguments)
    return [each.receive() for each in processes]
