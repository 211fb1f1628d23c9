"""cnn-study, lines 670-870: backpropagation compared with TensorFlow's gradients in float64."""

from typing import Any

import numpy as np

from kerazoo.documents.claim import Claim, Claims
from kerazoo.documents.probes import dense
from kerazoo.lazy import keras, tf

RATE, BATCH = 0.1, 4
# How the notes write the delta before a convolution on the way from line 810 to line 861.
CONVOLUTION_DELTAS = {
    810: "delta with zeros around, under the kernel turned by 180 degrees",
    835: "sum of delta dz'/dz",
    848: "sum of delta w sigma'(z)",
    853: "sum of delta w(x' - x, y' - y) sigma'(z)",
    857: "delta * w(-x, -y) sigma'(z)",
    861: "ROT180(w) = w(-x, -y)",
}


def difference(formula: np.ndarray, gradient: Any) -> float:
    """Return the largest difference, rounded to 12 decimals: more than float64 rounds off."""
    return round(float(np.abs(formula - np.asarray(gradient)).max()), 12)


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Return the sigmoid."""
    return 1 / (1 + np.exp(-z))


def slope(z: np.ndarray) -> np.ndarray:
    """Return the derivative of the sigmoid."""
    return sigmoid(z) * (1 - sigmoid(z))


def slide(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Return the dot product of a kernel and the image at every place where the kernel fits."""
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("xyij,ij->xy", windows, kernel)


class TwoLayers:
    """Two dense layers with sigmoids and the squared error, as columns: 3 inputs, 4, then 2.

    Attributes:
        x, y: Input [3, 1] and target [2, 1].
        w1, b1, w2, b2: Weights [4, 3] and [2, 4], biases [4, 1] and [2, 1].
        z1, z2: Outputs before the sigmoid.
        a1, a2: Outputs after it.
        gradients: Gradients of the error by name.
    """

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        self.x, self.y = rng.normal(size=(3, 1)), rng.normal(size=(2, 1))
        self.w1, self.b1 = rng.normal(size=(4, 3)), rng.normal(size=(4, 1))
        self.w2, self.b2 = rng.normal(size=(2, 4)), rng.normal(size=(2, 1))
        self.z1 = self.w1 @ self.x + self.b1
        self.a1 = sigmoid(self.z1)
        self.z2 = self.w2 @ self.a1 + self.b2
        self.a2 = sigmoid(self.z2)
        self.gradients = self._gradients()

    def _gradients(self) -> dict[str, np.ndarray]:
        weights = {name: tf.constant(getattr(self, name)) for name in ("w1", "b1", "w2", "b2")}
        with tf.GradientTape() as tape:
            tape.watch(weights)
            z1 = weights["w1"] @ self.x + weights["b1"]
            z2 = weights["w2"] @ tf.sigmoid(z1) + weights["b2"]
            error = tf.reduce_sum((tf.sigmoid(z2) - self.y) ** 2) / 2
        gradients = tape.gradient(error, {**weights, "z1": z1, "z2": z2})
        return {name: gradient.numpy() for name, gradient in gradients.items()}


class OneConvolution:
    """The sigmoid of 6x6 under a mathematical 3x3 convolution, and the squared error.

    Attributes:
        z: The 6x6 before the sigmoid.
        w: The kernel, which is flipped before it slides.
        after, before, kernel: Gradients of the error by the 4x4 output, by `z` and by `w`.
    """

    def __init__(self) -> None:
        rng = np.random.default_rng(2)
        self.z, self.w = rng.normal(size=(6, 6)), rng.normal(size=(3, 3))
        target = rng.normal(size=(4, 4))
        z, w = tf.constant(self.z), tf.constant(self.w)
        with tf.GradientTape() as tape:
            tape.watch([z, w])
            flipped = tf.reverse(w, [0, 1])[:, :, None, None]
            output = tf.nn.conv2d(tf.sigmoid(z)[None, :, :, None], flipped, 1, "VALID")
            error = tf.reduce_sum((output[0, :, :, 0] - target) ** 2) / 2
        after, before, kernel = tape.gradient(error, [output, z, w])
        self.after = after[0, :, :, 0].numpy()
        self.before, self.kernel = before.numpy(), kernel.numpy()


def _agrees(
    line: int, what: str, printed: str, formula: np.ndarray, other: np.ndarray, by: str = "Keras"
) -> Claim:
    """Return the claim that a formula gives what Keras or TensorFlow computes."""
    text = f"{what}: formula minus {by}'s"
    return Claim(line, text, 0, difference(formula, other), printed=printed)


def _dense() -> Claims:
    net = TwoLayers()
    mean = keras.losses.MeanSquaredError(reduction="sum", dtype="float64")(net.y, net.a2)
    half = np.asarray(mean) * net.y.shape[-1] / 2
    formula = ((net.a2 - net.y) ** 2).sum() / 2
    yield _agrees(676, "squared error", "1/2 sum (actual - predicted)^2", formula, half)
    yield _agrees(702, "error of the output", "1/2 ||a - y||^2", formula, half)
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
    yield Claim(696, "biases of n = 64 outputs", 64,
        dense(784, 64, use_bias=True).params - 64 * 784, printed="n x 1")
    yield Claim(713, "the last layer's delta: the derivative as printed", "delta'",
        "sigma'" if difference(delta2, gradients["z2"]) == 0 else "", printed="(a - y) * delta'(z)",
        erratum="the derivative is that of the activation: sigma'(z)", right="sigma'")
    for line, what, printed, formula, name in formulas:
        yield _agrees(line, what, printed, formula, gradients[name], "TensorFlow")


def _updates() -> Claims:
    start = np.random.default_rng(3).normal(size=5)
    gradients = np.random.default_rng(4).normal(size=(BATCH, 5))
    rate = float(np.float32(RATE))  # Keras holds it in float32
    one, mean = gradients[0], gradients.mean(axis=0)
    step, batch = start - rate * one, start - rate / BATCH * gradients.sum(axis=0)
    plain, summed = "w - rate dC/dw", "w - rate/batch_size sum dC/dw"
    for line, what in ((745, "weights"), (746, "biases")):
        yield _agrees(line, f"one step of the {what}", plain, step, _descend(start, one))
    for line, what in ((752, "weights"), (753, "biases"), (782, "weights"), (783, "biases")):
        yield _agrees(line, f"one step of the {what} by a batch", summed, batch,
            _descend(start, mean))


def _descend(start: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Return weights after one step of Keras's gradient descent."""
    variable = keras.Variable(start, dtype="float64")
    keras.optimizers.SGD(RATE).apply([keras.ops.convert_to_tensor(gradient)], [variable])
    return np.asarray(variable)


def _convolution() -> Claims:
    net = OneConvolution()
    before = slide(np.pad(net.after, 2), net.w) * slope(net.z)
    kernel = slide(sigmoid(net.z), net.after)[::-1, ::-1]
    for line, printed in CONVOLUTION_DELTAS.items():
        yield _agrees(line, "delta before a convolution", printed, before, net.before, "TensorFlow")
    yield _agrees(870, "gradient of the kernel", "delta * sigma(ROT180(z))", kernel, net.kernel,
        "TensorFlow")
    yield Claim(870, "layer whose output the kernel of layer l slides over, as printed on the way",
        "l", "l-1" if difference(kernel, net.kernel) == 0 else "", printed="sigma(z^l)",
        erratum="it is the layer before, as at the end of the line", right="l-1")


SECTIONS = (_dense, _updates, _convolution)
