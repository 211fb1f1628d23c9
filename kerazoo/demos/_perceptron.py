"""A perceptron that learns XOR: its deltas before training, and its loss in training.

Source: `cnn-study`, lines 684-786.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from kerazoo.demos._cards import CELL, GIVEN, RESULT, draw_card, draw_matrix
from kerazoo.demos.gradients import (
    Dense,
    deltas,
    largest_difference,
    loss_of,
    perceptron_gradients,
    perceptron_outputs,
    train,
)
from kerazoo.demos.page import BLUE, MARGIN, MUTED, PAPER, SMALL, Page, factor, signed
from kerazoo.demos.texts import Text

INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
TARGETS = np.array([[0], [1], [1], [0]])
HIDDEN, SEED, RATE, STEPS = 3, 2, 4.0, 500
SAMPLE, UNIT = 2, 1  # the sample before training, and the hidden unit that is written out

TITLE = Text(
    "Perceptron: δ passes from the last layer to the first", "多层感知机：误差项 δ 从后向前传递"
)
RULE = Text(
    "δ is the gradient of the loss ½(a − y)² with respect to a unit's input z; a = σ(z) is its "
    "output, with the slope σ′(z) = a (1 − a). Left and center: the sample {sample} of XOR before "
    "training. Right: {steps} steps with all four samples, learning rate {rate:g}.",
    "δ 是损失 ½(a − y)² 对神经元输入 z 的梯度，a = σ(z) 是其输出，导数 σ′(z) = a (1 − a)。"
    "左、中：训练前的异或样本 {sample}。右：每步用全部四个样本，学习率 {rate:g}，共 {steps} 步。",
)
STEP, MEAN_LOSS = Text("step", "训练步数"), Text("mean loss", "平均损失")
TRAINED = Text("after training", "训练之后")

HEIGHT = 386
DELTAS, CHART = 494, (1020, 230, 166)  # from the left; from the left, width and height
UNIT_WIDTH, UNIT_HEIGHT, UNIT_PITCH = 100, 28, 82
LAYERS = 0, 160, 366  # where they begin
SUBSCRIPTS = "₁₂₃"


@dataclass(frozen=True)
class Perceptron:
    """A perceptron before, in and after its training on XOR.

    Attributes:
        layers: Before training.
        outputs: Of one sample before training: its inputs [2], then [3] and [1].
        deltas: Of that sample: [3] and [1].
        losses: Mean loss before each step.
        results: Outputs of the four samples after training, [4].
        difference: The largest of that sample's gradients from central differences.
    """

    layers: list[Dense]
    outputs: list[np.ndarray]
    deltas: list[np.ndarray]
    losses: list[float]
    results: np.ndarray
    difference: float


def trained_perceptron() -> Perceptron:
    """Return a perceptron of 2, 3 and 1 units that learns XOR.

    Source: `cnn-study`, lines 756-786.
    """
    random = np.random.default_rng(SEED)
    layers = [
        Dense(random.normal(size=(HIDDEN, 2)), np.zeros(HIDDEN)),
        Dense(random.normal(size=(1, HIDDEN)), np.zeros(1)),
    ]
    outputs = perceptron_outputs(layers, INPUTS[SAMPLE])
    losses, trained = train(layers, INPUTS, TARGETS, RATE, len(INPUTS), STEPS)
    return Perceptron(
        layers,
        outputs,
        deltas(layers, outputs, TARGETS[SAMPLE]),
        losses,
        np.array([perceptron_outputs(trained, sample)[-1][0] for sample in INPUTS]),
        _difference(layers, outputs),
    )


def _difference(layers: list[Dense], outputs: list[np.ndarray]) -> float:
    """Return the largest difference of the gradients of all weights from central differences."""
    sizes = [part.shape for layer in layers for part in layer]
    ends = np.cumsum([np.prod(size) for size in sizes])[:-1]
    target = TARGETS[SAMPLE]

    def flat(layers: Sequence[Dense]) -> np.ndarray:
        return np.concatenate([part.ravel() for layer in layers for part in layer])

    def loss(values: np.ndarray) -> float:
        parts = map(np.reshape, np.split(values, ends), sizes)
        changed = [Dense(weights, next(parts)) for weights in parts]
        return loss_of(perceptron_outputs(changed, INPUTS[SAMPLE])[-1], target)

    return largest_difference(
        loss, flat(layers), flat(perceptron_gradients(layers, outputs, target))
    )


def draw_perceptron(page: Page, y: float, shown: Perceptron) -> None:
    """Draw the card of the perceptron across the page."""
    sample = " ".join(map(str, INPUTS[SAMPLE]))
    rule = RULE.format(sample=sample, rate=RATE, steps=STEPS)
    frame = MARGIN, y, page.width - 2 * MARGIN, HEIGHT
    card = draw_card(page, frame, TITLE, rule, shown.difference)
    _draw_units(page, card.x, card.y, shown)
    _write_deltas(page, card.x + DELTAS, card.y + 14, shown)
    left, width, height = CHART
    chart = page.axes(card.x + left, card.y, width, height)
    chart.plot(shown.losses, color=BLUE, linewidth=2)
    chart.set(xlim=(0, STEPS), ylim=(0, None))
    page.label(chart, STEP, MEAN_LOSS)
    rows = [["x", "y", "a"]]
    for inputs, target, result in zip(INPUTS, TARGETS, shown.results, strict=True):
        rows.append([" ".join(map(str, inputs)), str(target[0]), f"{result:.2f}"])
    right = card.x + card.width - 3 * CELL
    draw_matrix(page, right, card.y, np.array(rows), TRAINED, size=SMALL)


def _draw_units(page: Page, x: float, y: float, shown: Perceptron) -> None:
    """Draw the units with what they give and their deltas, and the weights of the last layer."""
    places = [
        [
            (x + left, y + UNIT_HEIGHT + UNIT_PITCH * (unit + (HIDDEN - len(units)) / 2))
            for unit in range(len(units))
        ]
        for left, units in zip(LAYERS, shown.outputs, strict=True)
    ]
    for starts, ends in pairwise(places):
        for (left, middle), end in product(starts, ends):
            page.line([(left + UNIT_WIDTH, middle), end], color=MUTED, line=1.5)
    inputs, hidden, [(left, middle)] = places
    for index, value, place in zip("₁₂", shown.outputs[0], inputs, strict=True):
        _write_value(page, place, -0.5, f"x{index} {value}")
    parts = shown.outputs[1], shown.deltas[0], shown.layers[1].weights[0], hidden
    for index, value, delta, weight, place in zip(SUBSCRIPTS, *parts, strict=True):
        _write_value(page, place, -1, f"a{index} {signed(value, 3)}")
        _write_value(page, place, 0, f"δ{index} {signed(delta, 3)}", RESULT)
        beside = place[0] + UNIT_WIDTH + 8, place[1] + (12 if place is hidden[-1] else -12)
        page.text(*beside, f"w{index} {signed(weight, 2)}", size=SMALL, color=MUTED)
    _write_value(page, (left, middle), -1, f"a {signed(shown.outputs[2][0], 3)}")
    _write_value(page, (left, middle), 0, f"δ {signed(shown.deltas[1][0], 3)}", GIVEN)
    target = f"y {TARGETS[SAMPLE, 0]}"
    page.text(left, middle - UNIT_HEIGHT - 14, target, size=SMALL, color=MUTED)


def _write_value(
    page: Page, place: tuple[float, float], rows: float, text: str, fill: str = PAPER
) -> None:
    """Write a value of a unit in a box, which is rows below the unit's middle."""
    x, y = place[0], place[1] + rows * UNIT_HEIGHT
    page.box(x, y, UNIT_WIDTH, UNIT_HEIGHT, fill=fill, edge=MUTED, line=1)
    page.text(x + UNIT_WIDTH / 2, y + UNIT_HEIGHT / 2, text, size=SMALL, align="center")


def _write_deltas(page: Page, x: float, y: float, shown: Perceptron) -> None:
    """Write out the delta of the output, that of a hidden unit and the gradient of a weight."""
    hidden, (output,) = shown.outputs[1][UNIT], shown.outputs[2]
    earlier, (last,) = shown.deltas[0][UNIT], shown.deltas[1]
    a, b, d = signed(output, 3), signed(hidden, 3), factor(last, 3)
    w = factor(shown.layers[1].weights[0, UNIT], 2)
    target, i = TARGETS[SAMPLE, 0], SUBSCRIPTS[UNIT]
    lines = [
        "δ = (a − y) σ′(z)",
        f"   ≈ ({a} − {target}) · {a} · (1 − {a}) ≈ {signed(last, 3)}",
        f"δ{i} = w{i} δ σ′(z{i})",
        f"   ≈ {w} · {d} · {b} · (1 − {b}) ≈ {signed(earlier, 3)}",
        f"∂L/∂w{i} = δ a{i}",
        f"   ≈ {d} · {b} ≈ {signed(last * hidden, 3)}",
    ]
    for number, line in enumerate(lines):
        page.text(x, y + 30 * number, line, size=17)
