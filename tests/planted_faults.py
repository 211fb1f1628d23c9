"""Plant faults, one after the other, and see the first tier of tests turn red for each.

`python -m tests.planted_faults` plants every fault of planted_faults.toml in a copy of the tree
and runs the tests of its package there; `--draw 3 --seed WORD` plants three that the word draws. A
fault is caught if a test fails with it and passes without it. Exit code 1 if one is not caught: a
test is missing.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TABLE = Path(__file__).with_suffix(".toml")
TREE = (
    *("kerazoo", "legacy_tf1", "tests", "pyproject.toml", "train.py", ".ci"),
    *("README.md", "README.zh.md", "CHANGELOG.md", "LICENSE"),
)
LAST_FAILED = ".pytest_cache/v/cache/lastfailed"
PASSED, FAILED = 0, 1  # pytest's exit codes
LIMIT = 1800  # seconds, against a fault that makes a test wait for ever


@dataclass(frozen=True)
class Fault:
    """A fault of one place.

    Attributes:
        name: What is wrong.
        file: Where, from the root of the tree.
        right: What stands there, once.
        wrong: What is put in its place.
        tests: Where a test must fail, from the root of the tree.
    """

    name: str
    file: str
    right: str
    wrong: str
    tests: str


def faults() -> list[Fault]:
    """Return the faults of the table."""
    with TABLE.open("rb") as file:
        return [Fault(**entry) for entry in tomllib.load(file)["fault"]]


def copy_tree(folder: Path) -> Path:
    """Copy what the tests need into a folder, and return that."""
    for name in TREE:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder / name)
    return folder


def outcome(fault: Fault, tree: Path) -> tuple[bool, str]:
    """Return whether a fault planted in a copy of the tree is caught, and by which test."""
    path = tree / fault.file
    whole = path.read_text(encoding="utf-8")
    shutil.rmtree(tree / ".pytest_cache", ignore_errors=True)
    path.write_text(whole.replace(fault.right, fault.wrong), encoding="utf-8")
    try:
        code = run_tests(tree, fault.tests)
    except subprocess.TimeoutExpired:
        return False, f"still running after {LIMIT} s"
    finally:
        path.write_text(whole, encoding="utf-8")
    if code != FAILED:
        return False, "no test failed" if code == PASSED else f"pytest ended with exit code {code}"
    (failed,) = json.loads((tree / LAST_FAILED).read_text(encoding="utf-8"))
    if run_tests(tree, fault.tests, "--last-failed") != PASSED:
        return False, f"{failed} fails without the fault too"
    return True, failed


def run_tests(tree: Path, *arguments: str) -> int:
    """Run the tests of a copy of the tree up to the first that fails; return pytest's exit code."""
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    command = [sys.executable, "-m", "pytest", "--exitfirst", "--quiet", *arguments]
    run = subprocess.run(
        command, cwd=tree, env=environment, stdout=subprocess.DEVNULL, timeout=LIMIT
    )
    return run.returncode


def main() -> int:
    """Plant the chosen faults; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draw", type=int, metavar="N", help="plant N of them (default: all)")
    parser.add_argument("--seed", default="", help="a word that draws them")
    options = parser.parse_args()
    chosen = faults()
    if options.draw is not None:
        if not 0 < options.draw <= len(chosen):
            parser.error(f"--draw must be 1 to {len(chosen)}, not {options.draw}")
        chosen = random.Random(options.seed).sample(chosen, options.draw)
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = copy_tree(Path(folder))
        for fault in chosen:
            started = time.monotonic()
            caught, by = outcome(fault, tree)
            missed += not caught
            seconds = time.monotonic() - started
            verdict = "caught" if caught else "MISSED"
            print(f"{verdict}  {seconds:4.0f} s  {fault.file}: {fault.name} ({by})", flush=True)
    print(f"{len(chosen) - missed} of {len(chosen)} planted faults were caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
