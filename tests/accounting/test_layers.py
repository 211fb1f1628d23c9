"""The cost of each kind of layer, by hand."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerazoo.accounting.cost import PER_ELEMENT
from kerazoo.accounting.table import summary
from kerazoo.layers.lrn import LocalResponseNormalization

Shape = tuple[int, ...]

# layer, shape of a sample, MACs, FLOPs
LAYERS: dict[str, tuple[Callable[[], Any], Shape, int, int]] = {
    "conv": (lambda: layers.Conv2D(5, 3), (6, 7, 2), 4 * 5 * 5 * 18, 4 * 5 * 5 * 36),
    "conv without bias": (
        lambda: layers.Conv2D(5, 3, use_bias=False),
        (6, 7, 2),
        4 * 5 * 5 * 18,
        4 * 5 * 5 * 35,
    ),
    "conv with relu": (
        lambda: layers.Conv2D(5, 3, activation="relu"),
        (6, 7, 2),
        4 * 5 * 5 * 18,
        4 * 5 * 5 * 37,
    ),
    "conv with a layer as activation": (
        lambda: layers.Conv2D(5, 3, activation=layers.LeakyReLU()),
        (6, 7, 2),
        4 * 5 * 5 * 18,
        4 * 5 * 5 * 38,
    ),
    "grouped": (lambda: layers.Conv2D(6, 3, groups=2), (6, 7, 4), 4 * 5 * 6 * 18, 4 * 5 * 6 * 36),
    "dilated": (
        lambda: layers.Conv2D(5, 3, dilation_rate=2),
        (6, 7, 2),
        2 * 3 * 5 * 18,
        2 * 3 * 5 * 36,
    ),
    "1d": (lambda: layers.Conv1D(3, 4, strides=2), (10, 5), 4 * 3 * 20, 4 * 3 * 40),
    "3d": (lambda: layers.Conv3D(2, 2), (3, 4, 5, 3), 2 * 3 * 4 * 2 * 24, 2 * 3 * 4 * 2 * 48),
    "depthwise": (
        lambda: layers.DepthwiseConv2D(3, depth_multiplier=2),
        (5, 5, 4),
        3 * 3 * 8 * 9,
        3 * 3 * 8 * 18,
    ),
    "separable": (
        lambda: layers.SeparableConv2D(6, 3, depth_multiplier=2),
        (5, 5, 4),
        3 * 3 * 8 * 9 + 3 * 3 * 6 * 8,
        3 * 3 * 8 * 17 + 3 * 3 * 6 * 16,
    ),
    "transposed": (
        lambda: layers.Conv2DTranspose(3, 3, strides=2),
        (4, 5, 2),
        4 * 5 * 2 * 9 * 3,
        2 * 4 * 5 * 2 * 9 * 3,
    ),
    "transposed without bias": (
        lambda: layers.Conv2DTranspose(3, 3, strides=2, use_bias=False),
        (4, 5, 2),
        4 * 5 * 2 * 9 * 3,
        2 * 4 * 5 * 2 * 9 * 3 - 9 * 11 * 3,
    ),
    "transposed 1d": (
        lambda: layers.Conv1DTranspose(3, 2),
        (4, 5),
        4 * 5 * 2 * 3,
        2 * 4 * 5 * 2 * 3,
    ),
    "dense": (lambda: layers.Dense(3), (7,), 21, 42),
    "dense without bias": (lambda: layers.Dense(3, use_bias=False), (7,), 21, 39),
    "dense on a feature map": (
        lambda: layers.Dense(3, activation="sigmoid"),
        (2, 5, 7),
        210,
        420 + 120,
    ),
    "einsum dense": (
        lambda: layers.EinsumDense("abc,cde->abde", output_shape=(None, 2, 3), bias_axes="de"),
        (4, 5),
        4 * 5 * 6,
        4 * 6 * 10,
    ),
    "einsum dense with an ellipsis": (
        lambda: layers.EinsumDense("...x,xy->...y", output_shape=6),
        (4, 5),
        4 * 5 * 6,
        4 * 6 * 9,
    ),
    "max pooling": (lambda: layers.MaxPooling2D(3, strides=2), (7, 7, 2), 0, 3 * 3 * 2 * 9),
    "mean pooling 1d": (lambda: layers.AveragePooling1D(2), (6, 3), 0, 3 * 3 * 2),
    "global pooling": (lambda: layers.GlobalAveragePooling2D(), (7, 5, 2), 0, 70),
    "batch norm": (lambda: layers.BatchNormalization(), (3, 4, 2), 0, 48),
    "layer norm": (lambda: layers.LayerNormalization(), (3, 4), 0, 84),
    "layer norm, not shifted": (lambda: layers.LayerNormalization(center=False), (3, 4), 0, 72),
    "group norm": (lambda: layers.GroupNormalization(2), (3, 3, 4), 0, 7 * 36),
    "unit norm": (lambda: layers.UnitNormalization(), (3, 4), 0, 36),
    "local response norm": (lambda: LocalResponseNormalization(5), (3, 3, 8), 0, 72 * 9),
    "relu": (lambda: layers.ReLU(), (3, 4), 0, 12),
    "relu up to 6": (lambda: layers.ReLU(6.0), (3, 4), 0, 24),
    "sigmoid": (lambda: layers.Activation("sigmoid"), (3, 4), 0, 48),
    "softmax": (lambda: layers.Softmax(), (10,), 0, 50),
    "prelu": (lambda: layers.PReLU(), (3, 4), 0, 24),
    "rescaling": (lambda: layers.Rescaling(1 / 255), (3, 4), 0, 24),
    "dropout": (lambda: layers.Dropout(0.5), (3, 4), 0, 0),
    "flatten": (lambda: layers.Flatten(), (3, 4), 0, 0),
    "upsampled": (lambda: layers.UpSampling2D(2), (3, 4, 2), 0, 0),
    "upsampled linearly": (
        lambda: layers.UpSampling2D(2, interpolation="bilinear"),
        (3, 4, 2),
        0,
        7 * 6 * 8 * 2,
    ),
    "simple rnn": (lambda: layers.SimpleRNN(3), (4, 2), 4 * 3 * 5, 4 * (3 * 10 + 3 * 5)),
    # per step: four gates of 2 + 3 MACs, three sigmoids, two tanhs, three multiplications, one sum
    "lstm": (lambda: layers.LSTM(3), (4, 2), 4 * 12 * 5, 4 * (12 * 10 + 3 * (3 * 4 + 2 * 5 + 4))),
    # two sigmoids, one tanh, r times the old, z h + (1 - z) new, three biases more
    "gru": (lambda: layers.GRU(3), (4, 2), 4 * 9 * 5, 4 * (9 * 10 + 3 * (2 * 4 + 5 + 5 + 3))),
}


# operation of keras.ops on [batch, 6, 6, 4], MACs, FLOPs, field, stride
OPERATIONS: dict[str, tuple[Callable[[Any], Any], int, int, Any, Any]] = {
    "conv": (
        lambda x: ops.conv(x, np.ones((3, 3, 4, 2), "float32"), strides=2),
        2 * 2 * 2 * 36,
        2 * 2 * 2 * 71,
        3,
        2,
    ),
    "depthwise conv": (
        lambda x: ops.depthwise_conv(x, np.ones((2, 2, 4, 1), "float32")),
        5 * 5 * 4 * 4,
        5 * 5 * 4 * 7,
        2,
        1,
    ),
    "max pool": (lambda x: ops.max_pool(x, 2), 0, 3 * 3 * 4 * 4, 2, 2),
    "tensordot": (
        lambda x: ops.tensordot(x, np.ones((4, 3), "float32"), axes=1),
        108 * 4,
        108 * 7,
        None,
        None,
    ),
    "stack": (lambda x: ops.stack([x, x], axis=1), 0, 0, 1, 1),
    "every other row, without the first column": (lambda x: x[:, ::2, 1:], 0, 0, 1, (2, 1)),
    "one row": (lambda x: x[:, 3], 0, 0, 1, (None, 1)),
    "largest channel": (lambda x: ops.max(x, axis=-1), 0, 144, 1, 1),
    "sum over rows": (lambda x: ops.sum(x, axis=1), 0, 144, (6, 1), (None, 1)),
    "moved": (lambda x: ops.moveaxis(x, 3, 1)[:, :, ::3], 0, 0, 1, (3, 1)),
    "variance": (lambda x: ops.var(x, axis=-1), 0, 4 * 144, 1, 1),
    "sum over rows, kept": (
        lambda x: ops.sum(x, axis=1, keepdims=True)[:, :, ::2],
        0,
        144,
        (6, 1),
        (None, 2),
    ),
    "matmul, row of the input": (
        lambda x: ops.matmul(x[..., 0], np.ones((6, 3), "float32")),
        108,
        6 * 3 * 11,
        (1, 6),
        (1, None),
    ),
    "matmul, column of the input": (
        lambda x: ops.matmul(np.ones((3, 6), "float32"), x[..., 0]),
        108,
        3 * 6 * 11,
        (6, 1),
        (None, 1),
    ),
    "is finite": (lambda x: ops.isfinite(x), 0, 144, 1, 1),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_by_hand(name: str) -> None:
    compute, macs, flops, field, stride = OPERATIONS[name]
    inputs = keras.Input((6, 6, 4))
    table = summary(keras.Model(inputs, compute(inputs)))
    assert (table.macs.sum(), table.flops.sum()) == (macs, flops)
    last = table.iloc[-1]
    assert (last.receptive_field, last.effective_stride) == (field, stride)


def test_each_step_of_a_series() -> None:
    inputs = keras.Input((5, 8, 8, 3))
    net = layers.TimeDistributed(layers.Conv2D(2, 3, use_bias=False), name="steps")
    table = summary(keras.Model(inputs, net(inputs)), batch_size=2)
    assert table.loc["steps", ["output_shape", "macs"]].tolist() == [(5, 6, 6, 2), 10 * 72 * 27]
    assert (table.params["steps"], table.receptive_field["steps"]) == (54, (1, 3, 3))


@pytest.mark.parametrize(
    ("make", "shape", "macs", "flops"),  # two factors of rank 2, scaled and added to the weight
    [
        (lambda: layers.Dense(4, lora_rank=2), (3,), 12 + 12 * 2, 24 + 12 * 3 + 12 * 2),
        (lambda: layers.Conv2D(4, 1, lora_rank=2), (2, 2, 3), 48 + 24, 96 + 12 * 3 + 24),
        (lambda: layers.Embedding(5, 4, lora_rank=2), (3,), 5 * 4 * 2, 5 * 4 * 3 + 40),
    ],
)
def test_layers_with_lora_weights(
    make: Callable[[], Any], shape: Shape, macs: int, flops: int
) -> None:
    row = summary(one_layer(make, shape)).iloc[-1]
    assert (row.macs, row.flops, row.counted) == (macs, flops, "rule")


def one_layer(make: Callable[[], Any], shape: Shape) -> keras.Model:
    inputs = keras.Input(shape)
    return keras.Model(inputs, make()(inputs))


@pytest.mark.parametrize("name", LAYERS)
def test_cost_by_hand(name: str) -> None:
    make, shape, macs, flops = LAYERS[name]
    row = summary(one_layer(make, shape)).iloc[-1]
    assert (row.macs, row.flops) == (macs, flops)
    batch = summary(one_layer(make, shape), batch_size=3).iloc[-1]
    assert (batch.macs, batch.flops) == (3 * macs, 3 * flops)


def test_the_data_format_does_not_matter() -> None:
    for make in (layers.Conv2D, layers.Conv2DTranspose, layers.SeparableConv2D):
        last = summary(one_layer(partial(make, 6, 3), (5, 7, 4))).iloc[-1]
        first = one_layer(partial(make, 6, 3, data_format="channels_first"), (4, 5, 7))
        assert summary(first).iloc[-1][["macs", "flops"]].tolist() == [last.macs, last.flops]


def test_operations_of_keras_ops() -> None:
    inputs = keras.Input((4, 6))
    x = ops.matmul(inputs, ops.transpose(inputs, (0, 2, 1)))  # [4, 4], 6 MACs each
    x = ops.einsum("bij,bjk->bik", x, inputs)  # [4, 6], 4 MACs each
    x = ops.mean(ops.relu(x) + 1.0, axis=-1)
    table = summary(keras.Model(inputs, ops.sqrt(x)))
    named = dict(zip(table.type, zip(table.macs, table.flops, strict=True), strict=True))
    assert named["Matmul"] == (4 * 4 * 6, 4 * 4 * 11)
    assert named["Einsum"] == (4 * 6 * 4, 4 * 6 * 7)
    assert (named["Add"][1], named["Mean"][1], named["Sqrt"][1]) == (24, 24, 4)
    assert table.attrs["unsupported"] == {}


def test_every_activation_of_keras_has_a_cost() -> None:
    names = {name for name in dir(keras.activations) if name[0] != "_"}
    for name in names - {"get", "serialize", "deserialize", "sparsemax"}:
        model = one_layer(partial(layers.Dense, 2, activation=name), (3,))
        row = summary(model).iloc[-1]
        assert row.flops == 12 + 2 * PER_ELEMENT[name.replace("_", "")], name
    sparsemax = one_layer(lambda: layers.Dense(2, activation="sparsemax"), (3,))
    row = summary(sparsemax).iloc[-1]
    assert (row.macs, row.counted) == (6, "traced")
    assert row.flops > 12
