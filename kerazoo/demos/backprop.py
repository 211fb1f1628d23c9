"""The gradients of the notes, number by number: convolution, pooling and a perceptron.

Source: `cnn-study`, lines 517-542 and 670-873.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerazoo.demos._cards import (
    CELL,
    GIVEN,
    RESULT,
    Card,
    Frame,
    draw_card,
    draw_matrix,
    outline,
)
from kerazoo.demos._perceptron import HEIGHT as PERCEPTRON_HEIGHT
from kerazoo.demos._perceptron import Perceptron, draw_perceptron, trained_perceptron
from kerazoo.demos.arithmetic import convolution, max_ids, pooling, rot180
from kerazoo.demos.gradients import (
    convolution_input_gradient,
    convolution_kernel_gradient,
    largest_difference,
    max_pooling_gradient,
    mean_pooling_gradient,
)
from kerazoo.demos.page import MARGIN, PAPER, SMALL, TINT, YELLOW, Page, factor, tint
from kerazoo.demos.texts import Text

IMAGE = np.array([[1, 3, 0, 2], [2, 5, 1, 4], [0, 6, 7, 3], [4, 2, 1, 8]])
KERNEL = np.array([[1, 2], [3, -1]])
CONVOLVED = np.array([[1, 0, 2], [-1, 3, 1], [2, 1, -2]])  # gradient of the 3x3 output
POOLED = np.array([[4, 8], [-4, 12]])  # gradient of the 2x2 outputs of the poolings
WINDOW = 2
IMAGE_ELEMENT, KERNEL_ELEMENT = (2, 1), (0, 1)  # of the gradients, written out

TITLE = Text("Backpropagation, number by number", "逐个数字看反向传播")
EXPLANATION = Text(
    "How the gradient of a loss L passes through layers: orange is the gradient of the output y, "
    "blue that of the input x or the kernel w. TensorFlow's automatic gradients are the same "
    "within 1e-10; each frame says how far it is from central differences.",
    "损失 L 的梯度如何穿过各层：橙色是输出 y 的梯度，蓝色是由它得到的输入 x 与卷积核 w 的梯度。"
    "与 TensorFlow 自动求导之差不超过 1e-10；各个框内写有与中心差分的最大差。",
)
BY_IMAGE = Text("Convolution: gradient of the input", "卷积：输入的梯度")
BY_IMAGE_RULE = Text(
    "Zeros around the output's gradient, then a convolution with the kernel rotated by 180°. "
    "With a stride of s, s − 1 zeros go between its elements as well.",
    "在输出的梯度四周补零，再与旋转 180° 的卷积核做卷积。步长为 s 时，元素之间也要补 s − 1 个零。",
)
BY_KERNEL = Text("Convolution: gradient of the kernel", "卷积：卷积核的梯度")
BY_KERNEL_RULE = Text(
    "The correlation of the input with the output's gradient, which slides over the input as the "
    "kernel does in the forward pass.",
    "输入与输出梯度的互相关：输出的梯度像前向传播中的卷积核那样在输入上滑动。",
)
MEAN = Text("Mean pooling: split evenly", "平均池化：平均分配")
MEAN_RULE = Text(
    "Each pixel of a window of {pixels} gets 1/{pixels} of its gradient, so that the sum stays the "
    "same. Copying the gradient would multiply the sum by {pixels}.",
    "窗口中的 {pixels} 个像素各得梯度的 1/{pixels}，总和不变；若直接复制，总和会变成 {pixels} 倍。",
)
MAXIMUM = Text("Max pooling: to the largest", "最大池化：只传给最大值")
MAXIMUM_RULE = Text(
    "All of a window's gradient goes to its largest pixel, the first if several are equal. The "
    "forward pass stores its index, counted row by row from 0.",
    "窗口的梯度全部传给最大的像素（相等时取第一个），其余为 0。前向传播时记下它的序号，"
    "从 0 起逐行计数。",
)
AROUND = Text("∂L/∂y, zeros around it", "∂L/∂y，四周补零")
INPUT, KERNEL_LABEL = Text("input x", "输入 x"), Text("kernel w", "卷积核 w")
IDS = Text("stored index", "存下的序号")
COPIED = Text("copied: wrong", "直接复制：错误")
OUTLINED = Text("outlined: {} = {:g}", "框内：{} = {:g}")

WIDTH, GUTTER, HEIGHT = 1560, 24, 404  # of the page, between cards, and of a card
SUM = 224  # where a sum is written, below the top of what is in a card
LARGEST = tint(YELLOW, 0.7)


@dataclass(frozen=True)
class ConvolutionGradients:
    """Gradients of a convolution with stride 1 and "valid" padding.

    Attributes:
        around: The output's gradient with zeros around it, [5, 5].
        rotated: The kernel, [2, 2].
        input_gradient: [4, 4].
        kernel_gradient: [2, 2].
        differences: The largest of each gradient from central differences.
    """

    around: np.ndarray
    rotated: np.ndarray
    input_gradient: np.ndarray
    kernel_gradient: np.ndarray
    differences: tuple[float, float]


@dataclass(frozen=True)
class PoolingGradients:
    """Gradients of the means and the maxima of windows of 2x2.

    Attributes:
        of_means: By the image, [4, 4].
        of_maxima: By the image, [4, 4].
        ids: Which pixel is the largest of each window, row by row, [2, 2].
        differences: The largest of each gradient from central differences.
    """

    of_means: np.ndarray
    of_maxima: np.ndarray
    ids: np.ndarray
    differences: tuple[float, float]


@dataclass(frozen=True)
class Backprop:
    """What the demo shows."""

    convolution: ConvolutionGradients
    pooling: PoolingGradients
    perceptron: Perceptron


def compute() -> Backprop:
    """Return the gradients of small examples, each compared with central differences.

    Source: `cnn-study`, lines 517-542 and 670-873.
    """
    return Backprop(_convolution(), _pooling(), trained_perceptron())


def _convolution() -> ConvolutionGradients:
    image, kernel, gradient = IMAGE[..., None], KERNEL[..., None, None], CONVOLVED[..., None]
    input_gradient = convolution_input_gradient(gradient, kernel, IMAGE.shape)
    kernel_gradient = convolution_kernel_gradient(image, gradient, KERNEL.shape)

    def loss(image: np.ndarray, kernel: np.ndarray) -> float:
        return float(np.sum(convolution(image, kernel) * gradient))

    return ConvolutionGradients(
        np.pad(CONVOLVED, KERNEL.shape[0] - 1),
        rot180(KERNEL),
        input_gradient[..., 0],
        kernel_gradient[..., 0, 0],
        (
            largest_difference(lambda values: loss(values, kernel), image, input_gradient),
            largest_difference(lambda values: loss(image, values), kernel, kernel_gradient),
        ),
    )


def _pooling() -> PoolingGradients:
    image, gradient = IMAGE[..., None], POOLED[..., None]
    ids = max_ids(image, WINDOW, WINDOW)
    of_means = mean_pooling_gradient(gradient, IMAGE.shape, WINDOW, WINDOW)
    of_maxima = max_pooling_gradient(gradient, ids, image.shape)

    def loss(image: np.ndarray, reduce: Callable[..., np.ndarray]) -> float:
        return float(np.sum(pooling(image, WINDOW, WINDOW, reduce) * gradient))

    return PoolingGradients(
        of_means[..., 0],
        of_maxima[..., 0],
        ids[..., 0],
        (
            largest_difference(lambda values: loss(values, np.mean), image, of_means),
            largest_difference(lambda values: loss(values, np.max), image, of_maxima),
        ),
    )


def draw(shown: Backprop, language: str = "en") -> Page:
    """Return the page: a card for each gradient."""
    page = Page(WIDTH, language)
    top = page.title(TITLE, EXPLANATION)
    card = (WIDTH - 2 * MARGIN - GUTTER) / 2, HEIGHT
    right, below = MARGIN + card[0] + GUTTER, top + HEIGHT + GUTTER
    _draw_input_gradient(page, (MARGIN, top, *card), shown.convolution)
    _draw_kernel_gradient(page, (right, top, *card), shown.convolution)
    _draw_means(page, (MARGIN, below, *card), shown.pooling)
    _draw_maxima(page, (right, below, *card), shown.pooling)
    last = below + HEIGHT + GUTTER
    draw_perceptron(page, last, shown.perceptron)
    return page.cut(last + PERCEPTRON_HEIGHT)


def _columns(page: Page, card: Card, counts: Sequence[int], signs: str) -> list[float]:
    """Write signs between three matrices of so many columns; return where these begin."""
    widths = [CELL * count for count in counts]
    gap = (card.width - sum(widths)) / 2
    second, third = card.x + widths[0] + gap, card.x + card.width - widths[2]
    for sign, x in zip(signs, (second, third), strict=True):
        page.text(x - gap / 2, card.y + 2 * CELL, sign, size=26, align="center")
    return [card.x, second, third]


def _sum(one: np.ndarray, other: np.ndarray) -> Text:
    """Return the sum of products of the elements of two arrays, written out."""
    terms = zip(one.ravel(), other.ravel(), strict=True)
    text = " + ".join(f"{factor(a)}·{factor(b)}" for a, b in terms)
    return OUTLINED.format(text, np.sum(one * other))


def _draw_input_gradient(page: Page, frame: Frame, shown: ConvolutionGradients) -> None:
    card = draw_card(page, frame, BY_IMAGE, BY_IMAGE_RULE, shown.differences[0])
    first, second, third = _columns(page, card, (5, 2, 4), "∗=")
    fills = np.full((5, 5), TINT, dtype="<U9")
    fills[1:-1, 1:-1] = GIVEN
    draw_matrix(page, first, card.y, shown.around, AROUND, fills)
    draw_matrix(page, second, card.y, KERNEL, KERNEL_LABEL)
    lower = card.y + 3 * CELL
    page.text(second + CELL, card.y + 2.5 * CELL, "↓ 180°", size=SMALL, align="center")
    page.cells(shown.rotated, second, lower, CELL)
    draw_matrix(page, third, card.y, shown.input_gradient, "∂L/∂x", RESULT)
    row, column = IMAGE_ELEMENT
    outline(page, first, card.y, IMAGE_ELEMENT, 2)
    outline(page, second, lower, (0, 0), 2)
    outline(page, third, card.y, IMAGE_ELEMENT, 1)
    read = shown.around[row : row + 2, column : column + 2]
    page.text(card.x, card.y + SUM, _sum(read, shown.rotated))


def _draw_kernel_gradient(page: Page, frame: Frame, shown: ConvolutionGradients) -> None:
    card = draw_card(page, frame, BY_KERNEL, BY_KERNEL_RULE, shown.differences[1])
    first, second, third = _columns(page, card, (4, 3, 2), "∗=")
    draw_matrix(page, first, card.y, IMAGE, INPUT)
    draw_matrix(page, second, card.y, CONVOLVED, "∂L/∂y", GIVEN)
    draw_matrix(page, third, card.y, shown.kernel_gradient, "∂L/∂w", RESULT)
    row, column = KERNEL_ELEMENT
    outline(page, first, card.y, KERNEL_ELEMENT, 3)
    outline(page, second, card.y, (0, 0), 3)
    outline(page, third, card.y, KERNEL_ELEMENT, 1)
    read = IMAGE[row : row + 3, column : column + 3]
    page.text(card.x, card.y + SUM, _sum(read, CONVOLVED))


def _pooled(
    page: Page, x: float, y: float, matrix: np.ndarray, label: Text | str, fill: Any
) -> None:
    """Draw a matrix [4, 4] with a frame around each window."""
    draw_matrix(page, x, y, matrix, label, fill)
    for place in np.ndindex(2, 2):
        outline(page, x, y, (place[0] * WINDOW, place[1] * WINDOW), WINDOW)


def _total(page: Page, x: float, y: float, matrix: np.ndarray) -> None:
    """Write the sum of a matrix below it."""
    page.text(x, y, f"Σ = {matrix.sum():g}")


def _draw_means(page: Page, frame: Frame, shown: PoolingGradients) -> None:
    rule = MEAN_RULE.format(pixels=WINDOW**2)
    card = draw_card(page, frame, MEAN, rule, shown.differences[0])
    first, second, third = _columns(page, card, (2, 4, 4), "→≠")
    copied = np.kron(POOLED, np.ones((WINDOW, WINDOW)))
    draw_matrix(page, first, card.y, POOLED, "∂L/∂y", GIVEN)
    _pooled(page, second, card.y, shown.of_means, "∂L/∂x", RESULT)
    _pooled(page, third, card.y, copied, COPIED, TINT)
    for left, matrix in ((first, POOLED), (second, shown.of_means), (third, copied)):
        _total(page, left, card.y + 4 * CELL + 24, matrix)


def _draw_maxima(page: Page, frame: Frame, shown: PoolingGradients) -> None:
    card = draw_card(page, frame, MAXIMUM, MAXIMUM_RULE, shown.differences[1])
    first, second, third = _columns(page, card, (4, 2, 4), "→→")
    lower = card.y + 3 * CELL
    largest = np.isin(np.arange(IMAGE.size), shown.ids).reshape(IMAGE.shape)
    _pooled(page, first, card.y, IMAGE, INPUT, np.where(largest, LARGEST, PAPER))
    draw_matrix(page, second, card.y, shown.ids, IDS, LARGEST)
    draw_matrix(page, second, lower, POOLED, "∂L/∂y", GIVEN)
    _pooled(page, third, card.y, shown.of_maxima, "∂L/∂x", np.where(largest, RESULT, PAPER))
    for left, matrix in ((second, POOLED), (third, shown.of_maxima)):
        _total(page, left, card.y + SUM, matrix)
