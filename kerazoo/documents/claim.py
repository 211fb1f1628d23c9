"""A number or formula of a study document, and whether it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kerazoo.documents.live import Live
from kerazoo.documents.rules import Rule


@dataclass(frozen=True)
class Claim:
    """What a document states at one place.

    Attributes:
        line: Line of the document.
        text: The claim in words of one's own.
        stated: The value that the document gives, or that its formula gives for some cases.
        compute: Recomputes it from a live model, layer or function of kerazoo.
        shown: What stands for the value in the table, such as the formula.
        rule: How the stated value may differ and still hold.
        erratum: Why the document is wrong there.
        right: Where it is wrong, the value that must come out.
    """

    line: int
    text: str
    stated: Any
    compute: Callable[[Live], Any]
    shown: str = ""
    rule: Rule | None = None
    erratum: str = ""
    right: Any = None


@dataclass(frozen=True)
class Finding:
    """A claim that was checked.

    Attributes:
        document: Name of the document.
        line: Line of the document.
        claim: The claim in words.
        stated: What the document states.
        recomputed: What came out.
        verdict: "confirmed", "rounded", "erratum" or "FAILED".
        note: The rule by which it holds, or the reason of the erratum.
    """

    document: str
    line: int
    claim: str
    stated: Any
    recomputed: Any
    verdict: str
    note: str


def formula(
    line: int,
    text: str,
    shown: str,
    stated: Callable[..., Any],
    compute: Callable[..., Any],
    cases: list[tuple[Any, ...]],
    **outcome: Any,
) -> Claim:
    """Return the claim that a formula of a document gives what a live layer gives.

    Args:
        line: Line of the document.
        text: What the formula is for.
        shown: The formula as the document has it.
        stated: The formula; takes a case.
        compute: Recomputes it; takes the live objects and a case.
        cases: Arguments to try.
        **outcome: `erratum` and `right`, as `Claim` has them.
    """
    return Claim(
        line,
        text,
        tuple(stated(*case) for case in cases),
        lambda live: tuple(compute(live, *case) for case in cases),
        shown,
        **outcome,
    )


def check(document: str, claim: Claim, live: Live) -> Finding:
    """Recompute a claim and compare.

    A claim fails where the values do not agree; one that is given as an erratum also where the
    document is right after all, or where the value that must come out does not.
    """
    value = _plain(claim.compute(live))
    same = value == claim.stated
    verdict, note = "confirmed" if same else "FAILED", ""
    if claim.erratum:
        verdict = "erratum" if not same and value == claim.right else "FAILED"
        note = claim.erratum
    elif claim.rule and not same and claim.rule.agrees(claim.stated, value):
        verdict, note = claim.rule.verdict, claim.rule.text
    stated = claim.shown or claim.stated
    return Finding(document, claim.line, claim.text, stated, value, verdict, note)


def _plain(value: Any) -> Any:
    """Return a value with Python's own numbers in the place of NumPy's."""
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return value.item() if hasattr(value, "item") else value
