"""Eight kinds of convolution on one input: what each reads, its weights and its MACs.

Source: `cnn-study`, lines 151-370.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerazoo.demos._volumes import Block, Part, Stack
from kerazoo.demos.arithmetic import (
    Pair,
    convolution,
    transposed_convolution,
    with_zeros_between,
)
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
    VERMILION,
    YELLOW,
    Page,
)
from kerazoo.demos.texts import Text

SIDE, CHANNELS, FILTERS, KERNEL = 8, 6, 12, 3
GROUPS, STRIDE, RATE = 3, 2, 2

TITLE = Text("Eight kinds of convolution", "八种卷积")
EXPLANATION = Text(
    'All read one {inputs} input, with "same" padding ("valid" in the transposed one) and without '
    "biases. Dark cells: the window of one kernel, and the element that it gives. A kernel has "
    "the color of the channels that it reads, blue if it reads all. Each weight is used at {uses} "
    "positions, so the MACs are {uses} times the weights, and one bar shows both.",
    "输入都是同一个 {inputs}，采用 “same” 填充（转置卷积为 “valid”），不计偏置。深色格子是一个"
    "卷积核的窗口，以及由它得到的元素。卷积核与它读取的通道同色，读取全部通道的为蓝色。每个参数"
    "都在 {uses} 个位置上使用，所以乘加次数是参数量的 {uses} 倍，一根条形同时表示两者。",
)
NAMES = {
    "standard": Text("standard", "常规卷积"),
    "pointwise": Text("1x1", "1x1 卷积"),
    "grouped": Text("grouped, g = {groups}", "分组卷积，g = {groups}"),
    "depthwise": Text("depthwise", "深度卷积"),
    "spatially separable": Text("spatially separable", "空间可分离卷积"),
    "depthwise separable": Text("depthwise separable", "深度可分离卷积"),
    "transposed": Text("transposed, stride {stride}", "转置卷积，步长 {stride}"),
    "dilated": Text("dilated, rate {rate}", "空洞卷积，扩张率 {rate}"),
}
MEANINGS = {
    "standard": Text("Each kernel reads all channels.", "每个卷积核读取全部通道。"),
    "pointwise": Text(
        "Mixes the channels of each position, without its neighbors.",
        "只混合同一位置上的各个通道，不看邻域。",
    ),
    "grouped": Text(
        "Each kernel reads one group of channels. Shown as in Keras: {filters} kernels in all. "
        "The notes count {filters} per group: {notes_maps} feature maps.",
        "每个卷积核只读取一组通道。图中按 Keras 的约定，共 {filters} 个核；"
        "笔记按每组 {filters} 个计，得到 {notes_maps} 张特征图。",
    ),
    "depthwise": Text(
        "One kernel per channel; channels are not mixed.",
        "每个通道一个卷积核，通道之间不混合。",
    ),
    "spatially separable": Text(
        "A kernel of rank 1 in two steps: a column, then a row.",
        "把秩为 1 的卷积核分成两步：先列后行。",
    ),
    "depthwise separable": Text(
        "Depthwise, then 1x1: the neighbors first, the channels after.",
        "先深度卷积，再 1x1 卷积：先看邻域，再混合通道。",
    ),
    "transposed": Text(
        "Zeros between the pixels and around them, then a convolution with the rotated kernels, "
        "stride 1: {length} positions. The MACs leave out the zeros; with them they are "
        "{naive:,}, {times:.1f} times as many.",
        "在像素之间和四周补零，再用旋转 180° 的核做步长为 1 的卷积：输出边长 {length}。"
        "乘加次数不含与零相乘，若计入则为 {naive:,}，即 {times:.1f} 倍。",
    ),
    "dilated": Text(
        "Reads every other pixel: a 3x3 kernel over {extent}x{extent} pixels.",
        "隔一个像素读一个：3x3 的核覆盖 {extent}x{extent}。",
    ),
}
KERNELS = Text("{} kernels {}", "{} 个 {} 的核")
WITH_ZEROS = Text("with zeros {}", "补零后 {}")
HEADS = (Text("output", "输出"), Text("weights", "参数量"), Text("MACs", "乘加次数"))

WIDTH = 1600
CELL, DEPTH, GAP = 7, 3, 8  # of the blocks, in pixels
TALLEST = 114  # stack of kernels
NAME_WIDTH, DRAWING, OUTPUTS, NUMBERS = 300, 380, 1040, 1240  # how wide, and where the others begin
BAR = 320
READ_ALL, FAINT = BLUE, "60"  # the opacity of cells that are not read
COLORS = (ORANGE, SKY, GREEN, PURPLE, YELLOW, VERMILION)


@dataclass(frozen=True)
class Step:
    """A convolution; a kind is one or two.

    Attributes:
        inputs: What the kernels slide over, [height, width, channels].
        kernel: [height, width, channels that a filter reads, filters].
        output: [rows, columns, filters].
        uses: At how many positions each weight is used.
        element: Row and column of the output's element whose window is shown.
        dilation: Distance of the pixels that are read.
    """

    inputs: np.ndarray
    kernel: np.ndarray
    output: np.ndarray
    uses: int
    element: Pair
    dilation: int = 1

    @property
    def weights(self) -> int:
        """Return how many weights the kernels have, without biases."""
        return self.kernel.size

    @property
    def macs(self) -> int:
        """Return the multiply-accumulates, those with zeros of "same" padding too."""
        return self.uses * self.kernel.size

    @property
    def window(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows and the columns that the element reads."""
        rows, columns = (
            place
            - (given + self.dilation * (size - 1) - read) // 2
            + self.dilation * np.arange(size)
            for place, size, read, given in zip(
                self.element, self.kernel.shape, self.inputs.shape, self.output.shape, strict=False
            )
        )
        return rows, columns

    @property
    def groups(self) -> int:
        """Return of how many parts of the channels each is read by other kernels."""
        return self.inputs.shape[-1] // self.kernel.shape[2]


@dataclass(frozen=True)
class Kinds:
    """The kinds of convolution on one input.

    Attributes:
        image: [8, 8, 6].
        steps: Of each kind.
        naive_macs: Of the transposed convolution if the zeros are multiplied too.
        notes_maps: Feature maps of the grouped convolution as the notes count them.
    """

    image: np.ndarray
    steps: dict[str, tuple[Step, ...]]
    naive_macs: int
    notes_maps: int


def compute() -> Kinds:
    """Return what each kind makes of a random input [8, 8, 6] with random kernels.

    Source: `cnn-study`, lines 151-370.
    """
    random = np.random.default_rng(0)
    image = random.normal(size=(SIDE, SIDE, CHANNELS))

    def step(inputs: np.ndarray, *shape: int, dilation: int = 1) -> Step:
        return _step(inputs, random.normal(size=shape), dilation)

    column = step(image, KERNEL, 1, CHANNELS, FILTERS)
    depthwise = step(image, KERNEL, KERNEL, 1, CHANNELS)
    steps = {
        "standard": (step(image, KERNEL, KERNEL, CHANNELS, FILTERS),),
        "pointwise": (step(image, 1, 1, CHANNELS, FILTERS),),
        "grouped": (step(image, KERNEL, KERNEL, CHANNELS // GROUPS, FILTERS),),
        "depthwise": (depthwise,),
        "spatially separable": (column, step(column.output, 1, KERNEL, 1, FILTERS)),
        "depthwise separable": (depthwise, step(depthwise.output, 1, 1, CHANNELS, FILTERS)),
        "transposed": (
            _transposed(image, random.normal(size=(KERNEL, KERNEL, CHANNELS, FILTERS))),
        ),
        "dilated": (step(image, KERNEL, KERNEL, CHANNELS, FILTERS, dilation=RATE),),
    }
    (transposed,) = steps["transposed"]
    naive = transposed.output[..., 0].size * transposed.weights
    return Kinds(image, steps, naive, FILTERS * GROUPS)


def _step(inputs: np.ndarray, kernel: np.ndarray, dilation: int) -> Step:
    """Return a convolution with stride 1 and "same" padding."""
    groups = inputs.shape[-1] // kernel.shape[2]
    output = convolution(inputs, kernel, padding="same", dilation=dilation, groups=groups)
    element = dilation, inputs.shape[1] - 1 - dilation
    return Step(inputs, kernel, output, output[..., 0].size, element, dilation)


def _transposed(image: np.ndarray, kernel: np.ndarray) -> Step:
    """Return a transposed convolution; each weight meets each pixel once, and zeros."""
    output = transposed_convolution(image, np.swapaxes(kernel, 2, 3), STRIDE)
    around = [(KERNEL - 1, KERNEL - 1), (KERNEL - 1, KERNEL - 1), (0, 0)]
    spread = np.pad(with_zeros_between(image, STRIDE), around)
    element = STRIDE, output.shape[1] - 1 - STRIDE
    return Step(spread, kernel, output, image[..., 0].size, element)


def draw(shown: Kinds, language: str = "en") -> Page:
    """Return the page: a row for each kind, from what it reads to what it costs."""
    page = Page(WIDTH, language)
    (standard,) = shown.steps["standard"]
    explanation = EXPLANATION.format(inputs=_size(shown.image), uses=standard.uses)
    below = page.title(TITLE, explanation) + 8
    for head, x in zip(HEADS, _columns(), strict=True):
        page.text(x, below, head, size=SMALL, color=MUTED, align="right")
    below += 16
    for name, steps in shown.steps.items():
        page.line([(MARGIN, below), (WIDTH - MARGIN, below)], color=LINE, line=1)
        stacks = _stacks(shown, name)
        height = max(stack.size[1] for stack in stacks)
        _explain(page, below + 20, name, shown)
        _draw_stacks(page, below + 12 + height / 2, below + height + 31, stacks)
        _count(page, below + 12 + height / 2, steps, standard.macs)
        below += height + 48
    return page.cut(below)


def _size(array: np.ndarray) -> str:
    return "x".join(map(str, array.shape[:3]))


def _columns() -> tuple[float, float, float]:
    """Return where the columns of numbers end."""
    return NUMBERS + 0.3 * BAR, NUMBERS + 0.55 * BAR, NUMBERS + BAR


def _explain(page: Page, y: float, name: str, shown: Kinds) -> None:
    """Write what a kind is."""
    (transposed,) = shown.steps["transposed"]
    length = f"({SIDE} − 1) × {STRIDE} + {KERNEL} = {transposed.output.shape[0]}"
    values = {
        "filters": FILTERS,
        "groups": GROUPS,
        "stride": STRIDE,
        "rate": RATE,
        "extent": RATE * (KERNEL - 1) + 1,
        "notes_maps": shown.notes_maps,
        "length": length.replace(" ", "\N{NO-BREAK SPACE}"),
        "naive": shown.naive_macs,
        "times": shown.naive_macs / transposed.macs,
    }
    page.text(MARGIN, y, NAMES[name].format(**values), weight="bold")
    meaning = MEANINGS[name].format(**values)
    page.paragraph(MARGIN, y + 16, meaning, NAME_WIDTH, size=SMALL, color=MUTED)


def _count(page: Page, y: float, steps: Sequence[Step], most: int) -> None:
    """Write what a kind gives and costs, above a bar with a part for each step."""
    weights, macs = [step.weights for step in steps], [step.macs for step in steps]
    texts = _size(steps[-1].output), f"{sum(weights):,}", f"{sum(macs):,}"
    for text, x in zip(texts, _columns(), strict=True):
        page.text(x, y - 16, text, align="right")
    left: float = NUMBERS
    for part in macs:
        page.box(left, y, BAR * part / most, 16, fill=READ_ALL, edge=PAPER, line=1)
        left += BAR * part / most
    if len(steps) > 1:
        for parts, x in zip((weights, macs), _columns()[1:], strict=True):
            text = " + ".join(f"{part:,}" for part in parts)
            page.text(x, y + 32, text, size=SMALL, color=MUTED, align="right")


def _stacks(shown: Kinds, name: str) -> list[Stack]:
    """Return what is drawn of a kind: inputs, kernels and outputs of each step."""
    steps = shown.steps[name]
    stacks = [] if steps[0].inputs is shown.image else [_feature_maps(shown.image, 1)]
    before = 1
    for step in steps:
        rows, columns = step.window
        depth = step.kernel.shape[2]
        read = np.ix_(rows, columns, np.arange(depth))
        size = int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1, depth
        part = (int(rows[0]), int(columns[0]), 0), size
        stacks.append(_feature_maps(step.inputs, max(before, step.groups), read, part))
        stacks.append(_kernels(step))
        before = step.groups
    element = (*step.element, 0)
    return [*stacks, _feature_maps(step.output, before, element, (element, (1, 1, 1)))]


def _feature_maps(
    maps: np.ndarray, groups: int, strong: Any = (), marked: Part | None = None
) -> Stack:
    """Return feature maps in light colors, some of their elements strong, zeros gray."""
    colors = np.broadcast_to(_colors(maps.shape[-1], groups), maps.shape)
    fills = np.char.add(colors, FAINT)
    if marked:
        fills[strong] = colors[strong]
    zeros = maps == 0
    fills[zeros] = TINT
    label = WITH_ZEROS.format(_size(maps)) if zeros.any() else _size(maps)
    return Stack([Block(fills, CELL, DEPTH)], 1, GAP, label, marked)


def _kernels(step: Step) -> Stack:
    """Return the kernels of a step, with gaps between the pixels that a dilated one reads."""
    height, width, depth, filters = step.kernel.shape
    extent = tuple(step.dilation * (length - 1) + 1 for length in (height, width))
    blocks = []
    for color in _colors(filters, step.groups):
        fills = np.full((*extent, depth), PAPER, dtype="<U9")
        fills[:: step.dilation, :: step.dilation] = color
        blocks.append(Block(fills, CELL, DEPTH))
    rows = int((TALLEST + GAP) // (blocks[0].size[1] + GAP))
    label = KERNELS.format(filters, _size(step.kernel))
    return Stack(blocks, -(-filters // rows), GAP, label, ((0, 0, 0), fills.shape))


def _colors(channels: int, groups: int) -> np.ndarray:
    """Return the color of each channel or of the kernel that reads it."""
    numbers = [channel * groups // channels for channel in range(channels)]
    return np.array([READ_ALL if groups == 1 else COLORS[n % len(COLORS)] for n in numbers])


def _draw_stacks(page: Page, y: float, label: float, stacks: Sequence[Stack]) -> None:
    """Draw stacks around a height, with arrows between them and labels below."""
    inner = stacks[:-1]
    gap = (OUTPUTS - DRAWING - sum(stack.size[0] for stack in inner)) / len(inner)
    x: float = DRAWING
    for stack in stacks:
        width, height = stack.size
        stack.draw(page, x, y - height / 2)
        page.text(x + width / 2, label, stack.label, size=SMALL, color=MUTED, align="center")
        x += width + gap
        if stack is not stacks[-1]:
            page.arrow((x - gap + 12, y), (x - 12, y))
