"""Rounds of programs, the bar or the messages about them, and the speed of this machine."""

import itertools
import logging
import sys
from types import SimpleNamespace

import pytest

from kerazoo.bench import timing, train


def two_rounds() -> list[timing.Seconds]:
    return list(timing.time_in_turn({"a": int, "b": int}, rounds=2))


def test_programs_run_in_turn_and_once_before_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0, 1, 0, 10, 0, 3, 0, 30])
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    order: list[str] = []
    programs = {"fast": lambda: order.append("fast"), "slow": lambda: order.append("slow")}
    rounds = timing.time_in_turn(programs, rounds=2)
    assert next(rounds) == {"fast": [1], "slow": [10]}
    assert order == ["fast", "slow"] * 2
    assert list(rounds) == [{"fast": [1, 3], "slow": [10, 30]}]
    assert order == ["fast", "slow"] * 3


def test_without_a_terminal_a_message_follows_each_round(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    two_rounds()
    assert caplog.messages == ["round 1 of 2", "round 2 of 2"]
    assert capsys.readouterr() == ("", "")


def test_a_terminal_shows_a_bar_over_all_rounds(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    caplog.set_level(logging.INFO)
    with timing.rounds_bar(4) as bar:
        for name in ("a", "b"):
            list(timing.time_in_turn({name: int}, 2, bar))
        assert bar.n == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert [f"| {n}/4 [" in err for n in range(5)] == [True] * 5
    assert "<" in err  # the time left
    assert err.endswith("\r")  # the bar is removed
    assert caplog.messages == []
    caplog.set_level(logging.WARNING, "kerazoo")  # as by --quiet
    two_rounds()
    assert capsys.readouterr() == ("", "")


def test_the_machine_multiplies_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "MATRIX_SIZE", 64)
    seconds = itertools.count(start=3, step=-0.25)

    def repeat(run: timing.Run, number: int, repeat: int) -> list[float]:
        assert number == 1
        return [next(seconds) for _ in range(repeat) if run() is not None]

    monkeypatch.setattr(timing, "timeit", SimpleNamespace(repeat=repeat))
    assert timing.macs_per_second("float32") == 64**3 / 0.75  # the last of ten
    monkeypatch.setattr(timing, "macs_per_second", {"float32": 6.0, "bfloat16": 12.0}.get)
    assert timing.limits(3) == {"float32": 2, "bfloat16": 4}


@pytest.mark.parametrize(("bfloat16", "pays"), [(2.5, True), (2.2, False)])
def test_bfloat16_is_timed_where_the_machine_is_faster_in_it(
    bfloat16: float, pays: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "kerazoo")
    limits = {"float32": 2.0, "bfloat16": bfloat16}
    assert timing.bfloat16_pays(limits) == pays
    assert ("mixed_bfloat16 is left out" in caplog.text) != pays
    assert train._is_timed(train.HALF, "mnist_cnn", limits) == pays
    assert train._is_timed("kerazoo, float32", "mnist_cnn", limits)
