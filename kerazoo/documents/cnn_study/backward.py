"""cnn-study, lines 670-870: backpropagation, its formulas beside TensorFlow's gradients."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np

from kerazoo.documents.claim import Claim
from kerazoo.documents.cnn_study.gradients import (
    OneConvolution,
    TwoLayers,
    difference,
    sigmoid,
    slide,
    slope,
)
from kerazoo.documents.probes import dense

# The claims are tables: the formatter would put every argument on its own line.
# fmt: off

RATE, BATCH = 0.1, 4
STEPS = [(745, "weights"), (746, "biases")]
BATCH_STEPS = [(752, "weights"), (753, "biases"), (782, "weights"), (783, "biases")]
# How the notes write the delta before a convolution on the way from line 810 to line 861.
CONVOLUTION_DELTAS = {
    810: "delta with zeros around, under the kernel turned by 180 degrees",
    835: "sum of delta dz'/dz",
    848: "sum of delta w sigma'(z)",
    853: "sum of delta w(x' - x, y' - y) sigma'(z)",
    857: "delta * w(-x, -y) sigma'(z)",
    861: "ROT180(w) = w(-x, -y)",
}


def claims() -> Iterator[Claim]:
    """Yield what the chapter states."""
    for section in (_error, _dense, _updates, _convolution):
        yield from section()


def _agrees(
    line: int, what: str, printed: str, formula: np.ndarray, other: np.ndarray, by: str = "Keras"
) -> Claim:
    """Return the claim that a formula gives what Keras or TensorFlow computes."""
    text = f"{what}: formula minus {by}'s"
    return Claim(line, text, 0, difference(formula, other), printed=printed)


def _error() -> list[Claim]:
    net = TwoLayers()
    mean = keras.losses.MeanSquaredError(reduction="sum", dtype="float64")(net.y, net.a2)
    half = np.asarray(mean) * net.y.shape[-1] / 2
    formula = ((net.a2 - net.y) ** 2).sum() / 2
    return [
        _agrees(676, "squared error", "1/2 sum (actual - predicted)^2", formula, half),
        _agrees(702, "error of the output", "1/2 ||a - y||^2", formula, half),
    ]


def _dense() -> list[Claim]:
    net = TwoLayers()
    delta2 = (net.a2 - net.y) * slope(net.z2)
    delta1 = net.w2.T @ delta2 * slope(net.z1)
    weights2, gradients = delta2 @ net.a1.T, net.gradients
    recurrence = "W^T delta * sigma'(z)"
    formulas = [
        (719, "gradient of the last weights", "delta a^T", weights2, "w2"),
        (720, "gradient of the last biases", "delta * 1", delta2 @ np.ones((1, 1)), "b2"),
        (726, "delta from the next layer's delta", "delta dz/dz", delta1, "z1"),
        (734, "delta from the next layer's delta, in full", recurrence, delta1, "z1"),
        (740, "gradient of any weights", "delta a^T", delta1 @ net.x.T, "w1"),
        (741, "gradient of any biases", "delta", delta1, "b1"),
        (770, "delta from the next layer's delta, again", recurrence, delta1, "z1"),
        (774, "gradient of the weights, again", "delta a^T", weights2, "w2"),
        (775, "gradient of the biases, again", "delta", delta2, "b2"),
    ]
    return [
        Claim(696, "biases of n = 64 outputs", 64, dense(784, 64, use_bias=True).params - 64 * 784,
            printed="n x 1"),
        Claim(713, "the last layer's delta: the derivative as printed", "delta'",
            "sigma'" if difference(delta2, gradients["z2"]) == 0 else "",
            printed="(a - y) * delta'(z)",
            erratum="the derivative is that of the activation: sigma'(z)", right="sigma'"),
        *(
            _agrees(line, what, printed, formula, gradients[name], "TensorFlow")
            for line, what, printed, formula, name in formulas
        ),
    ]


def _updates() -> list[Claim]:
    start = np.random.default_rng(3).normal(size=5)
    gradients = np.random.default_rng(4).normal(size=(BATCH, 5))
    rate = float(np.float32(RATE))  # Keras holds it in float32
    one, mean = gradients[0], gradients.mean(axis=0)
    step, batch = start - rate * one, start - rate / BATCH * gradients.sum(axis=0)
    plain, summed = "w - rate dC/dw", "w - rate/batch_size sum dC/dw"
    return [
        *(
            _agrees(line, f"one step of the {what}", plain, step, _descend(start, one))
            for line, what in STEPS
        ),
        *(
            _agrees(line, f"one step of the {what} by a batch", summed, batch,
                _descend(start, mean))
            for line, what in BATCH_STEPS
        ),
    ]


def _descend(start: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Return weights after one step of Keras's gradient descent."""
    variable = keras.Variable(start, dtype="float64")
    keras.optimizers.SGD(RATE).apply([keras.ops.convert_to_tensor(gradient)], [variable])
    return np.asarray(variable)


def _convolution() -> list[Claim]:
    net = OneConvolution()
    before = slide(np.pad(net.after, 2), net.w) * slope(net.z)
    kernel = slide(sigmoid(net.z), net.after)[::-1, ::-1]
    return [
        *(
            _agrees(line, "delta before a convolution", printed, before, net.before, "TensorFlow")
            for line, printed in CONVOLUTION_DELTAS.items()
        ),
        _agrees(870, "gradient of the kernel", "delta * sigma(ROT180(z))", kernel, net.kernel,
            "TensorFlow"),
        Claim(870, "layer whose output the kernel of layer l slides over, as printed on the way",
            "l", "l-1" if difference(kernel, net.kernel) == 0 else "", printed="sigma(z^l)",
            erratum="it is the layer before, as at the end of the line", right="l-1"),
    ]
