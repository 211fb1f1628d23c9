"""Ctrl-C and SIGTERM, once and in quick succession, from the first moment to the last."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kerazoo.interruption import Interruption
from tests.helpers.processes import ROOT


def test_signals_in_quick_succession_interrupt_once(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([10.0, 10.1, 11.0, 11.9, 13.0, 13.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(times))
    handle, raised = Interruption(), []
    for _ in range(6):
        try:
            handle(2, None)
            raised.append(False)
        except KeyboardInterrupt:
            raised.append(True)
    assert raised == [True, False, False, True, True, False]


# Sends itself twenty signals when a module is imported, or when the command has ended.
SIGNALLED = """
import os, signal, sys
from kerazoo import __main__, cli
def send():
    for _ in range(10):
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(os.getpid(), number)
class Finder:
    def find_spec(self, name, *_):
        if name == sys.argv[1]:
            send()
sys.meta_path.insert(0, Finder())
if sys.argv[1] == "kerazoo.cli":
    del sys.modules["kerazoo.cli"]
if sys.argv[1] == "the command":
    cli._list = lambda parsed: send()
if sys.argv[1] == "a text":
    cli._list = lambda parsed: exec("send()")
starting = {"tensorflow": ["demo", "learned_filters"], "jax": ["summary", "mnist_cnn"]}
code = __main__.main(starting.get(sys.argv[1], ["list"]))
send()
sys.exit(code)
"""


@pytest.mark.parametrize(
    "where", ["kerazoo.cli", "the command", "a text", "tensorflow", "jax", "nowhere"]
)
def test_twenty_signals_are_reported_in_one_line(where: str, tmp_path: Path) -> None:
    (tmp_path / "signalled.py").write_text(SIGNALLED)
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "signalled", where]
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    expected = (0, "") if where == "nowhere" else (130, "kerazoo: interrupted\n")
    assert (run.returncode, run.stderr) == expected
