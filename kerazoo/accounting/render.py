"""The table of `summary` for people and programs: terminal, CSV, JSON, Markdown, HTML."""

from __future__ import annotations

import html
import json
import textwrap
from collections.abc import Mapping
from typing import Any

import pandas as pd
from tabulate import tabulate

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
LEFT = ("type", "output")
# What a narrow terminal goes without, in this order.
DISPENSABLE = ("weights", "type", "stride", "bytes", "FLOPs")
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
    """Return the table and its totals in `width` columns; None for as many as it takes."""
    text = _fitting(table, width)
    return f"{text}\n\n" + "\n".join(_wrapped(line, width) for line in totals(table))


def totals(table: pd.DataFrame) -> list[str]:
    """Return the sums and what is to be known about the table, a sentence a line."""
    attrs, total = table.attrs, table.attrs["total"]
    lines = [f"{total['params']:,} parameters, {total['weight_params']:,} without biases"]
    if attrs["trainable_params"] != total["params"]:
        lines[0] += f", {attrs['trainable_params']:,} trainable"
    if attrs["unsupported"]:
        lines.append(f"not known, and so not counted: {', '.join(attrs['unsupported'])}")
    else:
        ratio = f", {total['cpr']:,.1f} MACs a weight" if total["cpr"] else ""
        macs, flops = (in_units(total[name], COUNTS) for name in ("macs", "flops"))
        lines.append(f"{macs} MACs, {flops} FLOPs{ratio}")
    inference, training = attrs["inference_bytes"], attrs["training_bytes"]
    samples = "one sample" if attrs["batch_size"] == 1 else f"a batch of {attrs['batch_size']}"
    lines += [
        f"memory for {samples}: {in_units(inference['total'], BYTES)} in inference "
        f"({in_units(inference['activations'], BYTES)} of activations at once), "
        f"{in_units(training['total'], BYTES)} in training with Adam "
        f"({in_units(training['activations'], BYTES)} of activations kept)"
    ]
    if attrs["misaligned"]:
        lines.append(f"branches of different strides meet in: {', '.join(attrs['misaligned'])}")
    return lines


def as_csv(table: pd.DataFrame) -> str:
    """Return comma-separated values; a shape is "224x224x3"."""
    return _spelt(table).to_csv(lineterminator="\n").rstrip()


def as_markdown(table: pd.DataFrame) -> str:
    """Return a table in Markdown, and the totals as a list."""
    text = _lines(_spelt(table, "{:,}").rename(columns=HEADINGS), "pipe")
    return f"{text}\n\n" + "\n".join(f"- {line}" for line in totals(table))


def as_html(table: pd.DataFrame, title: str) -> str:
    """Return a page of its own with the table and the totals."""
    spelt = _spelt(table, "{:,}").rename(columns=HEADINGS).rename_axis(index=None, columns="layer")
    return PAGE.format(
        title=html.escape(title),
        totals="<br>".join(map(html.escape, totals(table))),
        table=spelt.to_html(border=0, na_rep=""),
    )


def as_json(table: pd.DataFrame, title: str) -> str:
    """Return an object with the model's name, the `layers`, and all that `attrs` hold."""
    rows = table.reset_index().astype(object)
    rows = rows.where(rows.notna(), None)
    layers = rows.to_dict("records")
    return json.dumps({"model": title, **table.attrs, "layers": layers}, indent=1)


def in_units(number: Any, units: Mapping[str, int]) -> str:
    """Return a number with three digits in the unit that suits it, such as "15.5 G"."""
    if pd.isna(number):
        return "?"
    unit, size = next(
        ((unit, size) for unit, size in reversed(list(units.items())) if size <= abs(number)),
        ("", 1),
    )
    value = number / size
    digits = 0 if size == 1 or value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:.{digits}f} {unit}".strip()


def spelt(value: Any) -> str:
    """Return a shape, or a size by axis, as "224x224x3"; "" for None."""
    if isinstance(value, tuple):
        inner = any(isinstance(part, tuple) for part in value)
        return (" " if inner else "x").join(map(spelt, value))
    return "" if value is None else str(value)


def _spelt(table: pd.DataFrame, number: str = "{}") -> pd.DataFrame:
    """Return the table with every cell as text."""

    def text(value: Any) -> str:
        if isinstance(value, tuple) or value is None:
            return spelt(value)
        if pd.isna(value):
            return ""
        return value if isinstance(value, str) else number.format(value)

    return table.map(text)


def _fitting(table: pd.DataFrame, width: int | None) -> str:
    """Return the table with all digits, or in units, or with fewer columns, as the width asks."""
    full = _spelt(table, "{:,}").rename(columns=HEADINGS)
    short = full.copy()
    for name in ("params", "weight_params", "macs", "flops", "activation_bytes"):
        units = BYTES if name == "activation_bytes" else COUNTS
        short[HEADINGS[name]] = [in_units(value, units) for value in table[name]]
    short.index = short.index.str.slice(0, 40)
    candidates = [full, short]
    for name in DISPENSABLE:
        candidates.append(candidates[-1].drop(columns=name))
    for candidate in candidates:
        text = _lines(candidate)
        if width is None or len(text.partition("\n")[0]) <= width:
            break
    left_out = [name for name in HEADINGS.values() if name not in candidate]
    if left_out:
        note = f"no room for: {', '.join(left_out)}; --csv has all"
        text += f"\n\n{_wrapped(note, width)}"
    return "\n".join(line[:width] for line in text.split("\n"))


def _lines(table: pd.DataFrame, form: str = "plain") -> str:
    sides = ["left" if name in LEFT else "right" for name in table]
    return tabulate(
        table,
        headers=["layer", *table],
        tablefmt=form,
        disable_numparse=True,
        colalign=["left", *sides],
    )


def _wrapped(line: str, width: int | None) -> str:
    return line if width is None else textwrap.fill(line, width)
