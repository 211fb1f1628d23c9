"""The table of `summary` for people: text that fits the terminal, HTML, and other formats."""

import html
import textwrap

import pandas as pd

from kerazoo.accounting.table import SUMS
from kerazoo.text import BYTES, COUNTS, aligned, format_table, in_units, readable, shorten

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
OPTIONAL = ("weights", "type", "stride", "bytes", "FLOPs", "output", "field")
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
    texts = _texts(table)
    in_short = texts.copy()
    for name in SUMS:
        units = BYTES if name == "activation_bytes" else COUNTS
        in_short[HEADINGS[name]] = [in_units(value, units) for value in table[name]]
    if width is not None:
        in_short.index = pd.Index(shorten(texts.index.to_list(), max(12, width // 3)), name="layer")
    candidates = [texts, in_short]
    for name in OPTIONAL:
        candidates.append(candidates[-1].drop(columns=name))
    for shown in candidates:
        rows = shown.reset_index()
        text = aligned(list(rows), rows.to_numpy().tolist(), ("layer", "type", "output"))
        if width is None or len(text.partition("\n")[0]) <= width:
            break
    notes = totals(table)
    omitted = [name for name in HEADINGS.values() if name not in shown]
    if omitted:
        notes = [f"no room for: {', '.join(omitted)}; --format csv has all", "", *notes]
    if width is not None:
        notes = [textwrap.fill(note, width) for note in notes]
    return "\n".join([text, "", *notes])


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


def formatted(table: pd.DataFrame, format: str, title: str, width: int | None = None) -> str:
    """Return a summary and its totals in one of `kerazoo.text.FORMATS`, or as "html".

    A "table" fits a terminal of `width` columns; HTML and JSON have the title too.
    """
    if format == "table":
        return as_text(table, width)
    if format == "html":
        cells = _texts(table).rename_axis(index=None, columns="layer").to_html(border=0)
        lines = "<br>".join(map(html.escape, totals(table)))
        return PAGE.format(title=html.escape(title), totals=lines, table=cells)
    if format in ("csv", "json"):
        rows = table.reset_index().astype(object)
        rows = rows.where(rows.notna(), None).to_dict("records")
        return format_table(rows, format, attributes={"model": title, **table.attrs}, key="layers")
    rows = table.rename(columns=HEADINGS).rename_axis("layer").reset_index().to_dict("records")
    return format_table(rows, format, notes=totals(table))


def _texts(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with all cells as text, under the headings."""
    return table.map(readable).rename(columns=HEADINGS).rename_axis("layer")
