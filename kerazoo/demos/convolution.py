"""A convolution number by number, and what a flipped kernel would change.

Source: `cnn-study`, lines 19-84, which define the flip and leave it out in networks, line 113, the
sizes, and line 827, whose layer flips after all; `cnn-notes`, lines 33-47, a kernel of a color
image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kerazoo.demos.arithmetic import convolution, rot180, windows
from kerazoo.demos.page import (
    BLUE,
    GREEN,
    LINE,
    MARGIN,
    MUTED,
    ORANGE,
    PAPER,
    SMALL,
    VERMILION,
    Page,
    factor,
    signed,
)
from kerazoo.demos.texts import Text

# 1 is white. The kernel differs from itself rotated by 180 degrees.
IMAGE = np.array(
    [[0, 1, 1, 1, 0], [0, 0, 0, 1, 0], [0, 0, 1, 0, 0], [0, 1, 0, 0, 0], [0, 1, 1, 1, 1]]
)
KERNEL = np.array([[1, 0, 0], [0, 2, 1], [0, 1, 0]])
WINDOW = (0, 1)  # row and column of the position that is written out
COLOR_WINDOW = (2, 1)
SEED = 3

TITLE = Text("A convolution, number by number", "逐个数字看卷积")
EXPLANATION = Text(
    "The kernel slides over the image. At each position, the numbers under it are multiplied by "
    "those in it, and the products are added.",
    "卷积核在图像上滑动。在每个位置上，对应的数字相乘，再把所有乘积相加。",
)
ONE = Text("One channel: {0}x{0} by {1}x{1} gives {2}x{2}", "单通道：{0}x{0} 与 {1}x{1} 得 {2}x{2}")
THREE = Text(
    "Three channels: {0}x{0}x3 by {1}x{1}x3 gives {2}x{2}",
    "三通道：{0}x{0}x3 与 {1}x{1}x3 得 {2}x{2}",
)
CHANNELS = Text(
    "Each channel has its own 3x3 of the kernel; the three sums are added to one number. So one "
    "kernel gives one feature map, however many channels it reads.",
    "每个通道有自己的 3x3 权重，三个和再相加成一个数。"
    "所以一个卷积核只产生一个特征图，与读取的通道数无关。",
)
FLIP = Text("Is the kernel flipped?", "卷积核要翻转吗？")
FLIP_TEXT = Text(
    "In mathematics a convolution flips the kernel first, along both axes; without the flip it is "
    "called a correlation. The notes leave it out in networks, and use it where they derive the "
    "gradients. Keras, TensorFlow and PyTorch do not flip. For a learned kernel it makes no "
    "difference: training finds the flipped weights.",
    "数学上的卷积先把核沿两个轴翻转；不翻转的叫作互相关。笔记说网络中不翻转，"
    "推导梯度时却用了翻转的公式。Keras、TensorFlow 和 PyTorch 都不翻转。"
    "对学习得到的核没有区别：训练会学到翻转后的权重。",
)
CORRELATION = Text("as it is: what frameworks compute", "不翻转：框架计算的就是它")
CONVOLUTION = Text(
    "flipped: the mathematical convolution (yellow: what differs)",
    "翻转：数学上的卷积（黄色：不同之处）",
)
LABELS = Text("image", "图像"), Text("kernel", "卷积核"), Text("feature map", "特征图")


@dataclass(frozen=True)
class Convolution:
    """A convolution of a gray image, and one of a color image, by integers.

    Attributes:
        image: [5, 5], and its `kernel` [3, 3].
        correlated: Its feature map [3, 3], as frameworks compute it; `convolved`, with a flip.
        terms: The products [3, 3] that are added at `WINDOW`.
        color_image: [6, 6, 3], and its `color_kernel` [3, 3, 3].
        color_map: Its feature map [4, 4].
        sums: What each channel adds at `COLOR_WINDOW`, [3].
    """

    image: np.ndarray
    kernel: np.ndarray
    correlated: np.ndarray
    convolved: np.ndarray
    terms: np.ndarray
    color_image: np.ndarray
    color_kernel: np.ndarray
    color_map: np.ndarray
    sums: np.ndarray


def compute() -> Convolution:
    """Return both convolutions."""
    random = np.random.default_rng(SEED)
    color_image, color_kernel = random.integers(0, 6, (6, 6, 3)), random.integers(-1, 2, (3, 3, 3))
    read = windows(color_image, (3, 3))[COLOR_WINDOW] * color_kernel
    return Convolution(
        IMAGE,
        KERNEL,
        correlated=_of_one_channel(IMAGE, KERNEL),
        convolved=_of_one_channel(IMAGE, rot180(KERNEL)),
        terms=windows(IMAGE[..., None], (3, 3))[WINDOW][..., 0] * KERNEL,
        color_image=color_image,
        color_kernel=color_kernel,
        color_map=convolution(color_image, color_kernel[..., None])[..., 0],
        sums=read.sum(axis=(0, 1)),
    )


def _of_one_channel(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return convolution(image[..., None], kernel[..., None, None])[..., 0]


CELL, SMALL_CELL, GAP = 40, 32, 60
CHANNEL_COLORS = (VERMILION, GREEN, BLUE)


def draw(shown: Convolution, language: str = "en") -> Page:
    """Return the page in three parts, one below the other."""
    page = Page(1300, language)
    y = page.title(TITLE, EXPLANATION)
    y = _draw_one(page, shown, y + 12)
    y = _draw_three(page, shown, y + 44)
    return page.cut(_draw_flip(page, shown, y + 44))


def _heading(page: Page, text: Text, y: float) -> float:
    page.line([(MARGIN, y), (page.width - MARGIN, y)], color=LINE, line=1)
    page.text(MARGIN, y + 26, text, weight="bold")
    return y + 56


def _draw_one(page: Page, shown: Convolution, y: float) -> float:
    """Draw the image, the kernel, the feature map, and one sum."""
    sizes = len(shown.image), len(shown.kernel), len(shown.correlated)
    y = _heading(page, ONE.format(*sizes), y)
    x, corner = float(MARGIN), (float(MARGIN), y)
    for matrix, label, sign in zip(
        (shown.image, shown.kernel, shown.correlated), LABELS, ("", "∗", "="), strict=True
    ):
        page.text(x - GAP / 2, y + 1.5 * CELL, sign, align="center", size=26)
        right, bottom = page.cells(matrix, x, y, CELL)
        page.text(x, bottom + 20, label, size=SMALL, color=MUTED)
        corner = x, y
        x = right + GAP
    row, column = WINDOW
    page.box(MARGIN + column * CELL, y + row * CELL, 3 * CELL, 3 * CELL, edge=ORANGE, line=3)
    page.box(corner[0] + column * CELL, y + row * CELL, CELL, CELL, edge=ORANGE, line=3)
    read = windows(shown.image[..., None], (3, 3))[WINDOW][..., 0]
    for number in range(3):
        pairs = zip(read[number].tolist(), shown.kernel[number].tolist(), strict=True)
        line = " + ".join(f"{a}·{b}" for a, b in pairs)
        end = f" = {shown.terms.sum()}" if number == 2 else " +"
        page.text(x, y + (number + 0.5) * CELL, line + end)
    return y + 5 * CELL + 20


def _draw_three(page: Page, shown: Convolution, y: float) -> float:
    """Draw the channels one below the other, with what each of them adds."""
    sizes = len(shown.color_image), len(shown.color_kernel), len(shown.color_map)
    y = _heading(page, THREE.format(*sizes), y)
    y = page.paragraph(MARGIN, y - 12, CHANNELS, page.width - 2 * MARGIN, color=MUTED) + 16
    row, column = COLOR_WINDOW
    side = SMALL_CELL
    for channel, color in enumerate(CHANNEL_COLORS):
        x, top = MARGIN, y + channel * (6 * side + 18)
        page.cells(shown.color_image[..., channel], x, top, side, size=SMALL)
        page.box(x + column * side, top + row * side, 3 * side, 3 * side, edge=ORANGE)
        page.box(x - 10, top, 4, 6 * side, fill=color)
        middle = top + 3 * side
        page.text(x + 6 * side + GAP / 2, middle, "∗", size=26, align="center")
        x = x + 6 * side + GAP
        right, _ = page.cells(shown.color_kernel[..., channel], x, middle - 1.5 * CELL, CELL)
        text = f"→ {signed(shown.sums[channel])}"
        page.text(right + 20, middle, text, color=color, weight="bold")
    bottom = y + 3 * (6 * side + 18) - 18
    left = MARGIN + 6 * SMALL_CELL + 2 * GAP + 3 * CELL + 90
    total = " + ".join(map(factor, shown.sums.tolist()))
    text = f"{total} = {signed(shown.color_map[COLOR_WINDOW])}"
    middle = (y + bottom) / 2
    right, below = page.cells(shown.color_map, left, middle - 2 * CELL, CELL)
    page.box(left + column * CELL, middle + (row - 2) * CELL, CELL, CELL, edge=ORANGE, line=3)
    page.text(left, below + 20, LABELS[2], size=SMALL, color=MUTED)
    page.text(right + 30, middle + (row - 1.5) * CELL, text)
    return bottom


def _draw_flip(page: Page, shown: Convolution, y: float) -> float:
    """Draw the feature maps of the kernel as it is and flipped."""
    y = _heading(page, FLIP, y)
    y = page.paragraph(MARGIN, y - 12, FLIP_TEXT, page.width - 2 * MARGIN, color=MUTED) + 16
    bottom = y
    for number, (name, kernel, result) in enumerate(
        (
            (CORRELATION, shown.kernel, shown.correlated),
            (CONVOLUTION, rot180(shown.kernel), shown.convolved),
        )
    ):
        x = MARGIN + number * 560
        page.text(x, y + 14, name, weight="bold")
        right, bottom = page.cells(kernel, x, y + 40, CELL)
        page.text(right + GAP / 2, y + 40 + 1.5 * CELL, "→", size=26, align="center")
        differs = np.where(shown.correlated != shown.convolved, "#fdf0d5", PAPER)
        page.cells(result, right + GAP, y + 40, CELL, fill=differs)
    return bottom
