"""A process that waits in vain ends and says what for, also where it holds Python's lock."""

from __future__ import annotations

import ctypes
import faulthandler
import time
from collections.abc import Callable

import pytest

from kerazoo.training import watch
from kerazoo.training.watch import Watch, Watched
from tests.helpers.processes import Process


def sleep_with_pythons_lock(seconds: int) -> None:
    ctypes.PyDLL(None).sleep(seconds)


def wait(sleep: Callable[[int], None], limit: float, seconds: int, stacks: bool) -> None:
    watch.WAIT_SECONDS = limit  # type: ignore[assignment] # a shorter time than a whole number
    if stacks:
        faulthandler.enable(2)
    with Watch("worker 2 of 3", "nothing", "start again") as waiting:
        waiting.waits_for("the end")
        sleep(seconds)
    print("done")


@pytest.mark.parametrize("sleep", [time.sleep, sleep_with_pythons_lock])
def test_it_ends_and_says_what_it_waited_for(sleep: Callable[[int], None]) -> None:
    ended = Process(wait, sleep, 0.6, 600, False).ended()
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "kerazoo: worker 2 of 3 has waited 0.01 minutes for the end: start again\n"


def test_with_faulthandler_the_stacks_follow() -> None:
    ended = Process(wait, time.sleep, 0.6, 600, True).ended()
    first, *stacks = ended.err.splitlines()
    assert first == "kerazoo: worker 2 of 3 has waited 0.01 minutes for the end: start again"
    assert any(line.endswith(" in wait") and __file__ in line for line in stacks)


def test_what_ends_in_time_says_nothing() -> None:
    ended = Process(wait, time.sleep, 600, 0, True).ended()
    assert (ended.code, ended.out, ended.err) == (0, "done\n", "")


def test_the_callback_names_steps_evaluation_and_what_follows() -> None:
    told: list[str] = []
    callback = Watched(told.append)
    callback.on_epoch_begin(2)
    callback.on_train_batch_begin(50)
    callback.on_test_begin()
    callback.on_test_end()
    assert told == [
        "the steps of epoch 3 from 51 on, that is for its images or another worker",
        "the evaluation of epoch 3, that is for its images or another worker",
        "the callbacks and the checkpoint of epoch 3",
    ]
