"""All networks of the zoo, drawn to one scale, and what they cost.

Source: `cnn-study`, lines 1051-1122; the papers are in `kerazoo/models`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import dist, log

from matplotlib.ticker import EngFormatter

from kerazoo import registry
from kerazoo.compat import shapes_only
from kerazoo.demos.page import (
    BLUE,
    GREEN,
    INK,
    LINE,
    MARGIN,
    MUTED,
    ORANGE,
    PURPLE,
    SKY,
    SMALL,
    VERMILION,
    Page,
)
from kerazoo.demos.texts import Text
from kerazoo.layers.lenet import RadialBasis
from kerazoo.lazy import keras
from kerazoo.models import create_model

TITLE = Text("The networks of the zoo, to one scale", "模型库中的网络，按同一比例绘制")
EXPLANATION = Text(
    "Each box is the largest feature map of a size: as high as its side, as wide as its channels. "
    "Above it stands the side in pixels, below it the channels, and in the last line the number of "
    "convolutions with outputs of that size. Thin bars are dense layers with their units.",
    "每个方框是某一尺寸下最大的特征图：高为边长，宽为通道数。上方是边长（像素），下方是通道数，"
    "最下面一行是输出为该尺寸的卷积层数。细条是全连接层及其单元数。",
)
CHART = Text("Parameters against multiply-accumulates", "参数量与乘加次数")
PARAMS = Text("parameters", "参数量")
MACS = Text("multiply-accumulates (MACs) for one image", "一张图像的乘加次数（MACs）")


@dataclass(frozen=True)
class Stage:
    """Feature maps of one size: their side in pixels, channels, and how many convolutions."""

    side: int
    channels: int
    convolutions: int


@dataclass(frozen=True)
class Network:
    """A network as it is drawn.

    Attributes:
        name: In the zoo.
        year: Of its paper.
        params: Weights and biases.
        macs: Multiply-accumulates for one image.
        stages: The input, and each size of feature maps.
        units: Of the dense layers, and of convolutions that stand for them.
    """

    name: str
    year: int
    params: int
    macs: int
    stages: tuple[Stage, ...]
    units: tuple[int, ...]


def compute() -> list[Network]:
    """Return all networks of the zoo, by year and costs."""
    networks = []
    for name in registry.names():
        info = registry.find(name)
        with shapes_only():
            model = create_model(name)
        stages, units = stages_of(model)
        networks.append(Network(name, info.year, info.params, info.macs, stages, units))
    return sorted(networks, key=lambda each: (each.year, each.macs, each.name))


def stages_of(model: keras.Model) -> tuple[tuple[Stage, ...], tuple[int, ...]]:
    """Return the sizes of the feature maps of a model in order, and the units of its dense layers.

    Padding alone makes no size of its own.
    """
    side, _, channels = model.input.shape[1:]
    stages, units = [Stage(side, channels, 0)], []
    for layer in model.layers[1:]:
        shape = layer.output.shape
        if len(shape) == 2 or shape[1] == 1:
            units += [shape[-1]] if layer.weights or isinstance(layer, RadialBasis) else []
        elif shape != model.input.shape and not isinstance(layer, keras.layers.ZeroPadding2D):
            is_new = len(stages) == 1 or stages[-1].side != shape[1]
            last = Stage(shape[1], 0, 0) if is_new else stages.pop()
            convolutions = last.convolutions + hasattr(layer, "kernel_size")
            stages.append(Stage(shape[1], max(last.channels, shape[-1]), convolutions))
    return tuple(stages), tuple(units)


Box = tuple[float, float, float, float]  # left, top, right, bottom
CHART_HEIGHT = 420
NEAR = 12  # pixels between points that have one text
WIDTH, NAME, ROW = 1580, 180, 130
SIDE, CHANNEL, UNIT = 0.25, 0.08, 0.014  # pixels on the page for a pixel, a channel, a unit
SLOT = 48  # the least width of a box with its numbers
COLORS = {
    "lenet5": PURPLE,
    "mnist_cnn": PURPLE,
    "alexnet": ORANGE,
    "zfnet": ORANGE,
    "sppnet": ORANGE,
    "vgg": BLUE,
    "googlenet": GREEN,
    "inception": GREEN,
    "resnet": VERMILION,
}


def draw(networks: list[Network], language: str = "en") -> Page:
    """Return the page: a diagram of each network in two columns, and the chart of all."""
    page = Page(WIDTH, language)
    top = page.title(TITLE, EXPLANATION) + 10
    rows = -(-len(networks) // 2)
    for number, network in enumerate(networks):
        x = MARGIN + number // rows * (WIDTH - MARGIN) / 2
        _draw_network(page, network, x, top + number % rows * ROW)
    bottom = top + rows * ROW
    page.line([(MARGIN, bottom), (WIDTH - MARGIN, bottom)], color=LINE, line=1)
    page.text(MARGIN, bottom + 30, CHART, weight="bold")
    _draw_chart(page, networks, bottom + 50)
    return page.cut(bottom + CHART_HEIGHT + 110)


def color_of(name: str) -> str:
    """Return the color of a network's family."""
    return next((color for family, color in COLORS.items() if name.startswith(family)), SKY)


def _draw_network(page: Page, network: Network, x: float, y: float) -> None:
    """Draw the feature maps of a network, with their bottoms on one line."""
    page.text(x, y + 40, network.name, weight="bold")
    page.text(x, y + 62, str(network.year), size=SMALL, color=MUTED)
    base, left = y + 78, x + NAME
    for number, stage in enumerate(network.stages):
        width, height = max(3, CHANNEL * stage.channels), SIDE * stage.side
        slot = max(SLOT, width + 8)
        middle = left + slot / 2
        fill = LINE if number == 0 else color_of(network.name)
        page.box(middle - width / 2, base - height, width, height, fill=fill)
        page.text(middle, base - height - 10, str(stage.side), size=SMALL, align="center")
        page.text(middle, base + 11, str(stage.channels), size=SMALL, align="center", color=MUTED)
        if stage.convolutions:
            text = f"{stage.convolutions}×"
            page.text(middle, base + 28, text, size=SMALL, align="center", color=MUTED)
        left += slot
    for units in network.units:
        middle, height = left + SLOT / 2, max(2, UNIT * units)
        page.box(middle - 2, base - height, 4, height, fill=INK)
        page.text(middle, base + 11, str(units), size=SMALL, align="center", color=MUTED)
        left += SLOT


def _draw_chart(page: Page, networks: list[Network], y: float) -> None:
    """Draw a point for each network, by its MACs and parameters, both on logarithmic scales."""
    x, width, height = MARGIN + 90, WIDTH - 2 * MARGIN - 110, CHART_HEIGHT
    axes = page.axes(x, y, width, height)
    limits = [
        (min(values) / 3, max(values) * 3)
        for values in zip(*((each.macs, each.params) for each in networks), strict=True)
    ]
    axes.set(xscale="log", yscale="log", xlim=limits[0], ylim=limits[1], axisbelow=True)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(EngFormatter(sep=" "))
    axes.grid(color=LINE, linewidth=0.5)
    page.label(axes, MACS, PARAMS)
    places: dict[tuple[float, float], list[str]] = {}
    for each in networks:
        axes.plot(each.macs, each.params, "o", color=color_of(each.name), markersize=9)
        shares = (
            log(value / low) / log(high / low)
            for value, (low, high) in zip((each.macs, each.params), limits, strict=True)
        )
        across, up = shares
        place = x + across * width, y + height - up * height
        near = next((known for known in places if dist(known, place) < NEAR), place)
        places.setdefault(near, []).append(each.name)
    _write_names(page, places)


def _write_names(page: Page, places: dict[tuple[float, float], list[str]]) -> None:
    """Write the names at each point of a chart where nothing else is: first to its right."""
    taken = [(x - 8, y - 8, x + 8, y + 8) for x, y in places]
    for (x, y), names in places.items():
        text, space = ", ".join(names), 12 if len(names) == 1 else 12 + NEAR
        width, height = page.text_width(text, SMALL), 1.2 * SMALL
        for left, middle in (
            (x + space, y),
            (x - space - width, y),
            (x - width / 2, y - 22),
            (x - width / 2, y + 22),
            (x + 12, y + 20),
            (x + 12, y - 20),
        ):
            box = (left, middle - height / 2, left + width, middle + height / 2)
            if not any(_overlap(box, other) for other in taken):
                break
        taken.append(box)
        page.text(left, middle, text, size=SMALL)


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
