"""The command `kerazoo bench`: what it prints when, Ctrl-C, and what it refuses."""

import itertools
import subprocess
import sys
from types import SimpleNamespace

import pytest

from kerazoo.bench import command, start, timing
from tests.helpers.command import answer

START = ("bench", "start", "--format", "csv")
PROGRAMS = 5
SECONDS = (1, 3, 5, 7, 9)  # of each program, by round


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch, tensorflow_started: None) -> None:
    """Have `bench start` run nothing and read its times from `SECONDS`."""
    clock = itertools.chain.from_iterable([0, time] * PROGRAMS for time in SECONDS)
    without_torch = SimpleNamespace(util=SimpleNamespace(find_spec=lambda name: None))
    monkeypatch.setattr(start, "importlib", without_torch)
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    monkeypatch.setattr(start, "_run", lambda *arguments: None)


def fail(monkeypatch: pytest.MonkeyPatch, error: BaseException, rounds: int) -> None:
    """Have the third program fail, or Ctrl-C pressed in it, after so many rounds."""
    runs = itertools.count()

    def run(*arguments: str) -> None:
        if next(runs) == (1 + rounds) * PROGRAMS + 2:  # each has run once before the clock starts
            raise error

    monkeypatch.setattr(start, "_run", run)


def seconds(out: str) -> list[float]:
    """Return the seconds in a table in CSV."""
    return [float(line.split(",")[1]) for line in out.splitlines()[1:]]


def test_the_medians_are_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = answer(capsys, *START)
    assert code == 0
    assert seconds(out) == [5] * PROGRAMS
    assert err.splitlines()[1:] == [f"round {number} of 5" for number in range(1, 6)]


def test_ctrl_c_prints_the_medians_of_the_finished_rounds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail(monkeypatch, KeyboardInterrupt(), rounds=2)
    code, out, err = answer(capsys, *START)
    assert code == 130
    assert seconds(out) == [2] * PROGRAMS
    assert err.endswith("round 2 of 5\nkerazoo: interrupted\n")


@pytest.mark.parametrize("rounds", [-1, 0])
def test_ctrl_c_before_the_end_of_a_round_prints_no_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], rounds: int
) -> None:
    fail(monkeypatch, KeyboardInterrupt(), rounds)
    code, out, _ = answer(capsys, *START)
    assert (code, out) == (130, "")


def test_the_finished_rounds_are_printed_where_a_program_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail(monkeypatch, OSError("broken"), rounds=1)
    code, out, err = answer(capsys, *START)
    assert code == 1
    assert seconds(out) == [1] * PROGRAMS
    assert "broken" in err


def test_a_terminal_shows_a_bar_that_ends_before_the_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    fail(monkeypatch, KeyboardInterrupt(), rounds=3)
    code, out, err = answer(capsys, *START)
    assert code == 130
    assert seconds(out) == [3] * PROGRAMS
    assert [f"| {number}/5 [" in err for number in range(5)] == [True] * 4 + [False]
    assert "round 1 of 5" not in err
    assert err.endswith("\rkerazoo: interrupted\n")


def test_quiet_shows_no_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    code, out, err = answer(capsys, *START, "--quiet")
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 1 + PROGRAMS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("start --model vgg16", "start takes neither --model nor --batch-size"),
        ("accounting --batch-size 2", "accounting takes neither --model nor --batch-size"),
        ("train --model vgg99", "unknown model 'vgg99'"),
        ("workers --batch-size 7", "the batch of two workers must be an even number; received 7"),
    ],
)
def test_what_cannot_be_right_is_refused_before_tensorflow_starts(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: str,
    message: str,
) -> None:
    monkeypatch.setattr(command, "start", lambda **_: pytest.fail("TensorFlow was started"))
    code, out, err = answer(capsys, "bench", *arguments.split())
    assert (code, out) == (2, "")
    assert message in err


def test_workers_are_checked_without_importing_tensorflow() -> None:
    program = (
        "import sys; from kerazoo.cli import main; print(main(sys.argv[1:]), *sys.modules.keys() "
        "& {'tensorflow', 'keras'})"
    )
    arguments = ["bench", "workers", "--batch-size", "7"]
    run = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    assert run.stdout == "2\n"
