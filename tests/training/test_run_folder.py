import dataclasses
import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from kerazoo import files
from kerazoo.errors import KerazooError, UsageError
from kerazoo.files import UNFINISHED_RUN
from kerazoo.training import runs
from kerazoo.training.result import EpochResult
from kerazoo.training.run_folder import RunFolder
from kerazoo.training.runs import EARLIER, FILES, is_run

CONFIG = {"versions": {"kerazoo": "0.1.0"}}
RESULT = EpochResult(1, "digits", 0.5, 0.9, 0.4, 0.8, 0.3, 0.7, 2.0, 100.0)


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_new_folder_carries_time_model_and_data() -> None:
    first = RunFolder.begin(None, False, "mnist_cnn", "folder:/home/me/my pets").path
    second = RunFolder.begin(None, False, "mnist_cnn", "folder:/home/me/my pets").path
    assert first.parent == second.parent == Path("runs")
    assert first != second
    assert first.name[8] == "-"
    assert first.name[15:].startswith("-mnist_cnn-folder-home-me-my-pets")


def test_metrics_grow_by_a_row_an_epoch() -> None:
    folder = RunFolder.begin(Path("out"), False, "m", "d")
    folder.write_metrics([RESULT])
    folder.write_metrics([RESULT, RESULT])
    table = pd.read_csv("out/metrics.csv")
    assert len(table) == 2
    assert table.iloc[1].to_dict() == RESULT.__dict__


def test_the_name_of_the_data_is_on_one_line_of_the_metrics() -> None:
    folder = RunFolder.begin(Path("out"), False, "m", "d")
    folder.write_metrics([dataclasses.replace(RESULT, epoch=1, data="folder:a\n2,\x1b[2J")])
    assert not runs.has_ended_an_epoch(Path("out"))
    assert pd.read_csv("out/metrics.csv").data[0] == r"folder:a\n2,\x1b[2J"


def test_a_file_is_complete_or_absent() -> None:
    folder = RunFolder.begin(Path("out"), False, "m", "d")
    folder.write_json("summary.json", {"path": Path("x"), "number": 1})
    assert json.loads(Path("out/summary.json").read_text()) == {"path": "x", "number": 1}

    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError

    with pytest.raises(OSError), files.replacing(folder.path / "summary.json") as path:  # noqa: PT011 - ours
        fail(path)
    assert json.loads(Path("out/summary.json").read_text())["number"] == 1
    assert {path.name for path in Path("out").iterdir()} == {"config.json", "summary.json"}


class TestCheck:
    def test_lets_what_loses_nothing_pass(self) -> None:
        Path("empty").mkdir()
        runs.check(None, False, "digits")
        runs.check(Path("new/deep"), False, "digits")
        runs.check(Path("empty"), False, "digits")
        assert not Path("new").exists()

    def test_a_run_is_replaced_only_with_overwrite(self) -> None:
        folder = RunFolder.begin(Path("out"), False, "m", "d")
        folder.write_json("config.json", CONFIG)
        with pytest.raises(UsageError, match=r"'out' has a run: .* --overwrite"):
            runs.check(Path("out"), False, "digits")
        with pytest.raises(UsageError, match=r"a run is in progress in 'out'"):
            runs.check(Path("out"), True, "digits")
        folder.unlock()
        runs.check(Path("out"), True, "digits")

    @pytest.mark.parametrize("overwrite", [False, True])
    def test_refuses_what_is_no_run(self, overwrite: bool) -> None:
        Path("home").mkdir()
        Path("home/letter.txt").write_text("dear")
        with pytest.raises(UsageError, match="contains other files than a run"):
            runs.check(Path("home"), overwrite, "digits")
        for path in (Path("home/letter.txt"), Path("home/letter.txt/deeper")):
            with pytest.raises(UsageError, match=r"because '.*letter.txt' is a file"):
                runs.check(path, overwrite, "digits")

    @pytest.mark.parametrize("out", [None, Path("out"), Path("out/deep")])
    def test_refuses_what_cannot_be_written_to(
        self, out: Path | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("os.access", lambda *_: False)  # root may write everywhere
        with pytest.raises(
            KerazooError, match="cannot be written to: make it writable or name another"
        ):
            runs.check(out, False, "digits")

    @pytest.mark.parametrize("out", [None, Path("out")])
    def test_finds_that_a_directory_cannot_be_made(
        self, out: Path | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As in /proc, where `os.access` finds nothing in its way."""

        def fail(path: object, *_: object) -> None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)

        monkeypatch.setattr(os, "mkdir", fail)
        with pytest.raises(KerazooError, match="cannot be written to: make it writable"):
            runs.check(out, False, "digits")

    def test_a_full_disk_is_reported_as_such(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(path: object, *_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

        monkeypatch.setattr(os, "mkdir", fail)
        with pytest.raises(OSError, match="No space left"):
            runs.check(None, False, "digits")

    @pytest.mark.parametrize("make", [os.mkfifo, lambda path: Path(path).symlink_to("nothing")])
    def test_refuses_what_is_no_file_in_the_place_of_config(
        self, make: Callable[[str], None]
    ) -> None:
        Path("out").mkdir()
        make("out/config.json")
        with pytest.raises(UsageError, match="contains other files than a run"):
            runs.check(Path("out"), True, "digits")

    def test_a_config_that_may_not_be_read_is_not_damaged(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        RunFolder.begin(Path("out"), False, "m", "d").write_json("config.json", CONFIG)

        def fail(*_: object) -> bytes:
            raise PermissionError

        monkeypatch.setattr(files, "read_bytes", fail)
        for check in (
            lambda: runs.check(Path("out"), True, "digits"),
            lambda: runs.to_resume(Path("out")),
        ):
            with pytest.raises(PermissionError):
                check()


class TestOverwriting:
    """An earlier run goes when something has come of the new one, and not before."""

    @pytest.fixture
    def out(self) -> Path:
        out = Path("out")
        for name in ("tensorboard/train", "checkpoints/epoch-1"):
            (out / name).mkdir(parents=True)
        files = [name for name in FILES if not (out / name).is_dir()]
        nested = ("tensorboard/train/events", "checkpoints/epoch-1/arrays.npz")
        for name in (*files, *nested, "notes.txt"):
            (out / name).write_text("old")
        (out / "config.json").write_text(json.dumps(CONFIG))
        return out

    def contents(self, out: Path) -> dict[str, str]:
        files = (path for path in out.rglob("*") if path.is_file())
        return {str(path.relative_to(out)): path.read_text() for path in files}

    def begin(self, out: Path) -> RunFolder:
        folder = RunFolder.begin(out, True, "m", "d")
        folder.write_json("config.json", {**CONFIG, "new": True})
        assert folder.earlier_run == out / EARLIER
        return folder

    def test_replaces_the_files_of_the_run_and_no_others(self, out: Path) -> None:
        with self.begin(out) as folder:
            folder.write_metrics([RESULT])
            folder.remove_earlier_run()
        assert set(self.contents(out)) == {"config.json", "metrics.csv", "notes.txt"}
        assert "new" in (out / "config.json").read_text()
        assert (out / "notes.txt").read_text() == "old"
        assert len(list(out.iterdir())) == 3

    def test_keeps_the_earlier_run_until_it_is_removed(self, out: Path) -> None:
        before = self.contents(out)
        del before["notes.txt"]
        with self.begin(out) as folder:
            folder.write_metrics([RESULT])
            assert self.contents(out / EARLIER) == before

    def test_that_fails_at_once_leaves_all_as_it_was(self, out: Path) -> None:
        before = self.contents(out)
        folder = self.begin(out)
        folder.write_metrics([RESULT])
        with pytest.raises(KerazooError), folder:
            raise KerazooError
        assert self.contents(out) == before
        assert sorted(path.name for path in out.iterdir()) == sorted([*FILES, "notes.txt"])

    def test_that_fails_after_it_is_committed_keeps_both(self, out: Path) -> None:
        before = self.contents(out)
        del before["notes.txt"]
        folder = self.begin(out)
        folder.commit()
        with pytest.raises(KerazooError), folder:
            raise KerazooError
        assert "new" in (out / "config.json").read_text()
        assert self.contents(out / EARLIER) == before

    def test_that_fails_later_keeps_the_new_run(self, out: Path) -> None:
        folder = self.begin(out)
        folder.commit()
        folder.remove_earlier_run()
        with pytest.raises(KerazooError), folder:
            raise KerazooError
        assert set(self.contents(out)) == {"config.json", "notes.txt"}

    def test_that_was_killed_at_once_keeps_the_earlier_run_when_it_is_tried_again(
        self, out: Path
    ) -> None:
        before = self.contents(out)
        for _ in range(2):
            killed = self.begin(out)
            killed.unlock()
        with pytest.raises(KerazooError), self.begin(out):
            raise KerazooError
        assert self.contents(out) == before

    def test_twice_at_once_is_refused(self, out: Path) -> None:
        with self.begin(out) as folder:
            before = self.contents(out)
            with pytest.raises(UsageError, match="a run is in progress in 'out'"):
                self.begin(out)
            assert self.contents(out) == before
            folder.commit()

    def test_needs_overwrite(self, out: Path) -> None:
        before = self.contents(out)
        with pytest.raises(UsageError, match="has a run"):
            RunFolder.begin(out, False, "m", "d")
        assert self.contents(out) == before

    @pytest.mark.parametrize(
        "config", ["{}", "[]", "nonsense", '{"versions": ["kerazoo"]}', '{"model_type": "bert"}']
    )
    def test_spares_a_config_of_something_else(self, out: Path, config: str) -> None:
        (out / "config.json").write_text(config)
        before = self.contents(out)
        with pytest.raises(UsageError, match="contains other files than a run"):
            RunFolder.begin(out, True, "m", "d")
        assert self.contents(out) == before


def test_a_run_that_fails_at_once_leaves_no_folder() -> None:
    folder = RunFolder.begin(Path("out"), False, "m", "d")
    folder.write_json("config.json", CONFIG)
    with pytest.raises(KerazooError), folder:
        raise KerazooError
    assert not Path("out").exists()


def test_a_run_that_fails_at_once_leaves_the_empty_folder_it_was_given() -> None:
    Path("out").mkdir()
    with pytest.raises(KerazooError), RunFolder.begin(Path("out"), False, "m", "d"):
        raise KerazooError
    assert list(Path("out").iterdir()) == []


def test_one_folder_takes_one_run_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "check", lambda *_: None)  # both have passed it
    with (
        RunFolder.begin(Path("out"), False, "m", "d"),
        pytest.raises(UsageError, match="a run is in progress in 'out'"),
    ):
        RunFolder.begin(Path("out"), False, "m", "d")


def test_a_run_that_was_killed_as_it_began_is_in_nobodys_way() -> None:
    Path("out").mkdir()
    Path("out/config.json").touch()
    Path(f"out/{UNFINISHED_RUN}abc").mkdir()
    Path(f"out/{UNFINISHED_RUN}abc/config.json").write_text("{")
    with RunFolder.begin(Path("out"), False, "m", "d") as folder:
        folder.write_json("config.json", {"versions": {"kerazoo": "1"}})
        folder.commit()
    assert is_run(Path("out"))
    assert [path.name for path in Path("out").iterdir()] == ["config.json"]
    Path("other").mkdir()
    Path("other/config.json").write_text("{}")
    with pytest.raises(UsageError, match="contains other files than a run"):
        RunFolder.begin(Path("other"), False, "m", "d")


def test_what_is_exported_into_a_run_meanwhile_is_left_alone() -> None:
    with RunFolder.begin(Path("out"), False, "m", "d") as folder:
        folder.write_json("config.json", CONFIG)
        folder.commit()
    with files.replacing(Path("out/weights.h5")) as path:
        path.write_text("new")
        RunFolder.reopen(Path("out")).unlock()
        RunFolder.begin(Path("out"), True, "m", "d").unlock()
    assert Path("out/weights.h5").read_text() == "new"


def test_a_directory_that_cannot_be_prepared_is_unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(files, "remove_unfinished", fail)
        with pytest.raises(OSError, match="Input/output error"):
            RunFolder.begin(Path("out"), False, "m", "d")
    RunFolder.begin(Path("out"), False, "m", "d").unlock()


def test_a_run_is_not_among_its_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    runs.check(Path("run"), False, "folder:photos")
    with pytest.raises(UsageError, match="in the folder of its data, 'photos', and be read as a"):
        runs.check(Path("photos/run"), False, "folder:photos")
    with pytest.raises(UsageError, match="name a directory outside it with --out"):
        runs.check(None, False, f"folder:{tmp_path}")
    (tmp_path / "photos/train").mkdir()
    runs.check(Path("photos/run"), False, "folder:photos")
