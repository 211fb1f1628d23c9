from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from kerazoo.errors import KerazooError, UsageError
from kerazoo.training import run_folder
from kerazoo.training.epoch import EpochResult
from kerazoo.training.run_folder import FILES, RunFolder

RESULT = EpochResult(1, "digits", 0.5, 0.9, 0.4, 0.8, 0.3, 0.7, 2.0, 100.0)


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_new_folder_carries_time_model_and_data() -> None:
    first = RunFolder(None, "mnist_cnn", "folder:/home/me/my pets").path
    second = RunFolder(None, "mnist_cnn", "folder:/home/me/my pets").path
    assert first.parent == second.parent == Path("runs")
    assert first != second
    assert first.name[8] == "-"
    assert first.name[15:].startswith("-mnist_cnn-folder-home-me-my-pets")


def test_metrics_grow_by_a_row_an_epoch() -> None:
    folder = RunFolder(Path("out"), "m", "d")
    folder.add_metrics(RESULT)
    folder.add_metrics(RESULT)
    table = pd.read_csv("out/metrics.csv")
    assert len(table) == 2
    assert table.iloc[1].to_dict() == RESULT.__dict__


def test_a_file_is_whole_or_not_there() -> None:
    folder = RunFolder(Path("out"), "m", "d")
    folder.write_json("summary.json", {"path": Path("x"), "number": 1})
    assert json.loads(Path("out/summary.json").read_text()) == {"path": "x", "number": 1}

    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError

    with pytest.raises(OSError), folder.replacing("summary.json") as path:  # noqa: PT011 - ours
        fail(path)
    assert json.loads(Path("out/summary.json").read_text())["number"] == 1
    assert [path.name for path in Path("out").iterdir()] == ["summary.json"]


class TestCheck:
    def test_lets_what_loses_nothing_pass(self) -> None:
        Path("empty").mkdir()
        run_folder.check(None, overwrite=False)
        run_folder.check(Path("new/deep"), overwrite=False)
        run_folder.check(Path("empty"), overwrite=False)
        assert not Path("new").exists()

    def test_refuses_a_run_unless_told_to_overwrite(self) -> None:
        RunFolder(Path("out"), "m", "d").write_json("config.json", {})
        with pytest.raises(UsageError, match=r"'out' holds a run: .* --overwrite"):
            run_folder.check(Path("out"), overwrite=False)
        run_folder.check(Path("out"), overwrite=True)

    @pytest.mark.parametrize("overwrite", [False, True])
    def test_refuses_what_is_no_run(self, overwrite: bool) -> None:
        Path("home").mkdir()
        Path("home/letter.txt").write_text("dear")
        with pytest.raises(UsageError, match="holds other things than a run"):
            run_folder.check(Path("home"), overwrite)
        for path in (Path("home/letter.txt"), Path("home/letter.txt/deeper")):
            with pytest.raises(UsageError, match=r"since '.*letter.txt' is a file"):
                run_folder.check(path, overwrite)

    @pytest.mark.parametrize("out", [None, Path("out"), Path("out/deep")])
    def test_refuses_what_cannot_be_written_to(
        self, out: Path | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("os.access", lambda *_: False)  # root may write everywhere
        with pytest.raises(KerazooError, match="cannot be written to: name another folder"):
            run_folder.check(out, overwrite=False)


def test_overwriting_removes_the_files_of_the_run_and_no_others() -> None:
    out = Path("out")
    RunFolder(out, "m", "d")
    (out / "tensorboard" / "train").mkdir(parents=True)
    for name in (*FILES, "notes.txt"):
        (out / name).write_text("old")
    RunFolder(out, "m", "d")
    assert [path.name for path in out.iterdir()] == ["notes.txt"]
