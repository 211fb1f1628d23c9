"""The verdict on a claim."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from kerazoo.documents import accuracy
from kerazoo.documents.claim import Claim, Setting, check, decimals, digits
from kerazoo.documents.cnn_study.backward import difference

MILLIONS, HUNDREDTHS = decimals(-6, "to the nearest million"), decimals(2, "to two decimals")


@pytest.mark.parametrize(
    ("value", "stated", "options", "expected"),
    [
        (5, 5, {}, "confirmed"),
        (np.int64(5), 5, {}, "confirmed"),
        ((np.int64(5), 3), (5, 3), {}, "confirmed"),
        ([np.int64(5), [3]], (5, (3,)), {}, "confirmed"),
        ({np.int64(5)}, {5}, {}, "confirmed"),
        (5, 6, {}, "FAILED"),
        ([5, 6], [5, 7], {}, "FAILED"),
        (150_528, 150_000, {"rule": digits(2)}, "rounded"),
        (150_528, 151_000, {"rule": digits(2)}, "FAILED"),
        (150_000, 150_000, {"rule": digits(2)}, "confirmed"),
        (138_357_544, 138_000_000, {"rule": MILLIONS}, "rounded"),
        (138_600_000, 138_000_000, {"rule": MILLIONS}, "FAILED"),
        (16.9412, 16.94, {"rule": HUNDREDTHS}, "rounded"),
        (16.9512, 16.94, {"rule": HUNDREDTHS}, "FAILED"),
        (7, 4, {"erratum": "reason", "right": 7}, "erratum"),
        ([7, 8], [4, 8], {"erratum": "reason", "right": (7, 8)}, "erratum"),
        (8, 4, {"erratum": "reason", "right": 7}, "FAILED"),
        (4, 4, {"erratum": "reason", "right": 4}, "FAILED"),
    ],
)
def test_verdicts(value: Any, stated: Any, options: dict[str, Any], expected: str) -> None:
    assert check("document", Claim(1, "text", stated, value, **options)).verdict == expected


def test_a_setting_has_its_own_verdict() -> None:
    assert check("document", Setting(1, "text", 5, 5)).verdict == "setting"
    assert check("document", Setting(1, "text", 5, 6)).verdict == "FAILED"


def test_a_row_shows_what_the_notes_print_and_plain_values() -> None:
    row = check("document", Claim(1, "double", [2, 8], [np.int64(2), 8], printed="2n"))
    assert (row.stated, row.recomputed, row.note) == ("2n", (2, 8), "")
    row = check("document", Claim(1, "double", [2, 8], [2, 8]))
    assert row.stated == (2, 8)
    row = check("document", Claim(1, "half", 4, 7, erratum="not half", right=7))
    assert row.note == "not half"
    row = check("document", Claim(1, "about", 20, 19, rule=digits(1)))
    assert row.note == "to 1 significant digit"


def test_a_difference_above_rounding_is_seen() -> None:
    assert difference(np.array([1.0, 2.0]), [1.0, 2.0 + 1e-15]) == 0
    assert difference(np.array([1.0, 2.0]), [1.0, 2.0 + 1e-11]) > 0


def run(test: list[float], batch: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"test_accuracy": test, "last_batch_accuracy": batch})


def test_the_accuracies_hold_for_a_similar_run_and_not_for_a_worse_one() -> None:
    similar = run([value + 0.001 for value in accuracy.TEST], [0.99] * 10)
    assert {check("d", claim).verdict for claim in accuracy.claims(similar)} == {"confirmed"}
    worse = run([value - 0.01 for value in accuracy.TEST], list(accuracy.BATCH))
    rows = [check("d", claim) for claim in accuracy.claims(worse)]
    assert [row.verdict for row in rows] == ["confirmed", "FAILED"] * 10
    assert [row.line for row in rows[::2]] == list(range(318, 328))
