"""How shapes, sizes, counts and tables are printed."""

import csv
import io
import json
import math
import shutil
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

FORMATS = ("table", "csv", "json", "markdown", "latex")
BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
COUNTS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
TABULATE = {"markdown": "pipe", "latex": "latex_booktabs"}

Row = Mapping[str, Any]


def format_table(
    rows: Sequence[Row],
    format: str = "table",
    *,
    cell: Callable[[Any], str] | None = None,
    notes: Sequence[str] = (),
    attributes: Mapping[str, Any] | None = None,
    key: str = "rows",
) -> str:
    """Return a table as text.

    Args:
        rows: At least one, with the same keys in the same order, which are the headings.
        format: One of `FORMATS`.
        cell: Returns a value as text; by default `plain` in CSV, else `readable`.
        notes: Lines after the table, except in CSV and JSON.
        attributes: What JSON has besides the rows.
        key: The name of the rows in JSON.
    """
    if format == "json":
        return json.dumps({**(attributes or {}), key: rows}, indent=1, default=_for_json)
    as_text = cell or (plain if format == "csv" else readable)
    headings = list(rows[0])
    cells = [[as_text(row[heading]) for heading in headings] for row in rows]
    if format == "csv":
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerows([headings, *cells])
        return file.getvalue().rstrip("\n")
    texts = (str, tuple, list)
    left = [each for each in headings if any(isinstance(row[each], texts) for row in rows)]
    if format == "table":
        return "\n".join([aligned(headings, cells, left), *(["", *notes] if notes else ())])
    from tabulate import tabulate

    if format == "markdown":
        cells = [[text.replace("|", "\\|") for text in row] for row in cells]
    sides = ["left" if heading in left else "right" for heading in headings]
    text = tabulate(cells, headings, TABULATE[format], disable_numparse=True, colalign=sides)
    bullet = "- " if format == "markdown" else "% "
    return "\n".join([text, *(["", *(f"{bullet}{note}" for note in notes)] if notes else ())])


def aligned(headings: Sequence[str], cells: Sequence[Sequence[str]], left: Collection[str]) -> str:
    """Return cells in columns, two spaces apart; those of `left` are aligned to the left."""
    lines = [headings, *cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    justify = [str.ljust if heading in left else str.rjust for heading in headings]
    return "\n".join(
        "  ".join(
            just(text, width) for just, text, width in zip(justify, line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def _for_json(value: Any) -> Any:
    """Return a value of NumPy or pandas, or a set, as JSON has it."""
    if isinstance(value, set):
        return sorted(value)
    if hasattr(value, "item"):
        return value.item()
    return None if is_missing(value) else str(value)


def readable(value: Any) -> str:
    """Return a value as text, large integers with commas."""
    return plain(value, "{:,}")


def plain(value: Any, number: str = "{}") -> str:
    """Return a value as text: a shape as "224x224x3", None and NA as ""."""
    if isinstance(value, tuple):
        return shape(value)
    if isinstance(value, str):
        return value
    return "" if is_missing(value) else number.format(value)


def is_missing(value: Any) -> bool:
    """Return whether a value is None, NaN or pandas' NA."""
    return value is None or str(value) in ("nan", "<NA>")


def shape(sizes: Sequence[Any]) -> str:
    """Return a shape as "224x224x3", several shapes with spaces between them."""
    nested = any(isinstance(size, tuple) for size in sizes)
    return (" " if nested else "x").join(map(plain, sizes))


def in_units(number: Any, units: Mapping[str, int]) -> str:
    """Return a number with three digits in a unit of `BYTES` or `COUNTS`, such as "15.5 G"."""
    if is_missing(number):
        return "?"
    fitting = [(unit, size) for unit, size in units.items() if size <= abs(number)]
    unit, size = fitting[-1] if fitting else ("", 1)
    value = number / size
    digits = 0 if size == 1 or value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:.{digits}f} {unit}".strip()


def figure(number: Any) -> str:
    """Return three digits of a number, or all before the point, without an exponent."""
    if not isinstance(number, float):
        return readable(number)
    return "" if math.isnan(number) else f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def terminal_width() -> int | None:
    """Return the columns of the terminal; None if standard output is not a terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
