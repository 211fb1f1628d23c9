"""The pixels that a unit of a network can see, and those that count.

Sources: `cnn-study`, lines 372-449; Luo, Li, Urtasun and Zemel, "Understanding the Effective
Receptive Field in Deep Convolutional Neural Networks" (2016), https://arxiv.org/abs/1701.04128.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from kerazoo import registry
from kerazoo.accounting.inputs import Inputs
from kerazoo.accounting.receptive_field import Box, Field, fields, receptive_field
from kerazoo.accounting.trace import trace
from kerazoo.demos.models import (
    SEED,
    Output,
    evenly,
    layer_outputs,
    load_or_make,
    moves_window,
    overlaid,
)
from kerazoo.demos.page import BLUE, HEADING, INK, MARGIN, MUTED, SMALL, VERMILION, Page
from kerazoo.demos.texts import Text
from kerazoo.errors import UsageError
from kerazoo.inference.classifier import Classifier
from kerazoo.lazy import keras, tf
from kerazoo.models import create_model
from kerazoo.text import shorten

SHARE = 0.95  # of the gradient, in the effective field
COLUMNS = 6
WIDTH, MIN_WIDTH, MAX_SIDE, GAP = 1484, 1020, 270, 28  # pixels: of all panels, of one, between
CHARACTER = 13  # pixels of the width of a heading's characters
PADDING = 222  # its gray
ALPHA = 3 / 16  # in thinner networks TensorFlow's gradients may crash, see kerazoo.models.resnet
NEAR_BORDER = 8  # the second unit is an eighth of the way from the top left corner

TITLE = Text("What a unit can see, and what it looks at", "一个单元能看到什么，又真正在看什么")
EXPLANATION = Text(
    "Kernels and strides decide which pixels a unit depends on: its receptive field (blue). How "
    "much it depends on each is the gradient of the unit with respect to the pixel (orange). The "
    "dashed square around the center of the field has {:.0%} of the gradient: the effective field. "
    "Its share of the theoretical area is in parentheses.",
    "卷积核与步长决定一个单元依赖哪些像素，即理论感受野（蓝框）；单元对各像素的梯度（橙色）表示依赖的程度。"
    "虚线方框含其中 {:.0%}，即有效感受野，括号内为其面积占比。",
)
POSITIONS = Text("{} × {} positions", "{} × {} 个位置")
MIDDLE = Text("A unit in the middle: its field, enlarged", "中间的单元：感受野放大图")
BORDER = Text(
    "A unit near the border: gray is padding, which the field includes",
    "靠近边缘的单元：灰色是填充，也算在感受野之内",
)
THEORY = Text("theoretical {} × {}", "理论感受野 {} × {}")
EFFECTIVE = Text("effective {0} × {0} ({1:.0%})", "有效感受野 {0} × {0}（{1:.0%}）")
NO_GRADIENT = Text("no gradient on this image", "在这张图上没有梯度")
OWN_WEIGHTS = Text("Model: {}, with its own weights.", "模型：{}，使用其自身的权重。")
RANDOM = Text(
    "Model: {}, with random weights, which the theoretical field does not depend on.",
    "模型：{}，权重随机；理论感受野与权重无关。",
)
THIN = Text(
    "Model: {} at {} of its width, with random weights: the theoretical field depends on neither.",
    "模型：{}，宽度为原来的 {}，权重随机；理论感受野与二者都无关。",
)


@dataclass(frozen=True)
class Unit:
    """A unit of a layer: an element of its output.

    Attributes:
        position: (row, column).
        box: The pixels that it depends on, and how far padding adds to them.
        heat: The absolute gradient of the unit with respect to each pixel, the mean over the
            image's channels, [height, width] of the image.
        side: Of the effective field in pixels: the smallest square around the center of the box
            that has `SHARE` of the gradient.
    """

    position: tuple[int, int]
    box: Box
    heat: np.ndarray
    side: int


@dataclass(frozen=True)
class LayerFields:
    """Two units of a layer, in the middle and near the border, and its output shape."""

    name: str
    shape: tuple[int, int, int]
    middle: Unit
    border: Unit


@dataclass(frozen=True)
class ReceptiveFields:
    """The fields of some layers.

    Attributes:
        model: Its name and where its weights are from.
        image: [height, width, channels] in [0, 1].
        layers: From the first to the last.
    """

    model: Text
    image: np.ndarray
    layers: tuple[LayerFields, ...]


def open_model(source: str) -> Classifier:
    """Return the model of a run or file, or for a name of the zoo one with random weights.

    The latter has no classifier, and where possible `ALPHA` of its width: the receptive field
    depends on kernels and strides only.

    Args:
        source: The directory of a run, a `.keras` file, or a name.

    Raises:
        UsageError: There is no such model.
        CorruptFileError: The file is damaged.
    """
    return load_or_make(source, _with_random_weights)


def _with_random_weights(source: str) -> Classifier:
    shape = registry.find(source).input_shape
    width = {"alpha": ALPHA} if "alpha" in registry.options(source) else {}
    keras.utils.set_random_seed(SEED)
    model = create_model(source, include_top=False, input_shape=shape, **width)
    return Classifier(model, (), shape)


def compute(classifier: Classifier, image: np.ndarray) -> ReceptiveFields:
    """Return the fields of the last convolution or pooling of each size, of some of the sizes.

    Of the elements at a position, the unit is the one with the highest value: the gradient of a
    unit that a ReLU has set to zero is zero.

    Args:
        classifier: What `open_model` returned.
        image: [height, width, channels] in [0, 1].

    Raises:
        UsageError: The model has no layer whose positions see parts of the image.
    """
    inputs = tf.convert_to_tensor(image)
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(inputs)
        outputs = layer_outputs(classifier, inputs)

    def unit(output: Output, part: int) -> Unit:
        row, column = (length // part for length in output.value.shape[1:3])
        box = receptive_field(classifier.model, output.name, (row, column), image.shape)
        assert isinstance(box, Box)
        with tape:
            highest = tf.reduce_max(output.value[0, row, column])
        heat = np.abs(tape.gradient(highest, inputs).numpy()).mean(axis=-1)
        return Unit((row, column), box, heat, effective_side(heat, box))

    layers = (
        LayerFields(each.name, tuple(each.value.shape[1:]), unit(each, 2), unit(each, NEAR_BORDER))
        for each in _last_of_each_size(classifier.model, outputs, image.shape)
    )
    return ReceptiveFields(_what(classifier), image, tuple(layers))


def _what(classifier: Classifier) -> Text:
    """Return what was computed on: the model, and how its weights came about."""
    name = classifier.model.name
    if classifier.class_names:
        return OWN_WEIGHTS.format(name)
    alpha = classifier.model.kerazoo_config.options.get("alpha", 1)
    return (THIN if alpha < 1 else RANDOM).format(name, Fraction(alpha))


def _last_of_each_size(
    model: keras.Model, outputs: Sequence[Output], image_shape: tuple[int, ...]
) -> list[Output]:
    """Return the last convolutions and poolings of each size that see parts of the image."""
    graph = trace(model, Inputs(image_shape), batch_size=1)
    known = fields(graph)
    of_rows = {call.row: known[id(call.outputs[0])] for call in graph.calls if call.outputs}
    last = {
        tuple(output.value.shape[1:3]): output
        for output in outputs
        if moves_window(output) and _sees_parts(of_rows.get(output.name))
    }
    if not last:
        raise UsageError(
            f"'{model.name}' has no feature maps whose positions see parts of the image: choose a "
            "convolutional network"
        )
    return evenly(list(last.values()), COLUMNS)


def _sees_parts(field: Field | None) -> bool:
    """Return whether a field moves along rows and columns, and has more than a pixel."""
    if field is None or field.axes != [1, 2]:
        return False
    return any(extent is not None and extent.size > 1 for extent in field.extents.values())


def effective_side(heat: np.ndarray, box: Box) -> int:
    """Return the side of the smallest square with `SHARE` of the heat, around a box's center.

    It is 0 if there is no heat.
    """
    if not heat.any():
        return 0
    rows, columns = (
        np.abs(np.arange(length) + 0.5 - (first + stop) / 2)
        for length, first, stop in zip(heat.shape, box.full_start, box.full_stop, strict=True)
    )
    sides = (2 * np.maximum(rows[:, None], columns) + 1).ravel()  # of the square up to each pixel
    order = np.argsort(sides)
    parts = np.cumsum(heat.ravel()[order])
    return round(sides[order][np.searchsorted(parts, SHARE * parts[-1])])


def draw(shown: ReceptiveFields, language: str = "en") -> Page:
    """Return the page: for each layer both units on the image, and the field of each enlarged."""
    columns = len(shown.layers)
    side = min(MAX_SIDE, (WIDTH + GAP) // columns - GAP)
    page = Page(2 * MARGIN + max(MIN_WIDTH, columns * (side + GAP) - GAP), language)
    y = page.title(TITLE, EXPLANATION.format(SHARE)) + 16
    places = [MARGIN + number * (side + GAP) for number in range(columns)]
    names = shorten([layer.name for layer in shown.layers], side // CHARACTER)
    for x, name, layer in zip(places, names, shown.layers, strict=True):
        page.text(x, y, name, size=HEADING, weight="bold")
        page.text(x, y + 26, POSITIONS.format(*layer.shape), size=SMALL, color=MUTED)
        bottom = _on_image(page, layer, shown.image, x, y + 44, side)
    for heading, unit in ((MIDDLE, "middle"), (BORDER, "border")):
        page.text(MARGIN, bottom + 40, heading, weight="bold")
        top = bottom + 62
        for x, layer in zip(places, shown.layers, strict=True):
            bottom = _enlarged(page, getattr(layer, unit), x, top, side)
    page.text(MARGIN, bottom + 40, shown.model, color=MUTED)
    return page.cut(bottom + 48)


def _on_image(
    page: Page, layer: LayerFields, image: np.ndarray, x: float, y: float, side: float
) -> float:
    """Draw the image with the fields of both units; return the bottom."""
    scale = side / max(image.shape)
    heat = np.maximum(_relative(layer.middle.heat), _relative(layer.border.heat))
    _, bottom = page.image(overlaid(image, heat, VERMILION), x, y, scale)
    for unit in (layer.middle, layer.border):
        (top, left), (end, right) = unit.box.start, unit.box.stop
        size = scale * (right - left), scale * (end - top)
        page.box(x + scale * left, y + scale * top, *size, edge=BLUE, line=3)
    return bottom


def _enlarged(page: Page, unit: Unit, x: float, y: float, side: float) -> float:
    """Draw the field of a unit, padding included, as large as a panel; return the bottom."""
    height, width = np.subtract(unit.box.full_stop, unit.box.full_start)
    scale = side / max(height, width)
    page.image(_with_padding(unit), x, y, scale, frame=None)
    page.box(x, y, scale * width, scale * height, edge=BLUE, line=3)
    page.text(x, y + side + 18, THEORY.format(width, height), size=SMALL, color=BLUE)
    bottom = y + side + 48
    if not unit.side:
        page.text(x, bottom - 8, NO_GRADIENT, size=SMALL)
        return bottom
    part = unit.side**2 / (width * height)
    page.text(x, bottom - 8, EFFECTIVE.format(unit.side, part), size=SMALL)
    square = scale * unit.side
    left, top = x + (scale * width - square) / 2, y + (scale * height - square) / 2
    page.box(left, top, square, square, edge=INK, dashed=True)
    return bottom


def _with_padding(unit: Unit) -> np.ndarray:
    """Return the heat in the field of a unit, on white, and gray where it is padding."""
    heat = overlaid(np.ones((*unit.heat.shape, 1)), _relative(unit.heat), VERMILION)
    before = np.subtract(unit.box.start, unit.box.full_start)
    after = np.subtract(unit.box.full_stop, unit.box.stop)
    sides = [*zip(before, after, strict=True), (0, 0)]
    return np.pad(heat[unit.box.slices], sides, constant_values=PADDING)


def _relative(heat: np.ndarray) -> np.ndarray:
    """Return heat as a part of the largest, save for single pixels that are far above the rest."""
    return np.clip(heat / np.percentile(heat[heat > 0], 99), 0, 1) if heat.any() else heat
