"""The ledger as text: a table for a terminal, and other formats."""

from typing import Any

import pandas as pd

from kerazoo.text import format_table


def formatted(table: pd.DataFrame, format: str, width: int | None = None) -> str:
    """Return the ledger in one of `kerazoo.text.FORMATS`, with the number of rows of each verdict.

    A "table" fits a terminal of `width` columns, and ends with the reasons of the errata.
    """
    rows = [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
    counts = table.verdict.value_counts()
    totals = f"{len(table)} rows: " + ", ".join(f"{count} {word}" for word, count in counts.items())
    if format != "table":
        return format_table(rows, format, cell=_text, notes=[totals])
    shown = [
        {
            "place": f"{row['document']}:{row['line']}",
            "verdict": row["verdict"],
            "claim": row["claim"],
            "stated": _number(row["stated"]),
            "recomputed": _number(row["recomputed"]),
        }
        for row in rows
    ]
    errata = [
        "{place} {claim}: stated {stated}, recomputed {recomputed}; ".format(**each) + row["note"]
        for row, each in zip(rows, shown, strict=True)
        if row["verdict"] == "erratum"
    ]
    return format_table(shown, width=width, notes=["errata:", *errata, "", totals])


def _text(value: Any) -> str:
    if isinstance(value, set):
        return "{" + ", ".join(map(str, sorted(value))) + "}"
    return str(value)


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return f"{value:,}" if isinstance(value, int) and abs(value) > 9999 else _text(value)
