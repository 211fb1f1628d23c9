"""The windows of VALID and SAME against where TensorFlow's convolution reads."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kerazoo.demos.padding import compute, windows_along
from kerazoo.errors import UsageError

numbers = st.integers(1, 12)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(numbers, numbers, numbers, st.sampled_from(["same", "valid"]))
def test_windows_are_those_of_tensorflow(
    length: int, kernel: int, stride: int, padding: str
) -> None:
    if padding == "valid" and kernel > length:
        with pytest.raises(UsageError, match="does not fit"):
            windows_along(length, kernel, stride, padding)
        return
    shown = windows_along(length, kernel, stride, padding)
    # one output for each pixel, which is 1 alone: the kernel's element that reads it
    ones, weights = np.eye(length)[..., None], np.arange(1.0, kernel + 1)[:, None, None]
    read = tf.nn.conv1d(ones, weights, stride, padding.upper()).numpy()[..., 0].T
    assert len(shown.starts) == len(read)
    for start, by_pixel in zip(shown.starts, read, strict=True):
        expected = [i - start + 1 if 0 <= i - start < kernel else 0 for i in range(length)]
        assert by_pixel.tolist() == expected
    last = np.flatnonzero(read.any(axis=0)).max(initial=-1)
    assert shown.unread == (length - 1 - last if padding == "valid" else shown.unread)


def test_the_cases_that_are_drawn() -> None:
    counts = [(len(valid.starts), len(same.starts), same.zeros) for valid, same in compute()]
    assert counts == [
        (3, 5, (1, 1)),
        (3, 6, (1, 2)),
        (3, 4, (1, 1)),
        (2, 3, (0, 1)),
        (2, 3, (1, 2)),
    ]


@pytest.mark.parametrize("case", [(0, 3, 1), (5, 0, 1), (5, 3, 0)])
def test_numbers_below_one_are_refused(case: tuple[int, int, int]) -> None:
    with pytest.raises(UsageError, match="are at least 1"):
        windows_along(*case, "same")
