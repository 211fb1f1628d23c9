"""Cards of a page: each a frame with a rule, and matrices of numbers in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kerazoo.demos.page import HEADING, INK, LINE, MUTED, ORANGE, PAPER, SKY, SMALL, Page, tint
from kerazoo.demos.texts import Text

Frame = tuple[float, float, float, float]  # left, top, width, height
CHECK = Text("largest difference from central differences: {:.0e}", "与中心差分的最大差：{:.0e}")
CELL, PADDING = 40, 28
GIVEN, RESULT = tint(ORANGE, 0.5), tint(SKY, 0.5)  # the gradient of an output, and what it makes


@dataclass(frozen=True)
class Card:
    """Where what is in a card begins, and how wide it is.

    Attributes:
        x: The left side.
        y: The top.
        width: From there.
    """

    x: float
    y: float
    width: float


def draw_card(page: Page, frame: Frame, heading: Text, rule: Text, difference: float) -> Card:
    """Draw a frame, a heading, a rule, and how far its gradient is from central differences."""
    x, y, width, height = frame
    page.box(x, y, width, height, edge=LINE, line=1)
    left, right = x + PADDING, x + width - PADDING
    page.text(left, y + 32, heading, size=HEADING, weight="bold")
    page.paragraph(left, y + 48, rule, right - left, size=16, color=MUTED)
    check = CHECK.format(difference)
    page.text(right, y + height - 22, check, size=SMALL, color=MUTED, align="right")
    return Card(left, y + 128, right - left)


def draw_matrix(
    page: Page,
    x: float,
    y: float,
    matrix: np.ndarray,
    label: Text | str,
    fill: Any = PAPER,
    size: float | None = None,
) -> None:
    """Draw a matrix with a label above it."""
    page.text(x, y - 14, label, size=SMALL, color=MUTED)
    page.cells(matrix, x, y, CELL, fill=fill, size=size)


def outline(page: Page, x: float, y: float, place: tuple[int, int], side: int) -> None:
    """Draw a thick frame around a square of cells of a matrix."""
    row, column = place
    page.box(x + CELL * column, y + CELL * row, CELL * side, CELL * side, edge=INK, line=3)
