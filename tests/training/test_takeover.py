"""A run that takes the place of an earlier one, killed at each of its steps."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from kerazoo.training import disk, runs
from kerazoo.training.takeover import ASIDE, FILES, MOVING, READY, settle, take_over


class KilledError(BaseException):
    """Stands for a kill: nothing catches it."""


def put_run(folder: Path, name: str, *without: str) -> None:
    (folder / "checkpoints/epoch-1").mkdir(parents=True)
    (folder / "tensorboard").mkdir()
    for file in ("checkpoints/epoch-1/arrays.npz", "tensorboard/events", *FILES):
        if file not in (*without, "checkpoints", "tensorboard"):
            (folder / file).write_text(name)
    config = {"versions": {"kerazoo": "0"}, "name": name}
    (folder / "config.json").write_text(json.dumps(config))


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text() for path in files}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    out = tmp_path / "out"
    put_run(out, "old")
    (out / "notes.txt").write_text("mine")
    put_run(out / f"{ASIDE}1", "new", "model.keras", "summary.json")
    return out


def kill_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the disk's operations but for so many end the process."""
    left = iter(range(steps))

    def counted(do: Any) -> Any:
        def run(*arguments: Any) -> Any:
            if next(left, None) is None:
                raise KilledError
            return do(*arguments)

        return run

    for owner, name in ((disk, "remove"), (Path, "replace"), (Path, "rmdir"), (os, "fsync")):
        monkeypatch.setattr(owner, name, counted(getattr(owner, name)))


@pytest.mark.parametrize("steps", range(17))
def test_a_kill_at_any_step_loses_neither(
    steps: int, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = contents(out), contents(out / f"{ASIDE}1")
    with monkeypatch.context() as patch:
        kill_after(steps, patch)
        with pytest.raises(KilledError):
            take_over(out / f"{ASIDE}1", out)
    assert runs.to_resume(out) == out
    expected = old if steps == 0 else {**new, "notes.txt": "mine"}
    assert contents(out) == expected
    assert not any((out / name).exists() for name in (READY, MOVING))


def test_all_its_steps_are_those(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kill_after(17, monkeypatch)
    take_over(out / f"{ASIDE}1", out)


def test_one_that_is_just_at_it_is_left_alone(out: Path) -> None:
    (out / f"{ASIDE}1").rename(out / READY)
    before = contents(out)
    lock = disk.lock(out)
    settle(out)
    assert contents(out) == before
    os.close(lock)
    settle(out)
    assert runs.config(out)["name"] == "new"
