"""How a claim is judged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from kerazoo.documents import accuracy, rules
from kerazoo.documents.claim import Claim, check, formula
from kerazoo.documents.live import Live


def verdict(value: Any, stated: Any, **options: Any) -> str:
    return check(
        "document", Claim(1, "text", stated, lambda live: value, **options), Live()
    ).verdict


@pytest.mark.parametrize(
    ("value", "stated", "options", "expected"),
    [
        (5, 5, {}, "confirmed"),
        (np.int64(5), 5, {}, "confirmed"),
        ((np.int64(5), 3), (5, 3), {}, "confirmed"),
        (5, 6, {}, "FAILED"),
        (150_528, 150_000, {"rule": rules.digits(2)}, "rounded"),
        (150_528, 151_000, {"rule": rules.digits(2)}, "FAILED"),
        (150_000, 150_000, {"rule": rules.digits(2)}, "confirmed"),
        (138_357_544, 138_000_000, {"rule": rules.MILLIONS}, "rounded"),
        (138_600_000, 138_000_000, {"rule": rules.MILLIONS}, "FAILED"),
        (16.9412, 16.94, {"rule": rules.TWO_DECIMALS}, "rounded"),
        (16.9512, 16.94, {"rule": rules.TWO_DECIMALS}, "FAILED"),
        (1e-14, 0, {"rule": rules.DIFFERENCE}, "confirmed"),
        (1e-11, 0, {"rule": rules.DIFFERENCE}, "FAILED"),
        (7, 4, {"erratum": "reason", "right": 7}, "erratum"),
        (8, 4, {"erratum": "reason", "right": 7}, "FAILED"),
        (4, 4, {"erratum": "reason", "right": 4}, "FAILED"),
    ],
)
def test_verdicts(value: Any, stated: Any, options: dict[str, Any], expected: str) -> None:
    assert verdict(value, stated, **options) == expected


def test_a_formula_is_held_against_every_case() -> None:
    claim = formula(1, "double", "2n", lambda n: 2 * n, lambda live, n: n + n, [(1,), (4,)])
    found = check("document", claim, Live())
    assert (found.verdict, found.stated, found.recomputed) == ("confirmed", "2n", (2, 8))
    wrong = formula(1, "square", "2n", lambda n: 2 * n, lambda live, n: n * n, [(2,), (3,)])
    assert check("document", wrong, Live()).verdict == "FAILED"


def run(test: list[float], batch: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"test_accuracy": test, "train_accuracy": batch})


def test_the_accuracies_hold_for_a_run_like_theirs_and_not_for_a_worse_one() -> None:
    batch, test = (list(column) for column in zip(*accuracy.STATED, strict=True))
    like = run([value + 0.001 for value in test], [0.99] * 10)
    assert {check("d", claim, Live()).verdict for claim in accuracy.claims(like)} == {"confirmed"}
    worse = run([value - 0.01 for value in test], batch)
    found = [check("d", claim, Live()) for claim in accuracy.claims(worse)]
    assert [finding.verdict for finding in found] == ["confirmed", "FAILED"] * 10
    assert [finding.line for finding in found[::2]] == list(range(318, 328))
