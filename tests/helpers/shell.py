"""Commands as a README prints them, run in this process."""

import contextlib
import io
import runpy
import shlex
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest.mock import patch

import keras

from kerazoo.cli import main


def commands(block: str) -> Iterator[list[str]]:
    """Yield the words of each command of a block, those joined by `&&` one after the other."""
    for line in block.replace("\\\n", " ").splitlines():
        words: list[str] = []
        for word in [*shlex.split(line, comments=True), "&&"]:
            if word != "&&":
                words.append(word)
            elif words:
                yield words
                words = []


def run(words: Sequence[str]) -> tuple[int, str]:
    """Run a command in the working directory; return its exit code and what it printed.

    Patterns of files are expanded, and `> FILE` is followed.
    """
    words = [name for word in words for name in (_files(word) if "*" in word else [word])]
    words, file = (words[:-2], words[-1]) if ">" in words else (words, None)
    printed, out = io.StringIO(), io.StringIO()
    to = printed if file is None else out  # a terminal shows both streams as they come
    with contextlib.redirect_stdout(to), contextlib.redirect_stderr(printed):
        code = _call(words)
    if file is not None:
        Path(file).write_text(out.getvalue(), encoding="utf-8")
    return code, printed.getvalue()


def _files(pattern: str) -> list[str]:
    return sorted(map(str, Path().glob(pattern)))


def _call(words: Sequence[str]) -> int:
    keras.utils.clear_session()  # as in a new process, the names of layers begin anew
    try:
        match words:
            case ["kerazoo", *arguments]:
                return main(arguments)
            case ["python", "train.py", *arguments]:
                return main(["train", *arguments])
            case ["python", "-m", module, *arguments]:
                _run_module(module, arguments)
                return 0
    except SystemExit as stop:  # of argparse
        return int(stop.code or 0)
    raise AssertionError(f"this is not run by a test: {' '.join(words)}")


def _run_module(name: str, arguments: Sequence[str]) -> None:
    with patch.object(sys, "argv", [name, *arguments]), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # another test has imported it
        runpy.run_module(name, run_name="__main__")
