"""The filters of the study notes: two lines, and a filter that learns them.

Source: `cnn-notes`, lines 129-164. The Keras models are in `kerazoo/ports/filter_demo.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kerazoo.demos.arithmetic import Pair, convolution, padded, padding_of, windows
from kerazoo.demos.page import (
    BLUE,
    INK,
    MARGIN,
    MUTED,
    ORANGE,
    SIGNED,
    SMALL,
    VERMILION,
    Page,
    signed,
)
from kerazoo.demos.texts import Text
from kerazoo.errors import UsageError
from kerazoo.ports.filter_demo import line_filters

SIDE, STRIDE = 7, 2
MIN_SIDE = 4 * SIDE
STEPS, MOMENTUM, SEED = 5000, 0.998, 0
SHOWN = 1  # the filter of horizontal lines, whose feature map the notes show

TITLE = Text("A filter finds lines, and can learn to find them", "滤波器能找到线条，也能学会找线条")
EXPLANATION = Text(
    "Each filter is 7x7 in each of the three color channels: a line of ones in zeros. Its feature "
    "map is bright where the photo is bright along that line. Stride 2 halves the sides.",
    "每个滤波器在三个颜色通道上都是 7x7，只有一条线上为 1，其余为 0。"
    "照片在这条线上越亮，特征图就越亮。"
    "步长为 2，边长减半。",
)
NAMES = (Text("vertical line", "竖线"), Text("horizontal line", "横线"))
MAP = Text("feature map {} of the photo, {}x{}", "照片的第 {} 个特征图，{}x{}")
PADDING = Text("where the padding shows", "零填充的影响")
ZEROS = Text(
    "SAME puts {} rows of zeros above the photo and {} below, {} columns on its left and {} on its "
    "right. Outside the orange frame, windows reach into them.",
    "SAME 在照片上方补 {} 行零、下方补 {} 行零，左侧补 {} 列、右侧补 {} 列。"
    "橙色框以外，窗口伸到了零上。",
)
CORNER = Text(
    "upper right corner of feature map {}, enlarged {:g} times",
    "第 {} 个特征图的右上角，放大 {:g} 倍",
)
LEARNING = Text("The same filter, learned", "学习得到的同一滤波器")
TASK = Text(
    "It starts at random, and {:,} steps of gradient descent with momentum bring its feature map "
    "to that of the horizontal line. It has never seen the line itself.",
    "从随机值开始，经过 {:,} 步带动量的梯度下降，使它的特征图接近横线的特征图。"
    "它从未见过横线本身。",
)
BEFORE, AFTER = Text("before", "学习之前"), Text("after", "学习之后")
LOSS = Text("mean squared error {:.3g}", "均方误差 {:.3g}")
RANGE = Text("weights from {} to {}", "权重从 {} 到 {}")
STEP, ERROR = Text("step", "步数"), Text("mean squared error", "均方误差")


@dataclass(frozen=True)
class Filters:
    """What the filters make of an image.

    Attributes:
        image: [height, width, 3] in [0, 255].
        filters: The lines, [7, 7, 3, 2].
        maps: Their feature maps, [rows, columns, 2].
        zeros: Rows above and below, columns on the left and the right.
        before: The random filters, [7, 7, 3, 2], and `after`, the learned ones.
        losses: The mean squared error of the feature map that is shown, before each step and at
            the end.
    """

    image: np.ndarray
    filters: np.ndarray
    maps: np.ndarray
    zeros: tuple[Pair, Pair]
    before: np.ndarray
    after: np.ndarray
    losses: np.ndarray


def compute(image: np.ndarray) -> Filters:
    """Return the feature maps of an image [height, width, 3] in [0, 255], and learned filters.

    Raises:
        UsageError: The image is smaller than `MIN_SIDE`.
    """
    height, width = image.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise UsageError(
            f"the image is {height}x{width}: for filters of {SIDE}x{SIDE} give one of at least "
            f"{MIN_SIDE}x{MIN_SIDE}"
        )
    filters = line_filters().astype(np.float64)
    zeros = tuple(padding_of(length, SIDE, STRIDE) for length in image.shape[:2])
    before, after, losses = learned(image / 255, filters)
    maps = convolution(image, filters, STRIDE, "same")
    return Filters(image, filters, maps, (zeros[0], zeros[1]), before, after, losses[:, SHOWN])


def learned(
    image: np.ndarray, target: np.ndarray, steps: int = STEPS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return random filters, what they become as they learn a target, and the losses.

    The loss is the mean squared difference of both feature maps of the image, over all windows at
    once. Each step is one of Keras's SGD with Nesterov's momentum; its rate is half the inverse of
    the largest eigenvalue of the windows' Gram matrix.

    Args:
        image: [height, width, 3] in [0, 1].
        target: The filters that are to be learned, [7, 7, 3, 2].
        steps: How many.

    Returns:
        The filters before and after, as `target`, and the losses [steps + 1, 2].
    """
    read = windows(padded(image, (SIDE, SIDE), STRIDE), (SIDE, SIDE), STRIDE).reshape(
        -1, target[..., 0].size
    )
    gram = read.T @ read / len(read)
    goal = target.reshape(read.shape[1], -1)
    limit = np.sqrt(6 / (SIDE**2 * (target.shape[2] + target.shape[3])))  # Keras's Glorot uniform
    before = np.random.default_rng(SEED).uniform(-limit, limit, goal.shape)
    rate = 0.5 / max(float(np.linalg.norm(gram, 2)), np.finfo(float).tiny)
    error, losses = before - goal, np.empty((steps + 1, goal.shape[1]))
    velocity = np.zeros_like(error)
    for step in range(steps + 1):
        slope = gram @ error
        losses[step] = np.maximum((error * slope).sum(axis=0), 0)  # rounding may make it negative
        after = goal + error
        velocity = MOMENTUM * velocity - 2 * rate * slope
        error = error + MOMENTUM * velocity - 2 * rate * slope
    return before.reshape(target.shape), after.reshape(target.shape), losses


CELL, COLUMN, GAP = 24, 480, 30
CORNER_SIDE, CORNER_PIXELS = 20, 320


def draw(shown: Filters, language: str = "en") -> Page:
    """Return the page: the lines above their feature maps, then the filter before and after."""
    height, width = shown.maps.shape[:2]
    scale = min(1.5, COLUMN / width, COLUMN / height)
    page = Page(2 * MARGIN + 3 * COLUMN + 2 * GAP, language)
    top = page.title(TITLE, EXPLANATION)
    bottom = top
    for number, name in enumerate(NAMES):
        x = MARGIN + number * (COLUMN + GAP)
        page.text(x, top + 16, name, weight="bold")
        _, below = page.image(shown.filters[:, :, 0, number], x, top + 36, CELL, limits=(0, 1))
        page.text(x, below + 24, MAP.format(number + 1, height, width), size=SMALL, color=MUTED)
        _, bottom = page.image(shown.maps[..., number], x, below + 42, scale)
        _mark_zeros(page, shown, x, below + 42, scale)
    bottom = max(bottom, _draw_corner(page, shown, top, below + 42))
    return page.cut(_draw_learning(page, shown, bottom + 56, scale))


def _mark_zeros(page: Page, shown: Filters, x: float, y: float, scale: float) -> None:
    """Draw a frame around the positions whose windows have no zeros."""
    rows, columns = inside(shown, 0), inside(shown, 1)
    if rows and columns:
        sides = scale * len(columns), scale * len(rows)
        page.box(x + scale * columns[0], y + scale * rows[0], *sides, edge=ORANGE, line=1.5)


def _draw_corner(page: Page, shown: Filters, top: float, y: float) -> float:
    """Draw a corner of a feature map, enlarged, in which the zeros show; return the bottom."""
    x = MARGIN + 2 * (COLUMN + GAP)
    page.text(x, top + 16, PADDING, weight="bold")
    zeros = ZEROS.format(*shown.zeros[0], *shown.zeros[1])
    page.paragraph(x, top + 36, zeros, COLUMN, size=SMALL)
    height, width = shown.maps.shape[:2]
    side = min(CORNER_SIDE, height, width)
    scale = CORNER_PIXELS / side
    page.text(x, y - 18, CORNER.format(SHOWN + 1, scale), size=SMALL, color=MUTED)
    feature_map = shown.maps[..., SHOWN]
    limits = float(feature_map.min()), float(feature_map.max())
    right, bottom = page.image(feature_map[:side, width - side :], x, y, scale, limits=limits)
    rows, columns = inside(shown, 0), inside(shown, 1)
    if rows and columns:
        across: float = max(x, right - scale * (width - columns.stop))
        down: float = min(bottom, y + scale * rows[0])
        page.line([(x, down), (across, down), (across, bottom)], color=ORANGE)
    return bottom


def inside(shown: Filters, axis: int) -> range:
    """Return the positions along an axis whose windows have no zeros."""
    before, length = shown.zeros[axis][0], shown.image.shape[axis]
    return range(-(-before // STRIDE), (length + before - SIDE) // STRIDE + 1)


def _draw_learning(page: Page, shown: Filters, y: float, scale: float) -> float:
    """Draw the learned filter and its feature maps before and after, and the loss."""
    page.text(MARGIN, y, LEARNING, weight="bold")
    y = page.paragraph(MARGIN, y + 20, TASK.format(STEPS), page.width - 2 * MARGIN, color=MUTED)
    kernels, bottom = (shown.before, shown.after), y
    limit = max(float(np.abs(kernel[:, :, 0, SHOWN]).max()) for kernel in kernels)
    for number, (name, kernel) in enumerate(zip((BEFORE, AFTER), kernels, strict=True)):
        x = MARGIN + number * (COLUMN + GAP)
        weights = kernel[:, :, 0, SHOWN]
        page.text(x, y + 24, name, weight="bold")
        right, below = page.image(
            weights, x, y + 44, CELL, colors=SIGNED, limits=(-limit, limit), frame=INK
        )
        ends = signed(weights.min(), 2), signed(weights.max(), 2)
        texts = LOSS.format(shown.losses[-number]), RANGE.format(*ends)
        for line, text in enumerate(texts):
            page.text(right + 16, y + 60 + 26 * line, text, size=SMALL, color=MUTED)
        feature_map = convolution(shown.image, kernel[..., SHOWN:], STRIDE, "same")[..., 0]
        _, bottom = page.image(feature_map, x, below + 20, scale)
    axes = page.axes(MARGIN + 2 * (COLUMN + GAP) + 70, y + 44, 400, bottom - y - 110)
    axes.plot(np.arange(len(shown.losses)), shown.losses, color=BLUE)
    axes.plot([0, len(shown.losses) - 1], shown.losses[[0, -1]], "o", color=VERMILION)
    axes.set_yscale("log")
    page.label(axes, STEP, ERROR)
    return bottom
