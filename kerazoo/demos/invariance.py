"""How far max pooling ignores shifts, rotations and scales of a digit.

Source: `cnn-study`, lines 544-590.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from kerazoo.demos.arithmetic import pooling
from kerazoo.demos.page import BLUE, HEADING, MARGIN, MUTED, SKY, SMALL, TINT, Page
from kerazoo.demos.texts import Text

WHITE = 255
POOLS = 3  # of the digit, one after the other
SHIFTS, ANGLES, FACTORS = (1, 2, 4), (10, 20, 90), (0.8, 1.2)
STROKE_SIDE = 8  # of the image of a stroke, in pixels
STROKES = ((2, 1), (3, 1), (2, 2))  # the column of each, and the pixels of its shift

TITLE = Text("How invariant is max pooling?", "最大池化有多“不变”？")
EXPLANATION = Text(
    "Digits that were shifted, rotated or scaled are compared with the original, before and after "
    "pooling: 0% is equal, 100% has no light in common. A difference that shrinks is invariance. "
    "Where that of the digit turned by 90° shrinks too, detail was lost.",
    "把平移、旋转或缩放后的数字与原图比较，分别在池化前后：0% 表示相同，100% 表示没有共同的亮部。"
    "差异变小就是不变性；若旋转 90° 的差异也变小，则说明细节丢失了。",
)
ORIGINAL = Text("original", "原图")
COLUMNS = (
    Text("no pooling", "未池化"),
    Text("1 pooling", "池化 1 次"),
    Text("2 poolings", "池化 2 次"),
    Text("3 poolings", "池化 3 次"),
)
KINDS = {
    "shift": (Text("Shift to the right", "向右平移"), Text("{:g} px", "{:g} 像素")),
    "rotation": (Text("Rotation", "旋转"), Text("{:g}°", "{:g}°")),
    "scale": (Text("Scaling", "缩放"), Text("× {:g}", "× {:g}")),
}
MEASURE = Text(
    "Difference of two maps a and b: Σ|a − b| / Σ(a + b). Windows of 2x2, stride 2; of 7x7, the "
    "last row and column are dropped. Rotation and scaling about the center, bilinear.",
    "图 a 与 b 的差异：Σ|a − b| / Σ(a + b)。窗口 2x2，步长 2；7x7 的最后一行和一列被舍去。"
    "旋转与缩放绕中心，双线性插值。",
)
REASON = Text("It depends on the windows", "关键在于窗口的位置")
STROKE = Text("a stroke of one pixel, shifted", "宽一个像素的竖线向右平移")
CASES = (
    Text("{} px, within the windows", "{} 像素，仍在原窗口内"),
    Text("{} px, into the next windows", "{} 像素，进入下一列窗口"),
    Text("{} px: the result moves by {} px", "{} 像素：结果移动 {} 像素"),
)
BEFORE_AFTER = Text("differs by {:.0%}, pooled by {:.0%}", "差异 {:.0%}，池化后 {:.0%}")

SIDE = 28  # of a digit
NAME, COLUMN, ROW = 120, 200, 96  # the sides of the cells of the table
PIXEL, STROKE_PIXEL = 3, 16  # the sides of a pixel that is not pooled
BAR = 14
GAP = 60


@dataclass(frozen=True)
class Moved:
    """An image that was moved, and its max poolings.

    Attributes:
        maps: The image, and what remains after each pooling: [side, side].
        differences: Of each map to that of the image before the move: 0 is equal, 1 has nothing in
            common.
    """

    maps: tuple[np.ndarray, ...]
    differences: tuple[float, ...]


@dataclass(frozen=True)
class Invariance:
    """A digit and strokes, each before and after moves.

    Attributes:
        maps: The digit and what remains after each pooling: [28, 28], [14, 14], [7, 7], [3, 3].
        moved: By the kind of move and its size: pixels, degrees or a factor.
        strokes: For each of `STROKES`, the stroke before and after its shift, pooled once.
    """

    maps: tuple[np.ndarray, ...]
    moved: dict[str, dict[float, Moved]]
    strokes: tuple[tuple[Moved, Moved], ...]


def compute(image: np.ndarray) -> Invariance:
    """Return the differences that moves of a digit make before and after max pooling.

    Args:
        image: [28, 28] in [0, 255], light on dark.

    Source: `cnn-study`, lines 544-590.
    """
    moves: dict[str, tuple[Callable[..., np.ndarray], tuple[float, ...]]] = {
        "shift": (shifted, SHIFTS),
        "rotation": (rotated, ANGLES),
        "scale": (scaled, FACTORS),
    }
    return Invariance(
        maps=_pooled(image, POOLS),
        moved={
            kind: {size: _moved(image, move(image, size), POOLS) for size in sizes}
            for kind, (move, sizes) in moves.items()
        },
        strokes=tuple(_stroke(column, pixels) for column, pixels in STROKES),
    )


def shifted(image: np.ndarray, pixels: int) -> np.ndarray:
    """Return an image shifted to the right; what comes in is black."""
    return np.pad(image, [(0, 0), (pixels, 0)])[:, : image.shape[1]]


def rotated(image: np.ndarray, degrees: float) -> np.ndarray:
    """Return an image rotated counterclockwise about its center."""
    return ndimage.rotate(image, degrees, reshape=False, order=1)


def scaled(image: np.ndarray, factor: float) -> np.ndarray:
    """Return an image scaled about its center, of the same size."""
    center = (np.array(image.shape) - 1) / 2
    return ndimage.affine_transform(
        image, np.eye(2) / factor, offset=center * (1 - 1 / factor), order=1
    )


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Return how different two maps without negative elements are, from 0 to 1.

    It is the sum of the absolute differences by the sum of all elements of both: 0 for equal maps,
    1 if nowhere both are positive, whatever their size and brightness.

    Source: Bray and Curtis, "An Ordination of the Upland Forest Communities of Southern Wisconsin"
    (1957), https://doi.org/10.2307/1942268.
    """
    total = float(np.sum(one + other))
    return float(np.abs(one - other).sum()) / total if total else 0.0


def _pooled(image: np.ndarray, times: int) -> tuple[np.ndarray, ...]:
    """Return an image and what remains after each of several max poolings."""
    maps = [image]
    for _ in range(times):
        maps.append(pooling(maps[-1][..., None], 2, 2)[..., 0])
    return tuple(maps)


def _moved(before: np.ndarray, after: np.ndarray, times: int) -> Moved:
    maps = _pooled(after, times)
    pairs = zip(_pooled(before, times), maps, strict=True)
    return Moved(maps, tuple(difference(*pair) for pair in pairs))


def _stroke(column: int, pixels: int) -> tuple[Moved, Moved]:
    """Return a vertical stroke one pixel wide, before and after a shift to the right."""
    image = np.zeros((STROKE_SIDE, STROKE_SIDE))
    image[1:-1, column] = WHITE
    return _moved(image, image, 1), _moved(image, shifted(image, pixels), 1)


def draw(shown: Invariance, language: str = "en") -> Page:
    """Return the page: each move with its differences, and what happens to a stroke."""
    width = NAME + len(shown.maps) * COLUMN - GAP // 2
    right = MARGIN + width + GAP
    page = Page(right + 2 * STROKE_SIDE * STROKE_PIXEL + GAP + MARGIN, language)
    top = page.title(TITLE, EXPLANATION) + 8
    bottom = _draw_table(page, shown, top)
    bottom = page.paragraph(MARGIN, bottom, MEASURE, width, size=SMALL, color=MUTED)
    return page.cut(max(bottom, _draw_strokes(page, shown.strokes, right, top)))


def _draw_table(page: Page, shown: Invariance, y: float) -> float:
    """Draw the digit and each move of it in a row; return the bottom."""
    for number, (name, image) in enumerate(zip(COLUMNS, shown.maps, strict=True)):
        x = MARGIN + NAME + number * COLUMN
        page.text(x, y + 12, name, weight="bold")
        page.text(x, y + 36, f"{len(image)}x{len(image)}", size=SMALL, color=MUTED)
    y += 56
    _draw_row(page, ORIGINAL, shown.maps, y)
    y += ROW
    for kind, (heading, name) in KINDS.items():
        page.text(MARGIN, y + 20, heading, weight="bold")
        y += 40
        for size, moved in shown.moved[kind].items():
            _draw_row(page, name.format(size), moved.maps, y)
            _draw_bars(page, moved.differences, y)
            y += ROW
    return y + 4


def _draw_row(page: Page, name: Text, maps: tuple[np.ndarray, ...], y: float) -> None:
    """Draw a digit and its poolings, each over the pixels it was made of."""
    page.text(MARGIN, y + SIDE * PIXEL / 2, name)
    for number, image in enumerate(maps):
        x = MARGIN + NAME + number * COLUMN
        page.image(image, x, y, PIXEL * 2**number, limits=(0, WHITE))


def _draw_bars(page: Page, differences: tuple[float, ...], y: float) -> None:
    """Draw the differences of a row as bars and numbers beside its images."""
    height = SIDE * PIXEL
    for number, value in enumerate(differences):
        x = MARGIN + NAME + number * COLUMN + height + 10
        page.box(x, y, BAR, height, fill=TINT)
        page.box(x, y + (1 - value) * height, BAR, value * height, fill=BLUE)
        page.text(x + BAR + 8, y + height / 2, f"{value:.0%}")


def _draw_strokes(
    page: Page, strokes: tuple[tuple[Moved, Moved], ...], x: float, y: float
) -> float:
    """Draw each stroke before and after its shift, beside its pooling; return the bottom."""
    page.text(x, y + 12, REASON, size=HEADING, weight="bold")
    page.text(x, y + 36, STROKE, size=SMALL, color=MUTED)
    side = STROKE_SIDE * STROKE_PIXEL
    top = y + 76
    for name, (_, pixels), (before, after) in zip(CASES, STROKES, strokes, strict=True):
        page.text(x, top + 10, name.format(pixels, pixels // 2), weight="bold")
        page.text(x, top + 34, BEFORE_AFTER.format(*after.differences), size=SMALL, color=MUTED)
        top += 52
        for moved in (before, after):
            for times, image in enumerate(moved.maps):
                _draw_stroke(page, image, x + times * (side + GAP), top)
            page.arrow((x + side + 14, top + side / 2), (x + side + GAP - 14, top + side / 2))
            top += side + 8
        top += 22
    return top - 30


def _draw_stroke(page: Page, image: np.ndarray, x: float, y: float) -> None:
    """Draw a stroke, pooled or not, with the windows of the pooling."""
    side = STROKE_SIDE * STROKE_PIXEL
    page.image(image, x, y, side / len(image), limits=(0, WHITE), frame=SKY)
    for at in range(2 * STROKE_PIXEL, side, 2 * STROKE_PIXEL):
        page.line([(x + at, y), (x + at, y + side)], color=SKY, line=1)
        page.line([(x, y + at), (x + side, y + at)], color=SKY, line=1)
