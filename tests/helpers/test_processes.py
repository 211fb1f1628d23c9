import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import processes
from tests.helpers.processes import Ended, Process


@pytest.fixture(autouse=True)
def none_is_left() -> Iterator[None]:
    yield
    processes.kill_all()


def speak(*words: str) -> int:
    print(*words, os.environ.get("WORD"), Path.cwd())
    print("bad", file=sys.stderr)
    return len(words)


def hang() -> None:
    print("begun", file=sys.stderr, flush=True)
    time.sleep(600)


def test_a_process_has_the_streams_and_exit_code_of_a_shells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = Process(speak, "a", "b", environment={"WORD": "c"}).ended()
    assert found == Ended(2, f"a b c {tmp_path}\n", "bad\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_it(number: signal.Signals) -> None:
    process = Process(hang)
    process.read_until("begun")
    assert process.is_running_after(0)
    process.send(number)
    assert process.ended().code == -number


def test_one_that_hangs_reports_where_and_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LIMIT", 0.5)
    with pytest.raises(pytest.fail.Exception, match=r"(?s)still running after .*in hang"):
        Process(hang).ended()


def test_no_process_is_left_running() -> None:
    process = Process(hang)
    processes.kill_all()
    assert not process.is_running_after(0)
