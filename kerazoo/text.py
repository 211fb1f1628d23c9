"""How shapes, sizes, counts and tables are printed."""

import csv
import functools
import io
import json
import math
import re
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

FORMATS = ("table", "csv", "json", "markdown", "latex")
BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
COUNTS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
TABULATE = {"markdown": "pipe", "latex": "latex_booktabs"}

# What a spreadsheet takes for a formula, in a cell of CSV; an apostrophe before it prevents that.
FORMULA = re.compile(r"[=+@-](?!\d*\.?\d*$)")

Row = Mapping[str, Any]


def format_table(
    rows: Sequence[Row],
    format: str = "table",
    *,
    cell: Callable[[Any], str] | None = None,
    width: int | None = None,
    notes: Sequence[str] = (),
    attributes: Mapping[str, Any] | None = None,
    key: str = "rows",
) -> str:
    """Return a table as text.

    Args:
        rows: At least one, with the same keys in the same order, which are the headings.
        format: One of `FORMATS`.
        cell: Returns a value as text; by default `unformatted` in CSV, else `readable`.
        width: Columns of the terminal, into which a "table" is wrapped at spaces; no number is cut.
        notes: Lines after the table, except in CSV and JSON.
        attributes: What JSON has besides the rows.
        key: The name of the rows in JSON.
    """
    if format == "json":
        return json.dumps({**(attributes or {}), key: rows}, indent=1, default=_for_json)
    as_text = cell or (unformatted if format == "csv" else readable)
    headings = list(rows[0])

    def shown(value: Any) -> str:
        text = printable(as_text(value))
        is_formula = format == "csv" and isinstance(value, str) and FORMULA.match(text)
        return f"'{text}" if is_formula else text

    cells = [[shown(row[heading]) for heading in headings] for row in rows]
    if format == "csv":
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerows([headings, *cells])
        return file.getvalue().rstrip("\n")
    notes = [printable(note) for note in notes]
    texts = (str, tuple, list)
    left = [each for each in headings if any(isinstance(row[each], texts) for row in rows)]
    if format == "table":
        if width is not None:
            notes = [textwrap.fill(note, width, subsequent_indent="  ") for note in notes]
        lines = cells if width is None else _wrapped(headings, cells, left, width)
        return "\n".join([aligned(headings, lines, left), *(["", *notes] if notes else ())])
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


def _wrapped(
    headings: Sequence[str], cells: Sequence[Sequence[str]], left: Collection[str], width: int
) -> list[Sequence[str]]:
    """Return lines of cells in which the texts of `left` are as narrow as `width` needs.

    If wrapping them at spaces is not enough, those of the first column are shortened.
    """
    columns = list(zip(headings, *cells, strict=True))
    widths = [max(map(len, column)) for column in columns]
    wrap = functools.partial(textwrap.wrap, break_long_words=False)
    words = [max(map(len, [column[0], *wrap(" ".join(column[1:]), 1)])) for column in columns]
    texts = [index for index, heading in enumerate(headings) if heading in left]
    while (excess := sum(widths) + 2 * len(widths) - 2 - width) > 0:
        wider = [(widths[index], index) for index in texts if widths[index] > words[index]]
        if not wider:
            break
        widths[max(wider)[1]] -= 1
    names = [row[0] for row in cells]
    if excess > 0 and 0 in texts:
        names = shorten(names, max(12, widths[0] - excess))
    rows = [(name, *row[1:]) for name, row in zip(names, cells, strict=True)]
    return [line for row in rows for line in zip_longest(*map(wrap, row, widths), fillvalue="")]


def printable(text: str) -> str:
    """Return a text on one line, with the control and format characters in it escaped."""
    return "".join(
        each if each.isprintable() or unicodedata.category(each) == "Zs" else _escaped(each)
        for each in text
    )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def either(names: Iterable[str]) -> str:
    """Return names as "a, b or c"."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def listed(names: Sequence[str], limit: int = 6) -> str:
    """Return names with commas between them, and the number of those after the first few."""
    first = printable(", ".join(names[:limit]))
    return f"{first} and {len(names) - limit} more" if len(names) > limit else first


def shorten(names: Sequence[str], width: int) -> list[str]:
    """Return names of at most `width` characters: without their middles, if they still differ.

    Otherwise long names end with their number in the list.
    """
    ends = [name[-(width // 2) :] for name in names]
    for suffixes in (ends, list(map(str, range(1, len(names) + 1)))):
        short = [
            name if len(name) <= width else f"{name[: width - len(suffix) - 1]}…{suffix}"
            for name, suffix in zip(names, suffixes, strict=True)
        ]
        if len(set(short)) == len(set(names)):
            break
    return short


def _for_json(value: Any) -> Any:
    """Return a value of NumPy or pandas, or a set, as JSON has it."""
    if isinstance(value, set):
        return sorted(value)
    if hasattr(value, "item"):
        return value.item()
    return None if is_missing(value) else str(value)


def readable(value: Any) -> str:
    """Return a value as text, large integers with commas."""
    return unformatted(value, "{:,}")


def unformatted(value: Any, number: str = "{}") -> str:
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
    return (" " if nested else "x").join(map(unformatted, sizes))


def in_units(number: Any, units: Mapping[str, int]) -> str:
    """Return a number with three digits in a unit of `BYTES` or `COUNTS`, such as "15.5 G"."""
    if is_missing(number):
        return "?"
    fitting = [(unit, size) for unit, size in units.items() if 0.9995 * size <= abs(number)]
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
