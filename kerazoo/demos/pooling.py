"""The kinds of pooling, number by number.

Source: `cnn-study`, lines 472-624.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kerazoo.demos._maxima import Maxima, gray_cells, mark_winners, max_pooled
from kerazoo.demos.arithmetic import pooling
from kerazoo.demos.page import (
    BLUE,
    GREEN,
    HEADING,
    INK,
    MARGIN,
    MUTED,
    ORANGE,
    PAPER,
    PURPLE,
    SKY,
    SMALL,
    TINT,
    Page,
)
from kerazoo.demos.texts import Text

FEATURES = np.array([[0, 9, 4, 4], [1, 0, 3, 4], [8, 7, 0, 0], [9, 8, 2, 0]])
OVERLAPPED = np.array(
    [[1, 0, 2, 3, 1], [4, 2, 8, 0, 5], [0, 6, 1, 2, 0], [3, 7, 0, 1, 4], [2, 1, 0, 9, 3]]
)
CHANNELS = (
    FEATURES,
    np.array([[0, 0, 0, 0], [0, 0, 8, 0], [0, 0, 0, 0], [0, 0, 0, 0]]),
    np.array([[2, 3, 2, 2], [2, 2, 3, 2], [3, 2, 2, 2], [2, 2, 2, 3]]),
)
PYRAMID_SIDE = 13
BINS = (1, 2, 4)
FILTERS = 256
SPOTS = ((2, 8, 90), (6, 4, 70), (10, 10, 55), (11, 1, 40), (1, 2, 30))  # row, column, height
SPOT_WIDTH = 1.6
OTHER_SIDE = 7  # of a feature map for which the notes' windows are too many

TITLE = Text("Pooling, number by number", "逐个数字看池化")
EXPLANATION = Text(
    "A window slides over each channel, and each position gives one number: nothing is learned. "
    "The outlined number alone makes the maximum; mean and sum use all numbers of the window.",
    "窗口在每个通道上滑动，每个位置得到一个数，没有要学习的参数。"
    "最大值只取决于加框的那个数；平均与求和则用到窗口内的所有数。",
)
KINDS = Text("Maximum, mean, sum", "最大、平均、求和")
OVERLAPPING = Text("Overlapping", "重叠池化")
GLOBAL = Text("Global: one number for each channel", "全局池化：每个通道一个数")
PYRAMID = Text(
    "Spatial pyramid: three poolings of one feature map", "空间金字塔池化：同一特征图池化三次"
)
SIZES = Text(
    "window {0}x{0}, stride {1}: {2}x{2} gives {3}x{3}",
    "窗口 {0}x{0}，步长 {1}：{2}x{2} 得 {3}x{3}",
)
GLOBAL_SIZES = Text(
    "window {0}x{0}, the whole channel: {0}x{0}x{1} gives 1x1x{1}",
    "窗口 {0}x{0}，即整个通道：{0}x{0}x{1} 得 1x1x{1}",
)
PYRAMID_SIZES = Text(
    "for n x n bins of a feature map of side a: window ⌈a/n⌉, stride ⌊a/n⌋; here a = {} and "
    "n = {}, {}, {}; neighboring windows may share a row or column",
    "把边长 a 分为 n x n 个区域：窗口 ⌈a/n⌉，步长 ⌊a/n⌋；这里 a = {}，n = {}、{}、{}；"
    "相邻窗口可能共用一行或一列",
)
MAXIMUM, MEAN, SUM = Text("maximum", "最大"), Text("mean", "平均"), Text("sum", "求和")
CAPTIONS = {
    MAXIMUM: Text(
        "{0} twice: a single large number counts as much as four large ones.",
        "两个 {0}：窗口里有一个大数还是四个大数，结果都一样。",
    ),
    MEAN: Text(
        "Four medium numbers ({1:.2f}) rank above a single {0} ({2:.2f}).",
        "四个中等的数（{1:.2f}）高于单独一个 {0}（{2:.2f}）。",
    ),
    SUM: Text(
        "{3} times the mean: a larger window gives a larger sum.",
        "平均值的 {3} 倍：窗口越大，和越大。",
    ),
}
SHARED = Text(
    "Two neighboring windows share a column, and the {} in it is the maximum of both.",
    "相邻的两个窗口共用一列，其中的 {} 同时是两者的最大值。",
)
UNEVEN = Text(
    "The formulas do not give n bins for every a: for a = {0} and n = {1} they give {2}x{2} bins.",
    "这两个公式并非对任意 a 都恰好得到 n x n 个区域：a = {0}、n = {1} 时得到 {2}x{2} 个。",
)
VECTOR = Text(
    "The vector for {} channels: {} = {:,} numbers", "{} 个通道得到的向量：{} = {:,} 个数"
)

CELL, SMALL_CELL, PIXEL, BIN = 60, 36, 18, 52  # sides of the cells
NUMBER = 20  # size of the numbers in larger cells
GAP = 60  # between a feature map and what it gives, and between parts
COLUMN = 350  # from one kind of pooling to the next
GLOBAL_LEFT = MARGIN + 4 * CELL + GAP + COLUMN
WIDTH = 1400
COLORS = (BLUE, ORANGE, GREEN, PURPLE)  # of the windows
TINTED = 0.3  # their opacity


@dataclass(frozen=True)
class Pooling:
    """Poolings of small feature maps.

    Attributes:
        maximum: Of windows of 2x2 with stride 2.
        mean: Of the same windows, [2, 2].
        sum: Of the same windows, [2, 2].
        overlapping: The maximum of windows of 3x3 with stride 2.
        whole: The maximum of each channel.
        whole_mean: The mean of each channel, [channels].
        pyramid: The maximum of n x n bins for each n of `BINS`.
        lengths: Of the vector that each of them gives for `FILTERS` channels.
        uneven: Bins that the pyramid's windows give along a side of `OTHER_SIDE`, instead of the
            largest n.
    """

    maximum: Maxima
    mean: np.ndarray
    sum: np.ndarray
    overlapping: Maxima
    whole: tuple[Maxima, ...]
    whole_mean: np.ndarray
    pyramid: tuple[Maxima, ...]
    lengths: tuple[int, ...]
    uneven: int


def compute() -> Pooling:
    """Return all kinds of pooling of feature maps of integers.

    Source: `cnn-study`, lines 472-624; for the pyramid also He, Zhang, Ren and Sun, "Spatial
    Pyramid Pooling in Deep Convolutional Networks for Visual Recognition" (2014),
    https://arxiv.org/abs/1406.4729, section 2.3.
    """
    features = FEATURES[..., None]
    spots = feature_map(PYRAMID_SIDE)
    window, stride = pyramid_window(OTHER_SIDE, BINS[-1])
    return Pooling(
        maximum=max_pooled(FEATURES, 2, 2),
        mean=pooling(features, 2, 2, np.mean)[..., 0],
        sum=pooling(features, 2, 2, np.sum)[..., 0],
        overlapping=max_pooled(OVERLAPPED, 3, 2),
        whole=tuple(max_pooled(channel, len(channel), len(channel)) for channel in CHANNELS),
        whole_mean=np.mean(CHANNELS, axis=(1, 2)),
        pyramid=tuple(max_pooled(spots, *pyramid_window(PYRAMID_SIDE, n)) for n in BINS),
        lengths=tuple(n * n * FILTERS for n in BINS),
        uneven=(OTHER_SIDE - window) // stride + 1,
    )


def pyramid_window(length: int, bins: int) -> tuple[int, int]:
    """Return the window and the stride that the pyramid takes for a number of bins."""
    return -(-length // bins), length // bins


def feature_map(side: int) -> np.ndarray:
    """Return a feature map with some bright spots, integers [side, side]."""
    rows, columns = np.indices((side, side))
    spots = [
        height * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * SPOT_WIDTH**2))
        for row, column, height in SPOTS
    ]
    return np.rint(np.sum(spots, axis=0)).astype(int)


def draw(shown: Pooling, language: str = "en") -> Page:
    """Return the page: small windows, overlapping and global pooling, then the pyramid."""
    page = Page(WIDTH, language)
    below = _draw_kinds(page, shown, page.title(TITLE, EXPLANATION) + 8)
    bottom = _draw_overlapping(page, shown.overlapping, below + 36)
    _draw_global(page, shown, below + 36)
    bottom = _draw_pyramid(page, shown.pyramid, bottom + 36)
    return page.cut(_draw_vector(page, shown, bottom + 30))


def _head(page: Page, x: float, y: float, heading: Text, sizes: Text) -> float:
    """Write the heading of a part and its sizes; return where the part begins below."""
    page.text(x, y + 12, heading, size=HEADING, weight="bold")
    page.text(x, y + 42, sizes, size=SMALL, color=MUTED)
    return y + 64


def _sizes(pool: Maxima) -> Text:
    return SIZES.format(pool.window, pool.stride, len(pool.image), len(pool.values))


def _arrow(page: Page, x: float, y: float) -> None:
    """Draw an arrow in the gap at the right of a feature map."""
    page.arrow((x + 14, y), (x + GAP - 14, y))


def _draw_kinds(page: Page, shown: Pooling, y: float) -> float:
    """Draw the maximum, mean and sum of the same four windows; return the bottom."""
    pool = shown.maximum
    top = _head(page, MARGIN, y, KINDS, _sizes(pool))
    right, bottom = page.cells(pool.image, MARGIN, top, CELL)
    _tint(page, MARGIN, top, 2 * CELL)
    mark_winners(page, pool, MARGIN, top, CELL, color=INK)
    _arrow(page, right, top + 34 + CELL)
    numbers = FEATURES.max(), shown.mean[0, 1], shown.mean[0, 0], pool.window**2
    kinds = (MAXIMUM, pool.values, 0), (MEAN, shown.mean, 2), (SUM, shown.sum, 0)
    for place, (name, values, digits) in enumerate(kinds):
        x = right + GAP + place * COLUMN
        page.text(x, top + 10, name, weight="bold")
        _, end = page.cells(values, x, top + 34, CELL, digits=digits, size=NUMBER)
        _tint(page, x, top + 34, CELL)
        page.paragraph(x, end + 14, CAPTIONS[name].format(*numbers), COLUMN - GAP, size=SMALL)
    return bottom


def _tint(page: Page, x: float, y: float, side: float) -> None:
    """Color four squares, which are windows or what they give."""
    for number, color in enumerate(COLORS):
        left, top = x + number % 2 * side, y + number // 2 * side
        page.box(left, top, side, side, fill=color, opacity=TINTED)
        page.box(left, top, side, side, edge=PAPER, line=4)


def _draw_overlapping(page: Page, pool: Maxima, y: float) -> float:
    """Draw two windows that overlap, and what they give; return the bottom."""
    top = _head(page, MARGIN, y, OVERLAPPING, _sizes(pool))
    side = 4 * CELL / len(pool.image)
    right, bottom = page.cells(pool.image, MARGIN, top, side, size=NUMBER)
    x = right + GAP
    _arrow(page, right, top + CELL)
    page.cells(pool.values, x, top, CELL, size=NUMBER)
    length = pool.window * side
    for number, color in enumerate(COLORS[:2]):
        left = MARGIN + number * pool.stride * side
        page.box(left, top, length, length, fill=color, opacity=TINTED)
        page.box(left + 2, top + 2, length - 4, length - 4, edge=color, line=4)
        page.box(x + number * CELL, top, CELL, CELL, fill=color, opacity=TINTED)
    mark_winners(page, pool, MARGIN, top, side, color=INK)
    caption = SHARED.format(pool.values[0, 0])
    page.paragraph(x, top + 2 * CELL + 14, caption, GLOBAL_LEFT - GAP - x, size=SMALL)
    return bottom


def _draw_global(page: Page, shown: Pooling, y: float) -> None:
    """Draw the channels of a feature map above their maxima and means."""
    channels = shown.whole
    sizes = GLOBAL_SIZES.format(channels[0].window, len(channels))
    top = _head(page, GLOBAL_LEFT, y, GLOBAL, sizes)
    side = SMALL_CELL * channels[0].window
    step = (WIDTH - MARGIN - side - GLOBAL_LEFT) / len(channels)
    for number, (pool, mean) in enumerate(zip(channels, shown.whole_mean, strict=True)):
        x = GLOBAL_LEFT + (number + 1) * step
        _, bottom = page.cells(pool.image, x, top, SMALL_CELL)
        mark_winners(page, pool, x, top, SMALL_CELL, color=INK)
        page.box(x, top, side, side, fill=COLORS[number], opacity=TINTED)
        for row, text in enumerate((f"{pool.values[0, 0]}", f"{mean:.2f}")):
            above = bottom + 18 + 42 * row
            page.box(x, above, side, SMALL_CELL, fill=COLORS[number], opacity=TINTED)
            page.text(x + side / 2, above + SMALL_CELL / 2, text, align="center")
    for row, name in enumerate((MAXIMUM, MEAN)):
        page.text(GLOBAL_LEFT, bottom + 36 + 42 * row, name)


def _draw_pyramid(page: Page, pyramid: tuple[Maxima, ...], y: float) -> float:
    """Draw the windows of each level of the pyramid and what they give; return the bottom."""
    top = _head(page, MARGIN, y, PYRAMID, PYRAMID_SIZES.format(PYRAMID_SIDE, *BINS))
    side = PIXEL * PYRAMID_SIDE
    x: float = MARGIN
    for pool in pyramid:
        page.text(x, top + 8, _sizes(pool), size=SMALL)
        _draw_windows(page, pool, x, top + 28)
        x, middle = x + side, top + 28 + side / 2
        _arrow(page, x, middle)
        colors = gray_cells(pool.values, pool.image.max())
        above = middle - BIN * len(pool.values) / 2
        x, _ = page.cells(pool.values, x + GAP, above, BIN, fill=colors, size=NUMBER)
        x += (WIDTH - 2 * MARGIN - 3 * (side + GAP) - sum(BINS) * BIN) / 2
    return top + 28 + side


def _draw_windows(page: Page, pool: Maxima, x: float, y: float) -> None:
    """Draw a feature map as an image with the windows and the maxima."""
    page.image(pool.image, x, y, PIXEL)
    side = pool.window * PIXEL
    for row, column in pool.stride * PIXEL * np.indices(pool.values.shape).reshape(2, -1).T:
        page.box(x + column, y + row, side, side, edge=SKY)
    mark_winners(page, pool, x, y, PIXEL)


def _draw_vector(page: Page, shown: Pooling, y: float) -> float:
    """Draw the vector to scale, in the parts that the levels give; return the bottom."""
    total = sum(shown.lengths)
    parts = " + ".join(f"{length:,}" for length in shown.lengths)
    page.text(MARGIN, y + 8, VECTOR.format(FILTERS, parts, total))
    x: float = MARGIN
    for n, length in zip(BINS, shown.lengths, strict=True):
        width = (WIDTH - 2 * MARGIN) * length / total
        page.box(x, y + 28, width, SMALL_CELL, fill=TINT)
        page.box(x, y + 28, width, SMALL_CELL, edge=MUTED, line=1)
        text = f"{n}x{n}x{FILTERS} = {length:,}" if n > 1 else f"{length}"
        page.text(x + width / 2, y + 28 + SMALL_CELL / 2, text, align="center")
        x += width
    bottom = y + 28 + SMALL_CELL
    uneven = UNEVEN.format(OTHER_SIDE, BINS[-1], shown.uneven)
    return page.paragraph(MARGIN, bottom + 10, uneven, WIDTH, size=SMALL, color=MUTED)
