"""Timing several programs in turn, so that what else the machine does falls on all of them."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

ROUNDS = 5


def time_in_turn(
    programs: Mapping[str, Callable[[], Any]], say: Callable[[str], object], rounds: int = ROUNDS
) -> pd.DataFrame:
    """Return each program's times in seconds.

    Every program runs once before the clock starts, then once a round.

    Args:
        programs: What to run, by name.
        say: Takes a line a round.
        rounds: Number of rounds.

    Returns:
        The columns `median` and `least`, by program.
    """
    for run in programs.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(1, rounds + 1):
        for name, run in programs.items():
            gc.collect()
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
        say(f"round {number} of {rounds}")
    found = {name: [statistics.median(each), min(each)] for name, each in times.items()}
    return pd.DataFrame.from_dict(found, "index", columns=["median", "least"], dtype=float)
