"""Mutated files, for readers that are to refuse them in a sentence, soon and in little memory."""

import random
import resource
import time
from collections.abc import Callable, Sequence

import pytest

from kerazoo.errors import KerazooError

COUNTS = [200, pytest.param(10_000, marks=pytest.mark.full)]  # mutated files for each reader
SECONDS, BYTES = 2, 10**9  # of the processor, and of memory, for one file

# What a parser may not expect in place of some bytes.
ODD = [bytes(4), b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"[" * 2000]
ODD += [b"-1", b"1e400", b"9" * 40, b"null", b"true", b'""', b"{}", b"NaN", "\u0663".encode()]


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Return a file with one to five changes: bits, bytes, numbers, cuts, copies of parts."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 5)):
        at, end = sorted(rng.randrange(len(changed) + 1) for _ in range(2))
        change = rng.choice(["bit", "bit", "byte", "byte", "odd", "odd", "cut", "drop", "copy"])
        if change == "bit" and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif change == "byte" and at < len(changed):
            changed[at] = rng.randrange(256)
        elif change == "odd":
            odd = rng.choice(ODD)
            changed[at : at + rng.choice([0, len(odd)])] = odd
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
    rng, before = random.Random(0), _peak()
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


def _peak() -> int:
    """Return the most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
