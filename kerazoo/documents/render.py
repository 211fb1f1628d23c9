"""The ledger as text: a table for a terminal, and other formats."""

import textwrap
from typing import Any

import pandas as pd

from kerazoo.text import Row, format_table

VALUE_WIDTH = 28  # characters of a value in the terminal, at most
OTHER_COLUMNS = 35  # characters of the place, the verdict and the gaps


def formatted(table: pd.DataFrame, format: str, width: int | None = None) -> str:
    """Return the ledger in one of `kerazoo.text.FORMATS`, with the number of rows of each verdict.

    A "table" has at most `width` columns, and ends with the reasons of the errata.
    """
    rows = [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
    counts = table.verdict.value_counts()
    totals = f"{len(table)} rows: " + ", ".join(f"{count} {word}" for word, count in counts.items())
    if format != "table":
        return format_table(rows, format, cell=_text, notes=[totals])
    errata = [_erratum(row, width) for row in rows if row["verdict"] == "erratum"]
    text = format_table([_short(row, width) for row in rows], notes=["errata:", *errata])
    return "\n".join([*(line[:width].rstrip() for line in text.split("\n")), "", totals])


def _short(row: Row, width: int | None) -> Row:
    """Return a row whose claim and values are cut such that it fits a terminal."""
    room = 3 * VALUE_WIDTH if width is None else width - OTHER_COLUMNS
    value = min(VALUE_WIDTH, room // 4)
    return {
        "place": _place(row),
        "verdict": row["verdict"],
        "claim": row["claim"] if width is None else _cut(row["claim"], room - 2 * value),
        "stated": _cut(_number(row["stated"]), value),
        "recomputed": _cut(_number(row["recomputed"]), value),
    }


def _erratum(row: Row, width: int | None) -> str:
    values = f"stated {_number(row['stated'])}, recomputed {_number(row['recomputed'])}"
    text = f"{_place(row)} {row['claim']}: {values}; {row['note']}"
    return text if width is None else textwrap.fill(text, width, subsequent_indent="  ")


def _place(row: Row) -> str:
    return f"{row['document']}:{row['line']}"


def _text(value: Any) -> str:
    if isinstance(value, set):
        return "{" + ", ".join(map(str, sorted(value))) + "}"
    return str(value)


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and abs(value) > 9999 else _text(value)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
