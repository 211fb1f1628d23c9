"""Checkpoints against cuts, bit flips and a full disk."""

import contextlib
import errno
import hashlib
import io
import json
import os
import random
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kerazoo import files
from kerazoo.errors import CorruptFileError
from kerazoo.files import UNFINISHED_RUN
from kerazoo.training import checkpoints
from kerazoo.training.checkpoints import Checkpoints, State
from tests.helpers import fuzz

FILES = ("arrays.npz", "record.json", "manifest.json")


def state(number: int) -> State:
    arrays: dict[str, np.ndarray] = {
        "model/0/kernel": np.full((3, 4), number, np.float32),
        "random/0/seed": np.array([number, 2**32 - 1], np.uint32),
        "optimizer/0/iteration": np.array(number, np.int64),
    }
    return State(arrays, {"position": {"epoch": number, "loss": 0.1 + number}})


def saved(folder: Path, *numbers: int) -> Checkpoints:
    found = Checkpoints(folder)
    for number in numbers:
        found.save(number, 0, state(number))
    return found


def newest(folder: Path) -> tuple[int, list[str]]:
    """Return the number of the state that a new process finds, and the warnings."""
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints.logger, "warning", lambda text, *args: lines.append(text % args))
        found = Checkpoints(folder).newest()
    assert found is not None
    number = int(found.arrays["optimizer/0/iteration"])
    for name, array in state(number).arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)
        assert found.arrays[name].dtype == array.dtype
    assert found.record == state(number).record
    return number, lines


def test_what_was_saved_last_comes_back(tmp_path: Path) -> None:
    saved(tmp_path / "c", 1, 2)
    assert newest(tmp_path / "c") == (2, [])


def test_two_are_kept(tmp_path: Path) -> None:
    saved(tmp_path, *range(12))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["epoch-000010-step-000000000", "epoch-000011-step-000000000"]


def test_none_was_saved(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path / "c").newest() is None


@pytest.mark.parametrize("name", FILES)
def test_one_cut_short_at_random_bytes_is_skipped(tmp_path: Path, name: str) -> None:
    saved(tmp_path, 1, 2)
    file = tmp_path / "epoch-000002-step-000000000" / name
    whole = file.read_bytes()
    rng = random.Random(0)
    for length in [0, *rng.sample(range(1, len(whole) - 1), 20)]:
        file.write_bytes(whole[:length])
        number, lines = newest(tmp_path)
        assert number == 1
        assert len(lines) == 1
        assert "epoch-000002-step-000000000' is skipped: " in lines[0]


@pytest.mark.parametrize("name", FILES[:2])
def test_a_flipped_bit_is_found(tmp_path: Path, name: str) -> None:
    saved(tmp_path, 1, 2)
    file = tmp_path / "epoch-000002-step-000000000" / name
    whole = file.read_bytes()
    rng = random.Random(0)
    for position in rng.sample(range(len(whole)), 30):
        flipped = bytearray(whole)
        flipped[position] ^= 1 << rng.randrange(8)
        file.write_bytes(flipped)
        assert newest(tmp_path)[0] == 1


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "null", '{"arrays.npz": 1}', "\xff", "[" * 100_000]
)
def test_a_manifest_of_nothing_is_skipped(tmp_path: Path, content: str) -> None:
    saved(tmp_path, 1, 2)
    path = tmp_path / "epoch-000002-step-000000000/manifest.json"
    path.write_text(content, encoding="latin-1")
    assert newest(tmp_path)[0] == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("arrays.npz", b""),
        ("arrays.npz", b"PK\x03\x04junk"),
        ("arrays.npz", b"junk"),
        ("record.json", b"[]"),
        ("record.json", b"\xff"),
        ("record.json", b"[" * 100_000),
    ],
)
def test_what_verifies_and_makes_no_sense_is_skipped(
    tmp_path: Path, name: str, content: bytes
) -> None:
    saved(tmp_path, 1, 2)
    folder = tmp_path / "epoch-000002-step-000000000"
    resigned(folder, name, content)
    assert newest(tmp_path)[0] == 1


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_place_of_a_file_is_skipped(tmp_path: Path, name: str) -> None:
    saved(tmp_path, 1, 2)
    file = tmp_path / "epoch-000002-step-000000000" / name
    file.unlink()
    file.mkdir()
    assert newest(tmp_path)[0] == 1


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_skipped(tmp_path: Path, name: str) -> None:
    saved(tmp_path, 1, 2)
    (tmp_path / "epoch-000002-step-000000000" / name).unlink()
    assert newest(tmp_path)[0] == 1


def test_none_that_verifies_is_an_error_that_changes_nothing(tmp_path: Path) -> None:
    saved(tmp_path, 1, 2)
    for path in tmp_path.iterdir():
        (path / "record.json").write_text("{}")
    with pytest.raises(CorruptFileError, match="all checkpoints in"):
        Checkpoints(tmp_path).newest()
    assert len(list(tmp_path.iterdir())) == 2


def test_the_good_one_outlives_the_damaged_one(tmp_path: Path) -> None:
    """What was damaged is replaced by the same place saved anew, or goes with the next one."""
    for next_one in (2, 3):
        saved(tmp_path, 1, 2)
        (tmp_path / "epoch-000002-step-000000000/arrays.npz").write_bytes(b"")
        found = Checkpoints(tmp_path)
        assert found.newest()
        found.save(next_one, 0, state(next_one))
        names = sorted(path.name for path in tmp_path.iterdir())
        assert names == [f"epoch-00000{each}-step-000000000" for each in (1, next_one)]
        assert newest(tmp_path) == (next_one, [])
        found.keep_last()
        assert [path.name for path in tmp_path.iterdir()] == names[1:]
        shutil.rmtree(tmp_path / names[1])


def test_one_that_the_disk_cannot_read_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path, 1, 2)
    whole = checkpoints._sha256

    def read(path: Path) -> str:
        if path.parent.name == "epoch-000002-step-000000000":
            raise error
        return whole(path)

    monkeypatch.setattr(checkpoints, "_sha256", read)
    error = OSError(errno.EIO, "Input/output error")
    assert newest(tmp_path)[0] == 1
    error = PermissionError(errno.EACCES, "Permission denied")
    with pytest.raises(PermissionError):
        newest(tmp_path)


@pytest.mark.parametrize("kept", [(), (1, 2)])
def test_a_full_disk_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: tuple[int, ...]
) -> None:
    folder = tmp_path / "c"
    found = saved(folder, *kept)
    before = sorted(path.name for path in folder.glob("*"))
    for fails_at in range(4):
        calls = 0

        def flush(path: Path) -> None:
            nonlocal calls
            calls += 1
            if calls > fails_at:  # noqa: B023 - used within the round alone
                raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(files, "flush", flush)
        with pytest.raises(OSError, match="No space left"):
            found.save(3, 0, state(3))
        assert sorted(path.name for path in folder.glob("*")) == before
        assert folder.exists() == bool(kept)
    monkeypatch.undo()
    if kept:
        assert newest(folder) == (2, [])
    found.save(3, 0, state(3))
    assert newest(folder) == (3, [])


@pytest.mark.parametrize("fails_at", [4, 5])
def test_a_flush_that_fails_when_it_is_in_its_place_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    found, left = saved(tmp_path / "c", 1, 2), iter(range(fails_at))

    def flush(path: Path) -> None:
        if next(left, None) is None:
            raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(files, "flush", flush)
        with pytest.raises(OSError, match="Input/output"):
            found.save(3, 0, state(3))
    assert newest(tmp_path / "c") == (3, [])
    found.save(4, 0, state(4))
    assert newest(tmp_path / "c") == (4, [])
    assert len(list((tmp_path / "c").iterdir())) == 2


def test_what_a_killed_process_left_half_written_goes(tmp_path: Path) -> None:
    found = saved(tmp_path, 1)
    left = tmp_path / f"{UNFINISHED_RUN}abc/epoch-000002-step-000000000"
    left.mkdir(parents=True)
    (left / "arrays.npz").write_bytes(b"half")
    assert newest(tmp_path) == (1, [])
    found.save(3, 0, state(3))
    assert len(list(tmp_path.iterdir())) == 2


def test_a_checkpoint_is_written_in_a_directory_of_a_random_name_that_nobody_else_can_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Path] = []
    write = checkpoints._write

    def look(folder: Path, state: State) -> None:
        seen.append(folder.parent)
        assert folder.parent.stat().st_mode & 0o777 == 0o700
        write(folder, state)

    monkeypatch.setattr(checkpoints, "_write", look)
    for name in ("c", "d"):
        saved(tmp_path / name, 1)
    assert seen[0].name != seen[1].name


def test_files_of_others_are_left_alone_and_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    found = saved(folder, 1)
    shutil.copytree(folder / "epoch-000001-step-000000000", folder / "epoch-best")
    (folder / "mine").mkdir()
    found.save(2, 0, state(2))
    assert newest(folder) == (2, [])
    found.keep_last()
    assert sorted(path.name for path in folder.iterdir()) == [
        "epoch-000002-step-000000000",
        "epoch-best",
        "mine",
    ]


def test_links_are_not_followed(tmp_path: Path) -> None:
    """Their checkpoints are another run's."""
    other = tmp_path / "other"
    saved(other, 1, 2)
    before = sorted(tmp_path.rglob("*"))
    (tmp_path / "c").symlink_to(other)
    with pytest.raises(CorruptFileError, match="c' is not a directory of checkpoints"):
        Checkpoints(tmp_path / "c").newest()
    with pytest.raises(CorruptFileError, match="c' is not a directory of checkpoints"):
        Checkpoints(tmp_path / "c").keep_last()
    (tmp_path / "c").unlink()
    found = saved(tmp_path / "d", 1)
    (tmp_path / "d/epoch-000009-step-000000000").symlink_to(other / "epoch-000002-step-000000000")
    assert newest(tmp_path / "d")[0] == 1
    found.save(3, 0, state(3))
    assert not list((tmp_path / "d").glob("epoch-000009*"))
    found.keep_last()
    shutil.rmtree(tmp_path / "d")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_regular_file_is_skipped(tmp_path: Path, name: str) -> None:
    saved(tmp_path, 1, 2)
    path = tmp_path / "epoch-000002-step-000000000" / name
    copy = path.rename(tmp_path / "copy")
    path.symlink_to(copy)
    assert newest(tmp_path)[0] == 1
    path.unlink()
    os.mkfifo(path)
    assert newest(tmp_path)[0] == 1


def test_checkpoints_that_cannot_be_listed_are_not_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path, 1)

    def fail(_: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "iterdir", fail)
    with pytest.raises(PermissionError):
        Checkpoints(tmp_path).newest()


def test_a_kill_while_all_but_the_last_are_removed_leaves_it_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        pass

    for steps in range(100):
        found, left = saved(tmp_path / "c", 1, 2), iter(range(steps))

        def counted(do: Any, left: Iterator[int] = left) -> Any:
            def run(*arguments: Any, **options: Any) -> Any:
                if next(left, None) is None:
                    raise KilledError
                return do(*arguments, **options)

            return run

        with monkeypatch.context() as patch, contextlib.suppress(KilledError):
            for name in ("unlink", "rmdir", "rename"):
                patch.setattr(os, name, counted(getattr(os, name)))
            patch.setattr(Path, "replace", counted(Path.replace))
            found.keep_last()
            break
        assert newest(tmp_path / "c") == (2, [])
        Checkpoints(tmp_path / "c").keep_last()
        assert [each.name for each in (tmp_path / "c").iterdir()] == ["epoch-000002-step-000000000"]
        shutil.rmtree(tmp_path / "c")
    assert steps > 4


def resigned(folder: Path, name: str, content: bytes) -> None:
    """Put another content into a file of a checkpoint, with its sha256 in the manifest."""
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest[name] = hashlib.sha256(content).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def archive(header: bytes, **options: Any) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", **options) as file:
        file.writestr("a.npy", header)
    return content.getvalue()


def npy(shape: tuple[int, ...], size: int) -> bytes:
    content = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(content, header)
    return content.getvalue() + bytes(size)


@pytest.mark.parametrize(
    "content",
    [
        archive(npy((10**12,), 4)),
        archive(npy((-1,), 4)),
        archive(npy((10**6,), 4 * 10**6), compression=zipfile.ZIP_DEFLATED),
        archive(npy((1,), 4)).replace(b"descr", b"\xff\xffscr"),
    ],
)
def test_arrays_that_are_declared_larger_than_they_are_are_skipped(
    tmp_path: Path, content: bytes
) -> None:
    saved(tmp_path, 1, 2)
    resigned(tmp_path / "epoch-000002-step-000000000", "arrays.npz", content)
    assert newest(tmp_path)[0] == 1


@pytest.mark.parametrize("count", fuzz.COUNTS)
@pytest.mark.parametrize("name", FILES)
def test_mutated_files_are_skipped(
    tmp_path: Path, name: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where their sha256 is right."""
    saved(tmp_path, 1)
    folder = tmp_path / "epoch-000001-step-000000000"
    monkeypatch.setattr(checkpoints.logger, "warning", lambda *_: None)

    def read(content: bytes) -> object:
        if name == "manifest.json":
            (folder / name).write_bytes(content)
        else:
            resigned(folder, name, content)
        return Checkpoints(tmp_path).newest()

    fuzz.check(read, [(folder / name).read_bytes()], count)


def test_the_manifest_is_sha256_by_anyone(tmp_path: Path) -> None:
    saved(tmp_path, 1)
    (folder,) = tmp_path.iterdir()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest == {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES[:2]
    }


def test_arrays_are_read_without_pickle(tmp_path: Path) -> None:
    """A pickled array is passed over, though its sha256 is right."""
    saved(tmp_path, 1, 2)
    folder = tmp_path / "epoch-000002-step-000000000"
    np.savez(folder / "arrays.npz", a=np.array([{}], object))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["arrays.npz"] = hashlib.sha256((folder / "arrays.npz").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert newest(tmp_path)[0] == 1
