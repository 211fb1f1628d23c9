"""What 2x2 max pooling keeps of a photo, at true scale.

Source: `cnn-notes`, lines 180-212; the Keras port is `kerazoo.ports.max_pool`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kerazoo.demos._maxima import Maxima, gray_cells, mark_winners, max_pooled
from kerazoo.demos.arithmetic import pooling, windows
from kerazoo.demos.page import HEADING, MARGIN, MUTED, PAPER, SKY, SMALL, VERMILION, Page
from kerazoo.demos.texts import Text
from kerazoo.errors import UsageError

WINDOW = 2  # its side, and its stride
CROP = 12  # pixels of the side of the part that is enlarged
GREEN = 1  # the channel of it that is shown

TITLE = Text("What 2x2 max pooling keeps of a photo", "2x2 最大池化保留了照片的什么")
EXPLANATION = Text(
    "Of every 2x2 pixels, each color channel keeps the largest value. A quarter of the area "
    "remains: bright details survive, dark ones between them vanish.",
    "每 2x2 个像素中，各颜色通道只保留最大值，面积只剩四分之一："
    "亮的细节留了下来，夹在其间的暗细节消失了。",
)
PHOTO = Text("Photo: {}x{}", "照片：{}x{}")
POOLED = Text("Pooled: {}x{}", "池化后：{}x{}")
PIXELS = Text(
    "height x width; a pixel is {0}x{0} pixels of this page",
    "高 x 宽；每个像素在本图上占 {0}x{0} 像素",
)
SAME_PIXELS = Text("at the same scale", "同一比例")
PART = Text("A part of it: {}x{}", "其中一部分：{}x{}")
PLACE = Text(
    "green channel, rows {} to {}, columns {} to {}", "绿色通道，第 {} 至 {} 行、第 {} 至 {} 列"
)
CAPTION = Text(
    "Blue: the windows. Outlined: the largest value of each, the first of equal ones.\n"
    "No other part of the photo has values that differ more within the windows. "
    "Its mean: {:.0f} before, {:.0f} after.",
    "蓝线是窗口，加框的是窗口内的最大值（相等时取第一个）。\n"
    "照片中没有别的部分在窗口内相差更大。其平均值：池化前 {:.0f}，池化后 {:.0f}。",
)
KEPT = Text("{2:.1%} remain: {0:,} of {1:,} pixels.", "剩下 {0:,} / {1:,} 个像素：{2:.1%}。")
DROPPED = {
    (True, False): Text(
        "VALID drops the last row: {0} is odd.", "VALID 舍去最后一行：{0} 是奇数。"
    ),
    (False, True): Text(
        "VALID drops the last column: {1} is odd.", "VALID 舍去最后一列：{1} 是奇数。"
    ),
    (True, True): Text(
        "VALID drops the last row and column: {0} and {1} are odd.",
        "VALID 舍去最后一行和最后一列：{0} 和 {1} 都是奇数。",
    ),
}
MEANS = Text("Mean: {:.1f} before, {:.1f} after.", "平均值：池化前 {:.1f}，池化后 {:.1f}。")
MIXED = Text(
    "In {:.1%} of the windows no pixel has all three maxima: the color is new.",
    "{:.1%} 的窗口中，没有一个像素同时取得三个通道的最大值：得到的是新的颜色。",
)

SIDE = 640  # of a photo; a smaller one is enlarged to at most this
CELL = 40  # of a pixel in the part
GAP = 60
LEAST_WIDTH = 1100  # of the page
FRAME = 4  # pixels between the part and its frame in the photo


@dataclass(frozen=True)
class MaxPool:
    """A photo, its max pooling, and a part of both.

    Attributes:
        photo: [height, width, 3] in [0, 255].
        pooled: [height // 2, width // 2, 3].
        corner: Row and column of the top left pixel of the part, both even.
        part: The part of the photo in the green channel, and its max pooling.
        kept: Fraction of the values of the photo that are in the pooled one.
        mixed: Fraction of the pooled pixels whose channels are of no single pixel of the photo.
        means: Of all values before and after.
    """

    photo: np.ndarray
    pooled: np.ndarray
    corner: tuple[int, int]
    part: Maxima
    kept: float
    mixed: float
    means: tuple[float, float]


def compute(image: np.ndarray) -> MaxPool:
    """Return the max pooling of an image and its part with the largest local contrast.

    Args:
        image: [height, width, 3] in [0, 255].

    Raises:
        UsageError: The image is smaller than 2x2.

    Source: `cnn-notes`, lines 180-212.
    """
    height, width = image.shape[:2]
    if min(height, width) < WINDOW:
        raise UsageError(
            f"the image is {height}x{width}, and 2x2 max pooling needs at least 2x2: "
            "choose a larger image"
        )
    pooled = pooling(image, WINDOW, WINDOW)
    corner, part = _most_contrast(image[..., GREEN])
    return MaxPool(
        photo=image,
        pooled=pooled,
        corner=corner,
        part=part,
        kept=pooled.size / image.size,
        mixed=_mixed(image, pooled),
        means=(float(image.mean()), float(pooled.mean())),
    )


def _most_contrast(channel: np.ndarray) -> tuple[tuple[int, int], Maxima]:
    """Return the corner and the pooling of the part whose windows have the largest mean range."""
    ranges = pooling(channel[..., None], WINDOW, WINDOW) + pooling(
        -channel[..., None], WINDOW, WINDOW
    )
    rows, columns = (min(CROP // WINDOW, length) for length in ranges.shape[:2])
    contrast = windows(ranges, (rows, columns)).mean(axis=(2, 3, 4))
    row, column = (WINDOW * int(i) for i in np.unravel_index(contrast.argmax(), contrast.shape))
    part = channel[row : row + WINDOW * rows, column : column + WINDOW * columns]
    return (row, column), max_pooled(part, WINDOW, WINDOW)


def _mixed(image: np.ndarray, pooled: np.ndarray) -> float:
    """Return the fraction of windows in which no pixel has the maxima of all channels."""
    is_maximum = windows(image, (WINDOW, WINDOW), WINDOW) == pooled[:, :, None, None]
    return 1 - float(is_maximum.all(axis=-1).any(axis=(2, 3)).mean())


def draw(shown: MaxPool, language: str = "en") -> Page:
    """Return the page: the photo and its pooling to one scale, then a part with its numbers."""
    height, width = shown.photo.shape[:2]
    scale = max(1, SIDE // max(height, width))
    left = MARGIN + max(scale * width, CELL * CROP) + GAP
    page = Page(max(left + scale * (width // WINDOW) + MARGIN, LEAST_WIDTH), language)
    top = round(page.title(TITLE, EXPLANATION)) + 8
    bottom = _draw_photos(page, shown, scale, left, top)
    return page.cut(_draw_part(page, shown, left, bottom + 32))


def _draw_photos(page: Page, shown: MaxPool, scale: int, x: int, y: int) -> int:
    """Draw the photo, at `x` its pooling and what that keeps; return the bottom."""
    images = (MARGIN, shown.photo, PHOTO, 1), (x, shown.pooled, POOLED, WINDOW)
    for left, image, name, shrunk in images:
        page.text(left, y + 12, name.format(*image.shape[:2]), size=HEADING, weight="bold")
        page.image(image, left, y + 64, scale, frame=None)
        _frame(page, shown, scale / shrunk, left, y + 64)
    page.text(MARGIN, y + 42, PIXELS.format(scale), size=SMALL, color=MUTED)
    page.text(x, y + 42, SAME_PIXELS, size=SMALL, color=MUTED)
    below: float = y + 64 + scale * len(shown.pooled) + 16
    for fact in _facts(shown):
        below = page.paragraph(x, below, fact, page.width - MARGIN - x, size=SMALL) + 8
    return max(y + 64 + scale * len(shown.photo), round(below))


def _frame(page: Page, shown: MaxPool, scale: float, x: float, y: float) -> None:
    """Draw a frame around the part, where a pixel of the photo has a side of `scale`."""
    row, column = shown.corner
    height, width = (scale * length + 2 * FRAME for length in shown.part.image.shape)
    left, top = x + scale * column - FRAME, y + scale * row - FRAME
    page.box(left, top, width, height, edge=PAPER, line=7)
    page.box(left, top, width, height, edge=VERMILION, line=3)


def _facts(shown: MaxPool) -> list[Text]:
    height, width = shown.photo.shape[:2]
    pixels = [image.shape[0] * image.shape[1] for image in (shown.pooled, shown.photo)]
    facts = [KEPT.format(*pixels, shown.kept)]
    odd = height % WINDOW > 0, width % WINDOW > 0
    if odd in DROPPED:
        facts.append(DROPPED[odd].format(height, width))
    return [*facts, MEANS.format(*shown.means), MIXED.format(shown.mixed)]


def _draw_part(page: Page, shown: MaxPool, x: int, y: int) -> float:
    """Draw the part with its numbers and winners, at `x` its pooling; return the bottom."""
    part = shown.part
    row, column = shown.corner
    height, width = part.image.shape
    place = PLACE.format(row, row + height - 1, column, column + width - 1)
    page.text(MARGIN, y + 12, PART.format(height, width), size=HEADING, weight="bold")
    page.text(MARGIN, y + 42, place, size=SMALL, color=MUTED)
    page.text(x, y + 12, POOLED.format(*part.values.shape), size=HEADING, weight="bold")
    top = y + 64
    colors = gray_cells(part.image, 255)
    right, bottom = page.cells(part.image, MARGIN, top, CELL, fill=colors)
    mark_winners(page, part, MARGIN, top, CELL)
    _, end = page.cells(part.values, x, top, CELL, fill=gray_cells(part.values, 255))
    for r, c in np.ndindex(part.values.shape):
        page.box(MARGIN + 2 * CELL * c, top + 2 * CELL * r, 2 * CELL, 2 * CELL, edge=SKY)
        page.box(x + CELL * c, top + CELL * r, CELL, CELL, edge=SKY)
    page.arrow((right + 16, (top + end) / 2), (x - 16, (top + end) / 2))
    caption = CAPTION.format(part.image.mean(), part.values.mean())
    return max(bottom, page.paragraph(x, end + 16, caption, page.width - MARGIN - x, size=SMALL))
