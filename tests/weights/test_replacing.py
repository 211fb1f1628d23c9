"""An export replaces what is there in one step: by kills at every event, and by two at once."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo import files
from kerazoo.errors import KerazooError, UsageError
from kerazoo.weights import checkpoint_writer, export_weights, load_weights
from tests.helpers import thin
from tests.helpers.file_events import ended_at, ends, kill
from tests.helpers.processes import Process

OLD, NEW = 1.0, 2.0
# Of each format: a model, its options, and a name.
FORMATS: dict[str, tuple[str, dict[str, Any], str]] = {
    "tf1": ("mnist_cnn", {}, "x.ckpt"),
    "slim": ("vgg11", {"classes": 2}, "x.ckpt"),
    "keras_applications": ("vgg16", {"include_top": False}, "x.h5"),
    "keras": ("mnist_cnn", {}, "x.keras"),
}


def filled(format: str, value: float) -> keras.Model:
    name, options, _ = FORMATS[format]
    model = kerazoo.create_model(name, **options)
    for weight in model.weights:
        weight.assign(np.full(weight.shape, value))
    return model


def value_at(path: Path, format: str) -> float:
    """Return the value that all weights at a path have."""
    model = filled(format, 0.0)
    load_weights(model, path)
    (value,) = {float(each) for weight in model.weights for each in np.unique(weight)}
    return value


def assert_nothing_else(folder: Path) -> None:
    """Assert that a directory has a single file, or an index and as many data files as they say."""
    first, *others = sorted(path.name for path in folder.iterdir())
    count = int(first.rpartition("-")[2]) if others else 0
    data = [f"x.ckpt.data-{number:05}-of-{count:05}" for number in range(count)]
    assert others == [*data[1:], "x.ckpt.index"] * bool(count)


@pytest.mark.parametrize("format", FORMATS)
def test_killed_at_any_event_of_the_files_one_of_both_is_there(format: str, tmp_path: Path) -> None:
    path = tmp_path / FORMATS[format][2]
    old, new = filled(format, OLD), filled(format, NEW)
    left: list[float] = []
    while True:
        export_weights(old, path, format)
        killed = ends(lambda: export_weights(new, path, format), len(left))
        left.append(value_at(path, format))
        if not killed:
            break
    assert left == sorted(left), left  # the old one, and then the new one
    assert min(left.count(OLD), left.count(NEW)) >= 2
    files.remove_unfinished(tmp_path, files.UNFINISHED)
    export_weights(old, path, format)
    assert_nothing_else(tmp_path)


def export_until(number: int, format: str, path: Path) -> None:
    """Export, and be killed at the event of the files of this number."""
    with pytest.MonkeyPatch.context() as patch:
        thin.make_thin(patch)
        model = filled(format, NEW)
        with ended_at(number, kill):
            export_weights(model, path, format)


# 4 is when the new data files of a checkpoint are there, and its index is not.
@pytest.mark.parametrize(
    ("format", "numbers"),
    [("tf1", [4]), *(pytest.param(each, range(99), marks=pytest.mark.full) for each in FORMATS)],
)
def test_kill_9_leaves_one_of_both(format: str, numbers: list[int], tmp_path: Path) -> None:
    path, left = tmp_path / FORMATS[format][2], []
    for number in numbers:
        export_weights(filled(format, OLD), path, format)
        code = Process(export_until, number, format, path).ended().code
        left.append(value_at(path, format))
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert left == sorted(left), left
    if len(numbers) == 1:
        assert left == [OLD]
        assert (tmp_path / "x.ckpt.data-00001-of-00002").exists()
    else:
        assert left[-1] == NEW


def export_often(value: float, path: Path) -> None:
    model = filled("tf1", value)
    for _ in range(20):
        export_weights(model, path, "tf1")


def test_two_processes_that_export_to_one_path_leave_one_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    processes = [Process(export_often, value, path) for value in (OLD, NEW)]
    assert [each.ended().code for each in processes] == [0, 0]
    assert value_at(path, "tf1") in (OLD, NEW)
    assert_nothing_else(tmp_path)


def test_the_number_of_data_files_is_another_than_before(tmp_path: Path) -> None:
    path, model = tmp_path / "x.ckpt", filled("tf1", NEW)
    names = []
    for _ in range(3):
        export_weights(model, path, "tf1")
        names.append(sorted(each.name for each in tmp_path.iterdir()))
        assert value_at(path, "tf1") == NEW
    assert [len(each) for each in names] == [2, 3, 2]
    assert names[0] == names[2] == ["x.ckpt.data-00000-of-00001", "x.ckpt.index"]


def test_data_files_that_a_kill_has_left_are_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    export_weights(filled("tf1", OLD), path, "tf1")
    for count in range(2, 30):
        for number in range(count):
            path.with_name(f"x.ckpt.data-{number:05}-of-{count:05}").write_bytes(b"left")
    export_weights(filled("tf1", NEW), path, "tf1")
    assert value_at(path, "tf1") == NEW
    assert_nothing_else(tmp_path)


def test_a_damaged_checkpoint_is_replaced_too(tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    for name in ("x.ckpt.index", "x.ckpt.data-00000-of-00001"):
        (tmp_path / name).write_bytes(b"damaged")
    export_weights(filled("tf1", NEW), path, "tf1")
    assert value_at(path, "tf1") == NEW


def test_a_lock_that_a_kill_has_left_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / ".x.ckpt.lock").touch()
    export_weights(filled("tf1", NEW), tmp_path / "x.ckpt", "tf1")
    assert not (tmp_path / ".x.ckpt.lock").exists()


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / ".x.ckpt.lock").symlink_to(tmp_path / "mine")
    with pytest.raises(OSError, match=r"x.ckpt.lock"):
        export_weights(filled("tf1", NEW), tmp_path / "x.ckpt", "tf1")
    assert not (tmp_path / "mine").exists()


def test_a_data_file_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "x.ckpt.data-00000-of-00001").symlink_to("mine")
    export_weights(filled("tf1", NEW), tmp_path / "x.ckpt", "tf1")
    assert value_at(tmp_path / "x.ckpt", "tf1") == NEW
    assert (tmp_path / "mine").read_text() == "mine"
    assert not (tmp_path / "x.ckpt.data-00000-of-00001").is_symlink()


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("prepare", "name", "error", "match"),
    [
        (lambda _: None, "", UsageError, r"path must be that of a file; received ''"),
        (lambda path: path.mkdir(), None, UsageError, r"x\.\w+' is a directory, not a file"),
        (lambda path: os.mkfifo(path), None, UsageError, "is a pipe or a device, not a file"),
        (lambda _: None, "a" * 5000, UsageError, "no file can have the path"),
        (lambda _: None, "a\0b", UsageError, "no file can have the path"),
        (lambda _: None, "no/x", KerazooError, "the directory '.*no' does not exist: create it"),
    ],
)
def test_a_path_that_cannot_be_written_to_is_refused_at_once(
    prepare: Callable[[Path], object],
    name: str | None,
    error: type[KerazooError],
    match: str,
    format: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(FORMATS[format][2])
    prepare(path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(error, match=match) as caught:
        export_weights(filled(format, NEW), path if name is None else name, format)
    assert files.UNFINISHED not in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before


def test_an_index_that_is_a_directory_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "x.index").mkdir()
    with pytest.raises(UsageError, match=r"x\.index' is a directory, not a file"):
        export_weights(filled("tf1", NEW), tmp_path / "x", "tf1")
    assert len(list(tmp_path.iterdir())) == 1


def test_an_error_while_writing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_weights(filled("tf1", OLD), tmp_path / "x", "tf1")

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(checkpoint_writer, "_split", fail)
    with pytest.raises(OSError, match="the disk is full"):
        export_weights(filled("tf1", NEW), tmp_path / "x", "tf1")
    assert value_at(tmp_path / "x", "tf1") == OLD
    assert len(list(tmp_path.iterdir())) == 2
