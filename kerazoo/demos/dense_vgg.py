"""A VGG whose dense layers are convolutions, on a photo that is larger than its input.

Sources: `slim-vgg`, lines 43-107, VGG-16 with its dense layers as convolutions; Sermanet et al.,
"OverFeat" (2014), https://arxiv.org/abs/1312.6229, section 3.5, which scans images in this way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kerazoo.accounting.table import summary
from kerazoo.demos.images import MAX_SIDE
from kerazoo.demos.models import SEED, load_or_make, overlaid
from kerazoo.demos.page import BLUE, LINE, MARGIN, MUTED, ORANGE, SMALL, VERMILION, Page
from kerazoo.demos.texts import Text
from kerazoo.errors import UsageError
from kerazoo.inference.classifier import Classifier, logits
from kerazoo.lazy import keras, tf
from kerazoo.models import create_model
from kerazoo.text import COUNTS, in_units
from kerazoo.weights.preprocessing import UNIT

WINDOW, STRIDE = 224, 32  # the side of VGG's input, and from one position to the next

TITLE = Text("One pass instead of many windows", "一次前向计算代替许多窗口")
EXPLANATION = Text(
    "With convolutions of 7x7 and 1x1 in place of its dense layers, {} takes the whole photo and "
    "gives scores for each window of 224x224 pixels, 32 pixels apart, at once. Where windows "
    "overlap, it computes once. (At its border a window sees the photo, where a crop sees zeros.)",
    "用 7x7 和 1x1 卷积代替全连接层后，{} 可以输入整张照片，"
    "一次得到每个 224x224 窗口（间隔 32 像素）的得分。窗口重叠的部分只计算一次。"
    "（窗口边缘看到的是周围的照片，而裁剪出来的图像看到的是零。）",
)
WINDOWS = Text(
    "{}x{} windows on {}x{} pixels: centers, two framed",
    "照片 {2}x{3}（高 x 宽），{0}x{1} 个窗口：点为中心，框出两个",
)
MAP = Text("probability of class {}: {:.4g} to {:.4g}", "类别 {} 的概率：{:.4g} 到 {:.4g}")
RANDOM = Text(
    "The weights are random: the map shows how it is made, not what is in the photo.",
    "权重是随机的：此图只展示得分图如何得到，并不说明照片里有什么。",
)
COST = Text("multiply-accumulates", "乘加次数")
ONE_BY_ONE = Text("{} windows, one by one", "{} 个窗口逐个计算")
AT_ONCE = Text("all at once", "一次算完")
TIMES = Text("{:.1f} times fewer", "约为前者的 1/{:.1f}")


@dataclass(frozen=True)
class DenseVGG:
    """The scores of all windows of a photo, and their cost.

    Attributes:
        model: Its name.
        is_random: Whether its weights are.
        photo: [height, width, 3] in [0, 255].
        top_class: The one with the highest mean probability.
        probabilities: Of that class, [rows, columns] of windows.
        macs: Multiply-accumulates for the photo at once.
        window_macs: For one window.
    """

    model: str
    is_random: bool
    photo: np.ndarray
    top_class: str
    probabilities: np.ndarray
    macs: int
    window_macs: int


def open_model(source: str) -> Classifier:
    """Return a trained VGG, or for a name of the zoo one with random weights.

    Args:
        source: The directory of a run, a `.keras` file, or a name.

    Raises:
        UsageError: There is no such model, or it has no convolutions in place of dense layers.
        CorruptFileError: The file is damaged.
    """
    return load_or_make(source, _with_random_weights)


def _with_random_weights(source: str) -> Classifier:
    if not source.startswith("vgg"):
        raise UsageError(f"'{source}' has dense layers: give a VGG, such as vgg16")
    keras.utils.set_random_seed(SEED)
    shape = WINDOW, WINDOW, 3
    return Classifier(create_model(source, input_shape=shape), (), shape, UNIT)


def compute(classifier: Classifier, image: np.ndarray) -> DenseVGG:
    """Return the map of a class's probabilities for a photo.

    Args:
        classifier: What `open_model` returned.
        image: A photo, [height, width, 3] in [0, 255].

    Raises:
        UsageError: The photo is smaller than a window, or the model does not fit.
    """
    height, width = image.shape[:2]
    if min(height, width) < WINDOW:
        raise UsageError(
            f"the image is {height}x{width}, resized to at most {MAX_SIDE} pixels, and a window of "
            f"{WINDOW}x{WINDOW} does not fit: give one that is larger, or less long"
        )
    model = fully_convolutional(classifier.model)
    pixels = classifier.preprocessing.of_unit(tf.constant(image[None] / 255, tf.float32))
    with logits(model) as are_logits:
        scores = model(pixels, training=False)
    scores = (tf.nn.softmax(scores) if are_logits else scores).numpy()[0]
    best = int(scores.mean(axis=(0, 1)).argmax())
    costs = [
        summary(model, (*shape, 3)).attrs["total"]["macs"]
        for shape in ((height, width), (WINDOW, WINDOW))
    ]
    names = classifier.class_names
    name = names[best] if names else str(best)
    return DenseVGG(classifier.model.name, not names, image, name, scores[..., best], *costs)


def fully_convolutional(model: keras.Model) -> keras.Model:
    """Return a model from images of any size to scores [batch, rows, columns, classes].

    It has the layers of the model, up to its last convolution.

    Raises:
        UsageError: Its last layer with weights is no convolution.
    """
    last = next((layer for layer in reversed(model.layers) if layer.weights), None)
    if not isinstance(last, keras.layers.Conv2D):
        raise UsageError(f"'{model.name}' has dense layers: give a VGG, such as vgg16")
    part, inputs = keras.Model(model.input, last.output), keras.Input((None, None, 3))
    return keras.models.clone_model(part, inputs, clone_function=lambda layer: layer)


PANEL, BAR = 640, 26


def draw(shown: DenseVGG, language: str = "en") -> Page:
    """Return the page: the photo with its windows, the map, and both costs."""
    height, width = shown.photo.shape[:2]
    rows, columns = shown.probabilities.shape
    page = Page(3 * MARGIN + 2 * PANEL, language)
    top = page.title(TITLE, EXPLANATION.format(shown.model))
    right = MARGIN + PANEL + MARGIN
    page.text(MARGIN, top + 14, WINDOWS.format(rows, columns, height, width), weight="bold")
    low, high = shown.probabilities.min(), shown.probabilities.max()
    page.text(right, top + 14, MAP.format(shown.top_class, low, high), weight="bold")
    top += 34
    page.image(shown.photo, MARGIN, top)
    for number, color in ((0, ORANGE), (1, BLUE)):
        across = min(number, columns - 1) * STRIDE
        page.box(MARGIN + across, top, WINDOW, WINDOW, edge=color, line=3)
    first = (WINDOW - STRIDE) // 2
    for row in range(rows):
        for column in range(columns):
            center = MARGIN + WINDOW / 2 + column * STRIDE, top + WINDOW / 2 + row * STRIDE
            page.box(center[0] - 2, center[1] - 2, 4, 4, fill=ORANGE)
    heat = np.kron((shown.probabilities - low) / max(high - low, 1e-12), np.ones((STRIDE, STRIDE)))
    whole = np.zeros((height, width))
    whole[first : first + heat.shape[0], first : first + heat.shape[1]] = heat
    page.image(overlaid(shown.photo / 255, whole, VERMILION), right, top)
    page.box(right + first, top + first, heat.shape[1], heat.shape[0], edge=LINE)
    bottom = top + height + 24
    if shown.is_random:
        page.text(right, bottom, RANDOM, size=SMALL, color=MUTED)
    return page.cut(_draw_costs(page, shown, bottom + 30))


def _draw_costs(page: Page, shown: DenseVGG, y: float) -> float:
    """Draw a bar for the windows one by one, and one for all at once."""
    windows = shown.probabilities.size
    page.text(MARGIN, y, COST, weight="bold")
    most = windows * shown.window_macs
    left, full = MARGIN + 300, page.width - 2 * MARGIN - 300 - 330
    for name, macs, color in (
        (ONE_BY_ONE.format(windows), most, ORANGE),
        (AT_ONCE, shown.macs, BLUE),
    ):
        y += 40
        page.text(MARGIN, y, name)
        width = full * macs / most
        page.box(left, y - BAR / 2, width, BAR, fill=color)
        text = in_units(macs, COUNTS)
        page.text(left + width + 14, y, text)
        if macs < most:
            times = TIMES.format(most / macs)
            page.text(left + width + 30 + page.text_width(text), y, times, color=MUTED)
    return y + BAR / 2
