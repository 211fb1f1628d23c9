"""Where the windows of VALID and SAME stand along an axis, and where the zeros are.

Source: `cnn-study`, lines 109-149, whose p = (f - 1) / 2 is for an odd kernel and stride 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kerazoo.demos.arithmetic import padding_of
from kerazoo.demos.page import (
    BLUE,
    GREEN,
    LINE,
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
from kerazoo.errors import UsageError

CASES = ((5, 3, 1), (6, 4, 1), (7, 3, 2), (6, 3, 2), (13, 6, 5))  # length, kernel, stride
KINDS = ("valid", "same")

TITLE = Text("VALID and SAME along one axis", "沿一个轴看 VALID 与 SAME")
EXPLANATION = Text(
    "VALID reads pixels alone, and may leave some at the end unread. SAME gives one position for "
    "each step of the stride, and adds zeros on both sides. If their number is odd, the side after "
    "the pixels gets one more. (In the notes it is the side before.)",
    "VALID 只读取像素，末尾可能有像素读不到。SAME 让每个步长对应一个输出位置，不足处补零；"
    "零的个数为奇数时，后面多补一个。（笔记说多补在前面，TensorFlow 与 Keras 则在后面。）",
)
HEADINGS = (Text("VALID", "VALID"), Text("SAME", "SAME"))
CASE = Text("{} pixels, kernel {}, stride {}", "{} 个像素，核 {}，步长 {}")
READ = Text("{} positions", "{} 个输出位置")
UNREAD = Text("{} positions, unread pixels: {}", "{} 个输出位置，读不到的像素：{} 个")
ZEROS = Text(
    "{} positions, zeros: {} before, {} after", "{} 个输出位置，前补 {} 个零，后补 {} 个零"
)
FORMULAS = (
    Text("⌊(n − k) / s⌋ + 1 positions", "⌊(n − k) / s⌋ + 1 个输出位置"),
    Text("⌈n / s⌉ positions, whatever the kernel", "⌈n / s⌉ 个输出位置，与核大小无关"),
)


@dataclass(frozen=True)
class Windows:
    """The windows along an axis.

    Attributes:
        length: Pixels of the axis.
        kernel: Pixels of a window.
        stride: From one window to the next.
        zeros: How many are before the first pixel and after the last.
        starts: The first place of each window: 0 is the first pixel, -1 a zero before it.
        unread: Pixels at the end that no window reads.
    """

    length: int
    kernel: int
    stride: int
    zeros: tuple[int, int]
    starts: range
    unread: int


def compute(
    cases: Sequence[tuple[int, int, int]] = CASES,
) -> list[tuple[Windows, Windows]]:
    """Return the windows of VALID and of SAME for lengths, kernels and strides.

    Raises:
        UsageError: See `windows_along`.
    """
    valid, same = ([windows_along(*case, padding) for case in cases] for padding in KINDS)
    return list(zip(valid, same, strict=True))


def windows_along(length: int, kernel: int, stride: int, padding: str) -> Windows:
    """Return the windows of a convolution or pooling along an axis.

    Args:
        length: Of the axis.
        kernel: Length of the window.
        stride: From one to the next.
        padding: "same" or "valid".

    Raises:
        UsageError: A number is below 1, or VALID has no window, since the kernel is longer.
    """
    if min(length, kernel, stride) < 1:
        raise UsageError(f"length, kernel and stride are at least 1, not {length, kernel, stride}")
    before, after = padding_of(length, kernel, stride, padding)
    starts = range(-before, length + after - kernel + 1, stride)
    if not starts:
        raise UsageError(f"a kernel of {kernel} does not fit {length} pixels without padding")
    end = starts[-1] + kernel
    return Windows(length, kernel, stride, (before, after), starts, max(0, length - end))


CELL, BAR, GAP = 30, 11, 6  # sides of pixels, heights of windows, between them
COLUMN, CASE_WIDTH = 620, 300
COLORS = (BLUE, ORANGE, GREEN, PURPLE, SKY)


def draw(cases: list[tuple[Windows, Windows]], language: str = "en") -> Page:
    """Return the page: a row for each case, with VALID beside SAME."""
    page = Page(2 * MARGIN + COLUMN + 17 * CELL, language)
    top = page.title(TITLE, EXPLANATION)
    for number, (heading, formula) in enumerate(zip(HEADINGS, FORMULAS, strict=True)):
        x = MARGIN + number * COLUMN
        page.text(x, top + 20, heading, weight="bold")
        page.text(x + 80, top + 20, formula, color=MUTED)
    top += 56
    for pair in cases:
        page.line([(MARGIN, top), (page.width - MARGIN, top)], color=LINE, line=1)
        first = pair[0]
        case = CASE.format(first.length, first.kernel, first.stride)
        page.text(MARGIN, top + 24, case, weight="bold")
        bottoms = [
            _draw_windows(page, each, MARGIN + number * (COLUMN + CELL), top + 42)
            for number, each in enumerate(pair)
        ]
        page.text(MARGIN + CASE_WIDTH, top + 24, _positions(pair[0]), color=MUTED)
        page.text(MARGIN + COLUMN, top + 24, _positions(pair[1]), color=MUTED)
        top = max(bottoms) + 20
    return page.cut(top - 20)


def _draw_windows(page: Page, shown: Windows, x: float, y: float) -> float:
    """Draw the pixels and the zeros of an axis, and its windows below; return the bottom."""
    before, after = shown.zeros
    for place in range(-before, shown.length + after):
        is_zero = not 0 <= place < shown.length
        unread = shown.length - shown.unread <= place < shown.length
        fill = PAPER if is_zero else LINE if unread else TINT
        left = x + place * CELL
        page.box(left, y, CELL, CELL, fill=fill, edge=MUTED, line=1, dashed=is_zero)
        text = "0" if is_zero else str(place + 1)
        page.text(left + CELL / 2, y + CELL / 2, text, size=SMALL, align="center", color=MUTED)
    top = y + CELL + GAP
    for number, start in enumerate(shown.starts):
        color = COLORS[number % len(COLORS)]
        page.box(x + start * CELL + 2, top, shown.kernel * CELL - 4, BAR, fill=color)
        top += BAR + GAP
    return top


def _positions(shown: Windows) -> Text:
    positions = len(shown.starts)
    if any(shown.zeros):
        return ZEROS.format(positions, *shown.zeros)
    return UNREAD.format(positions, shown.unread) if shown.unread else READ.format(positions)
