"""The benchmarks run, and put each time where it belongs; how long they take is not tested."""

from __future__ import annotations

import time

import pandas as pd
import pytest

from kerazoo.bench import accounting, rounds


def test_programs_run_in_turn_and_once_before_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0, 1, 0, 10, 0, 3, 0, 30, 0, 2, 0, 20])  # two programs, three rounds
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    order: list[str] = []
    lines: list[str] = []
    programs = {"fast": lambda: order.append("fast"), "slow": lambda: order.append("slow")}
    times = rounds.medians(programs, lines.append, rounds=3)
    assert times.to_dict() == {"fast": 2, "slow": 20}
    assert order == ["fast", "slow"] * 4
    assert lines[-1] == "round 3 of 3"


def test_the_table_of_the_accounting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounting, "LENGTHS", (5, 10))
    times = iter(range(2, 7))

    def fake(programs: dict[str, object], say: object) -> object:
        for run in programs.values():
            run()  # type: ignore[operator] # each is a call without arguments
        return pd.Series({name: float(next(times)) for name in programs})

    monkeypatch.setattr(accounting, "medians", fake)
    table = accounting.bench(print)
    assert table.layers.tolist() == [26, 26, 26, 6, 11]
    assert table.milliseconds.tolist() == [2000, 3000, 4000, 5000, 6000]
    assert table.ratio.tolist() == [1, 1.5, 2, 1, 1.2]
