"""The summary of a run."""

import logging

import pytest

from kerazoo.training import run


def test_of_many_classes_the_lowest_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    run._log_by_class({f"c{number}": number / 100 for number in range(20)} | {"none": None})
    lowest = ", ".join(f"c{number} {number / 100:.4f}" for number in range(run.SHOWN_CLASSES))
    assert caplog.messages == [f"test accuracy by class, the lowest: {lowest}"]
