"""A number or formula of the study notes, and whether it holds."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

from kerazoo.documents.rules import Rule


@dataclass(frozen=True)
class Claim:
    """What the notes state at one place, and what kerazoo computes for it.

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
        setting: Whether the value is read from the settings of a model or recipe.
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
    setting: bool = False


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
        verdict = "setting" if claim.setting else "confirmed"
    elif claim.rule and claim.rule.agrees(stated, recomputed):
        verdict, note = claim.rule.verdict, claim.rule.text
    shown = claim.printed or stated
    return Row(document, claim.line, claim.what, shown, recomputed, verdict, note)


def plain(value: Any) -> Any:
    """Return a value with tuples for lists and Python numbers for NumPy's."""
    if isinstance(value, list | tuple):
        return tuple(map(plain, value))
    if isinstance(value, set):
        return set(map(plain, value))
    return value.item() if hasattr(value, "item") else value
