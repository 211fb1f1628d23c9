"""The benchmark of workers: what it times, the table that it makes of it, and the model by hand."""

from __future__ import annotations

import doctest
import os
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from kerazoo.bench import timing, train, workers
from kerazoo.bench.train import Worker
from kerazoo.bench.workers import Case, StepCost
from kerazoo.errors import KerazooError, UsageError
from kerazoo.training.checkpoints import Checkpoints
from kerazoo.training.machine import micro_batches
from tests.helpers.command import answer


def test_a_step_costs_what_the_formula_says() -> None:
    cost = StepCost(step=3, image=2, latency=5, transfer=1)
    assert cost.seconds(1, 8) == 3 + 16
    assert cost.seconds(2, 8) == 3 + 8 + 5 + 1
    assert cost.seconds(4, 8) == 3 + 4 + 3 * 5 + 6 / 4
    assert doctest.testmod(workers) == (0, 2)  # the example in its docstring


class Process:
    """Stands in for `TimedProcess` and records its calls."""

    started: list[Process]

    def __init__(self, *arguments: Any, **environment: str) -> None:
        assert environment.pop("CUDA_VISIBLE_DEVICES") == ""
        self.arguments, self.together = arguments, bool(environment["TF_CONFIG"])
        self.calls: list[tuple[Any, ...]] = []
        self.ended = False
        Process.started.append(self)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.ended = True

    def send(self, *arguments: Any) -> None:
        self.calls.append(arguments)

    def receive(self) -> Any:
        task, *arguments = self.calls[-1]
        if task == "size":
            return {"weights": 250, "exchanges": 3}
        return {1: 0.125, 250: 0.375}[arguments[0]] if task == "exchange" else None


class Times:
    """Stands in for `time_in_turn`: a second a task, with every third round slower.

    One worker trains for 4 s, two for 2.5 s, and two independent ones for 4 s, or for what `half`
    has by their batch size. Ctrl-C is pressed after `interrupted` rounds.
    """

    def __init__(
        self, half: Mapping[int, float] | None = None, interrupted: int | None = None
    ) -> None:
        self._half, self._left = half or {}, interrupted

    def __call__(
        self, programs: Mapping[str, Any], rounds: int, bar: Any
    ) -> Iterator[timing.Seconds]:
        for run in programs.values():
            run()
        half = self._half.get(programs["half"].args[2], 4.0)
        training = {"half": half, "training 1": 4.0, "training 2": 2.5}
        seconds: dict[str, list[float]] = {name: [] for name in programs}
        for number in range(rounds):
            if self._left == 0:
                raise KeyboardInterrupt
            self._left = self._left and self._left - 1
            for name, times in seconds.items():
                times.append(training.get(name, 1.0) * (1.5 if number % 3 == 1 else 1))
            bar.update()
            yield seconds


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what sets the times of programs in processes that do nothing."""
    Process.started = []
    monkeypatch.setattr(workers, "TimedProcess", Process)
    monkeypatch.setattr(workers, "_two_cores", lambda: [3, 5])
    monkeypatch.setattr(workers, "time_in_turn", Times())
    return partial(monkeypatch.setattr, workers, "time_in_turn")


@pytest.mark.usefixtures("times")
def test_the_table_of_workers() -> None:
    *tables, rows = workers.bench("lenet5", 8)
    assert [len(table) for table in tables] == [2] * 5 + [4] * 5 + [6] * 5
    table = pd.DataFrame(rows)
    measured = table[table.source == "measured"]
    assert measured.workers.tolist() == [1, 2] * 3
    assert measured.batch_size.tolist() == [8, 8, 16, 16, 32, 32]
    assert measured.images_per_second.tolist() == [32, 51.2] * 3
    assert measured.strong_scaling.tolist() == [1, 1.6] * 3
    assert measured.weak_scaling.fillna(-1).tolist() == [1, -1, 1, 1.6, 1, 1.6]
    assert measured.communication.tolist() == [0.0, 0.2] * 3  # 2 s were enough
    assert measured.evaluation.tolist() == measured.checkpoint.tolist() == [0.17, 0.22] * 3
    modeled = table[table.source == "model"]
    assert modeled.workers.tolist() == [2, 2, 4, 4, 8, 8, 16]
    assert modeled.batch_size.tolist() == [8, 16, 8, 32, 8, 64, 128]
    # 0.25 s for 8 images; 3 all-reduces of 0.125 s, and 0.25 s for the gradients' bytes
    two, grown = 0.125 + 0.375 + 0.25, 0.25 + 0.375 + 0.25
    assert modeled.images_per_second.tolist()[:2] == [round(8 / two, 1), round(16 / grown, 1)]
    assert modeled.strong_scaling.tolist()[:2] == [round(0.25 / two, 2), round(0.5 / grown, 2)]
    assert modeled.weak_scaling.tolist()[:2] == [round(0.25 / two, 2), round(0.5 / grown, 2)]
    assert modeled.communication.tolist()[:2] == [0.83, 0.71]
    assert [row["evaluation"] for row in rows[6:]] == [None] * 7


def test_the_model_fits_a_time_for_each_step_and_each_image(times: Any) -> None:
    # steps of 1 s, and 0.25 s for each image
    times(Times({size: (1 + 0.25 * size) * 128 / size for size in (4, 8, 16)}))
    *_, rows = workers.bench("lenet5", 8)
    row = next(row for row in rows if row["source"] == "model")
    two = 1 + 0.25 * 4 + 0.375 + 0.25
    assert row["images_per_second"] == round(8 / two, 1)
    assert row["strong_scaling"] == round((1 + 0.25 * 8) / two, 2)


@pytest.mark.usefixtures("times")
def test_each_process_runs_its_tasks() -> None:
    tables = workers.bench("lenet5", 8)
    next(tables)
    arguments = ("kerazoo.bench.train:Worker", "lenet5", (32, 32, 1), 128)
    assert [(each.arguments, each.together) for each in Process.started] == [
        ((*arguments, core), together) for together in (False, True) for core in (3, 5)
    ]
    first, second, chief, other = (each.calls for each in Process.started)
    tasks = ("training", "evaluation", "checkpoint")
    half = ("training", 4, False)
    assert first == [("size",), half, *((task, 8, True) for task in tasks)]
    assert second == [("size",), half]
    exchanges = [("exchange", 1, 20), ("exchange", 250, 20)]
    assert chief == other == [("size",), *exchanges, *((task, 8, False) for task in tasks)]
    assert not any(each.ended for each in Process.started)
    tables.close()  # type: ignore[attr-defined] # what an interrupted command does
    assert all(each.ended for each in Process.started)


@pytest.mark.usefixtures("tensorflow_started")
def test_ctrl_c_prints_the_finished_rounds_of_all_models(
    times: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    times(Times(interrupted=3 * 5 + 5 + 1))
    code, out, err = answer(capsys, "bench", "workers", "--format", "csv")
    assert code == 130
    rows = [line.split(",") for line in out.splitlines()[1:]]
    assert [row[:3] for row in rows if row[-1] == "measured"] == [
        [model, workers, size]
        for model, sizes in (("mnist_cnn", (200, 400, 800)), ("resnet18", (32, 64)))
        for size in map(str, sizes)
        for workers in "12"
    ]
    assert {row[0] for row in rows if row[-1] == "model"} == {"mnist_cnn"}
    assert err.splitlines()[1:] == [
        *(f"mnist_cnn, {size} images a step: 5 rounds" for size in (200, 400, 800)),
        *(f"resnet18, {size} images a step: 5 rounds" for size in (32, 64)),
        "kerazoo: interrupted",
    ]
    times(Times(interrupted=0))
    code, out, _ = answer(capsys, "bench", "workers")
    assert (code, out) == (130, "")


def test_a_terminal_shows_a_bar_over_the_rounds_of_all_models(
    times: Any,
    tensorflow_started: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    code, _, err = answer(capsys, "bench", "workers")
    assert code == 0
    assert "resnet18, 128 images a step: " in err
    assert "| 30/30 [" in err
    assert "5 rounds\n" not in err


def test_a_batch_that_two_cannot_share_is_refused() -> None:
    with pytest.raises(UsageError, match="must be an even number; received 7"):
        next(workers.bench("lenet5", 7))


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
    monkeypatch.setattr(train, "start_tensorflow", lambda: None)  # it has started already
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    saved: list[int] = []
    monkeypatch.setattr(
        Checkpoints, "save", lambda self, epoch, step, state: saved.append(len(state.arrays))
    )
    worker = Worker("mnist_cnn", (28, 28, 1), 75, core=0)
    before = worker._model.get_weights()[0]
    for cut in (False, True):
        assert worker("training", 50, cut) is None
    trained = worker._model.get_weights()[0]
    assert (trained != before).any()
    assert int(worker._model.optimizer.iterations) == 4
    assert worker._steps.cache_info().currsize == len({1, micro_batches(worker._info, 50)})
    worker("evaluation", 50, True)
    assert (worker._model.get_weights()[0] == trained).all()
    assert worker._steps.cache_info().misses == worker._steps.cache_info().currsize
    worker("checkpoint", 50, True)
    assert len(saved) == 1
    assert saved[0] > len(worker._model.weights)  # those of the optimizer, too
    assert worker("size") == {"weights": 220_234, "exchanges": 1}
    assert worker("exchange", 3, 2) > 0


@pytest.mark.full
def test_two_workers_in_separate_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "ROUNDS", 1)
    monkeypatch.setitem(workers.CASES, "mnist_cnn", Case("mnist_cnn", (28, 28, 1), 50, 200))
    *_, rows = workers.bench("mnist_cnn")
    assert len(rows) == 6 + 8
    assert all(row["images_per_second"] > 0 for row in rows)
