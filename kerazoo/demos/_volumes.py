"""Feature maps and kernels as blocks, seen from the front, from above and from the right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kerazoo.demos.page import INK, LINE, PAPER, Page
from kerazoo.demos.texts import Text

Cell = tuple[int, int, int]
Part = tuple[Cell, Cell]  # of a block: its first cell, and its size in cells
DOWN, RIGHT, BACK = np.eye(3, dtype=int)  # rows, columns, channels


@dataclass(frozen=True)
class Block:
    """A block of cells.

    Attributes:
        colors: Of the cells, [height, width, channels]; the first channel is in front.
        side: Of a cell, seen from the front, in pixels.
        depth: Of a channel, to the right and upward, in pixels.
    """

    colors: np.ndarray
    side: float
    depth: float

    @property
    def size(self) -> tuple[float, float]:
        """Return the width and the height of all of it, in pixels."""
        height, width, channels = self.colors.shape
        back = channels * self.depth
        return width * self.side + back, height * self.side + back

    def draw(self, page: Page, x: float, y: float) -> None:
        """Draw the faces that can be seen; all of it begins at x from the left, y from the top."""
        cells = np.argwhere(np.ones(self.colors.shape))
        front, above = cells[cells[:, 2] == 0], cells[cells[:, 0] == 0]
        right = cells[cells[:, 1] == self.colors.shape[1] - 1]
        faces = (front, RIGHT, DOWN), (above, RIGHT, BACK), (right + RIGHT, DOWN, BACK)
        corners = np.concatenate([self._corners(x, y, *face) for face in faces])
        fills = self.colors[tuple(np.concatenate([front, above, right]).T)]
        page.polygons(corners, fills=fills, edge=PAPER)
        self.outline(page, x, y, ((0, 0, 0), self.colors.shape), color=LINE)

    def outline(self, page: Page, x: float, y: float, part: Part, color: str = INK) -> None:
        """Draw the edges of a part of it, as if nothing stood before them."""
        first, size = np.array(part)
        down, right, back = size * DOWN, size * RIGHT, size * BACK
        faces = (first, right, down), (first, right, back), (first + right, down, back)
        corners = [self._corners(x, y, start[None], *edges) for start, *edges in faces]
        page.polygons(np.concatenate(corners), edge=color, line=1.5)

    def _corners(
        self, x: float, y: float, start: np.ndarray, one: np.ndarray, other: np.ndarray
    ) -> np.ndarray:
        """Return where the corners of parallelograms are, [parallelograms, 4, 2].

        They begin at corners of cells, [parallelograms, 3], and have two edges, [3] each.
        """
        places = np.stack([start, start + one, start + one + other, start + other], axis=1)
        row, column, channel = np.moveaxis(places, -1, 0)
        front = y + self.colors.shape[2] * self.depth
        across = x + column * self.side + channel * self.depth
        return np.stack([across, front + row * self.side - channel * self.depth], axis=-1)


@dataclass(frozen=True)
class Stack:
    """Feature maps, which are one block, or kernels.

    Attributes:
        blocks: In rows, from the left; all of one size.
        columns: How many are in a row.
        gap: Between two, in pixels.
        label: Below them.
        marked: The part of the first block that has an outline.
    """

    blocks: list[Block]
    columns: int
    gap: float
    label: Text | str
    marked: Part | None = None

    @property
    def size(self) -> tuple[float, float]:
        """Return the width and the height in pixels."""
        width, height = self.blocks[0].size
        rows = -(-len(self.blocks) // self.columns)
        return self.columns * (width + self.gap) - self.gap, rows * (height + self.gap) - self.gap

    def draw(self, page: Page, x: float, y: float) -> None:
        """Draw the blocks from their left side and their top."""
        width, height = self.blocks[0].size
        for number, block in enumerate(self.blocks):
            row, column = divmod(number, self.columns)
            block.draw(page, x + column * (width + self.gap), y + row * (height + self.gap))
        if self.marked:
            self.blocks[0].outline(page, x, y, self.marked)
