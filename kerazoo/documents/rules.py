"""How a stated value may differ from the exact one and still hold."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rule:
    """A way to agree without being equal.

    Attributes:
        text: The rule in words, for the table.
        agrees: Whether a stated value goes with an exact one.
        verdict: What such a claim is called.
    """

    text: str
    agrees: Callable[[Any, Any], bool]
    verdict: str = "rounded"


def digits(number: int) -> Rule:
    """Return the rule that a value is written with so many digits that are not zero."""

    def agrees(stated: float, exact: float) -> bool:
        return stated == round(exact, number - 1 - math.floor(math.log10(abs(exact))))

    return Rule(f"to {number} digit{'s' if number > 1 else ''}", agrees)


MILLIONS = Rule("to whole millions", lambda stated, exact: stated == round(exact / 10**6) * 10**6)
TWO_DECIMALS = Rule("to two decimals", lambda stated, exact: stated == round(exact, 2))
DIFFERENCE = Rule(
    "largest difference of formula and gradient below 1e-12",
    lambda stated, exact: abs(stated - exact) < 1e-12,
    "confirmed",
)


def share_of(images: int) -> Rule:
    """Return the rule that two shares of as many images differ by chance alone.

    They do if the difference is at most three of its standard errors, with the mean of both as the
    true share.
    """

    def agrees(stated: float, found: float) -> bool:
        share = (stated + found) / 2
        return abs(stated - found) <= 3 * math.sqrt(2 * share * (1 - share) / images)

    return Rule(f"another random run: within 3 standard errors of {images:,}", agrees, "confirmed")
