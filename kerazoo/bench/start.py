"""Startup time of the command, compared with importing TensorFlow and PyTorch."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from statistics import median

from kerazoo.bench.timing import Row, time_in_turn

DRY_RUN = "train --model mnist_cnn --data digits --dry-run"


def bench() -> Iterator[list[Row]]:
    """Time processes from start to exit; yield the rows after every round."""
    imports = ["tensorflow", *(["torch"] if importlib.util.find_spec("torch") else ())]
    programs = {f"import {name}": partial(_run, "-c", f"import {name}") for name in imports}
    for command in ("--help", "list", "summary mnist_cnn", DRY_RUN):
        programs[f"kerazoo {command}"] = partial(_run, "-m", "kerazoo", *command.split())
    for seconds in time_in_turn(programs):
        first = median(seconds["import tensorflow"])
        yield [
            {"program": name, "seconds": median(each), "ratio": median(each) / first}
            for name, each in seconds.items()
        ]


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
