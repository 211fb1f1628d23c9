"""Document 003_f507a061fff3ec1f, lines 472-664: pooling, dense layers, activations."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from kerazoo.accounting.table import cpr
from kerazoo.documents.claim import Claim, formula
from kerazoo.documents.live import Live, kernel_of
from kerazoo.layers import SpatialPyramidPooling

SIZES = [(784, 64), (64, 10), (25088, 4096)]  # inputs, outputs of dense layers


def claims() -> list[Claim]:
    """Return what these lines state."""
    return [
        *_settings(),
        *_gradients(),
        *_sizes(),
        *_pyramid(),
        *_softmax(),
        *_dense(),
        *_activations(),
    ]


def _pool(live: Live, size: int, window: int = 2, stride: int | None = None) -> Any:
    return live.row((size, size, 1), layers.MaxPooling2D(window, strides=stride))


def _settings() -> list[Claim]:
    def settings(live: Live, name: str) -> set[Any]:
        pools = (one for one in live.model("vgg16").layers if one.name.startswith("pool"))
        return {getattr(pool, name) for pool in pools}

    def mean(live: Live) -> tuple[int, ...]:
        return live.row((7, 7, 1000), layers.GlobalAveragePooling2D(keepdims=True)).output_shape

    return [
        Claim(485, "example's window", {(2, 2)}, lambda live: settings(live, "pool_size"), "2x2"),
        Claim(489, "step of the example", {(2, 2)}, lambda live: settings(live, "strides"), "2"),
        Claim(501, "mean pooling of 7*7*1000 over the whole space", (1, 1, 1000), mean, "1*1*1000"),
        Claim(
            503,
            "usual window and stride",
            ({(2, 2)}, {(2, 2)}),
            lambda live: (settings(live, "pool_size"), settings(live, "strides")),
            "f=2, s=2",
        ),
        Claim(503, "it halves a map of 28", 14, lambda live: _pool(live, 28).output_shape[0]),
        Claim(505, "usual padding", {"valid"}, lambda live: settings(live, "padding"), "p=0"),
        Claim(507, "weights of pooling", 0, lambda live: _pool(live, 28).params, "none"),
        formula(
            513,
            "window and stride that give `out` bins",
            "window = ceil(in/out), stride = floor(in/out)",
            lambda size, bins: bins,
            _bins,
            [(13, 1), (13, 2), (13, 4), (7, 4)],
            erratum="it holds for 13 and fails for 7: four bins asked for, six come out",
            right=(1, 2, 4, 6),
        ),
    ]


def _bins(live: Live, size: int, bins: int) -> int:
    """Return how many bins the document's window and stride give."""
    return _pool(live, size, math.ceil(size / bins), size // bins).output_shape[0]


def _gradients() -> list[Claim]:
    def through(layer: keras.Layer) -> np.ndarray:
        """Return the gradient before a pool where each one behind it is 1."""
        image = tf.constant(np.random.default_rng(1).random((1, 8, 8, 1)), "float32")
        with tf.GradientTape() as tape:
            tape.watch(image)
            total = tf.reduce_sum(layer(image))
        return tape.gradient(total, image).numpy()

    mean, largest = layers.AveragePooling2D(2), layers.MaxPooling2D(2)
    return [
        Claim(
            523,
            "gradients behind and before a pool of 2x2",
            (16, 64),
            lambda live: (math.prod(_pool(live, 8).output_shape), through(mean).size),
            "16 and 64",
        ),
        Claim(
            523,
            "pixels that one gradient of mean pooling goes to",
            4,
            lambda live: int(through(mean).astype(bool).sum()) // 16,
        ),
        Claim(
            523,
            "the sum of the gradients stays, by mean and by maximum",
            (16, 16),
            lambda live: (int(through(mean).sum()), int(through(largest).sum())),
            "sum unchanged",
        ),
        Claim(
            529,
            "each pixel's part of a mean pool's gradient (2x2)",
            {0.25},
            lambda live: {float(value) for value in through(mean).ravel()},
            "n equal parts",
        ),
        Claim(
            533,
            "copying the gradient to all n pixels would multiply the sum by",
            4,
            lambda live: int(through(mean).astype(bool).sum() / through(mean).sum()),
            "N",
        ),
        Claim(
            539,
            "pixels of a window that the gradient of max pooling goes to",
            1,
            lambda live: int(through(largest).astype(bool).sum()) // 16,
            "one; 0 for the others",
        ),
    ]


def _sizes() -> list[Claim]:
    def twice(live: Live) -> int:
        pools = layers.MaxPooling2D(2), layers.MaxPooling2D(2)
        return live.rows((16, 16, 1), *pools).output_shape.iloc[-1][0]

    return [
        Claim(556, "16x16 behind a pool", 8, lambda live: _pool(live, 16).output_shape[0], "8x8"),
        Claim(558, "16x16 made smaller", 8, lambda live: _pool(live, 16).output_shape[0], "8x8"),
        Claim(581, "16x16 behind two of them", 4, twice, "4x4"),
        Claim(
            583,
            "a kernel as large as the image gives a map of",
            (1, 1),
            lambda live: live.conv(16, 16).output_shape[:2],
            "1x1",
        ),
        Claim(
            599,
            "overlapping: AlexNet's windows are larger than their stride",
            True,
            lambda live: all(
                layer.pool_size > layer.strides
                for layer in live.model("alexnet").layers
                if isinstance(layer, layers.MaxPooling2D)
            ),
            "sizeX > stride",
        ),
    ]


def _pyramid() -> list[Claim]:
    def features(bins: int) -> Claim:
        return Claim(
            603,
            f"values of {bins}x{bins} bins of 256 maps",
            bins * bins * 256,
            lambda live: live.row((13, 13, 256), SpatialPyramidPooling((bins,))).output_shape[0],
            f"{bins * bins} of 256",
        )

    return [
        *map(features, (1, 2, 4)),
        Claim(
            603,
            "values of the three together, in SPP-net",
            (1 + 4 + 16) * 256,
            lambda live: live.table("sppnet").output_shape["spatial_pyramid"][0],
            "1 + 4 + 16 of 256",
        ),
        Claim(
            614,
            "widths of what maps of 7x7, 13x13 and 40x24 give",
            {21 * 256},
            lambda live: {
                live.row((*size, 256), SpatialPyramidPooling()).output_shape[0]
                for size in ((7, 7), (13, 13), (40, 24))
            },
            "the same for every size",
        ),
        formula(
            607,
            "window and stride for n x n bins of a x a, where n divides a",
            "sizeX = a/n, stride = a/n",
            lambda size, bins: bins,
            lambda live, size, bins: _pool(live, size, size // bins, size // bins).output_shape[0],
            [(12, 1), (12, 2), (12, 4), (8, 4)],
        ),
        Claim(
            610,
            "bins of 13 with window 13 and stride 13",
            1,
            lambda live: _pool(live, 13, 13, 13).output_shape[0],
            "1x1",
        ),
        Claim(
            612,
            "bins of 13 with the paper's window 7 and stride 6",
            2,
            lambda live: _pool(live, 13, 7, 6).output_shape[0],
            "2x2",
        ),
    ]


def _dense_row(live: Live, inputs: int, outputs: int, batch: int = 1) -> Any:
    return live.row((inputs,), layers.Dense(outputs, use_bias=False), batch=batch)


def _ratio(live: Live, batch: int) -> float:
    table = live.rows((784,), layers.Dense(64), batch=batch)
    return cpr(table).iloc[-1]


def _softmax() -> list[Claim]:

    def scores(live: Live) -> np.ndarray:
        images = np.random.default_rng(1).random((4, 28, 28, 1))
        return np.asarray(live.runnable("mnist_cnn")(images))

    return [
        Claim(
            628,
            "softmax gives values from 0 to 1",
            True,
            lambda live: bool(((scores(live) >= 0) & (scores(live) <= 1)).all()),
            "0 to 1",
        ),
        Claim(
            628,
            "sum of softmax's values",
            {1.0},
            lambda live: {round(float(total), 6) for total in scores(live).sum(axis=1)},
            "1",
        ),
    ]


def _dense() -> list[Claim]:
    return [
        Claim(
            634,
            "entries of a dense layer's matrix",
            64 * 784,
            lambda live: math.prod(kernel_of(layers.Dense(64), (784,))),
            "V*D",
        ),
        formula(
            636,
            "weights of a dense layer",
            "V*D",
            lambda d, v: v * d,
            lambda live, d, v: _dense_row(live, d, v).weight_params,
            SIZES,
        ),
        formula(
            636,
            "multiply-accumulates of a dense layer",
            "V*D",
            lambda d, v: v * d,
            lambda live, d, v: _dense_row(live, d, v).macs,
            SIZES,
        ),
        Claim(636, "compute-to-parameter ratio of a dense layer", 1, lambda live: _ratio(live, 1)),
        formula(
            640,
            "work of a dense layer on a batch, to that of one sample",
            "B",
            lambda batch: batch,
            lambda live, batch: (
                _dense_row(live, 784, 64, batch).macs // _dense_row(live, 784, 64).macs
            ),
            [(2,), (32,)],
        ),
        formula(640, "the ratio for a batch", "B", lambda batch: batch, _ratio, [(2,), (32,)]),
        Claim(
            644,
            "convolutions have the smaller part of the weights and the larger of the work",
            (True, True),
            lambda live: live.mostly_dense(),
            "small, large",
        ),
    ]


def _activations() -> list[Claim]:
    def limits(live: Live, name: str) -> tuple[float, float]:
        far = np.array([-100.0, 100.0], "float32")
        low, high = np.asarray(layers.Activation(name)(far))
        return round(float(low), 6), round(float(high), 6)

    return [
        Claim(656, "range of the sigmoid", (0, 1), lambda live: limits(live, "sigmoid"), "[0, 1]"),
        Claim(656, "range of tanh", (-1, 1), lambda live: limits(live, "tanh"), "[-1, 1]"),
    ]
