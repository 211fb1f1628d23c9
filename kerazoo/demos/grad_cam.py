"""Which part of an image supports a class, by Grad-CAM.

Source: Selvaraju, Cogswell, Das, Vedantam, Parikh and Batra, "Grad-CAM: Visual Explanations from
Deep Networks via Gradient-based Localization" (2017), https://arxiv.org/abs/1610.02391, equations 1
and 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kerazoo.demos.models import (
    Output,
    check_classes,
    has_positions,
    layer_outputs,
    load,
    overlaid,
    pixels,
)
from kerazoo.demos.page import HEADING, MARGIN, MUTED, SMALL, VERMILION, Page
from kerazoo.demos.texts import Text
from kerazoo.errors import UsageError
from kerazoo.inference.classifier import Classifier, logits
from kerazoo.lazy import tf
from kerazoo.text import shorten

open_model = load

CLASSES = 3
TINY = 1e-30  # a number that is taken for zero
SIDE, GAP = 330, 36  # pixels of a panel, and between panels
MAX_NAME = 24  # characters of a class's name

TITLE = Text("Which part of the image supports a class", "图像的哪一部分支持某个类别")
EXPLANATION = Text(
    "The feature maps of {0} are added up, each weighted by the mean gradient of the class's score "
    "(Grad-CAM). A positive sum supports the class. The map shows where, not how likely the class "
    "is.",
    "把 {0} 的各张特征图按类别得分对它的平均梯度加权求和（Grad-CAM）。"
    "正的部分支持该类别：它说明证据在哪里，而不是类别有多大可能。",
)
INPUT = Text("input", "输入")
SIZE = Text("{} × {}", "{} × {}")
PROBABILITY = Text("probability {:.1%}", "概率 {:.1%}")
NOTE = Text(
    "Model: {0}. The maps of {1} have {2}×{3} positions. They are shown as they are, and above "
    "over the image, enlarged by bilinear interpolation.\nAll classes share one scale:",
    "模型：{0}。{1} 的特征图有 {2}×{3} 个位置，下排按原样显示，上排用双线性插值放大后叠加在图像上。"
    "\n所有类别共用一个标尺：",
)


@dataclass(frozen=True)
class GradCam:
    """The Grad-CAM of the classes with the highest probabilities, the highest first.

    Attributes:
        model: Its name.
        layer: Name of the layer whose feature maps are weighted.
        image: [height, width, channels] in [0, 1].
        names: Of the classes.
        probabilities: [classes].
        maps: [classes, rows, columns] of the layer, 0 or more.
        heat: The maps enlarged to the image, [classes, height, width].
    """

    model: str
    layer: str
    image: np.ndarray
    names: tuple[str, ...]
    probabilities: np.ndarray
    maps: np.ndarray
    heat: np.ndarray


def compute(classifier: Classifier, image: np.ndarray) -> GradCam:
    """Return the maps at the last layer with several positions.

    The score of a class is its logit, before the last layer's softmax. Where a softmax cannot be
    left out, because it is a layer of its own or inside a model in the model, it is the logarithm
    of the probability, minus the mean of those of all classes: the logit minus the mean logit.

    Args:
        classifier: What `open_model` returned.
        image: [height, width, channels] in [0, 1].

    Raises:
        UsageError: No layer has several positions, or there is one output.
    """
    check_classes(classifier)
    probabilities = classifier.probabilities(tf.convert_to_tensor(image)[None])[0]
    best = np.argsort(-probabilities, kind="stable")[:CLASSES]
    inputs = tf.convert_to_tensor(image)
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(inputs)
        outputs, scores = _scores(classifier, inputs)
        chosen = [scores[0, label] for label in best.tolist()]
    layer = _last_with_positions(classifier, outputs)
    maps = np.stack([_map(tape.gradient(score, layer.value), layer.value) for score in chosen])
    heat = tf.image.resize(maps[..., None], image.shape[:2]).numpy()[..., 0]
    names = tuple(classifier.class_names[label] for label in best)
    return GradCam(classifier.model.name, layer.name, image, names, probabilities[best], maps, heat)


def _scores(classifier: Classifier, image: tf.Tensor) -> tuple[list[Output], tf.Tensor]:
    """Return the outputs of all layers, and a score for each class [1, classes]."""
    with logits(classifier.model) as are_logits:
        outputs = layer_outputs(classifier, image)
    scores = outputs[-1].value
    if are_logits:
        return outputs, scores
    logarithms = tf.math.log(tf.maximum(scores, TINY))
    return outputs, logarithms - tf.reduce_mean(logarithms, axis=-1, keepdims=True)


def _last_with_positions(classifier: Classifier, outputs: list[Output]) -> Output:
    for output in reversed(outputs):
        if has_positions(output):
            return output
    raise UsageError(
        f"'{classifier.model.name}' has no layer with several positions, which Grad-CAM needs: "
        "choose a convolutional network"
    )


def _map(gradient: tf.Tensor, value: tf.Tensor) -> np.ndarray:
    """Return the positive part of the feature maps' sum, weighted by their mean gradients."""
    weights = gradient.numpy()[0].mean(axis=(0, 1))
    return np.maximum(value.numpy()[0] @ weights, 0)


def draw(shown: GradCam, language: str = "en") -> Page:
    """Return the page: the image, then for each class the map over it, and the map as it is."""
    panels = 1 + len(shown.names)
    page = Page(2 * MARGIN + panels * SIDE + (panels - 1) * GAP, language)
    y = page.title(TITLE, EXPLANATION.format(shown.layer)) + 16
    image = pixels(shown.image)
    bottom = _panel(page, MARGIN, y, INPUT, SIZE.format(*image.shape), image)
    highest = max(float(shown.maps.max()), TINY)
    _note(page, shown, bottom + GAP)
    for number, name in enumerate(shorten(shown.names, MAX_NAME)):
        x = MARGIN + (number + 1) * (SIDE + GAP)
        probability = PROBABILITY.format(shown.probabilities[number])
        heat = overlaid(shown.image, shown.heat[number] / highest, VERMILION)
        _panel(page, x, y, name, probability, heat)
        values = shown.maps[number] / highest
        _, end = page.image(_on_white(values), x, bottom + GAP, SIDE / max(values.shape))
    return page.cut(end)


def _panel(
    page: Page, x: float, y: float, heading: Text | str, line: Text, image: np.ndarray
) -> float:
    """Draw an image below its heading and a line of text; return the bottom."""
    page.text(x, y, heading, size=HEADING, weight="bold")
    page.text(x, y + 28, line, color=MUTED)
    return page.image(image, x, y + 50, SIDE / max(image.shape[:2]), limits=(0, 255))[1]


def _note(page: Page, shown: GradCam, y: float) -> None:
    """Write what the panels show, above the scale of the colors."""
    note = NOTE.format(shown.model, shown.layer, *shown.maps.shape[1:])
    y = page.paragraph(MARGIN, y, note, SIDE, color=MUTED) + 10
    ramp = np.linspace(0, 1, SIDE)[None]
    _, bottom = page.image(_on_white(np.repeat(ramp, 20, axis=0)), MARGIN, y)
    page.text(MARGIN, bottom + 16, "0", size=SMALL)
    highest = f"{shown.maps.max():.2g}"
    page.text(MARGIN + SIDE, bottom + 16, highest, size=SMALL, align="right")


def _on_white(values: np.ndarray) -> np.ndarray:
    """Return values [height, width] in [0, 1] as colors from white to the color of the heat."""
    return overlaid(np.ones((*values.shape, 1)), values, VERMILION)
