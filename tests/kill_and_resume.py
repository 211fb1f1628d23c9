"""Kill a training at random moments, resume it, and compare its end with one never stopped.

`python -m tests.kill_and_resume --kills 100` takes half an hour of two cores. The model has dropout
and batch normalization; its recipe has augmentation, averages, frozen layers, auxiliary heads and
all else that has a state. After some of the kills the last checkpoint is cut short at a random
byte, or its manifest emptied; some resumed processes may write no file as large as a checkpoint.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kerazoo.training.runs import is_run
from tests.helpers import tiny
from tests.helpers.everything import EVERYTHING, as_arguments
from tests.helpers.runs import metrics, weights

ROOT = Path(__file__).parents[1]
CHILD = "import sys; from tests.helpers import tiny; sys.exit(tiny.command(*sys.argv[1:]))"
TRAIN = ["train", "--model", tiny.NAME, "--data", "digits", "--epochs", "20", "--batch-size", "20"]
TRAIN += ["--save-every", "25"]
TRAIN += as_arguments({**EVERYTHING, "patience": 3, "unfreeze_after": 7, "early_stopping": 10})


def start(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """Start the command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def damage(run: Path, rng: random.Random) -> str:
    """Cut the last of two checkpoints short, or empty its manifest; return what was done."""
    checkpoints = sorted((run / "checkpoints").glob("epoch-*"))
    if len(checkpoints) < 2 or rng.random() < 0.5:
        return ""
    name = rng.choice(["arrays.npz", "record.json", "manifest.json"])
    path = checkpoints[-1] / name
    content = path.read_bytes()
    size = 0 if name == "manifest.json" else rng.randrange(len(content))
    path.write_bytes(content[:size])
    return f", then {name} of the last checkpoint cut to {size} of {len(content)} bytes"


def forbid_large_files() -> None:
    """Let this process write no file as large as a checkpoint, as a full disk would."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))


def live(run: Path, seconds: float, rng: random.Random) -> str | None:
    """Begin or resume a run and kill it; return what was done, None where it came to its end."""
    begun = is_run(run)
    arguments = ["train", "--resume", str(run)] if begun else [*TRAIN, "--out", str(run)]
    full = begun and rng.random() < 0.1
    process = start(*arguments, preexec_fn=forbid_large_files if full else None)
    lifetime = rng.uniform(0, seconds)
    try:
        _, err = process.communicate(timeout=None if full else lifetime)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return f"killed after {lifetime:.1f} s{damage(run, rng)}"
    if full and not (run / "summary.json").exists():
        assert process.returncode == 1, err
        assert "kerazoo: a file could not be read or written" in err, err
        return "no room on the disk"
    assert process.returncode == 0, err
    return None


def kill_and_resume(folder: Path, kills: int, seed: int, report: Callable[[str], object]) -> None:
    """Make sure that runs which are killed so often end as one that never was.

    Raises:
        AssertionError: One does not.
    """
    rng = random.Random(seed)
    whole, started = folder / "whole", time.monotonic()
    _, err = (process := start(*TRAIN, "--out", str(whole))).communicate()
    assert process.returncode == 0, err
    seconds = time.monotonic() - started
    report(f"never stopped: {seconds:.1f} s")
    expected, rows = weights(whole), metrics(whole)
    count = number = 0
    while count < kills:
        number += 1
        run = folder / f"run-{number}"
        while (done := live(run, seconds, rng)) is not None:
            count += 1
            report(f"{count}: run {number} {done}")
        assert weights(run) == expected, f"the weights of '{run}' differ"
        assert metrics(run) == rows, f"metrics.csv of '{run}' differs"
        assert len(list((run / "checkpoints").iterdir())) == 1
        report(f"run {number} ended as the one that was never stopped")
    report(json.dumps({"kills": count, "runs": number, "equal": True}))


def main() -> None:
    """Read the options and begin."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    options = parser.parse_args()
    if options.kills < 1:
        parser.error(f"--kills must be 1 or more, not {options.kills}")
    with tempfile.TemporaryDirectory() as folder:
        kill_and_resume(
            Path(folder), options.kills, options.seed, lambda line: print(line, flush=True)
        )


if __name__ == "__main__":
    main()
