"""Time several programs in turn, so that other work of the machine slows down all of them."""

from __future__ import annotations

import gc
import logging
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

logger = logging.getLogger("kerazoo")

ROUNDS = 5


def time_in_turn(programs: Mapping[str, Callable[[], Any]], rounds: int = ROUNDS) -> pd.DataFrame:
    """Return each program's times in seconds.

    Every program runs once before the clock starts, then once a round.

    Args:
        programs: What to run, by name.
        rounds: Number of rounds.

    Returns:
        The columns `median` and `minimum`, by program.
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
        logger.info("round %d of %d", number, rounds)
    rows = {name: [statistics.median(each), min(each)] for name, each in times.items()}
    return pd.DataFrame.from_dict(rows, "index", columns=["median", "minimum"], dtype=float)
