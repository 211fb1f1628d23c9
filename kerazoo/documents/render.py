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
    rows = pd.DataFrame(
        {
            "place": _places(table),
            "claim": table.claim,
            "stated": table.stated.map(_short),
            "recomputed": table.recomputed.map(_short),
            "verdict": table.verdict,
        }
    )
    if width is not None:
        spare = width - sum(_widest(rows[name]) + 2 for name in rows if name != "claim")
        rows["claim"] = rows.claim.map(
            lambda text: textwrap.shorten(text, max(spare, 12), placeholder="…")
        )
    lines = tabulate(rows, headers="keys", tablefmt="plain", showindex=False, disable_numparse=True)
    told = [line[:width] for line in lines.split("\n")]
    errata = table[table.verdict == "erratum"]
    reasons = [
        f"{place} {row.claim}: stated {_short(row.stated)}, "
        f"recomputed {_short(row.recomputed)}; {row.note}"
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


def _widest(column: pd.Series) -> int:
    return max(column.str.len().max(), len(column.name))


def _text(value: Any) -> str:
    if isinstance(value, set):
        return "{" + ", ".join(map(str, sorted(value))) + "}"
    return str(value)


def _short(value: Any) -> str:
    text = f"{value:,}" if isinstance(value, int) and abs(value) > 9999 else _text(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _wrapped(line: str, width: int | None) -> str:
    return line if width is None else textwrap.fill(line, width, subsequent_indent="  ")
