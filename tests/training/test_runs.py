"""An earlier run that is set aside and moved back, with a kill at each step."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kerazoo import files
from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.training import runs
from kerazoo.training.run_folder import RunFolder
from kerazoo.training.runs import EARLIER, FILES, REMOVED, RESULTS


class KilledError(BaseException):
    """Stands for a kill: nothing catches it."""


def put_run(folder: Path, name: str) -> None:
    (folder / "checkpoints/epoch-1").mkdir(parents=True)
    (folder / "tensorboard").mkdir()
    for file in ("checkpoints/epoch-1/arrays.npz", "tensorboard/events", *FILES):
        if file not in ("checkpoints", "tensorboard"):
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
    return out


def kill_after(steps: int, patch: pytest.MonkeyPatch) -> None:
    """End the process at an operation of the disk after `steps` of them."""
    left = iter(range(steps))

    def counted(do: Any) -> Any:
        def run(*arguments: Any) -> Any:
            if next(left, None) is None:
                raise KilledError
            return do(*arguments)

        return run

    for owner, name in ((files, "remove"), (Path, "replace"), (Path, "rmdir"), (os, "fsync")):
        patch.setattr(owner, name, counted(getattr(owner, name)))


def killed(do: Callable[[], object], steps: int) -> bool:
    """Return whether an action is killed after so many operations of the files."""
    with pytest.MonkeyPatch.context() as patch:
        kill_after(steps, patch)
        try:
            do()
        except KilledError:
            return True
        return False


def test_a_kill_while_a_run_is_set_aside_loses_nothing(out: Path) -> None:
    before, steps = contents(out), 0
    while killed(lambda: runs.set_aside(out), steps):
        assert runs.to_resume(out) == out
        assert contents(out) == before
        assert not runs.has_earlier(out)
        steps += 1
    assert steps == len(FILES) + 1
    assert set(contents(out)) == {"notes.txt", *(f"{EARLIER}/{name}" for name in before)} - {
        f"{EARLIER}/notes.txt"
    }
    runs.recover(out)
    assert contents(out) == before


def test_a_kill_while_a_run_is_restored_loses_nothing(out: Path) -> None:
    before, steps = contents(out), 0
    while True:
        runs.set_aside(out)
        put_run(out, "new")
        if not killed(lambda: runs.restore(out), steps):
            break
        if runs.is_run(out) and runs.config(out)["name"] == "new":
            runs.restore(out)  # as a new run that fails again
        runs.check(out, True, "digits")
        assert contents(out) == before
        steps += 1
    assert steps > 2 * len(FILES)
    assert contents(out) == before


def test_a_kill_while_the_earlier_run_is_removed_leaves_the_new_one(out: Path) -> None:
    steps = 0
    while True:
        runs.set_aside(out)
        put_run(out, "new")
        new = contents(out)
        expected = {name: new[name] for name in new if not name.startswith(EARLIER)}
        was_killed = killed(lambda: runs.remove_earlier(out), steps)
        runs.recover(out)
        assert runs.config(out)["name"] == "new"
        runs.remove_earlier(out)
        assert contents(out) == expected
        if not was_killed:
            break
        steps += 1
    assert steps >= 3
    assert not (out / REMOVED).exists()


def test_a_process_that_is_at_it_is_left_alone(out: Path) -> None:
    runs.set_aside(out)
    before = contents(out)
    with files.locked(out):
        runs.recover(out)
        assert contents(out) == before
    runs.recover(out)
    assert runs.config(out)["name"] == "old"


def test_files_of_others_are_left_alone(out: Path) -> None:
    runs.set_aside(out)
    (out / EARLIER / ".DS_Store").write_text("theirs")
    runs.recover(out)
    assert contents(out / EARLIER) == {".DS_Store": "theirs"}
    assert runs.config(out)["name"] == "old"


def test_a_directory_that_is_no_run_is_left_alone(tmp_path: Path) -> None:
    for name in (".earlier", REMOVED):
        (tmp_path / name).mkdir()
        (tmp_path / name / "theirs.txt").write_text("theirs")
    before = contents(tmp_path)
    runs.recover(tmp_path)
    assert contents(tmp_path) == before


class TestPlanted:
    """A directory or link of the name of an earlier run, beside a good run."""

    @pytest.fixture
    def earlier(self, out: Path, tmp_path: Path) -> Path:
        put_run(out / EARLIER, "planted")
        return out / EARLIER

    def begin_and_fail(self, out: Path) -> None:
        folder = RunFolder.begin(out, True, "m", "d")
        folder.write_json("config.json", {"versions": {"kerazoo": "1"}})
        with pytest.raises(KeyError), folder:
            raise KeyError

    @pytest.mark.parametrize("name", ["checkpoints", "model.keras", "summary.json", "metrics.csv"])
    def test_each_result_keeps_the_run_in_its_place(
        self, name: str, out: Path, earlier: Path
    ) -> None:
        (out / "checkpoints/epoch-1").rename(out / "checkpoints/epoch-000001-step-000000000")
        (out / "metrics.csv").write_text("epoch,loss\n1,0.5\n2,0.4\n")
        for other in {*RESULTS} - {name}:
            files.remove(out / other)
        before = {name: text for name, text in contents(out).items() if EARLIER not in name}
        with pytest.raises(UsageError, match="has a run"):
            RunFolder.begin(out, False, "m", "d")
        self.begin_and_fail(out)
        assert contents(out) == before

    def test_a_run_that_was_interrupted_in_its_first_epoch_gives_way_to_the_earlier_one(
        self, out: Path, earlier: Path
    ) -> None:
        wanted = contents(earlier)
        (out / "checkpoints/epoch-1").rename(out / "checkpoints/epoch-000000-step-000000007")
        for name in ("summary.json", "metrics.csv"):
            files.remove(out / name)
        self.begin_and_fail(out)
        assert contents(out) == {**wanted, "notes.txt": "mine"}

    def test_a_run_without_a_result_gives_way_to_the_earlier_one(
        self, out: Path, earlier: Path
    ) -> None:
        """As after a kill in the first epoch; the first row of metrics.csv comes before it ends."""
        wanted = contents(earlier)
        for name in {*RESULTS} - {"metrics.csv"}:
            files.remove(out / name)
        (out / "metrics.csv").write_text("epoch,loss\n1,0.5\n")
        self.begin_and_fail(out)
        assert contents(out) == {**wanted, "notes.txt": "mine"}

    @pytest.mark.parametrize("config", ["", "damaged"])
    def test_nothing_is_moved_over_the_results_of_a_run_without_config(
        self, config: str, out: Path, earlier: Path
    ) -> None:
        (out / "config.json").write_text(config)
        before = contents(out)
        for overwrite in (False, True):
            with pytest.raises(UsageError, match="contains other files than a run"):
                RunFolder.begin(out, overwrite, "m", "d")
        with pytest.raises(CorruptFileError, match=r"config\.json' is damaged"):
            runs.to_resume(out)
        assert contents(out) == before

    @pytest.mark.parametrize("kind", ["link to a run", "link to nothing", "file", "other files"])
    def test_what_is_no_earlier_run_is_not_restored(
        self, kind: str, out: Path, tmp_path: Path
    ) -> None:
        put_run(tmp_path / "victim", "victim")
        if kind == "file":
            (out / EARLIER).write_text("planted")
        elif kind == "other files":
            (out / EARLIER / "checkpoints").mkdir(parents=True)
            (out / EARLIER / "checkpoints/file").write_text("planted")
        else:
            (out / EARLIER).symlink_to(tmp_path / ("victim" if "run" in kind else "nothing"))
        with pytest.raises(UsageError, match="has a run"):
            RunFolder.begin(out, False, "m", "d")
        victim = contents(tmp_path / "victim")
        before = {name: text for name, text in contents(out).items() if EARLIER not in name}
        self.begin_and_fail(out)
        assert contents(out) == before
        assert contents(tmp_path / "victim") == victim
        assert not os.path.lexists(out / EARLIER)

    def test_an_earlier_run_that_is_a_link_is_not_moved_back(
        self, out: Path, tmp_path: Path
    ) -> None:
        put_run(tmp_path / "victim", "victim")
        before = contents(tmp_path / "victim")
        for name in FILES:
            files.remove(out / name)
        (out / EARLIER).symlink_to(tmp_path / "victim")
        runs.recover(out)
        runs.restore(out)
        assert contents(tmp_path / "victim") == before

    def test_links_in_a_run_that_is_replaced_go_and_what_they_name_stays(
        self, out: Path, tmp_path: Path
    ) -> None:
        put_run(tmp_path / "victim", "victim")
        before = contents(tmp_path / "victim")
        for name in ("checkpoints", "tensorboard", "metrics.csv"):
            files.remove(out / name)
            (out / name).symlink_to(tmp_path / "victim" / name)
        with RunFolder.begin(out, True, "m", "d") as folder:
            folder.write_json("config.json", {"versions": {"kerazoo": "1"}})
            folder.write_metrics([])
            folder.remove_earlier_run()
        assert {path.name for path in out.iterdir()} == {"config.json", "metrics.csv", "notes.txt"}
        assert contents(tmp_path / "victim") == before
