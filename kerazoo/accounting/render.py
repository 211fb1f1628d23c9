"""The table of `summary` as text, CSV, JSON, Markdown and HTML."""

from __future__ import annotations

import html
import json
import textwrap
from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd
from tabulate import tabulate

from kerazoo.accounting.table import SUMS

BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
COUNTS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
HEADINGS = {
    "type": "type",
    "output_shape": "output",
    "params": "parameters",
    "weight_params": "weights",
    "macs": "MACs",
    "flops": "FLOPs",
    "activation_bytes": "bytes",
    "receptive_field": "field",
    "effective_stride": "stride",
}
# Columns that a narrow terminal omits, in this order.
OPTIONAL = ("weights", "type", "stride", "bytes", "FLOPs")
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 14px/1.4 system-ui, sans-serif; margin: 2rem; }}
table {{ border-collapse: collapse; }}
th {{ position: sticky; top: 0; background: #fff; }}
th, td {{ padding: .15rem .7rem; text-align: right; border-bottom: 1px solid #ddd; }}
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) {{ text-align: left; }}
</style>
<h1>{title}</h1>
<p>{totals}</p>
{table}
</html>
"""


def as_text(table: pd.DataFrame, width: int | None = None) -> str:
    """Return the table and its totals in `width` columns; None for as many as they need."""
    texts = _texts(table, "{:,}")
    in_short = texts.copy()
    for name in SUMS:
        units = BYTES if name == "activation_bytes" else COUNTS
        in_short[HEADINGS[name]] = [in_units(value, units) for value in table[name]]
    in_short.index = in_short.index.str.slice(0, 40)
    candidates = [texts, in_short]
    for name in OPTIONAL:
        candidates.append(candidates[-1].drop(columns=name))
    for shown in candidates:
        text = _tabulated(shown, "plain")
        if width is None or len(text.partition("\n")[0]) <= width:
            break
    notes = totals(table)
    omitted = [name for name in HEADINGS.values() if name not in shown]
    if omitted:
        notes = [f"no room for: {', '.join(omitted)}; --csv has all", "", *notes]
    if width is not None:
        notes = [textwrap.fill(note, width) for note in notes]
    return "\n".join([*(line[:width] for line in text.split("\n")), "", *notes])


def totals(table: pd.DataFrame) -> list[str]:
    """Return the sums and remarks on the table, one sentence per line."""
    attrs, total = table.attrs, table.attrs["total"]
    lines = [f"{total['params']:,} parameters, {total['weight_params']:,} without biases"]
    if attrs["trainable_params"] != total["params"]:
        lines[0] += f", {attrs['trainable_params']:,} trainable"
    if attrs["unsupported"]:
        lines.append(f"unsupported and not counted: {', '.join(attrs['unsupported'])}")
    else:
        ratio = f", {total['cpr']:,.1f} MACs per weight" if total["cpr"] else ""
        macs, flops = (in_units(total[name], COUNTS) for name in ("macs", "flops"))
        lines.append(f"{macs} MACs, {flops} FLOPs{ratio}")
    inference, training = (
        {part: in_units(number, BYTES) for part, number in attrs[f"{name}_bytes"].items()}
        for name in ("inference", "training")
    )
    samples = "one sample" if attrs["batch_size"] == 1 else f"a batch of {attrs['batch_size']}"
    lines.append(
        f"memory for {samples}: {inference['total']} in inference "
        f"({inference['activations']} of activations at once), "
        f"{training['total']} in training with Adam ({training['activations']} of activations kept)"
    )
    if attrs["misaligned"]:
        lines.append(f"branches of different strides meet in: {', '.join(attrs['misaligned'])}")
    return lines


def as_csv(table: pd.DataFrame) -> str:
    """Return comma-separated values; a shape is "224x224x3"."""
    return table.map(_text).to_csv(lineterminator="\n").rstrip()


def as_markdown(table: pd.DataFrame) -> str:
    """Return a table in Markdown, and the totals as a list."""
    text = _tabulated(_texts(table, "{:,}"), "pipe")
    return f"{text}\n\n" + "\n".join(f"- {line}" for line in totals(table))


def as_html(table: pd.DataFrame, title: str) -> str:
    """Return a complete page with the table and the totals."""
    texts = _texts(table, "{:,}").rename_axis(index=None, columns="layer")
    lines = "<br>".join(map(html.escape, totals(table)))
    return PAGE.format(title=html.escape(title), totals=lines, table=texts.to_html(border=0))


def as_json(table: pd.DataFrame, title: str) -> str:
    """Return an object with the model's name, all `attrs`, and the rows as `layers`."""
    rows = table.reset_index().astype(object)
    layers = rows.where(rows.notna(), None).to_dict("records")
    return json.dumps({"model": title, **table.attrs, "layers": layers}, indent=1)


def in_units(number: Any, units: Mapping[str, int]) -> str:
    """Return a number with three digits in the unit that suits it, such as "15.5 G"."""
    if pd.isna(number):
        return "?"
    fitting = [(unit, size) for unit, size in units.items() if size <= abs(number)]
    unit, size = fitting[-1] if fitting else ("", 1)
    value = number / size
    digits = 0 if size == 1 or value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:.{digits}f} {unit}".strip()


def _text(value: Any, number: str = "{}") -> str:
    """Return a cell as text: a shape as "224x224x3", None and <NA> as ""."""
    if isinstance(value, tuple):
        nested = any(isinstance(part, tuple) for part in value)
        return (" " if nested else "x").join(map(_text, value))
    if value is None or pd.isna(value):
        return ""
    return value if isinstance(value, str) else number.format(value)


def _texts(table: pd.DataFrame, number: str) -> pd.DataFrame:
    """Return the table with all cells as text, under the headings."""
    return table.map(partial(_text, number=number)).rename(columns=HEADINGS)


def _tabulated(table: pd.DataFrame, form: str) -> str:
    left = ("type", "output")
    sides = ["left", *("left" if name in left else "right" for name in table)]
    headers = ["layer", *table]
    return tabulate(table, headers, form, disable_numparse=True, colalign=sides)
