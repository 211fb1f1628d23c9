"""A figure of what the parts of a model, or several models, cost."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from kerazoo import figure_files, fonts
from kerazoo.errors import UsageError
from kerazoo.text import shorten

MAX_ROWS = 2000  # a figure of more is too high to be drawn
MAX_NAME = 40  # characters of a name, which is shortened in its middle


def write(table: pd.DataFrame, path: Path, title: str) -> None:
    """Write bars of the MACs and the parameters of each row of a table.

    Args:
        table: What `kerazoo.summary` or `kerazoo.compare` returns.
        path: The file, which ends in .png or .svg.
        title: The heading.

    Raises:
        UsageError: The table has too many rows.
    """
    if len(table) > MAX_ROWS:
        raise UsageError(f"a figure has at most {MAX_ROWS} rows, not {len(table):,}: give a depth")
    with fonts.for_text(title + "".join(map(str, table.index))):
        figure_files.save(draw(table, title), path)


def draw(table: pd.DataFrame, title: str) -> Figure:
    """Return a figure with a bar for the MACs and one for the parameters of each row."""
    figure = Figure(figsize=(10, 1.5 + 0.22 * len(table)), layout="constrained")
    figure.suptitle(title, parse_math=False)
    names = shorten([str(name) for name in table.index], MAX_NAME)
    places = list(range(len(names)))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (column, label) in zip(
        panels, {"macs": "MACs", "params": "parameters"}.items(), strict=True
    ):
        axes.barh(places, table[column].astype(float))
        axes.set_xlabel(label)
        axes.xaxis.set_major_formatter(EngFormatter())
        axes.grid(axis="x", alpha=0.3)
    panels[0].set_yticks(places, names, parse_math=False)
    panels[0].set_ylim(len(names) - 0.5, -0.5)  # in the order of the rows, from the top
    return figure
