"""A run that takes the place of an earlier one, killed at each of its steps."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from kerazoo.errors import UsageError
from kerazoo.training import disk, runs
from kerazoo.training.takeover import ASIDE, FILES, READY, settle, take_over

STEPS = 18


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


@pytest.mark.parametrize("steps", range(STEPS))
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
    assert not list(out.glob(f"{READY}*"))


def test_all_its_steps_are_those(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kill_after(STEPS, monkeypatch)
    take_over(out / f"{ASIDE}1", out)


def test_one_that_is_just_at_it_is_left_alone(out: Path) -> None:
    (out / f"{ASIDE}1").rename(out / f"{READY}1")
    before = contents(out)
    lock = disk.lock(out)
    settle(out)
    assert contents(out) == before
    os.close(lock)
    settle(out)
    assert runs.config(out)["name"] == "new"


def test_what_somebody_else_has_put_there_is_in_nobodys_way(out: Path) -> None:
    (out / f"{ASIDE}1/.DS_Store").write_text("theirs")
    take_over(out / f"{ASIDE}1", out)
    assert contents(out / f"{READY}1") == {".DS_Store": "theirs"}
    settle(out)
    assert runs.config(out)["name"] == "new"
    put_run(out / f"{ASIDE}2", "newer")
    take_over(out / f"{ASIDE}2", out)
    assert runs.config(out)["name"] == "newer"


def test_runs_that_never_took_the_place_go(out: Path) -> None:
    put_run(out / f"{ASIDE}2", "given up")
    (out / f"{ASIDE}3").mkdir()
    take_over(out / f"{ASIDE}1", out)
    assert not list(out.glob(".kerazoo-*"))


def test_a_folder_that_is_no_run_is_left_alone(out: Path) -> None:
    for name in (".ready", ".moving", READY):
        (out / name).mkdir()
        (out / name / "theirs.txt").write_text("theirs")
    before = contents(out)
    settle(out)
    assert contents(out) == before


def test_a_run_aside_finds_the_one_that_took_the_place_meanwhile(out: Path) -> None:
    put_run(out / f"{ASIDE}2", "given up")
    (out / f"{ASIDE}1").rename(out / f"{READY}1")
    with pytest.raises(UsageError, match="there is no run in"):
        runs.to_resume(out / f"{ASIDE}2")
    assert runs.config(out)["name"] == "new"
