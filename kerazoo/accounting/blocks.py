"""Sums of the rows of a table of layers: by block and by type."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerazoo.accounting.table import Summary

# A block's name ends at a "/", or between a number and "_": "conv2_block1_1_bn" is in "conv2", and
# there in "conv2_block1". The number in the name of a class, as in "conv2d_4", ends no block.
ENDS = re.compile(
    r"(?P<kind>(?:conv|cropping|dropout|padding|pooling|sampling)[123]d)|\d+[a-z]?(?=_)|(?=/)"
)
# How a sum was counted is how the least known of its rows was.
HOW = ("rule", "traced", "partly")
ADDED = (
    *("layers", "params", "weight_params", "macs", "flops", "activation_bytes"),
    *("backward_macs", "share", "trainable"),
)
OF_LAST = ("output_shape", "receptive_field", "effective_stride")


def by_block(table: Summary, depth: int) -> Summary:
    """Return a row for each block; a layer outside of blocks keeps its own.

    Args:
        table: The table of layers.
        depth: Levels of blocks that are kept apart.
    """
    names = {name: block_of(name, depth) for name in table.index}

    def block(rows: Any) -> dict[str, Any]:
        kind = rows["type"].iloc[0] if len(rows) == 1 else "block"
        return {"type": kind, **{name: rows[name].iloc[-1] for name in OF_LAST}}

    return _grouped(table, names.get, "layer", block)


def by_type(table: Summary) -> Summary:
    """Return a row for each class of layers, in the order of their first ones."""
    return _grouped(table, table["type"].get, "type", lambda rows: {})


def block_of(name: str, depth: int) -> str:
    """Return the name of the block that a layer is in, the layer's own if it is in none."""
    ends = [match.end() for match in ENDS.finditer(name) if not match["kind"]]
    return name[: ends[depth - 1]] if len(ends) >= depth else name


def _grouped(
    table: Summary,
    key: Callable[[Hashable], Any],
    index: str,
    more: Callable[[Any], dict[str, Any]],
) -> Summary:
    """Return the sums of the rows that have the same key."""
    import pandas as pd

    rows = {}
    for name, group in table.assign(layers=1).groupby(key, sort=False):
        sums = {column: group[column].sum() for column in ADDED if column in group}
        how = max(group["counted"], key=HOW.index)
        rows[name] = {**more(group), **sums, "counted": how}
    columns = [name for name in ("layers", *table.columns) if name in next(iter(rows.values()))]
    values = pd.DataFrame(list(rows.values()), pd.Index(rows, name=index), dtype=object)[columns]
    for name in {*ADDED} & {*columns}:
        values[name] = values[name].astype("float64" if name == "share" else "int64")
    result = type(table)(values)
    result.attrs = table.attrs
    return result
