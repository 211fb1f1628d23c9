"""Max pooling with the numbers that make its maxima, and how figures mark them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kerazoo.demos.arithmetic import windows
from kerazoo.demos.page import RED, Page


@dataclass(frozen=True)
class Maxima:
    """The max pooling of one feature map, with "valid" padding.

    Attributes:
        image: The feature map, [height, width].
        window: Side of the window.
        stride: Of the window.
        values: The maximum of each window, [rows, columns].
        winners: Row and column in the feature map of each maximum, [rows, columns, 2].
    """

    image: np.ndarray
    window: int
    stride: int
    values: np.ndarray
    winners: np.ndarray


def max_pooled(image: np.ndarray, window: int, stride: int) -> Maxima:
    """Return the maxima of a feature map [height, width]; of equal numbers, the first wins.

    Source: `cnn-study`, lines 472-515.
    """
    read = windows(image[..., None], (window, window), stride)
    rows, columns = read.shape[:2]
    each = read.reshape(rows, columns, window * window)
    first = each.argmax(axis=-1)
    corners = stride * np.moveaxis(np.indices((rows, columns)), 0, -1)
    winners = corners + np.stack(np.divmod(first, window), axis=-1)
    return Maxima(image, window, stride, each.max(axis=-1), winners)


def mark_winners(
    page: Page, pool: Maxima, x: float, y: float, side: float, *, color: str = RED, line: float = 3
) -> None:
    """Outline the numbers that win, in a feature map drawn at (x, y) with cells of a side."""
    for row, column in pool.winners.reshape(-1, 2):
        left, top = x + column * side + line, y + row * side + line
        page.box(left, top, side - 2 * line, side - 2 * line, edge=color, line=line)


def gray_cells(image: np.ndarray, highest: float) -> np.ndarray:
    """Return the colors of cells [rows, columns]: black for 0, white for the highest number."""
    levels = np.rint(255 * image / highest).astype(int)
    return np.vectorize(lambda level: f"#{level:02x}{level:02x}{level:02x}")(levels)
