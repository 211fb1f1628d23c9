"""Files that are read, and files that are replaced."""

import contextlib
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kerazoo import files
from kerazoo.errors import CorruptFileError, KerazooError, UsageError
from kerazoo.training.run_folder import RunFolder
from kerazoo.weights import checkpoint_writer


@pytest.fixture
def kinds(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("content")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "dangling").symlink_to("nothing")
    (tmp_path / "loop").symlink_to("loop")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "there is no file"),
        ("file/inside", "there is no file"),
        ("dangling", "there is no file"),
        ("folder", "is a directory, not a file"),
        ("pipe", "is a pipe or a device, not a file"),
        ("/dev/zero", "is a pipe or a device, not a file"),
        ("loop", "no file can have the path"),
        ("a" * 300, "no file can have the path"),
        ("a\0b", "no file can have the path"),
    ],
)
def test_only_regular_files_are_read(kinds: Path, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        files.read_bytes(kinds / name)


def test_a_link_of_the_user_is_followed(kinds: Path) -> None:
    assert files.read_bytes(kinds / "link") == b"content"


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(6 * 2**40)
    for read in (files.read_bytes, files.read_json):
        with pytest.raises(
            CorruptFileError, match=r"sparse' is larger than 67.1 MB: it is damaged"
        ):
            read(path)
    path.write_bytes(b"12345")
    assert files.read_bytes(path, 5) == b"12345"
    assert files.read_json(path, 5) == 12345
    for small in (files.read_bytes, files.read_json):
        with pytest.raises(CorruptFileError, match="larger than 4 B"):
            small(path, 4)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_not_damaged(kinds: Path) -> None:
    (kinds / "file").chmod(0)
    with pytest.raises(PermissionError):
        files.read_json(kinds / "file")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b"1" * 10_000])
def test_json_that_is_not_json_is_damaged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(CorruptFileError, match=re.escape(f"'{path}' is damaged")):
        files.read_json(path)


@pytest.mark.parametrize("name", ["folder", "pipe", "/dev/null", "a" * 300])
def test_a_file_is_not_written_in_place_of_something_else(kinds: Path, name: str) -> None:
    with pytest.raises(UsageError):
        files.check_target(kinds / name)


def test_a_file_needs_a_directory_that_can_be_written_to(
    kinds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.check_target(kinds / "new")
    files.check_target(kinds / "file")
    with pytest.raises(KerazooError, match="does not exist: create it first"):
        files.check_target(kinds / "nowhere" / "new")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(KerazooError, match="cannot be written to: make it writable"):
        files.check_target(kinds / "new")


def test_a_file_is_replaced_as_a_whole_or_not_at_all(kinds: Path) -> None:
    with contextlib.suppress(KeyError), files.replacing(kinds / "file") as path:
        path.write_text("half")
        raise KeyError
    assert (kinds / "file").read_text() == "content"
    with files.replacing(kinds / "file") as path:
        assert (kinds / "file").read_text() == "content"
        assert path.parent.stat().st_mode & 0o777 == 0o700
        path.write_text(json.dumps("new"))
    assert files.read_json(kinds / "file") == "new"
    assert not list(kinds.glob(".*"))


def test_a_link_is_replaced_and_what_it_names_is_not(kinds: Path) -> None:
    with files.replacing(kinds / "link") as path:
        path.write_text("new")
    assert not (kinds / "link").is_symlink()
    assert ((kinds / "link").read_text(), (kinds / "file").read_text()) == ("new", "content")


def test_what_a_kill_leaves_is_removed_and_links_are_not_followed(kinds: Path) -> None:
    (kinds / f"{files.UNFINISHED}one").mkdir()
    (kinds / f"{files.UNFINISHED}one" / "half").write_text("half")
    (kinds / f"{files.UNFINISHED}two").symlink_to("folder")
    (kinds / "folder" / "mine").write_text("mine")
    files.remove_unfinished(kinds, files.UNFINISHED)
    assert not list(kinds.glob(".*"))
    assert (kinds / "folder" / "mine").read_text() == "mine"


def test_a_directory_is_locked_once(tmp_path: Path) -> None:
    for _ in range(2):
        with files.locked(tmp_path), pytest.raises(UsageError, match="a run is in progress"):
            files.locked(tmp_path).__enter__()


def test_without_locks_and_directories_that_can_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows."""
    whole = os.open

    def refuse_directories(path: str, *arguments: Any, **options: Any) -> int:
        if Path(path).is_dir():
            raise PermissionError(path)
        return whole(path, *arguments, **options)

    for module in (files, checkpoint_writer):
        monkeypatch.setattr(module, "POSIX", False)
    monkeypatch.setattr(os, "open", refuse_directories)
    monkeypatch.setattr("shutil._use_fd_functions", False)
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with RunFolder.begin(tmp_path / "new" / "run", False, "m", "d") as folder:
        folder.write_json("config.json", {})
        folder.commit()
    assert files.read_json(tmp_path / "new" / "run" / "config.json") == {}
    with checkpoint_writer.replacing(tmp_path / "x") as path:
        checkpoint_writer.write(path, {"a": np.zeros(2)})
    assert sorted(path.name for path in tmp_path.glob("x*")) == ["x.data-00000-of-00001", "x.index"]
