"""Max pooling with the numbers that make its maxima, and how figures mark them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kerazoo.demos.arithmetic import max_ids
from kerazoo.demos.page import VERMILION, Page


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
    places = np.unravel_index(max_ids(image[..., None], window, stride)[..., 0], image.shape)
    return Maxima(image, window, stride, image[places], np.stack(places, axis=-1))


def mark_winners(
    page: Page,
    pool: Maxima,
    x: float,
    y: float,
    side: float,
    *,
    color: str = VERMILION,
    line: float = 3,
) -> None:
    """Outline the numbers that win, in a feature map drawn at (x, y) with cells of a side."""
    for row, column in pool.winners.reshape(-1, 2):
        left, top = x + column * side + line, y + row * side + line
        page.box(left, top, side - 2 * line, side - 2 * line, edge=color, line=line)


def gray_cells(image: np.ndarray, highest: float) -> np.ndarray:
    """Return the colors of cells [rows, columns]: black for 0, white for the highest number."""
    levels = np.rint(255 * image / highest).astype(int)
    return np.vectorize(lambda level: f"#{level:02x}{level:02x}{level:02x}")(levels)
