"""Sums by block and by type, columns on request, printed totals, several models in one table."""

from typing import Any

import keras
import pandas as pd
import pytest
import tensorflow as tf
from keras import layers, ops

import kerazoo
from kerazoo import summary
from kerazoo.accounting import operations
from kerazoo.accounting.blocks import block_of
from kerazoo.errors import UsageError
from tests.accounting.without_rules import WeightsAlone
from tests.helpers.shapes import model_of_shapes

ADDED = ["params", "weight_params", "macs", "flops", "activation_bytes"]


@pytest.fixture(scope="module")
def resnet18() -> keras.Model:
    return model_of_shapes("resnet18")


@pytest.mark.parametrize(
    ("name", "blocks"),  # at depths 1, 2, 3
    [
        ("conv2_block1_1_bn", ["conv2", "conv2_block1", "conv2_block1_1"]),
        ("block2b_dwconv", ["block2b", "block2b_dwconv", "block2b_dwconv"]),
        ("encoder/layer_0/dense", ["encoder", "encoder/layer_0", "encoder/layer_0/dense"]),
        ("inception_3a_1x1", ["inception_3a", "inception_3a_1x1", "inception_3a_1x1"]),
        ("conv1", ["conv1"] * 3),
        ("conv2d_5", ["conv2d_5"] * 3),
        ("max_pooling2d_1", ["max_pooling2d_1"] * 3),
        ("batch_normalization_12", ["batch_normalization_12"] * 3),
        ("shared#2", ["shared#2"] * 3),
    ],
)
def test_the_block_of_a_layer(name: str, blocks: list[str]) -> None:
    assert [block_of(name, depth) for depth in (1, 2, 3)] == blocks


@pytest.mark.parametrize("depth", [1, 2, 3, 9])
def test_blocks_are_the_sums_of_their_layers(resnet18: keras.Model, depth: int) -> None:
    table, blocks = summary(resnet18), summary(resnet18, depth=depth)
    assert blocks[ADDED].sum().tolist() == table[ADDED].sum().tolist()
    assert blocks.layers.sum() == len(table)
    assert blocks.attrs["total"] == table.attrs["total"]
    inside = [name for name in table.index if block_of(name, depth) == "conv3_1"]
    if depth == 2:
        row = blocks.loc["conv3_1"]
        assert (row.type, row.layers) == ("block", len(inside))
        assert row.macs == table.macs[inside].sum() > 0
        assert row.output_shape == table.output_shape[inside[-1]] == (28, 28, 128)
        assert row.receptive_field == table.receptive_field[inside[-1]]


def test_types_are_the_sums_of_their_layers(resnet18: keras.Model) -> None:
    table, types = summary(resnet18), summary(resnet18, by="type")
    assert types.macs["Conv2D"] == table.macs[table.type == "Conv2D"].sum()
    assert types.layers["BatchNormalization"] == (table.type == "BatchNormalization").sum()
    assert types.flops.sum() == table.flops.sum()
    assert "output_shape" not in types


def test_a_sum_is_counted_as_its_least_known_layer() -> None:
    inputs = keras.Input((4, 4), name="in_1")
    x = layers.Dense(4, name="block1_dense")(inputs)
    x = layers.Activation(lambda x: ops.svd(x, compute_uv=False), name="block1_other")(x)
    table = summary(keras.Model(inputs, x), depth=1)
    assert table.counted["block1"] == "partly"


class Net(keras.Model):
    """Two dense layers and a product of tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.one = layers.Dense(6, name="one")
        self.two = layers.Dense(6, name="two")

    def call(self, inputs: Any) -> Any:
        x = self.two(self.one(inputs))
        return ops.matmul(x, ops.transpose(x, (0, 2, 1)))


def test_backward_macs_by_hand() -> None:
    net = Net()
    table = summary(net, (5, 4), columns=["backward_macs"])
    macs = table.macs
    # the first layer needs no gradient of its input; the others have two factors
    assert table.backward_macs[["one", "two", "matmul"]].tolist() == [
        macs["one"],
        2 * macs["two"],
        2 * macs["matmul"],
    ]
    assert table.attrs["total"]["backward_macs"] == table.backward_macs.sum()
    net.one.trainable = False
    table = summary(net, (5, 4), columns=["backward_macs"])
    assert table.backward_macs[["one", "two"]].tolist() == [0, macs["two"]]


def test_backward_macs_of_recurrence_and_of_computed_kernels() -> None:
    tokens = keras.Input((5,), dtype="int32")
    x = layers.LSTM(3, return_sequences=True, name="inner")(layers.Embedding(9, 4)(tokens))
    table = summary(keras.Model(tokens, x), columns=["backward_macs"])
    assert table.backward_macs["inner"] == 2 * table.macs["inner"]
    inputs = keras.Input((5, 4))
    table = summary(
        keras.Model(inputs, layers.LSTM(3, name="first")(inputs)), columns=["backward_macs"]
    )
    assert table.backward_macs["first"] == 5 * 12 * (4 + 2 * 3)  # of the weights and the state
    inputs = keras.Input((5, 4))
    table = summary(
        keras.Model(inputs, WeightsAlone(name="own")(inputs)), columns=["backward_macs"]
    )
    assert table.backward_macs["own"] >= 5 * 4 * 3


def conv_net() -> keras.Model:
    inputs = keras.Input((9, 8, 3))
    x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(inputs)
    x = layers.Conv2D(4, 1)(x)
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.Conv2DTranspose(2, 2, strides=2)(x)
    return keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))


def attention_net() -> keras.Model:
    inputs = keras.Input((6, 8))
    x = layers.Dense(8)(inputs)
    x = layers.MultiHeadAttention(2, 4, dropout=0.1)(x, x)  # with it Keras multiplies by Einsum
    return keras.Model(inputs, layers.Dense(2)(x))


@pytest.mark.parametrize("make", [conv_net, attention_net])
def test_backward_macs_are_those_of_tensorflows_gradients(make: Any) -> None:
    model = make()
    table = summary(model, batch_size=2, columns=["backward_macs"])

    def step(inputs: Any) -> Any:
        weights = [weight.value for weight in model.trainable_weights]
        with tf.GradientTape() as tape:
            tape.watch(weights)
            outputs = model(inputs, training=False)
        return outputs, tape.gradient(outputs, weights)

    inputs = keras.KerasTensor((2, *model.input_shape[1:]))
    cost = operations.traced(step, (inputs,))[1]  # of what the gradients need, and no more
    assert cost.unsupported == ()
    assert table.macs.sum() + table.backward_macs.sum() == cost.macs


def test_columns_on_request() -> None:
    inputs = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, (3, 2), name="conv", trainable=False)(inputs)
    x = layers.MaxPooling2D(2, name="pool")(x)
    model = keras.Model(inputs, layers.Dense(2, name="dense", dtype="float16")(x))
    table = summary(model, columns=("trainable", "dtype", "kernel", "share"))
    assert table.columns[-4:].tolist() == ["trainable", "dtype", "kernel", "share"]
    assert table.trainable.tolist() == [0, 0, 0, 10]
    assert table["dtype"].tolist() == ["float32", "float32", "float32", "float16"]
    assert table.kernel.tolist() == [None, (3, 2), (2, 2), None]
    assert table.share["conv"] == table.macs["conv"] / table.macs.sum()
    assert table.attrs["total"]["trainable"] == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"columns": ["size"]}, "columns: 'size' is not backward_macs, dtype"),
        ({"by": "class"}, "by: 'class' is not layer or type"),
        ({"depth": 0}, "depth must be an integer of at least 1"),
    ],
)
def test_an_unknown_choice_is_an_error(arguments: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        summary("mnist_cnn", **arguments)


def test_it_is_printed_with_its_totals() -> None:
    table = summary("mnist_cnn")
    assert "220,234 parameters" in repr(table)
    assert "220,234 parameters" in table._repr_html_()
    assert "<td>Conv2D</td>" in table._repr_html_()
    part = table[["macs"]]
    assert type(part) is pd.DataFrame
    assert "parameters" not in repr(part)


def test_a_model_by_its_name() -> None:
    assert summary("mnist_cnn").macs.sum() == summary(model_of_shapes("mnist_cnn")).macs.sum()
    with pytest.raises(UsageError, match="unknown model 'mnist_cn'"):
        summary("mnist_cn")


def test_several_models_in_one_table(resnet18: keras.Model) -> None:
    table = kerazoo.compare(["mnist_cnn", resnet18])
    assert table.index.tolist() == ["mnist_cnn", resnet18.name]
    total = summary(resnet18).attrs
    row = table.loc[resnet18.name]
    assert (row.macs, row.flops) == (total["total"]["macs"], total["total"]["flops"])
    assert (row.params, row.trainable) == (11_699_112, 11_689_512)
    assert row.inference_bytes == total["inference_bytes"]["total"]
    assert row.counted == "rule"
    named = kerazoo.compare({"a": "mnist_cnn", "b": "mnist_cnn"}, batch_size=2)
    assert named.macs.tolist() == [2 * table.macs["mnist_cnn"]] * 2
    with pytest.raises(UsageError, match="two models have one name"):
        kerazoo.compare(["mnist_cnn", "mnist_cnn"])
    with pytest.raises(UsageError, match="at least one model"):
        kerazoo.compare([])


class Scale(layers.Layer):
    """A layer with a cost that its user gives."""

    def call(self, inputs: Any) -> Any:
        return tf.py_function(lambda x: x * 2, [inputs], tf.float32)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


class Twofold(Scale):
    """A subclass of it."""


@pytest.fixture
def users_costs() -> Any:
    from kerazoo.accounting import rules

    yield
    rules._of_users.clear()


@pytest.mark.usefixtures("users_costs")
def test_a_users_own_cost() -> None:
    inputs = keras.Input((4,))
    model = keras.Model(inputs, layers.Dense(3, name="dense")(Twofold(name="scale")(inputs)))
    before = summary(model)
    assert before.counted["scale"] == "partly"

    @kerazoo.count("Scale")
    def cost_of_scale(layer: Any, inputs: Any, outputs: Any) -> tuple[int, int]:
        assert (layer.name, inputs, outputs) == ("scale", [(2, 4)], [(2, 4)])
        return 0, 8

    table = summary(model, batch_size=2)
    assert (table.flops["scale"], table.counted["scale"]) == (8, "rule")
    assert table.attrs["unsupported"] == {}
    kerazoo.count(layers.Dense)(lambda layer, inputs, outputs: (1, 2))
    kerazoo.count(Scale)(lambda layer, inputs, outputs: (0, 5))
    again = summary(model)
    assert again.macs["dense"] == 1
    assert again.flops["scale"] == 5
    with pytest.raises(UsageError, match="a class of layers or its name; received 3"):
        kerazoo.count(3)  # type: ignore[arg-type]
