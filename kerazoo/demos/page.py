"""The page on which a demo is drawn: lengths are pixels at full size, from the top left."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.patheffects import withStroke

from kerazoo import figure_files, fonts
from kerazoo.demos.texts import Text
from kerazoo.errors import UsageError

DPI = 100
MARGIN = 40
# Sizes of text.
TITLE, HEADING, BODY, SMALL = 30, 21, 18, 15
# Colors that color-blind readers can tell apart: Okabe and Ito (2008), "Color universal design",
# https://jfly.uni-koeln.de/color.
BLUE, ORANGE, GREEN, VERMILION = "#0072b2", "#e69f00", "#009e73", "#d55e00"
SKY, PURPLE, YELLOW = "#56b4e9", "#cc79a7", "#f0e442"
INK, MUTED, LINE, TINT, PAPER = "#1b1f24", "#57606a", "#c9d1d9", "#f3f5f7", "#ffffff"
SIGNED, GRAY = "RdBu_r", "gray"  # of matplotlib's color maps
LIGHT = 0.55  # the luminance above which text on a color is dark


class Page:
    """A figure on which everything has its place in pixels.

    It is as high as `cut` makes it.

    Args:
        width: Of the page.
        language: "en" or "zh".

    Raises:
        UsageError: No installed font has Chinese characters.
    """

    def __init__(self, width: float, language: str = "en") -> None:
        self.width, self.height, self.language = width, width, language
        self.figure = Figure((width / DPI, width / DPI), dpi=DPI, facecolor=PAPER)
        self._canvas = FigureCanvasAgg(self.figure)
        self._axes = self.figure.add_axes((0, 0, 1, 1), zorder=1)  # above charts
        self._axes.set(xlim=(0, width), ylim=(width, 0), autoscale_on=False)
        self._axes.set_axis_off()
        self._charts: list[tuple[Axes, tuple[float, float, float, float]]] = []
        if language == "zh" and fonts.chinese() is None:
            raise UsageError(
                "no installed font has Chinese characters: install one, such as the package "
                f"{fonts.PACKAGE}, or choose --lang en"
            )

    def title(self, text: Text, explanation: Text) -> float:
        """Write the title and what it means at the top; return where what follows begins."""
        self.text(MARGIN, MARGIN, text, size=TITLE, weight="bold", vertical="top")
        below = MARGIN + 1.5 * TITLE
        width = self.width - 2 * MARGIN
        return self.paragraph(MARGIN, below, explanation, width, color=MUTED) + 16

    def text(
        self,
        x: float,
        y: float,
        text: Text | str,
        *,
        size: float = BODY,
        color: str = INK,
        align: str = "left",
        vertical: str = "center",
        weight: str = "normal",
    ) -> None:
        """Write a text, in the language of the page if it has several."""
        text = self._in_language(text)
        self._axes.text(
            x,
            y,
            text,
            fontsize=_points(size),
            color=color,
            horizontalalignment=align,
            verticalalignment=vertical,
            fontweight="normal" if self.language == "zh" else weight,
            family=fonts.families(text),
            parse_math=False,
            path_effects=_bold(size, color) if (self.language, weight) == ("zh", "bold") else None,
        )

    def paragraph(
        self,
        x: float,
        y: float,
        text: Text | str,
        width: float,
        *,
        size: float = BODY,
        color: str = INK,
    ) -> float:
        """Write a text in lines of a width, from the top `y`; return where it ends."""
        for line in self._lines(self._in_language(text), width, size):
            self.text(x, y + 0.7 * size, line, size=size, color=color)
            y += 1.4 * size
        return y

    def _in_language(self, text: Text | str) -> str:
        return text if isinstance(text, str) else text.in_language(self.language)

    def _lines(self, text: str, width: float, size: float) -> list[str]:
        """Return a text broken at spaces, in Chinese anywhere but before punctuation."""
        lines = []
        for paragraph in text.split("\n"):
            line = ""
            for part in _parts(paragraph):
                if line and self.text_width((line + part).rstrip(), size) > width:
                    lines.append(line.rstrip())
                    line = ""
                line += part
            lines.append(line.rstrip())
        return lines

    def text_width(self, text: str, size: float = BODY) -> float:
        """Return how wide a text in one line is."""
        font = FontProperties(family=fonts.families(text), size=_points(size))
        width, _, _ = self._canvas.get_renderer().get_text_width_height_descent(text, font, False)
        return float(width)

    def image(
        self,
        image: np.ndarray,
        x: float,
        y: float,
        scale: float = 1,
        *,
        colors: str = GRAY,
        limits: tuple[float, float] | None = None,
        frame: str | None = LINE,
    ) -> tuple[float, float]:
        """Draw an image, each of whose pixels is a square of side `scale`; return the corner.

        Args:
            image: [height, width] or, from 0 to 255, [height, width, 3].
            x: The left side.
            y: The top.
            scale: The side of a pixel.
            colors: The color map of an image without colors.
            limits: The values at the ends of the color map; by default the smallest and largest.
            frame: The color of the line around it, None for no line.

        Returns:
            The bottom right corner.
        """
        height, width = image.shape[:2]
        right, bottom = x + scale * width, y + scale * height
        if image.ndim == 3:
            image = np.clip(np.rint(image), 0, 255).astype(np.uint8)
        low, high = limits or (float(image.min()), float(image.max()))
        self._axes.imshow(
            image,
            extent=(x, right, bottom, y),
            cmap=colors,
            vmin=low,
            vmax=high if high > low else low + 1,
            interpolation="nearest" if scale >= 1 else "antialiased",
            aspect="auto",
            zorder=1,
        )
        if frame:
            self.box(x, y, right - x, bottom - y, edge=frame, line=1)
        return right, bottom

    def cells(
        self,
        matrix: np.ndarray,
        x: float,
        y: float,
        side: float,
        *,
        fill: Any = PAPER,
        digits: int = 0,
        size: float | None = None,
    ) -> tuple[float, float]:
        """Draw a matrix as a table of numbers; return the bottom right corner.

        Args:
            matrix: [rows, columns] of numbers or texts.
            x: The left side.
            y: The top.
            side: Of a cell.
            fill: The color of all cells, or an array [rows, columns] of colors.
            digits: Decimals of the numbers.
            size: Of the numbers; by default what fits the cells.
        """
        rows, columns = matrix.shape
        fills = np.broadcast_to(np.asarray(fill, dtype=object), matrix.shape)
        texts = [[_number(value, digits) for value in row] for row in matrix.tolist()]
        longest = max((len(text) for row in texts for text in row), default=1)
        size = size or min(0.45 * side, 1.2 * side / max(longest, 1))
        for row in range(rows):
            for column in range(columns):
                left, top = x + column * side, y + row * side
                color = str(fills[row, column])
                self.box(left, top, side, side, fill=color, edge=LINE, line=1)
                place = left + side / 2, top + side / 2
                self.text(
                    *place, texts[row][column], size=size, color=ink_on(color), align="center"
                )
        return x + columns * side, y + rows * side

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        edge: str | None = None,
        fill: str | None = None,
        line: float = 2,
        dashed: bool = False,
        opacity: float = 1,
    ) -> None:
        """Draw a rectangle."""
        self._axes.add_patch(
            Rectangle(
                (x, y),
                width,
                height,
                facecolor=fill or "none",
                edgecolor=edge or "none",
                linewidth=_points(line),
                linestyle="--" if dashed else "-",
                alpha=opacity,
                zorder=3 if fill is None else 2,
            )
        )

    def polygons(
        self, corners: np.ndarray, *, fills: Any = "none", edge: str = LINE, line: float = 1
    ) -> None:
        """Draw many polygons at once, [polygons, corners, 2], in one color or a color for each."""
        collection = PolyCollection(
            list(corners), facecolors=fills, edgecolors=edge, linewidths=_points(line), zorder=2
        )
        self._axes.add_collection(collection, autolim=False)

    def line(
        self,
        points: Sequence[tuple[float, float]],
        *,
        color: str = INK,
        line: float = 2,
        dashed: bool = False,
    ) -> None:
        """Draw a line through points."""
        across, down = zip(*points, strict=True)
        style = "--" if dashed else "-"
        self._axes.plot(across, down, style, color=color, linewidth=_points(line), zorder=3)

    def arrow(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        *,
        color: str = MUTED,
        line: float = 2,
    ) -> None:
        """Draw an arrow."""
        self._axes.add_patch(
            FancyArrowPatch(
                start,
                end,
                arrowstyle="-|>",
                mutation_scale=14,
                shrinkA=0,
                shrinkB=0,
                color=color,
                linewidth=_points(line),
                zorder=3,
            )
        )

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Return axes for a chart at a place, in the style of the page."""
        axes = self.figure.add_axes((0, 0, 1, 1))
        self._charts.append((axes, (x, y, width, height)))
        axes.set_facecolor(PAPER)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("bottom", "left"):
            axes.spines[side].set_color(MUTED)
        axes.tick_params(labelsize=_points(SMALL), colors=MUTED, labelfontfamily="DejaVu Sans")
        return axes

    def label(self, axes: Axes, across: Text, up: Text) -> None:
        """Name the axes of a chart."""
        for text, write in ((across, axes.set_xlabel), (up, axes.set_ylabel)):
            label = self._in_language(text)
            family = fonts.families(label)
            write(label, fontsize=_points(SMALL), family=family, color=MUTED)

    def cut(self, bottom: float) -> Page:
        """Return the page, cut off at a margin below the bottom of what is on it."""
        self.height = bottom + MARGIN
        self.figure.set_size_inches(self.width / DPI, self.height / DPI)
        self._axes.set_ylim(self.height, 0)
        for axes, (x, y, width, height) in self._charts:
            place = x / self.width, 1 - (y + height) / self.height
            axes.set_position((*place, width / self.width, height / self.height))
        return self

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page as PNG or SVG, as the path ends.

        Raises:
            UsageError: The path ends otherwise.
            KerazooError: No file can have it.
        """
        path = Path(path)
        figure_files.check(path)
        with fonts.for_text(""):  # each text has its own font
            figure_files.save(self.figure, path, DPI)


def _bold(size: float, color: str) -> list[withStroke]:
    """Return what makes a text bold in a font that has no bold characters."""
    return [withStroke(linewidth=_points(size / 18), foreground=color)]


def signed(value: float, digits: int = 0) -> str:
    """Return a number with the sign that printing has for minus."""
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def factor(value: float, digits: int = 0) -> str:
    """Return a number as a product or sum has it: in parentheses if it is negative."""
    return f"({signed(value, digits)})" if value < 0 else signed(value, digits)


def ink_on(color: str) -> str:
    """Return the color of text that can be read on another color."""
    return INK if _luminance(color) > LIGHT else PAPER


def tint(color: str, strength: float = 0.4) -> str:
    """Return a color mixed with that of the paper."""
    from matplotlib.colors import to_hex, to_rgb

    red, green, blue = (1 - strength * (1 - part) for part in to_rgb(color))
    return to_hex((red, green, blue))


def _luminance(color: str) -> float:
    from matplotlib.colors import to_rgb

    return float(np.dot(to_rgb(color), (0.299, 0.587, 0.114)))


def _points(pixels: float) -> float:
    return pixels * 72 / DPI


def _number(value: Any, digits: int) -> str:
    return value if isinstance(value, str) else signed(value, digits)


def _parts(text: str) -> list[str]:
    """Return a text cut where a line may end: after spaces, and after Chinese characters."""
    parts = [""]
    for character in text:
        closes = character in "，。、；：？！）》」% "
        if parts[-1] and not closes and (parts[-1][-1] == " " or _may_part(parts[-1], character)):
            parts.append("")
        parts[-1] += character
    return parts


def _may_part(before: str, character: str) -> bool:
    """Return whether a line may end between a part and the character after it."""
    has_chinese = fonts.is_chinese(before[-1]) or fonts.is_chinese(character)
    return has_chinese and before[-1] not in "（《「"
