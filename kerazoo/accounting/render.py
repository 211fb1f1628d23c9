"""The table of `summary` for people: text that fits the terminal, HTML, and other formats."""

import html
import textwrap
from collections.abc import Sequence

import pandas as pd

from kerazoo.accounting.table import SUMS
from kerazoo.text import BYTES, COUNTS, aligned, figure, format_table, in_units, readable, shorten

HEADINGS = {
    "layers": "layers",
    "type": "type",
    "output_shape": "output",
    "params": "parameters",
    "weight_params": "weights",
    "macs": "MACs",
    "flops": "FLOPs",
    "activation_bytes": "bytes",
    "receptive_field": "field",
    "effective_stride": "stride",
    "counted": "counted",
    "backward_macs": "backward",
    "dtype": "dtype",
    "kernel": "kernel",
    "share": "share",
    "trainable": "trainable",
}
COMPARED = {
    "params": "parameters",
    "macs": "MACs",
    "flops": "FLOPs",
    "cpr": "MACs per weight",
    "inference_bytes": "inference",
    "training_bytes": "training",
}
# What a narrow terminal omits of a comparison, in this order.
NOT_COMPARED = ("trainable", "layers", "MACs per weight", "training", "FLOPs", "inference")
# LaTeX does not know the sign before a lower bound.
CELLS = {"latex": lambda value: readable(value).replace("≥", "at least ")}
# Columns that a narrow terminal omits, in this order.
OPTIONAL = (
    *("weights", "type", "stride", "bytes", "counted", "dtype", "kernel", "layers", "trainable"),
    *("FLOPs", "output", "backward", "share", "field"),
)
NUMBERS = (*SUMS, "backward_macs", "trainable")
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
{table}
</html>
"""


def as_text(table: pd.DataFrame, width: int | None = None) -> str:
    """Return the table and its totals in `width` columns; None for as many as they need.

    A narrow table has numbers in units, names without their middles, then fewer columns; if that is
    not enough it is wider than `width`: no number is cut.
    """
    texts = _texts(table)
    shown = _fitting(texts, table, width)
    rows = shown.reset_index()
    left = (table.index.name, "type", "output", "counted", "dtype")
    notes = totals(table)
    omitted = [name for name in texts.columns if name not in shown]
    if omitted:
        notes = [f"no room for: {', '.join(omitted)}; --format csv has all", "", *notes]
    if width is not None:
        notes = [textwrap.fill(note, max(width, 1)) for note in notes]
    return "\n".join([aligned(list(rows), rows.to_numpy().tolist(), left), "", *notes])


def _fitting(texts: pd.DataFrame, table: pd.DataFrame, width: int | None) -> pd.DataFrame:
    """Return the cells of a table that fits: as little shortened as possible, or the narrowest."""
    if width is None or _width(texts) <= width:
        return texts
    shown = texts.copy()
    for name in set(NUMBERS) & set(table):
        units = BYTES if name == "activation_bytes" else COUNTS
        shown[HEADINGS[name]] = [
            "≥" * cell.startswith("≥") + in_units(value, units)
            for cell, value in zip(texts[HEADINGS[name]], table[name], strict=True)
        ]
    return _narrowed(shown, OPTIONAL, width)


def _narrowed(shown: pd.DataFrame, optional: Sequence[str], width: int) -> pd.DataFrame:
    """Return the cells with shortened names and, if that is not enough, without some columns."""
    longest = max(map(len, shown.index))
    for name in ("", *optional):
        shown = shown.drop(columns=name, errors="ignore")
        room = longest - max(_width(shown) - width, 0)
        if room >= min(longest, max(12, width // 3)):
            break
    shortest = max(room, min(longest, 12))
    return shown.set_axis(pd.Index(shorten(list(shown.index), shortest), name=shown.index.name))


def _width(texts: pd.DataFrame) -> int:
    """Return the columns that a table needs."""
    columns = [[str(texts.index.name), *texts.index]]
    columns += [[name, *texts[name]] for name in texts]
    return sum(max(map(len, column)) for column in columns) + 2 * len(texts.columns)


def as_html(table: pd.DataFrame) -> str:
    """Return the table and its totals as a part of a page."""
    cells = _texts(table).rename_axis(index=None, columns=table.index.name).to_html(border=0)
    return f"<p>{'<br>'.join(map(html.escape, totals(table)))}</p>\n{cells}"


def totals(table: pd.DataFrame) -> list[str]:
    """Return the sums and remarks on the table, one sentence per line."""
    attrs, total = table.attrs, table.attrs["total"]
    lines = [f"{total['params']:,} parameters, {total['weight_params']:,} without biases"]
    if attrs["trainable_params"] != total["params"]:
        lines[0] += f", {attrs['trainable_params']:,} trainable"
    ratio = f", {total['cpr']:,.1f} MACs per weight" if total["cpr"] else ""
    macs, flops = (in_units(total[name], COUNTS) for name in ("macs", "flops"))
    at_least = "at least " if attrs["unsupported"] else ""
    lines.append(f"{at_least}{macs} MACs, {at_least}{flops} FLOPs{ratio}")
    if attrs["unsupported"]:
        parts = (f"{name} ({why})" for name, why in attrs["unsupported"].items())
        lines.append(f"unsupported and not counted: {', '.join(parts)}")
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
        return PAGE.format(title=html.escape(title), table=as_html(table))
    if format in ("csv", "json"):
        rows = table.reset_index().astype(object)
        rows = rows.where(rows.notna(), None).to_dict("records")
        return format_table(rows, format, attributes={"model": title, **table.attrs}, key="layers")
    rows = _cells(table).reset_index().to_dict("records")
    return format_table(rows, format, cell=CELLS.get(format), notes=totals(table))


def comparison(table: pd.DataFrame, format: str, width: int | None = None) -> str:
    """Return a table of several models in one of `kerazoo.text.FORMATS`, or as "html"."""
    if format in ("csv", "json"):
        return format_table(table.reset_index().to_dict("records"), format, key="models")
    cells = table.copy().astype(object)
    marks = ["≥" * (how == "partly") for how in table["counted"]]
    for name in ("macs", "flops", "inference_bytes", "training_bytes"):
        units = BYTES if name.endswith("bytes") else COUNTS
        cells[name] = [in_units(value, units) for value in table[name]]
    for name in ("macs", "flops"):
        cells[name] = [mark + text for mark, text in zip(marks, cells[name], strict=True)]
    cells["cpr"] = [figure(ratio) for ratio in table["cpr"]]
    cells = cells.drop(columns="counted").rename(columns=COMPARED)
    if format == "table":
        texts = cells.map(readable)
        shown = (texts if width is None else _narrowed(texts, NOT_COMPARED, width)).reset_index()
        return aligned(list(shown), shown.to_numpy().tolist(), ("model",))
    rows = cells.reset_index()
    if format == "html":
        html_table = rows.map(readable).to_html(border=0, index=False)
        return PAGE.format(title="kerazoo summary", table=html_table)
    return format_table(rows.to_dict("records"), format, cell=CELLS.get(format))


def _texts(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with all cells as text, under the headings."""
    return _cells(table).map(readable)


def _cells(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table under the headings, with text where its values need a mark or a unit."""
    cells = pd.DataFrame(table).astype(object).rename_axis(table.index.name)
    for name in {"macs", "flops", "backward_macs"} & set(cells):
        cells[name] = [
            f"≥{readable(value)}" if how == "partly" else value
            for value, how in zip(cells[name], cells["counted"], strict=True)
        ]
    if "share" in cells:
        cells["share"] = [f"{share:.1%}" for share in cells["share"]]
    if set(cells["counted"]) == {"rule"}:
        cells = cells.drop(columns="counted")
    return cells.rename(columns=HEADINGS)
