"""How long a user waits for the command, beside what the packages under it take."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from functools import partial

import pandas as pd

from kerazoo.bench.rounds import time_in_turn

DRY_RUN = "train --model mnist_cnn --data digits --dry-run"


def bench() -> pd.DataFrame:
    """Time whole processes from their start to their end.

    Returns:
        The columns `program`, `seconds` and `ratio`: to `python -c "import tensorflow"`.
    """
    programs = {"import tensorflow": ["-c", "import tensorflow"]}
    if importlib.util.find_spec("torch"):
        programs["import torch"] = ["-c", "import torch"]
    for verb in ("--help", "list", "summary mnist_cnn", DRY_RUN):
        programs[f"kerazoo {verb}"] = ["-m", "kerazoo", *verb.split()]
    runs = {name: partial(_run, arguments) for name, arguments in programs.items()}
    times = time_in_turn(runs)["median"]
    table = pd.DataFrame({"program": times.index, "seconds": times.to_numpy()})
    return table.assign(ratio=table.seconds / table.seconds[0])


def _run(arguments: list[str]) -> None:
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
