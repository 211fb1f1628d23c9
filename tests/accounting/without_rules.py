"""Models of layers without a rule, with their MACs and FLOPs by hand; on any backend."""

import json
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops


def applied(make: Callable[[], Any], shape: tuple[int, ...], dtype: str = "float32") -> Any:
    """Return a function that makes a model of one layer."""

    def model() -> keras.Model:
        inputs = keras.Input(shape, dtype=dtype)
        return keras.Model(inputs, make()(inputs))

    return model


def written(code: Callable[[Any], Any], shape: tuple[int, ...]) -> Any:
    """Return a function that makes a model of `keras.ops`."""
    return applied(lambda: code, shape)


class ConvolvedTwice(layers.Conv2D):
    """A convolution that overrides a hook of its class."""

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        once = super().convolution_op(inputs, kernel)
        return once + super().convolution_op(inputs, kernel)


class WithoutAttention(layers.MultiHeadAttention):
    """An attention that overrides a hook of its class."""

    def _compute_attention(self, query: Any, key: Any, value: Any, *_: Any, **__: Any) -> Any:
        return value, None


class WeightsAlone(layers.Layer):
    """A layer whose kernel is a product of weights."""

    def build(self, input_shape: Any) -> None:
        self.left = self.add_weight(shape=(input_shape[-1], 2))
        self.right = self.add_weight(shape=(2, 3))

    def call(self, inputs: Any) -> Any:
        return ops.matmul(inputs, ops.matmul(self.left, self.right))


class Positions(layers.Layer):
    """A layer whose output depends on the shape of its input alone."""

    def build(self, input_shape: Any) -> None:
        self.table = self.add_weight(shape=input_shape[1:])

    def call(self, inputs: Any) -> Any:
        return ops.broadcast_to(self.table, ops.shape(inputs))


class Doubling(layers.LSTMCell):
    """A cell that computes more than its class."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        outputs, states = super().call(inputs, states)
        return outputs * 2.0, states


def low_rank_attention(inputs: Any) -> Any:
    """Apply an attention whose parts have LoRA weights."""
    attend = layers.MultiHeadAttention(2, 8)
    outputs = attend(inputs, inputs)
    for part in (attend.query_dense, attend.key_dense, attend.value_dense, attend.output_dense):
        part.enable_lora(2)
    return outputs


def approximate_gelu(x: Any) -> Any:
    """Return 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), by operations of 17 FLOPs."""
    return 0.5 * x * (1.0 + ops.tanh(0.79788 * (x + 0.044715 * x * x * x)))


BROADCAST = np.ones((1, 6, 5), "float32")
# per step of an LSTM of 3 units on 4 features: sums of four gates, activations, combination
LSTM = 2 * 12 * 7 + 3 * (3 * 4 + 2 * 5 + 4)

# a function that makes the model, MACs, FLOPs, how one of its rows is counted
MODELS: dict[str, tuple[Callable[[], keras.Model], int, int, str]] = {
    "einsum that broadcasts": (
        written(lambda x: ops.einsum("...ij,...jk->...ik", x, BROADCAST), (3, 6)),
        3 * 6 * 5,
        15 * 11,
        "rule",
    ),
    "attention with a gate": (
        written(lambda x: layers.MultiHeadAttention(2, 4, use_gate=True)(x, x), (6, 8)),
        2496,
        2 * 5 * 6 * 64 + 48 * 5 + 48 + 72 * 7 + 72 * 5 + 48 * 11,
        "rule",
    ),
    "grouped attention with a gate": (
        written(lambda x: layers.GroupQueryAttention(4, 2, 1, use_gate=True)(x, x), (6, 8)),
        2112,
        2 * (3 * 384 + 2 * 192) + 48 * 5 + 48 + 72 * 7 + 72 * 5 + 48 * 11,
        "rule",
    ),
    "attention with LoRA in its parts": (
        written(low_rank_attention, (10, 16)),
        15_488,
        2 * 10_240 + 160 + 200 * 15 + 200 * 5 + 160 * 19 + 4 * 256 * (3 + 2),
        "rule",
    ),
    "conv with another convolution_op": (
        applied(lambda: ConvolvedTwice(4, 3), (8, 8, 3)),
        2 * 3888,
        144 * (2 * 53 + 1 + 1),
        "rule",
    ),
    "attention with another _compute_attention": (
        written(lambda x: WithoutAttention(2, 4)(x, x), (6, 8)),
        4 * 6 * 64,
        2 * 4 * 6 * 64,
        "rule",
    ),
    "product of weights": (
        applied(WeightsAlone, (5, 4)),
        4 * 3 * 2 + 5 * 3 * 4,
        4 * 3 * 3 + 5 * 3 * 7,
        "traced",
    ),
    "output from shapes alone": (
        written(lambda x: layers.Dense(4)(x + Positions()(x)), (8, 4)),
        128,
        32 + 256,
        "rule",
    ),
    "derived cell": (
        written(lambda x: layers.RNN(Doubling(3))(x), (5, 4)),
        5 * 84,
        5 * (LSTM + 3),
        "rule",
    ),
    "cells on each other": (
        written(lambda x: layers.RNN([layers.LSTMCell(3), layers.LSTMCell(3)])(x), (5, 4)),
        5 * (84 + 72),
        5 * (2 * LSTM - 2 * 12),
        "rule",
    ),
    "both directions": (
        written(lambda x: layers.Bidirectional(layers.LSTM(3), merge_mode="sum")(x), (5, 4)),
        2 * 5 * 84,
        2 * 5 * LSTM + 3,
        "rule",
    ),
    "activation that Keras lacks": (
        applied(lambda: layers.Dense(4, activation=approximate_gelu), (8,)),
        32,
        64 + 4 * (2 + 1 + 5 + 1 + 1 + 3),
        "traced",
    ),
    "an option that the layer does not take": (
        written(lambda x: layers.Identity()(x, training=False), (4,)),
        0,
        0,
        "rule",
    ),
    "products of a map over samples": (
        written(lambda x: ops.map(lambda each: ops.matmul(each, each), x), (4, 4)),
        64,
        16 * 7,
        "traced",
    ),
    "a Fourier transform": (
        written(lambda x: ops.fft((x, x))[0], (4, 8)),
        0,
        4 * 5 * 8 * 3,
        "traced",
    ),
    "a layer from a closure": (
        applied(lambda: layers.Lambda(lambda x: ops.sort(ops.exp(x))), (8,)),
        0,
        8 + 8 * 3,
        "rule",
    ),
}


def main() -> None:
    """Print the counts of all models as JSON."""
    from kerazoo import summary

    counts = {}
    for name, (make, *_) in MODELS.items():
        table = summary(make())
        counts[name] = {
            "macs": int(table.macs.sum()),
            "flops": int(table.flops.sum()),
            "counted": sorted(set(table.counted)),
            "unsupported": table.attrs["unsupported"],
        }
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
