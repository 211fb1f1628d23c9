"""What each layer of a model makes of an image.

Source: `cnn-study`, lines 37-60 and 459-468.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kerazoo.demos.models import (
    Output,
    check_classes,
    evenly,
    layer_outputs,
    load,
    moves_window,
    pixels,
)
from kerazoo.demos.page import BLUE, LINE, MARGIN, MUTED, SMALL, Page
from kerazoo.demos.texts import Text
from kerazoo.errors import UsageError
from kerazoo.inference.classifier import Classifier
from kerazoo.lazy import tf
from kerazoo.text import shorten

open_model = load

LAYERS, ROWS = 6, 8  # columns at most of feature maps, and of each column
CLASSES = 10
SIDE, GAP, BETWEEN = 96, 10, 44  # pixels: of a map, between maps, between layers
INPUT_SIDE, SCORES_WIDTH = 190, 220
CLASS, BAR = 44, 8  # pixels: from one class to the next, of the height of a bar
MAX_NAME = 16  # characters of a class's name
CHARACTER = 12  # pixels of the width of bold text at most, with what is left free
HEADINGS = 70  # pixels of the height of what is above the feature maps

TITLE = Text("What each layer makes of an image", "每一层把图像变成了什么")
EXPLANATION = Text(
    "Each layer's feature maps with the highest means, the highest first. Brighter is higher, on "
    "one scale for each layer.",
    "每层显示均值最高的几张特征图，从高到低排列。越亮的位置数值越大，同一层用同一个灰度标尺。",
)
ALL = Text(
    "Model: {0}. These are all of its convolutions and poolings.",
    "模型：{0}。图中是它所有的卷积层和池化层。",
)
SOME = Text(
    "Model: {0}. These are {1} of its {2} convolutions and poolings, evenly chosen.",
    "模型：{0}。图中是从它的 {2} 个卷积层和池化层里均匀选出的 {1} 个。",
)
INPUT, SCORES = Text("input", "输入"), Text("probability", "概率")
SIZE = Text("{} × {}", "{} × {}")
OF = Text("{} of {} maps", "{1} 张中的 {0} 张")
EVERY_CLASS = Text("classes: {1}", "共 {1} 类")
HIGHEST = Text("the highest {} of {}", "{1} 类中最高的 {0} 类")


@dataclass(frozen=True)
class Layer:
    """The most active feature maps of a layer.

    Attributes:
        name: As in the index of `kerazoo.summary`.
        shape: (height, width, channels) of the output.
        channels: Those with the highest means, the highest first.
        maps: [channel, height, width].
    """

    name: str
    shape: tuple[int, int, int]
    channels: tuple[int, ...]
    maps: np.ndarray


@dataclass(frozen=True)
class FeatureMaps:
    """What layers make of an image.

    Attributes:
        model: Its name.
        image: [height, width, channels] in [0, 1].
        layers: At most `LAYERS`.
        count: Of all such layers of the model.
        names: Of classes.
        probabilities: Of all classes [classes].
    """

    model: str
    image: np.ndarray
    layers: tuple[Layer, ...]
    count: int
    names: tuple[str, ...]
    probabilities: np.ndarray


def compute(classifier: Classifier, image: np.ndarray) -> FeatureMaps:
    """Return the feature maps of the layers that move a window, and of the user's own layers.

    Args:
        classifier: What `open_model` returned.
        image: [height, width, channels] in [0, 1].

    Raises:
        UsageError: The model has no feature maps, or one output.
    """
    check_classes(classifier)
    outputs = list(filter(moves_window, layer_outputs(classifier, image)))
    if not outputs:
        raise UsageError(
            f"'{classifier.model.name}' has no feature maps: choose a convolutional network"
        )
    chosen = evenly(outputs, LAYERS)
    most = ROWS * (LAYERS // len(chosen))
    return FeatureMaps(
        classifier.model.name,
        image,
        tuple(_most_active(each, most) for each in chosen),
        len(outputs),
        classifier.class_names,
        classifier.probabilities(tf.convert_to_tensor(image)[None])[0],
    )


def _most_active(output: Output, most: int) -> Layer:
    maps = output.value[0].numpy()
    channels = np.argsort(-maps.mean(axis=(0, 1)), kind="stable")[:most]
    chosen = np.moveaxis(maps[..., channels], -1, 0)
    return Layer(output.name, maps.shape, tuple(channels.tolist()), chosen)


def draw(shown: FeatureMaps, language: str = "en") -> Page:
    """Return the page: from left to right the image, the layers and the scores."""
    columns = LAYERS // len(shown.layers)
    width = columns * (SIDE + GAP) - GAP
    across = len(shown.layers) * (width + BETWEEN)
    page = Page(2 * MARGIN + INPUT_SIDE + BETWEEN + across + SCORES_WIDTH, language)
    below = page.title(TITLE, EXPLANATION) + HEADINGS
    classes = min(len(shown.names), CLASSES)
    maps = max(len(layer.maps) for layer in shown.layers)
    half = max(INPUT_SIDE, classes * CLASS, _height(maps, columns)) / 2
    middle = below + half
    _input(page, shown.image, MARGIN, middle)
    x = MARGIN + INPUT_SIDE + BETWEEN
    names = shorten([layer.name for layer in shown.layers], int((width + BETWEEN) / CHARACTER))
    for name, layer in zip(names, shown.layers, strict=True):
        _arrow(page, x, middle)
        _layer(page, name, layer, x, middle, columns)
        x += width + BETWEEN
    _arrow(page, x, middle)
    _scores(page, shown, x, middle)
    text = ALL if len(shown.layers) == shown.count else SOME
    note = text.format(shown.model, len(shown.layers), shown.count)
    page.text(MARGIN, middle + half + 36, note, color=MUTED)
    return page.cut(middle + half + 46)


def _height(maps: int, columns: int) -> float:
    """Return the pixels of the height of feature maps in columns."""
    return -(-maps // columns) * (SIDE + GAP) - GAP


def _arrow(page: Page, x: float, y: float) -> None:
    """Draw an arrow to what begins at `x`."""
    page.arrow((x - BETWEEN + 10, y), (x - 10, y))


def _input(page: Page, image: np.ndarray, x: float, middle: float) -> None:
    scale = INPUT_SIDE / max(image.shape)
    y = middle - scale * image.shape[0] / 2
    page.text(x, y - 42, INPUT, weight="bold")
    page.text(x, y - 18, SIZE.format(*image.shape), size=SMALL, color=MUTED)
    page.image(pixels(image), x, y, scale, limits=(0, 255))


def _layer(page: Page, name: str, layer: Layer, x: float, middle: float, columns: int) -> None:
    """Draw feature maps line by line below the layer's name and shape."""
    top = middle - _height(len(layer.maps), columns) / 2
    page.text(x, top - 58, name, size=SMALL, weight="bold")
    page.text(x, top - 38, SIZE.format(*layer.shape), size=SMALL, color=MUTED)
    count = OF.format(len(layer.maps), layer.shape[-1])
    page.text(x, top - 18, count, size=SMALL, color=MUTED)
    limits = float(layer.maps.min()), float(layer.maps.max())
    for number, each in enumerate(layer.maps):
        line, column = divmod(number, columns)
        corner = x + column * (SIDE + GAP), top + line * (SIDE + GAP)
        page.image(each, *corner, SIDE / max(each.shape), limits=limits)


def _scores(page: Page, shown: FeatureMaps, x: float, middle: float) -> None:
    """Draw a bar for each class, or for those with the highest probabilities."""
    classes = len(shown.names)
    order = np.argsort(-shown.probabilities, kind="stable")[:CLASSES].tolist()
    places = sorted(order) if len(order) == classes else order
    y = middle - CLASS * len(places) / 2
    page.text(x, y - 42, SCORES, weight="bold")
    count = (EVERY_CLASS if len(order) == classes else HIGHEST).format(len(places), classes)
    page.text(x, y - 18, count, size=SMALL, color=MUTED)
    names = shorten([shown.names[place] for place in places], MAX_NAME)
    for name, place in zip(names, places, strict=True):
        probability = float(shown.probabilities[place])
        page.text(x, y + 14, name, size=SMALL)
        page.text(x + SCORES_WIDTH, y + 14, f"{probability:.1%}", size=SMALL, align="right")
        page.box(x, y + 27, SCORES_WIDTH, BAR, fill=LINE)
        page.box(x, y + 27, SCORES_WIDTH * probability, BAR, fill=BLUE)
        y += CLASS
