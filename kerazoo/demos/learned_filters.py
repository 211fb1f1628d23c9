"""The kernels that a model has learned.

Source: `cnn-study`, lines 37-51: training finds the elements of kernels, whose size and number are
given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps

from kerazoo.compat import all_layers
from kerazoo.demos.models import evenly, load
from kerazoo.demos.page import HEADING, MARGIN, MUTED, SIGNED, SMALL, Page
from kerazoo.demos.texts import Text
from kerazoo.errors import UsageError
from kerazoo.inference.classifier import Classifier
from kerazoo.lazy import keras
from kerazoo.text import shorten

open_model = load

LAYERS, LINES = 4, 4  # at most, and lines of kernels of each
IMAGES = (1, 3)  # channels of kernels that are shown whole, in gray or in color
WIDTH, GAP = 1320, 10  # pixels of a line, between kernels
ELEMENT, LARGEST = 20, 100  # pixels at most of an element's side, and of a kernel's
BETWEEN = 255  # the gray between kernels
RAMP = 120  # pixels of the scale of colors
MAX_NAME = 40  # characters of a layer's name

TITLE = Text("The kernels that {} has learned", "{} 学到的卷积核")
EXPLANATION = Text(
    "The kernels with the largest norms, the largest first, all drawn to one scale. Each square is "
    "an element: it multiplies a pixel or a value of a feature map by a positive number (red) or a "
    "negative one (blue).",
    "显示范数最大的卷积核，从大到小排列，所有层按同一比例绘制。每个小方格是一个元素：它把像素或特征图的值乘以"
    "正数（红色）或负数（蓝色）。",
)
ALL = Text("all {1} kernels of {2}×{3}×{4}", "全部 {1} 个 {2}×{3}×{4} 的卷积核")
SOME = Text("{} of {} kernels of {}×{}×{}", "{1} 个 {2}×{3}×{4} 卷积核中的 {0} 个")
IN_COLOR = Text("in color, gray is 0", "以彩色显示，灰色为 0")
SLICES = Text(
    "{} of {} kernels of {}×{}×{}, one in a line: the slices for the {} channels with the largest "
    "norms",
    "{1} 个 {2}×{3}×{4} 卷积核中的 {0} 个，每行一个：显示范数最大的 {5} 个通道的切片",
)


@dataclass(frozen=True)
class Kernels:
    """Kernels of a layer, those with the largest norms first.

    Attributes:
        name: Of the layer.
        shape: (height, width, channels, kernels) of all.
        values: The chosen ones [kernel, channel, height, width]: all channels if these are one of
            `IMAGES`, else as many as a line holds, those whose slices have the largest norms.
    """

    name: str
    shape: tuple[int, int, int, int]
    values: np.ndarray


@dataclass(frozen=True)
class LearnedFilters:
    """The kernels of a model's first convolution and of some others, up to the last.

    Attributes:
        model: Its name.
        layers: At most `LAYERS`.
        element: Pixels of the side of an element.
    """

    model: str
    layers: tuple[Kernels, ...]
    element: int


def compute(classifier: Classifier) -> LearnedFilters:
    """Return kernels of two-dimensional convolutions, also of those in models inside the model.

    Raises:
        UsageError: There is none.
    """
    model = classifier.model
    found = evenly(list(_kernels(model)), LAYERS)
    if not found:
        raise UsageError(f"'{model.name}' has no kernels: choose a convolutional network")
    largest = max(max(kernel.shape[:2]) for _, kernel in found)
    element = max(1, min(ELEMENT, LARGEST // largest))
    chosen = (Kernels(name, kernel.shape, _chosen(kernel, element)) for name, kernel in found)
    return LearnedFilters(model.name, tuple(chosen), element)


def _kernels(model: keras.Model) -> Iterator[tuple[str, np.ndarray]]:
    """Yield name and kernel [height, width, channels, kernels] of each convolution, in order."""
    for layer in _layers(model):
        for weight in layer.weights:
            if len(weight.shape) == 4:
                name = layer.name if weight.name == "kernel" else f"{layer.name}/{weight.name}"
                values = keras.ops.convert_to_numpy(weight).astype(np.float32)
                yield name, _kernels_last(layer, weight.name, values)


def _layers(layer: keras.Layer) -> Iterator[keras.Layer]:
    """Yield the layers in a layer or model that have no others in them."""
    is_model = isinstance(layer, keras.Model)
    parts = layer.layers if is_model else all_layers(layer, include_self=False)
    for part in parts:
        yield from _layers(part)
    if not parts:
        yield layer


def _kernels_last(layer: keras.Layer, name: str, values: np.ndarray) -> np.ndarray:
    """Return a weight of a layer as [height, width, channels, kernels].

    In a depthwise convolution each channel has kernels of its own, which read no other.
    """
    if isinstance(layer, keras.layers.DepthwiseConv2D) or name == "depthwise_kernel":
        return values.reshape(*values.shape[:2], 1, -1)
    is_transposed = isinstance(layer, keras.layers.Conv2DTranspose)
    return np.swapaxes(values, 2, 3) if is_transposed else values


def _chosen(kernel: np.ndarray, element: int) -> np.ndarray:
    """Return what is shown of a layer's kernels, as `Kernels` has it."""
    values = kernel.transpose(3, 2, 0, 1)
    line = max(1, (WIDTH + GAP) // (element * kernel.shape[1] + GAP))
    if len(values[0]) in IMAGES:
        return values[_largest(values)[: LINES * line]]
    channels = _largest(np.swapaxes(values, 0, 1))[:line]
    return values[_largest(values)[:LINES]][:, channels]


def _largest(values: np.ndarray) -> np.ndarray:
    """Return the places along the first axis, those of the largest norms first."""
    norms = np.linalg.norm(values.reshape(len(values), -1), axis=1)
    return np.argsort(-norms, kind="stable")


def draw(shown: LearnedFilters, language: str = "en") -> Page:
    """Return the page: the layers one below the other, all kernels to one scale."""
    page = Page(2 * MARGIN + WIDTH, language)
    bottom = page.title(TITLE.format(shown.model), EXPLANATION) - 20
    for layer in shown.layers:
        bottom = _layer(page, layer, bottom + 44, shown.element)
    return page.cut(bottom)


def _layer(page: Page, layer: Kernels, y: float, element: int) -> float:
    """Draw the kernels of a layer below its name; return the bottom."""
    values = layer.values
    page.text(MARGIN, y, shorten([layer.name], MAX_NAME)[0], size=HEADING, weight="bold")
    height, width, channels, kernels = layer.shape
    whole = ALL if len(values) == kernels else SOME
    text = whole if channels in IMAGES else SLICES
    numbers = len(values), kernels, height, width, channels, values.shape[1]
    page.text(MARGIN, y + 28, text.format(*numbers), size=SMALL, color=MUTED)
    limit = float(np.abs(values).max()) or 1.0
    _scale(page, limit, y + 28, channels == 3)
    colors = _colors(values, limit).repeat(element, axis=2).repeat(element, axis=3)
    if channels in IMAGES:
        colors = _in_lines(colors[:, 0])
    return page.image(_mosaic(colors), MARGIN, y + 48, frame=None)[1]


def _colors(values: np.ndarray, limit: float) -> np.ndarray:
    """Return kernels as images [kernel, 1 or channel, height, width, RGB] in [0, 255]."""
    if values.shape[1] == 3:
        return 127.5 + 127.5 * np.moveaxis(values, 1, -1)[:, None] / limit
    return 255 * colormaps[SIGNED](0.5 + 0.5 * values / limit)[..., :3]


def _in_lines(images: np.ndarray) -> np.ndarray:
    """Return images [image, ...] as [line, column, ...], in as few lines as their width allows.

    The lines are equally long; the last one ends with images of the color of the gaps.
    """
    most = max(1, (WIDTH + GAP) // (images.shape[2] + GAP))
    lines = -(-len(images) // most)
    missing = -len(images) % lines
    filled = np.pad(images, [(0, missing), *[(0, 0)] * 3], constant_values=BETWEEN)
    return filled.reshape(lines, -1, *images.shape[1:])


def _mosaic(images: np.ndarray) -> np.ndarray:
    """Return images [line, column, height, width, RGB] side by side, as one with gaps between."""
    after = [(0, 0), (0, 0), (0, GAP), (0, GAP), (0, 0)]
    padded = np.pad(images, after, constant_values=BETWEEN)
    lines, columns, height, width, _ = padded.shape
    return padded.swapaxes(1, 2).reshape(lines * height, columns * width, 3)[:-GAP, :-GAP]


def _scale(page: Page, limit: float, y: float, in_color: bool) -> None:
    """Draw the scale of the colors at the right side."""
    right = MARGIN + WIDTH
    if in_color:
        page.text(right, y, IN_COLOR, size=SMALL, color=MUTED, align="right")
        return
    number = f"{limit:.2g}"
    start = right - page.text_width(number, SMALL) - 8 - RAMP
    ramp = np.repeat(np.linspace(-1, 1, RAMP)[None], 14, axis=0)
    page.image(ramp, start, y - 7, colors=SIGNED)
    page.text(right, y, number, size=SMALL, align="right")
    page.text(start - 8, y, f"\N{MINUS SIGN}{number}", size=SMALL, align="right")
