"""Mutated files, for readers that are to refuse them in a sentence, soon and in little memory."""

import gc
import random
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from kerazoo.errors import KerazooError

COUNTS = [200, pytest.param(10_000, marks=pytest.mark.full)]  # mutated files for each reader
SECONDS, BYTES = 2, 10**9  # of the processor, and of memory, for one file

# What a parser may not expect in place of some bytes.
UNEXPECTED = [
    bytes(4),
    b"\xff" * 4,
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\0\0\0\x80",
    b"[" * 2000,
    b"-1",
    b"1e400",
    b"9" * 40,
    b"null",
    b"true",
    b'""',
    b"{}",
    b"NaN",
    "\u0663".encode(),
]


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Return a file with one to five changes: bits, bytes, numbers, cuts, copies of parts."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 5)):
        at, end = sorted(rng.randrange(len(changed) + 1) for _ in range(2))
        change = rng.choice(
            ["bit", "bit", "byte", "byte", "number", "number", "cut", "drop", "copy"]
        )
        if change == "bit" and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif change == "byte" and at < len(changed):
            changed[at] = rng.randrange(256)
        elif change == "number":
            other = rng.choice(UNEXPECTED)
            changed[at : at + rng.choice([0, len(other)])] = other
        elif change == "cut":
            del changed[end:]
        elif change == "drop":
            del changed[at : min(end, at + 64)]
        elif change == "copy":
            changed[at:at] = changed[at : min(end, at + 64)]
    return bytes(changed)


def check(read: Callable[[bytes], object], originals: Sequence[bytes], count: int) -> None:
    """Assert that a reader takes mutated files or raises a KerazooError, within the limits."""
    for original in originals:
        read(original)
    rng, before = random.Random(0), _new_peak()
    for number in range(count):
        content = mutated(rng.choice(originals), rng)
        started, message = time.process_time(), ""
        try:
            read(content)
        except KerazooError as error:
            message = str(error)
        except BaseException as error:
            error.add_note(f"mutated file {number}: {content[:200]!r}")
            raise
        assert "\n" not in message, (number, message)
        assert time.process_time() - started < SECONDS, (number, content[:200])
    assert _peak() - before < BYTES


def _new_peak() -> int:
    """Return how much memory this process has, and let `_peak` begin with that."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    """Return the most memory that this process has had since `_new_peak`, in bytes."""
    (line,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(line) * 1024
