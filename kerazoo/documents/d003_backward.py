"""Document 003_f507a061fff3ec1f, lines 670-870: the formulas of the backward pass."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

from kerazoo.documents.backprop import OneConvolution, TwoLayers, difference
from kerazoo.documents.claim import Claim
from kerazoo.documents.live import Live, kernel_of
from kerazoo.documents.rules import DIFFERENCE

RATE, BATCH = 0.1, 4
Array = Callable[[], np.ndarray]


def claims() -> list[Claim]:
    """Return what these lines state."""
    return [*_error(), *_dense(), *_updates(), *_convolution()]


def _agrees(
    line: int,
    text: str,
    shown: str,
    formula: Array,
    gradient: Array,
) -> Claim:
    """Return the claim that a formula is what TensorFlow finds by differentiation."""
    return Claim(line, text, 0, lambda live: difference(formula(), gradient()), shown, DIFFERENCE)


def _error() -> list[Claim]:
    net = TwoLayers()

    def half_square(live: Live) -> float:
        """Return half the sum of squares by Keras's mean squared error."""
        mean = keras.losses.MeanSquaredError(reduction="sum", dtype="float64")(net.y, net.a2)
        return abs(float(mean) * net.y.shape[-1] / 2 - float(((net.a2 - net.y) ** 2).sum() / 2))

    return [
        Claim(676, "squared error", 0, half_square, "1/2 sum (actual - predicted)^2", DIFFERENCE),
        Claim(702, "error of the output", 0, half_square, "1/2 ||a - y||^2", DIFFERENCE),
    ]


def _dense() -> list[Claim]:
    net = TwoLayers()

    def of(name: str) -> Array:
        return lambda: net.gradients[name]

    ones = np.ones((1, 1))
    weights = Claim(
        696,
        "shape of the weights from m = 784 to n = 64 values, for column vectors",
        (64, 784),
        lambda live: kernel_of(keras.layers.Dense(64), (784,))[::-1],
        "n x m",
    )
    bias = Claim(
        696,
        "values of its bias",
        64,
        lambda live: live.row((784,), keras.layers.Dense(64)).params - 64 * 784,
        "n x 1",
    )
    slope = Claim(
        713,
        "the last layer's delta, with the derivative as printed",
        "delta'",
        lambda live: "sigma'" if difference(net.delta2, net.gradients["z2"]) < 1e-12 else "",
        "(a - y) * delta'(z)",
        erratum="the derivative is that of the activation: sigma'(z)",
        right="sigma'",
    )
    return [
        weights,
        bias,
        slope,
        _agrees(719, "the last weights", "delta a^T", lambda: net.delta2 @ net.a1.T, of("w2")),
        _agrees(720, "the last bias", "delta * 1", lambda: net.delta2 @ ones, of("b2")),
        _agrees(726, "delta from the one behind", "delta dz/dz", lambda: net.delta1, of("z1")),
        _agrees(734, "that spelt out", "W^T delta * sigma'(z)", lambda: net.delta1, of("z1")),
        _agrees(740, "any weights", "delta a^T", lambda: net.delta1 @ net.x.T, of("w1")),
        _agrees(741, "any bias", "delta", lambda: net.delta1, of("b1")),
        _agrees(770, "the recurrence again", "W^T delta * sigma'(z)", lambda: net.delta1, of("z1")),
        _agrees(774, "weights again", "delta a^T", lambda: net.delta2 @ net.a1.T, of("w2")),
        _agrees(775, "bias again", "delta", lambda: net.delta2, of("b2")),
    ]


def _updates() -> list[Claim]:
    start = np.random.default_rng(3).normal(size=(5,))
    gradients = np.random.default_rng(4).normal(size=(BATCH, 5))

    def step(gradient: np.ndarray) -> np.ndarray:
        """Return what Keras's gradient descent makes of the start."""
        variable = keras.Variable(start, dtype="float64")
        keras.optimizers.SGD(RATE).apply([keras.ops.convert_to_tensor(gradient)], [variable])
        return np.asarray(variable)

    # Keras holds the rate in float32
    rate = float(np.float32(RATE))
    one, mean = gradients[0], gradients.mean(axis=0)
    batch = "w - rate/batch_size sum dC/dw"
    return [
        *(
            _agrees(line, text, "w - rate dC/dw", lambda: start - rate * one, lambda: step(one))
            for line, text in ((745, "a step for the weights"), (746, "a step for the bias"))
        ),
        *(
            _agrees(
                line,
                f"a step for {what} on a batch",
                batch,
                lambda: start - rate / BATCH * gradients.sum(axis=0),
                lambda: step(mean),
            )
            for line, what in (
                (752, "the weights"),
                (753, "the bias"),
                (782, "the weights, again,"),
                (783, "the bias, again,"),
            )
        ),
    ]


def _convolution() -> list[Claim]:
    net = OneConvolution()
    turned = "delta with zeros around, under the kernel turned by 180 degrees"
    lines = {
        810: turned,
        835: "sum of delta dz'/dz",
        848: "sum of delta w sigma'(z)",
        853: "sum of delta w(x' - x, y' - y) sigma'(z)",
        857: "delta * w(-x, -y) sigma'(z)",
        861: "ROT180(w) = w(-x, -y)",
    }
    return [
        *(
            _agrees(line, "delta before a convolution", shown, net.before, lambda: net.gradients[1])
            for line, shown in lines.items()
        ),
        _agrees(
            870,
            "the kernel's gradient, with the map of the layer before",
            "delta * sigma(ROT180(z))",
            net.kernel,
            lambda: net.gradients[2],
        ),
        Claim(
            870,
            "layer whose map the kernel of layer l slides over, as printed on the way",
            "l",
            lambda live: "l-1" if difference(net.kernel(), net.gradients[2]) < 1e-12 else "",
            "sigma(z^l)",
            erratum="it is the map of the layer before, as the line's own end has it",
            right="l-1",
        ),
    ]
