"""The benchmark of workers: what it times, the table that it makes of it, and the model by hand."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from kerazoo.bench import worker, workers
from kerazoo.bench.scaling import StepCost, fit
from kerazoo.bench.worker import Worker
from kerazoo.bench.workers import Case
from kerazoo.errors import KerazooError, UsageError
from kerazoo.training.machine import micro_batches


def test_a_step_costs_what_the_formula_says() -> None:
    cost = StepCost(step=3, image=2, exchanges=5, latency=0.25, size=120, bandwidth=60)
    assert cost.seconds(1, 8) == 3 + 16
    assert cost.seconds(2, 8) == 3 + 8 + 2 * 0.25 * 5 + 120 / 60
    assert cost.seconds(4, 8) == 3 + 4 + 6 * 0.25 * 5 + 6 / 4 * 120 / 60


def test_the_cost_is_fitted_to_what_was_measured() -> None:
    cost = fit([10, 20, 40], [25, 45, 85], 7, 100, latency_seconds=0.5, gradient_seconds=4.5)
    assert (cost.step, cost.image) == pytest.approx((5, 2))
    assert (cost.exchanges, cost.latency, cost.size) == (7, 0.25, 100)
    assert cost.seconds(2, 10) == pytest.approx(5 + 10 + 7 * 0.5 + 4)


class Timed:
    """Stands in for `TimedProcess`: alone it trains for 4 s, together with another for 2.5 s.

    The first round, which does not count, takes a hundred times as long, one in four a bit longer,
    and a second process that trains alone is the faster one.
    """

    started: ClassVar[list[tuple[Any, ...]]] = []

    def __init__(self, *arguments: Any, environment: Mapping[str, str]) -> None:
        self._together = bool(environment["TF_CONFIG"])
        self._second = len(Timed.started) % 2 == 1
        self._rounds: Counter[Any] = Counter()
        Timed.started.append((*arguments, self._together))

    def kill(self) -> None:
        pass

    def __call__(self, *arguments: Any) -> dict[str, float]:
        self.send(*arguments)
        return self.receive()

    def send(self, *arguments: Any) -> None:
        self._arguments = arguments

    def receive(self) -> dict[str, float]:
        task, *arguments = vars(self).pop("_arguments", ("ready",))
        if task == "size":
            return {"weights": 250, "exchanges": 3}
        if task == "exchange":
            return {"exchange": 0.125 if arguments[0] == 1 else 0.375}
        self._rounds[tuple(arguments)] += 1
        odd = {1: 100, 3: 1.5}.get(self._rounds[tuple(arguments)], 1)
        training = 2.5 if self._together else 3.0 if self._second else 4.0
        return {"training": training * odd, "evaluation": 1.0, "checkpoint": 1.0}


def test_the_table_of_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "TimedProcess", Timed)
    monkeypatch.setattr(workers, "_two_cores", lambda: [3, 5])
    Timed.started.clear()
    table = workers.bench("lenet5", 8)
    arguments = ("kerazoo.bench.worker:Worker", "lenet5", (32, 32, 1), 128)
    assert Timed.started == [(*arguments, core, both) for both in (False, True) for core in (3, 5)]
    measured = table[table.source == "measured"]
    assert measured.workers.tolist() == [1, 2] * 3
    assert measured.batch_size.tolist() == [8, 8, 16, 16, 32, 32]
    assert measured.images_per_second.tolist() == [32, 51.2] * 3
    assert measured.strong_scaling.tolist() == [1, 1.6] * 3
    assert measured.weak_scaling.fillna(-1).tolist() == [1, -1, 1, 1.6, 1, 1.6]
    assert measured.communication.tolist() == ["0%", "20%"] * 3  # 2 s were enough
    assert measured.evaluation.tolist() == measured.checkpoint.tolist() == ["17%", "22%"] * 3
    modelled = table[table.source == "model"]
    assert modelled.workers.tolist() == [2, 2, 4, 4, 8, 8, 16]
    assert modelled.batch_size.tolist() == [8, 16, 8, 32, 8, 64, 128]
    # 0.25 s for 8 images; 3 all-reduces of 0.125 s, and 0.25 s for the gradients' bytes
    two, grown = 0.125 + 0.375 + 0.25, 0.25 + 0.375 + 0.25
    assert modelled.images_per_second.tolist()[:2] == [round(8 / two, 1), round(16 / grown, 1)]
    assert modelled.strong_scaling.tolist()[:2] == [round(0.25 / two, 2), round(0.5 / grown, 2)]
    assert modelled.weak_scaling.tolist()[:2] == [round(0.25 / two, 2), round(0.5 / grown, 2)]
    assert modelled.communication.tolist()[:2] == ["83%", "71%"]


def test_a_batch_that_two_cannot_share_is_refused() -> None:
    with pytest.raises(UsageError, match="must be an even number; received 7"):
        workers.bench("lenet5", 7)


def test_the_two_cores_are_not_threads_of_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for number, siblings in enumerate(["0,2", "1,3", "0,2", "1,3"]):
        file = tmp_path / f"sys/devices/system/cpu/cpu{number}/topology/thread_siblings_list"
        file.parent.mkdir(parents=True)
        file.write_text(siblings)
    monkeypatch.setattr(workers, "Path", lambda path: tmp_path / path[1:])
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 3})
    assert workers._two_cores() == [0, 3]
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2})
    with pytest.raises(KerazooError, match="needs two cores to which processes can be bound"):
        workers._two_cores()


def test_a_worker_trains_evaluates_and_saves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "start_tensorflow", lambda: None)  # it has begun already
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    alone = Worker("mnist_cnn", (28, 28, 1), 75, core=0)
    before = alone._model.get_weights()[0]
    for cut in (False, True):
        times = alone("epoch", 50, cut)
        assert list(times) == ["training", "evaluation", "checkpoint"]
        assert min(times.values()) > 0
    assert list(alone._steps) == [1, micro_batches(alone._info, 50)]
    assert int(alone._model.optimizer.iterations) == 4
    assert (alone._model.get_weights()[0] != before).any()
    assert alone("size") == {"weights": 220_234, "exchanges": 1}
    assert alone("exchange", 3, 2)["exchange"] > 0


@pytest.mark.full
def test_two_workers_in_processes_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "ROUNDS", 1)
    case = Case("mnist_cnn", (28, 28, 1), 50, 200)
    table = workers._table(case)
    assert (table.images_per_second > 0).all()
