"""The ledger for people and programs: terminal, CSV, Markdown."""

from __future__ import annotations

import textwrap
from typing import Any

import pandas as pd
from tabulate import tabulate

SHOWN = 28  # characters of a value in the terminal


def as_text(table: pd.DataFrame, width: int | None = None) -> str:
    """Return a line a row, then the errata with their reasons, then how many hold.

    Args:
        table: The ledger.
        width: Columns of the terminal; None for as many as it takes.
    """
    # a quarter of what place, verdict and gaps leave for each value, the rest for the claim
    room = 3 * SHOWN if width is None else width - 25
    value = min(SHOWN, room // 4)
    rows = pd.DataFrame(
        {
            "place": _places(table),
            "verdict": table.verdict,
            "claim": table.claim if width is None else _cut(table.claim, room - 2 * value),
            "stated": _cut(table.stated.map(_number), value),
            "recomputed": _cut(table.recomputed.map(_number), value),
        }
    )
    lines = tabulate(rows, headers="keys", tablefmt="plain", showindex=False, disable_numparse=True)
    told = [line[:width].rstrip() for line in lines.split("\n")]
    errata = table[table.verdict == "erratum"]
    reasons = [
        f"{place} {row.claim}: stated {_number(row.stated)}, "
        f"recomputed {_number(row.recomputed)}; {row.note}"
        for place, (_, row) in zip(_places(errata), errata.iterrows(), strict=True)
    ]
    return "\n".join(
        [*told, "", "errata:", *(_wrapped(line, width) for line in reasons), "", totals(table)]
    )


def totals(table: pd.DataFrame) -> str:
    """Return how many rows have which verdict."""
    counts = table.verdict.value_counts()
    return f"{len(table)} rows: " + ", ".join(f"{count} {word}" for word, count in counts.items())


def as_csv(table: pd.DataFrame) -> str:
    """Return comma-separated values."""
    return table.map(_text).to_csv(index=False, lineterminator="\n").rstrip()


def as_markdown(table: pd.DataFrame) -> str:
    """Return a table in Markdown, and how many rows hold."""
    rows = table.map(_text).map(lambda text: text.replace("|", "\\|"))
    text = tabulate(rows, headers="keys", tablefmt="pipe", showindex=False, disable_numparse=True)
    return f"{text}\n\n{totals(table)}"


def _places(table: pd.DataFrame) -> pd.Series:
    return table.document.str.slice(0, 3) + ":" + table.line.astype(str)


def _text(value: Any) -> str:
    if isinstance(value, set):
        return "{" + ", ".join(map(str, sorted(value))) + "}"
    return str(value)


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and abs(value) > 9999 else _text(value)


def _cut(texts: pd.Series, most: int) -> pd.Series:
    return texts.map(lambda text: text if len(text) <= most else text[: most - 1] + "…")


def _wrapped(line: str, width: int | None) -> str:
    return line if width is None else textwrap.fill(line, width, subsequent_indent="  ")
