"""A process that waits in vain ends and says what for, also where it holds Python's lock."""

import ctypes
import faulthandler
import os
import signal
import time
from collections.abc import Callable

import pytest

from kerazoo.training import watchdog
from kerazoo.training.watchdog import Watchdog
from tests.helpers.processes import Process

SENTENCE = "kerazoo: worker 2 of 3 has waited 0.02 minutes for the end: start again\n"


def hang(_: Watchdog) -> None:
    time.sleep(600)


def hang_with_pythons_lock(_: Watchdog) -> None:
    ctypes.PyDLL(None).sleep(600)


def work(dog: Watchdog) -> None:
    """Take longer in all than an activity may, and no activity so long."""
    for _ in range(6):
        dog.begin("more work")
        time.sleep(0.5)


def work_without_reporter(dog: Watchdog) -> None:
    dog._reporter.kill()
    dog._reporter.wait()
    work(dog)


def terminate_the_reporter(dog: Watchdog) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        dog._reporter.send_signal(number)
    time.sleep(600)


def leave_a_child(dog: Watchdog) -> None:
    """Have a child that holds the reporter's standard input open as long as this process lives."""
    parent = os.getpid()
    if os.fork() == 0:
        os.closerange(1, 3)
        while os.getppid() == parent:
            time.sleep(0.1)
        os._exit(0)


def watched(do: Callable[[Watchdog], object], stacks: bool = False) -> None:
    watchdog.TIMEOUT_SECONDS = 1.2  # type: ignore[assignment] # a shorter time than usual
    if stacks:
        faulthandler.enable(2)
    with Watchdog("worker 2 of 3", "nothing", "start again") as dog:
        time.sleep(0.3)  # until the reporter has begun
        dog.begin("the end")
        do(dog)
    print("done")


@pytest.mark.parametrize("do", [hang, hang_with_pythons_lock, terminate_the_reporter])
def test_it_ends_and_reports_what_it_waited_for(do: Callable[[Watchdog], object]) -> None:
    ended = Process(watched, do).ended()
    assert (ended.code, ended.out, ended.err) == (1, "", SENTENCE)


def test_with_faulthandler_the_stacks_follow() -> None:
    ended = Process(watched, hang, True).ended()
    sentence, *stacks = ended.err.splitlines(keepends=True)
    assert (ended.code, sentence) == (1, SENTENCE)
    assert any(line.endswith(" in hang\n") for line in stacks)


@pytest.mark.parametrize("do", [work, work_without_reporter, leave_a_child])
def test_what_ends_in_time_prints_nothing(do: Callable[[Watchdog], object]) -> None:
    ended = Process(watched, do).ended()
    assert (ended.code, ended.out, ended.err) == (0, "done\n", "")
