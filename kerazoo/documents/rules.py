"""How a stated value may differ from the exact one and still hold."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """A way to agree without being equal.

    Attributes:
        text: The rule in words, for the ledger.
        agrees: Whether a stated value agrees with an exact one.
        verdict: The verdict on such a claim.
    """

    text: str
    agrees: Callable[[float, float], bool]
    verdict: str = "rounded"


def decimals(number: int, text: str) -> Rule:
    """Return the rule that a value is rounded to `number` decimals, tens if it is -1."""

    def agrees(stated: float, exact: float) -> bool:
        return stated == round(exact, number)

    return Rule(text, agrees)


def digits(number: int) -> Rule:
    """Return the rule that a value is rounded to `number` significant digits."""

    def agrees(stated: float, exact: float) -> bool:
        return stated == round(exact, number - 1 - math.floor(math.log10(abs(exact))))

    return Rule(f"to {number} significant digit{'s' if number > 1 else ''}", agrees)


MILLIONS = decimals(-6, "to the nearest million")
TWO_DECIMALS = decimals(2, "to two decimals")


def accuracy_on(images: int) -> Rule:
    """Return the rule that two accuracies on `images` images differ by chance alone.

    They do if the difference is at most three of its standard errors, where the mean of both is
    taken for the true accuracy.
    """

    def agrees(stated: float, measured: float) -> bool:
        mean = (stated + measured) / 2
        return abs(stated - measured) <= 3 * math.sqrt(2 * mean * (1 - mean) / images)

    return Rule(f"another random run: within 3 standard errors of {images:,}", agrees, "confirmed")
