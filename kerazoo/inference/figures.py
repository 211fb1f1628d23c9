"""Figures of an evaluation: the confusion matrix and the surest mistakes."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from kerazoo import figure_files, files, fonts
from kerazoo.inference.evaluate import Evaluation, Mistake
from kerazoo.text import printable, shorten

COLUMNS = 5
MAX_NUMBERS = 20  # classes up to which the numbers stand in the matrix
MAX_NAME = 24  # characters of a class's name, which is shortened in its middle


def write(evaluation: Evaluation, folder: Path, title: str) -> list[Path]:
    """Write confusion.png and, if there are mistakes, mistakes.png; return their paths."""
    files.make(folder)
    with fonts.for_text(title + "".join(evaluation.class_names)):
        figures = {"confusion.png": confusion(evaluation, title)}
        if evaluation.mistakes:
            figures["mistakes.png"] = mistakes(evaluation.mistakes, title)
        for name, figure in figures.items():
            figure_files.save(figure, folder / name)
    return [folder / name for name in figures]


def confusion(evaluation: Evaluation, title: str) -> Figure:
    """Return a matrix of the number of images by class and by predicted class."""
    names, matrix = shorten(evaluation.class_names, MAX_NAME), evaluation.confusion
    side = max(4, min(16, 2 + 0.45 * len(names)))
    figure = Figure(figsize=(side, side), layout="constrained")
    figure.suptitle(_wrapped(title, int(8 * side)), parse_math=False)
    axes = figure.subplots()
    rows = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(rows, cmap="Blues", vmin=0, vmax=1)
    axes.set(xlabel="predicted class", ylabel="class")
    places = np.arange(len(names))
    axes.set_xticks(places, names, rotation=90, parse_math=False)
    axes.set_yticks(places, names, parse_math=False)
    for row, column in np.argwhere(matrix) if len(names) <= MAX_NUMBERS else ():
        color = "white" if rows[row, column] > 0.5 else "black"
        axes.text(
            column, row, matrix[row, column], ha="center", va="center", color=color, fontsize=8
        )
    return figure


def mistakes(wrong: Sequence[Mistake], title: str) -> Figure:
    """Return the images of mistakes, with their class and the predicted one."""
    rows = -(-len(wrong) // COLUMNS)
    figure = Figure(figsize=(2 * COLUMNS, 2.5 * rows), layout="constrained")
    figure.suptitle(_wrapped(title, 16 * COLUMNS), parse_math=False)
    for axes in (grid := figure.subplots(rows, COLUMNS, squeeze=False)).flat:
        axes.axis("off")
    for axes, each in zip(grid.flat, wrong, strict=False):
        axes.imshow(np.clip(each.image, 0, 1).squeeze(), cmap="gray", vmin=0, vmax=1)
        label, predicted = shorten([each.label, each.predicted], MAX_NAME)
        text = f"{label},\nnot {predicted}\n{each.probability:.3f}"
        axes.set_title(text, fontsize=8, parse_math=False)
    return figure


def _wrapped(title: str, width: int) -> str:
    return "\n".join(textwrap.wrap(printable(title), width))
