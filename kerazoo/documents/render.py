"""The ledger as text for a terminal, and in other formats."""

from __future__ import annotations

import textwrap
from typing import Any

import pandas as pd

from kerazoo.text import aligned, format_table

VALUE_WIDTH = 28  # characters of a value in the terminal, at most
OTHER_COLUMNS = 35  # characters of the place, the verdict and the gaps


def as_text(table: pd.DataFrame, width: int | None = None) -> str:
    """Return a line a row, then the errata with their reasons, then the number of each verdict.

    Args:
        table: The ledger.
        width: Columns of the terminal; None for no limit.
    """
    room = 3 * VALUE_WIDTH if width is None else width - OTHER_COLUMNS
    value = min(VALUE_WIDTH, room // 4)
    rows = pd.DataFrame(
        {
            "place": _places(table),
            "verdict": table.verdict,
            "claim": table.claim if width is None else _cut(table.claim, room - 2 * value),
            "stated": _cut(table.stated.map(_number), value),
            "recomputed": _cut(table.recomputed.map(_number), value),
        }
    )
    text = aligned(list(rows), rows.to_numpy().tolist(), list(rows))
    lines = [line[:width].rstrip() for line in text.split("\n")]
    return "\n".join([*lines, "", "errata:", *_reasons(table, width), "", totals(table)])


def _reasons(table: pd.DataFrame, width: int | None) -> list[str]:
    errata = table[table.verdict == "erratum"]
    reasons = [
        f"{place} {row.claim}: stated {_number(row.stated)}, "
        f"recomputed {_number(row.recomputed)}; {row.note}"
        for place, (_, row) in zip(_places(errata), errata.iterrows(), strict=True)
    ]
    if width is None:
        return reasons
    return [textwrap.fill(reason, width, subsequent_indent="  ") for reason in reasons]


def totals(table: pd.DataFrame) -> str:
    """Return the number of rows of each verdict."""
    counts = table.verdict.value_counts()
    return f"{len(table)} rows: " + ", ".join(f"{count} {word}" for word, count in counts.items())


def formatted(table: pd.DataFrame, format: str, width: int | None = None) -> str:
    """Return the ledger in a format of `kerazoo.text.FORMATS`; `width` is that of the terminal."""
    if format == "table":
        return as_text(table, width)
    rows = [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
    return format_table(rows, format, cell=_text, notes=[totals(table)])


def _places(table: pd.DataFrame) -> pd.Series:
    return table.document + ":" + table.line.astype(str)


def _text(value: Any) -> str:
    if isinstance(value, set):
        return "{" + ", ".join(map(str, sorted(value))) + "}"
    return str(value)


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and abs(value) > 9999 else _text(value)


def _cut(texts: pd.Series, width: int) -> pd.Series:
    return texts.map(lambda text: text if len(text) <= width else f"{text[: width - 1]}…")
