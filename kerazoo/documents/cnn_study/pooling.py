"""cnn-study, lines 472-664: pooling, dense layers, activations."""

import math

import numpy as np

from kerazoo.accounting.table import cpr
from kerazoo.documents.claim import Claim, Claims, Setting
from kerazoo.documents.probes import (
    conv,
    dense,
    kernel_shape,
    model,
    mostly_dense,
    row,
    rows,
    runnable,
    settings,
    table,
)
from kerazoo.layers import SpatialPyramidPooling
from kerazoo.lazy import keras, layers, tf

BINS = [(13, 1), (13, 2), (13, 4), (7, 4)]  # size, bins
EVEN_BINS = [(12, 1), (12, 2), (12, 4), (8, 4)]  # size, bins that divide it
DENSE = [(784, 64), (64, 10), (25088, 4096)]  # inputs, outputs
BATCHES = (2, 32)


def _pooled(size: int, window: int = 2, stride: int | None = None) -> int:
    """Return the size of a square after max pooling."""
    return row((size, size, 1), layers.MaxPooling2D(window, strides=stride)).output_shape[0]


def _pools() -> Claims:
    windows, strides = settings("vgg16", "pool", "pool_size"), settings("vgg16", "pool", "strides")
    yield Setting(485, "window of a max pool, here VGG-16's", {(2, 2)}, windows, printed="2x2")
    yield Setting(489, "stride of a max pool", {(2, 2)}, strides, printed="2")
    yield Claim(501, "7*7*1000 after global mean pooling", (1, 1, 1000),
        row((7, 7, 1000), layers.GlobalAveragePooling2D(keepdims=True)).output_shape,
        printed="1*1*1000")
    yield Setting(503, "usual window and stride", ({(2, 2)}, {(2, 2)}), (windows, strides),
        printed="f=2, s=2")
    yield Claim(503, "height of 28x28 after such a pool", 14, _pooled(28))
    yield Setting(505, "usual padding", {"valid"}, settings("vgg16", "pool", "padding"),
        printed="p=0")
    yield Claim(507, "weights of pooling", 0, row((28, 28, 1), layers.MaxPooling2D(2)).params,
        printed="none")
    yield Claim(513, "bins that a window and stride by size and bins give",
        [bins for _, bins in BINS],
        [_pooled(size, math.ceil(size / bins), size // bins) for size, bins in BINS],
        printed="window = ceil(in/out), stride = floor(in/out)",
        erratum="it holds for 13 and fails for 7: it gives six bins instead of four",
        right=(1, 2, 4, 6))
    mean = _gradient_before(layers.AveragePooling2D(2))
    largest = _gradient_before(layers.MaxPooling2D(2))
    reached = np.count_nonzero(mean)
    yield Claim(523, "gradients of the output and the input of a 2x2 pool of 8x8", (16, 64),
        (_pooled(8) ** 2, mean.size), printed="16 and 64")
    yield Claim(523, "pixels that a gradient of a mean pool goes to", 4, reached // 16)
    yield Claim(523, "sum of the input's gradients for 16 of 1: mean pool, max pool", (16, 16),
        (int(mean.sum()), int(largest.sum())), printed="sum unchanged")
    yield Claim(529, "gradient of each of the 4 pixels of a mean pool", {0.25}, set(mean.ravel()),
        printed="n equal parts")
    yield Claim(533, "factor of the sum if all 4 pixels had the full gradient", 4,
        int(reached / mean.sum()), printed="N")
    yield Claim(539, "pixels that a gradient of a max pool goes to", 1,
        np.count_nonzero(largest) // 16, printed="one; 0 for the others")


def _gradient_before(layer: keras.Layer) -> np.ndarray:
    """Return the gradient of a pool's input, [1, 8, 8, 1], where that of each output is 1."""
    image = tf.constant(np.random.default_rng(1).random((1, 8, 8, 1)), "float32")
    with tf.GradientTape() as tape:
        tape.watch(image)
        total = tf.reduce_sum(layer(image))
    return tape.gradient(total, image).numpy()


def _sizes_and_pyramids() -> Claims:
    pools = [pool for pool in model("alexnet").layers if isinstance(pool, layers.MaxPooling2D)]
    overlap = all(pool.pool_size > pool.strides for pool in pools)
    yield Claim(556, "height of 16x16 after max pooling", 8, _pooled(16), printed="8x8")
    yield Claim(558, "height of 16x16 after it is reduced", 8, _pooled(16), printed="8x8")
    yield Claim(581, "height of 16x16 after two pools", 4, _pooled(_pooled(16)), printed="4x4")
    yield Claim(583, "size of 16x16 after a kernel of that size", (1, 1),
        conv(16, 16).output_shape[:2], printed="1x1")
    yield Setting(599, "AlexNet's pools overlap: the window is larger than the stride", True,
        overlap, printed="sizeX > stride")
    for bins in (1, 2, 4):
        yield Claim(603, f"elements of {bins}x{bins} bins of 256 feature maps", bins * bins * 256,
            _pyramid((13, 13), (bins,)), printed=f"{bins * bins} of 256")
    yield Claim(603, "elements of the three levels in SPP-net", (1 + 4 + 16) * 256,
        table("sppnet").output_shape["spatial_pyramid"][0], printed="1 + 4 + 16 of 256")
    yield Claim(607, "n x n bins of a x a, where n divides a", [bins for _, bins in EVEN_BINS],
        [_pooled(size, size // bins, size // bins) for size, bins in EVEN_BINS],
        printed="sizeX = a/n, stride = a/n")
    yield Claim(610, "bins of 13 with window 13, stride 13", 1, _pooled(13, 13, 13), printed="1x1")
    yield Claim(612, "bins of 13 with window 7, stride 6", 2, _pooled(13, 7, 6), printed="2x2")
    yield Claim(614, "elements for feature maps of 7x7, 13x13 and 40x24", {21 * 256},
        {_pyramid(size) for size in ((7, 7), (13, 13), (40, 24))},
        printed="the same for every size")


def _pyramid(size: tuple[int, int], levels: tuple[int, ...] = (1, 2, 4)) -> int:
    """Return the elements of the spatial pyramid pooling of 256 feature maps."""
    return row((*size, 256), SpatialPyramidPooling(levels)).output_shape[0]


def _dense_and_activations() -> Claims:
    images = np.random.default_rng(1).random((4, 28, 28, 1))
    scores = np.asarray(runnable("mnist_cnn")(images))
    within = ((scores >= 0) & (scores <= 1)).all()
    totals = {round(float(total), 6) for total in scores.sum(axis=1)}
    yield Claim(628, "softmax's outputs are within 0 and 1", True, within, printed="0 to 1")
    yield Claim(628, "sum of softmax's outputs", {1.0}, totals, printed="1")
    stated = [inputs * outputs for inputs, outputs in DENSE]
    counted = [dense(*case) for case in DENSE]
    one = dense(784, 64).macs
    yield Claim(634, "elements of a dense layer's matrix", 64 * 784,
        math.prod(kernel_shape(layers.Dense(64), (784,))), printed="V*D")
    yield Claim(636, "weights of a dense layer", stated, [layer.weight_params for layer in counted],
        printed="V*D")
    yield Claim(636, "multiply-accumulates of a dense layer", stated,
        [layer.macs for layer in counted], printed="V*D")
    per_parameter = [
        cpr(rows((784,), layers.Dense(64), batch=batch)).iloc[-1] for batch in (1, *BATCHES)
    ]
    yield Claim(636, "multiply-accumulates per parameter of a dense layer", 1, per_parameter[0])
    yield Claim(640, "multiply-accumulates of a batch to those of one sample", BATCHES,
        [dense(784, 64, batch=batch).macs // one for batch in BATCHES], printed="B")
    yield Claim(640, "multiply-accumulates per parameter for a batch", BATCHES, per_parameter[1:],
        printed="B")
    yield Claim(644, "VGG-16's convolutions have few of the weights and most multiply-accumulates",
        (True, True), mostly_dense(), printed="small, large")
    yield Claim(656, "range of the sigmoid", (0, 1), _limits("sigmoid"), printed="[0, 1]")
    yield Claim(656, "range of tanh", (-1, 1), _limits("tanh"), printed="[-1, 1]")


def _limits(name: str) -> list[float]:
    """Return an activation of -100 and 100."""
    outputs = np.asarray(layers.Activation(name)(np.array([-100.0, 100.0], "float32")))
    return [round(float(output), 6) for output in outputs]


SECTIONS = (_pools, _sizes_and_pyramids, _dense_and_activations)
