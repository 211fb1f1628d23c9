import errno
import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from kerazoo.data import idx
from kerazoo.errors import CorruptFileError
from tests.helpers import fuzz

ELEMENTS = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
WHOLE = struct.pack(">4B3I", 0, 0, 8, 3, 2, 3, 4) + bytes(range(24))
PACKED = gzip.compress(WHOLE, mtime=0)


@pytest.mark.parametrize("content", [WHOLE, PACKED])
def test_the_elements_have_the_shape_in_the_header(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(content)
    np.testing.assert_array_equal(idx.read(tmp_path / "x"), ELEMENTS)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        WHOLE[:-1],
        WHOLE + b"x",
        WHOLE[:10],
        b"\0\0\x0d" + WHOLE[3:],  # floats
        b"\0\0\x08\0x",  # no axis
        struct.pack(">4B3I", 0, 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1),
        struct.pack(">4B4I", 0, 0, 8, 4, 2**32 - 1, 2**32 - 1, 2**32 - 1, 0),
        struct.pack(">4B255Ix", 0, 0, 8, 255, *[1] * 255),
        PACKED[:-9],
        PACKED + b"more",
    ],
)
def test_a_file_of_another_size_or_kind_is_damaged(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(content)
    message = r"x' is damaged: it is not an IDX file of bytes, is incomplete, .*; replace"
    with pytest.raises(CorruptFileError, match=message):
        idx.read(tmp_path / "x")


@pytest.mark.parametrize("content", [WHOLE, PACKED])
def test_no_more_than_the_maximum_is_read(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").write_bytes(content)
    monkeypatch.setattr(idx, "MAX_SIZE", len(WHOLE) - 1)
    with pytest.raises(CorruptFileError, match=f"has more than {len(WHOLE) - 1} bytes"):
        idx.read(tmp_path / "x")


def test_what_is_no_damage_is_reported_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    (tmp_path / "x").write_bytes(WHOLE)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(PermissionError):
        idx.read(tmp_path / "x")


@pytest.mark.parametrize("count", fuzz.COUNTS)
def test_mutated_files_are_refused(count: int, tmp_path: Path) -> None:
    def read(content: bytes) -> None:
        (tmp_path / "x").write_bytes(content)
        idx.read(tmp_path / "x")

    fuzz.check(read, [WHOLE, PACKED], count)
