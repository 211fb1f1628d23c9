"""The limits that a reader of mutated files is held to."""

import numpy as np
import pytest

from tests.helpers import fuzz


def test_a_reader_that_takes_too_much_memory_is_found_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fuzz, "BYTES", 2**27)
    fuzz.check(len, [b"abc"], 2)
    for _ in range(2):
        with pytest.raises(AssertionError):
            fuzz.check(lambda _: np.ones(2**28, np.uint8).sum(), [b"abc"], 2)
