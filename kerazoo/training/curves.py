"""A figure of the losses and accuracies of a run."""

from collections.abc import Sequence
from typing import BinaryIO

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kerazoo import fonts
from kerazoo.figure_files import DPI
from kerazoo.training.result import EpochResult


def draw(results: Sequence[EpochResult], title: str, file: BinaryIO) -> None:
    """Write a PNG of the losses and the accuracies by epoch."""
    with fonts.for_text(title):
        figure_of(results, title).savefig(file, format="png", dpi=DPI)


def figure_of(results: Sequence[EpochResult], title: str) -> Figure:
    """Return a figure of the losses and the accuracies by epoch."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    figure.suptitle(title, parse_math=False)
    epochs = [result.epoch for result in results]
    curves = {
        "loss": ("loss", "validation_loss", "test_loss"),
        "accuracy": ("train_accuracy", "validation_accuracy", "test_accuracy"),
    }
    for axes, (quantity, fields) in zip(figure.subplots(1, 2), curves.items(), strict=True):
        for split, field in zip(("train", "validation", "test"), fields, strict=True):
            axes.plot(epochs, [getattr(each, field) for each in results], marker="o", label=split)
        axes.set(xlabel="epoch", ylabel=quantity)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
    return figure
