"""Checkpoints against cuts, bit flips and a full disk."""

import errno
import hashlib
import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from kerazoo.errors import CorruptFileError
from kerazoo.training import checkpoints
from kerazoo.training.checkpoints import Checkpoints, State

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


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", '{"arrays.npz": 1}', "\xff"])
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
    ],
)
def test_what_verifies_and_makes_no_sense_is_skipped(
    tmp_path: Path, name: str, content: bytes
) -> None:
    saved(tmp_path, 1, 2)
    folder = tmp_path / "epoch-000002-step-000000000"
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest[name] = hashlib.sha256(content).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
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
        found.remove()


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

        monkeypatch.setattr(checkpoints, "flush", flush)
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
        patch.setattr(checkpoints, "flush", flush)
        with pytest.raises(OSError, match="Input/output"):
            found.save(3, 0, state(3))
    assert newest(tmp_path / "c") == (3, [])
    found.save(4, 0, state(4))
    assert newest(tmp_path / "c") == (4, [])
    assert len(list((tmp_path / "c").iterdir())) == 2


def test_what_a_killed_process_left_half_written_goes(tmp_path: Path) -> None:
    found = saved(tmp_path, 1)
    (tmp_path / ".new-epoch-000002-step-000000000").mkdir()
    (tmp_path / ".new-epoch-000002-step-000000000/arrays.npz").write_bytes(b"half")
    assert newest(tmp_path) == (1, [])
    found.save(3, 0, state(3))
    assert len(list(tmp_path.iterdir())) == 2


def test_files_of_others_are_left_alone_and_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    found = saved(folder, 1)
    shutil.copytree(folder / "epoch-000001-step-000000000", folder / "epoch-best")
    (folder / "mine").mkdir()
    found.save(2, 0, state(2))
    assert newest(folder) == (2, [])
    found.remove()
    assert sorted(path.name for path in folder.iterdir()) == ["epoch-best", "mine"]


def test_checkpoints_after_a_link_are_removed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "c").symlink_to(tmp_path / "elsewhere")
    saved(tmp_path / "c", 1, 2).remove()
    assert list((tmp_path / "elsewhere").iterdir()) == []


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
