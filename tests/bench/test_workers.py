"""The benchmark of workers: what it times, the table that it makes of it, and the model by hand."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from kerazoo.bench import worker, workers
from kerazoo.bench.scaling import StepCost, fitted
from kerazoo.bench.worker import Worker
from kerazoo.bench.workers import Case
from kerazoo.errors import KerazooError
from kerazoo.training import cores


def test_a_step_costs_what_the_formula_says() -> None:
    cost = StepCost(step=3, image=2, exchanges=5, latency=0.25, size=120, bandwidth=60)
    assert cost.seconds(1, 8) == 3 + 16
    assert cost.seconds(2, 8) == 3 + 8 + 2 * 0.25 * 5 + 120 / 60
    assert cost.seconds(4, 8) == 3 + 4 + 6 * 0.25 * 5 + 6 / 4 * 120 / 60


def test_the_cost_is_fitted_to_what_was_measured() -> None:
    cost = fitted([10, 20, 40], [25, 45, 85], exchanges=7, size=100, least=0.5, whole=4.5)
    assert (cost.step, cost.image) == pytest.approx((5, 2))
    assert (cost.exchanges, cost.latency, cost.size) == (7, 0.25, 100)
    assert cost.seconds(2, 10) == pytest.approx(5 + 10 + 7 * 0.5 + 4)


class Timed:
    """Stands in for `Apart`: alone it trains for 4 s, together with another for 2.5 s."""

    started: ClassVar[list[tuple[Any, ...]]] = []

    def __init__(self, *asked: Any, environment: Mapping[str, str]) -> None:
        Timed.started.append((*asked, "TF_CONFIG" in environment))
        self._together = bool(environment)

    def __enter__(self) -> Timed:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, *arguments: Any) -> dict[str, float]:
        self.ask(*arguments)
        return self.answer()

    def ask(self, task: str, *arguments: int) -> None:
        self._asked = task, arguments

    def answer(self) -> dict[str, float]:
        task, arguments = self._asked
        if task == "size":
            return {"weights": 250, "exchanges": 3}
        if task == "exchange":
            return {"exchange": 0.125 if arguments[0] == 1 else 0.375}
        training = 2.5 if self._together else 4.0
        return {"training": training, "evaluation": 1.0, "checkpoint": 1.0}


def test_the_table_of_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "Apart", Timed)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {5, 3, 9})
    Timed.started.clear()
    table = workers.bench(print, "lenet5", 8)
    asked = ("kerazoo.bench.worker:Worker", "lenet5", (32, 32, 1), 32)
    assert Timed.started == [(*asked, core, both) for both in (False, True) for core in (3, 5)]
    measured = table[table.source == "measured"]
    assert measured.workers.tolist() == [1, 2] * 3
    assert measured.batch_size.tolist() == [8, 8, 16, 16, 32, 32]
    assert measured.images_per_second.tolist() == [8, 12.8] * 3
    assert measured.ratio.tolist() == [1, 1.6] * 3
    assert measured.growing.fillna(-1).tolist() == [1, -1, 1, 1.6, 1, 1.6]
    assert measured.collectives.tolist() == ["0%", "20%"] * 3  # 2 s were enough
    assert measured.evaluation.tolist() == measured.checkpoint.tolist() == ["17%", "22%"] * 3
    modelled = table[table.source == "model"]
    assert modelled.workers.tolist() == [2, 2, 4, 4, 8, 8, 16, 16]
    assert modelled.batch_size.tolist() == [8, 16, 8, 32, 8, 64, 8, 128]
    # 1 s for 8 images; 3 exchanges of 0.125 s, and 0.25 s for the gradients' bytes
    two, grown = 0.5 + 0.375 + 0.25, 1 + 0.375 + 0.25
    assert modelled.images_per_second.tolist()[:2] == [round(8 / two, 1), round(16 / grown, 1)]
    assert modelled.ratio.tolist()[:2] == [round(1 / two, 2), round(2 / grown, 2)]
    assert modelled.growing.tolist()[:2] == [round(2 * 0.5 / two, 2), round(2 / grown, 2)]
    assert modelled.collectives.tolist()[:2] == ["56%", "38%"]


def test_two_cores_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    with pytest.raises(KerazooError, match="needs two cores to which processes can be bound"):
        workers.bench(print)


def test_a_worker_trains_evaluates_and_saves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "start_tensorflow", lambda: None)  # it has begun already
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    alone = Worker("mnist_cnn", (28, 28, 1), 75, core=0)
    before = alone._model.get_weights()[0]
    for cut in (0, 1):
        times = alone("epoch", 50, cut)
        assert list(times) == ["training", "evaluation", "checkpoint"]
        assert min(times.values()) > 0
    assert list(alone._steps) == [1, cores.parts(alone._entry, 50)]
    assert int(alone._model.optimizer.iterations) == 4
    assert (alone._model.get_weights()[0] != before).any()
    assert alone("size") == {"weights": 220_234, "exchanges": 1}
    assert alone("exchange", 3, 2)["exchange"] > 0


@pytest.mark.full
def test_two_workers_in_processes_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "ROUNDS", 1)
    case = Case("mnist_cnn", (28, 28, 1), 50, 200)
    table = workers._table(case, print)
    assert (table.images_per_second > 0).all()
