"""A number or formula of the study notes, and whether it holds."""

import math
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

from kerazoo.values import plain


@dataclass(frozen=True)
class Rule:
    """How a stated value may differ from the exact one and still hold.

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
    return Rule(text, lambda stated, exact: stated == round(exact, number))


def digits(number: int) -> Rule:
    """Return the rule that a value is rounded to `number` significant digits."""

    def agrees(stated: float, exact: float) -> bool:
        return stated == round(exact, number - 1 - math.floor(math.log10(abs(exact))))

    return Rule(f"to {number} significant digit{'s' if number > 1 else ''}", agrees)


@dataclass(frozen=True)
class Claim:
    """A value that the notes state, and the one that kerazoo computes.

    A formula is stated as a list: its values for some cases.

    Attributes:
        line: Line of the document.
        what: What the number or formula is.
        stated: The value that the notes give.
        recomputed: The value that a model, layer or function of kerazoo gives.
        printed: What the notes print, where that is not the value itself, such as a formula.
        rule: How the stated value may differ and still hold.
        erratum: Why the notes are wrong here.
        right: Where they are wrong, the value that must come out.
    """

    line: int
    what: str
    stated: Any
    recomputed: Any
    _: KW_ONLY
    printed: str = ""
    rule: Rule | None = None
    erratum: str = ""
    right: Any = None


class Setting(Claim):
    """A claim whose value is read from the settings of a model, layer or recipe."""


Claims = Iterator[Claim]
Sections = tuple[Callable[[], Claims], ...]


class Row(NamedTuple):
    """A row of the ledger: a claim and its verdict; README.md explains the columns.

    Attributes:
        verdict: "confirmed", "setting", "rounded", "erratum" or "FAILED".
        note: The rule by which it holds, or the reason of the erratum.
    """

    document: str
    line: int
    claim: str
    stated: Any
    recomputed: Any
    verdict: str
    note: str


def check(document: str, claim: Claim) -> Row:
    """Compare the two values of a claim.

    A claim fails where the values differ and no rule allows it. One that is marked as an erratum
    also fails where the notes are right after all, or where `right` does not come out.
    """
    stated, recomputed = plain(claim.stated), plain(claim.recomputed)
    same = stated == recomputed
    verdict, note = "FAILED", ""
    if claim.erratum:
        note = claim.erratum
        verdict = "erratum" if not same and recomputed == plain(claim.right) else "FAILED"
    elif same:
        verdict = "setting" if isinstance(claim, Setting) else "confirmed"
    elif claim.rule and claim.rule.agrees(stated, recomputed):
        verdict, note = claim.rule.verdict, claim.rule.text
    shown = claim.printed or stated
    return Row(document, claim.line, claim.what, shown, recomputed, verdict, note)
