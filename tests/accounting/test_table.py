"""The table: against the documents and published figures, and on models of every make."""

from __future__ import annotations

from typing import Any

import keras
import pandas as pd
import pytest
import tensorflow as tf
from keras import layers, ops

import kerazoo
from kerazoo import summary
from kerazoo.accounting.render import as_text
from kerazoo.compat import shapes_only
from kerazoo.documents.vgg16_layers import LAYERS
from kerazoo.errors import UsageError
from tests.helpers.nets import alexnet_one_tower
from tests.helpers.shapes import model_of_shapes


@pytest.fixture(scope="module")
def vgg16() -> pd.DataFrame:
    return summary(model_of_shapes("vgg16"))


def test_vgg16_row_by_row_as_the_documents_have_it(vgg16: pd.DataFrame) -> None:
    assert (vgg16.output_shape.iloc[0], vgg16.activation_bytes.iloc[0]) == ((224, 224, 3), 602_112)
    for name, shape, weights, _ in LAYERS:
        row = vgg16.loc[name]
        assert (row.output_shape, row.weight_params) == (shape, weights)
        assert row.activation_bytes == 4 * shape[0] * shape[1] * shape[2]


def test_vgg16_in_all(vgg16: pd.DataFrame) -> None:
    total = vgg16.attrs["total"]
    assert (total["macs"], total["params"]) == (15_470_264_320, 138_357_544)
    assert total["weight_params"] == sum(layer.weights for layer in LAYERS)
    columns = "type output_shape params weight_params macs flops activation_bytes"
    assert vgg16.columns.tolist() == [*columns.split(), "receptive_field", "effective_stride"]


def test_operations_of_the_first_convolution(vgg16: pd.DataFrame) -> None:
    outputs = 224 * 224 * 64
    assert vgg16.flops["conv1_1"] == 2 * 3 * 3 * 3 * outputs + outputs  # its ReLU is in it
    inputs = keras.Input((224, 224, 3))
    bare = keras.Model(inputs, layers.Conv2D(64, 3, padding="same", use_bias=False)(inputs))
    assert summary(bare).flops.iloc[-1] == (2 * 3 * 3 * 3 - 1) * outputs


def test_the_documents_snippet_for_300x300() -> None:
    inputs = keras.Input((300, 300, 3))
    conv = layers.Conv2D(64, 3, padding="same", use_bias=False, activation="relu")
    assert summary(keras.Model(inputs, conv(inputs))).flops.sum() == 311_040_000


def test_the_documents_bottleneck() -> None:
    inputs = keras.Input((14, 14, 256))
    x = layers.Conv2D(64, 3, padding="same")(layers.Conv2D(64, 1)(inputs))
    narrow = summary(keras.Model(inputs, layers.Conv2D(256, 1)(x))).attrs["total"]
    x = layers.Conv2D(256, 3, padding="same")(inputs)
    wide = summary(keras.Model(inputs, layers.Conv2D(256, 3, padding="same")(x))).attrs["total"]
    assert (narrow["weight_params"], wide["weight_params"]) == (69_632, 1_179_648)
    assert round(wide["weight_params"] / narrow["weight_params"], 2) == 16.94


def v1_5(name: str) -> keras.Model:
    return kerazoo.create_model(name, stride_on="3x3")


PUBLISHED = {
    "alexnet, one tower": (alexnet_one_tower, "0.714", 61_100_840),
    "vgg11": (lambda: kerazoo.create_model("vgg11"), "7.61", 132_863_336),
    "vgg13": (lambda: kerazoo.create_model("vgg13"), "11.31", 133_047_848),
    "vgg16": (lambda: kerazoo.create_model("vgg16"), "15.47", 138_357_544),
    "vgg19": (lambda: kerazoo.create_model("vgg19"), "19.63", 143_667_240),
    "resnet18": (lambda: v1_5("resnet18"), "1.81", 11_689_512),
    "resnet34": (lambda: v1_5("resnet34"), "3.66", 21_797_672),
    "resnet50": (lambda: v1_5("resnet50"), "4.09", 25_557_032),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_macs_that_torchvision_publishes(name: str) -> None:
    make, billions, trained = PUBLISHED[name]
    with shapes_only():
        model = make()
    table = summary(model)
    digits = len(billions.partition(".")[2])
    assert f"{table.macs.sum() / 1e9:.{digits}f}" == billions
    assert sum(weight.shape.num_elements() for weight in model.trainable_weights) == trained


def test_cpr_is_the_number_of_positions_and_1_for_a_dense_layer(vgg16: pd.DataFrame) -> None:
    ratio = kerazoo.cpr(vgg16)
    assert (ratio["conv1_1"], ratio["conv3_2"]) == (224 * 224, 56 * 56)
    assert pd.isna(ratio["pool1"])
    dense = model_of_shapes("vgg16", head="dense")
    assert kerazoo.cpr(summary(dense))[["fc6", "fc7", "fc8"]].tolist() == [1, 1, 1]
    assert kerazoo.cpr(summary(dense, batch_size=16))["fc6"] == 16
    assert vgg16.attrs["total"]["cpr"] == 15_470_264_320 / 138_344_128


def test_what_training_changes_is_told_apart() -> None:
    table = summary(model_of_shapes("resnet18"))
    assert table.attrs["total"]["params"] == 11_699_112
    assert table.attrs["trainable_params"] == 11_689_512
    assert "parameters, 11,698,112 without biases, 11,689,512 trainable" in as_text(table, None)


def test_a_shared_layer_counts_every_call_and_its_weights_once() -> None:
    shared = layers.Dense(3, name="shared")
    left, right = keras.Input((5,)), keras.Input((5,))
    model = keras.Model([left, right], layers.Add()([shared(left), shared(right)]))
    table = summary(model)
    assert table.macs[["shared", "shared#2"]].tolist() == [15, 15]
    assert table.params[["shared", "shared#2"]].tolist() == [18, 0]
    assert table.params.sum() == model.count_params()


def test_models_inside_models() -> None:
    inside = keras.Sequential([keras.Input((8, 8, 2)), layers.Conv2D(2, 3, name="conv")], name="in")
    middle = keras.Sequential([keras.Input((8, 8, 2)), inside], name="mid")
    inputs = keras.Input((8, 8, 2))
    model = keras.Model(inputs, layers.Concatenate()([middle(inputs), inside(inputs)]))
    table = summary(model)
    assert table.macs[["mid/in/conv", "in/conv"]].tolist() == [36 * 2 * 18] * 2
    assert table.params.sum() == model.count_params() == 38
    assert table.receptive_field["mid/in/conv"] == 3


class Block(keras.layers.Layer):
    """A layer made of layers, with a weight of its own."""

    def build(self, input_shape: Any) -> None:
        self.conv = layers.Conv2D(2, 3, padding="same", name="conv")
        self.conv.build(input_shape)
        self.gain = self.add_weight(shape=(2,), name="gain")

    def call(self, inputs: Any) -> Any:
        return inputs + self.gain * ops.relu(self.conv(inputs))


def test_a_layer_of_ones_own_is_looked_into() -> None:
    inputs = keras.Input((8, 8, 2))
    model = keras.Model(inputs, Block(name="block")(inputs))
    before = [len(layer._inbound_nodes) for layer in model._flatten_layers()]
    table = summary(model)
    assert table.macs["block/conv"] == 64 * 2 * 18
    assert table.flops.sum() == 64 * 2 * (36 + 1 + 1 + 1)
    assert table.params.sum() == model.count_params() == 40
    assert table.receptive_field.iloc[-2] == 3
    assert [len(layer._inbound_nodes) for layer in model._flatten_layers()] == before
    assert table.attrs["unsupported"] == []


class Own(keras.Model):
    """A model that is no graph."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = layers.Conv2D(2, 3, name="conv")
        self.dense = layers.Dense(4, name="dense")

    def call(self, inputs: Any, training: bool = False) -> Any:
        x = self.conv(inputs)
        if training:
            x = x * 2
        return self.dense(ops.mean(x, axis=(1, 2)))


def test_a_subclassed_model() -> None:
    model = Own()
    with pytest.raises(UsageError, match="not built"):
        summary(model)
    model(keras.ops.zeros((1, 8, 8, 3)))
    with pytest.raises(UsageError, match="give input_shape"):
        summary(model)
    table = summary(model, input_shape=(8, 8, 3))
    assert table.macs[["conv", "dense"]].tolist() == [36 * 2 * 27, 8]
    assert table.flops.sum() == 36 * 2 * 54 + 36 * 2 + 16
    assert table.params.sum() == model.count_params()


class Foreign(keras.Model):
    """A model whose code is not Keras's."""

    def call(self, inputs: Any) -> Any:
        return tf.nn.relu(inputs)


def test_a_model_that_cannot_be_followed_is_told() -> None:
    model = Foreign(name="foreign")
    model(keras.ops.zeros((1, 4)))
    with pytest.raises(UsageError, match="'foreign' cannot be traced"):
        summary(model, input_shape=(4,))


class Twice(keras.Model):
    """A functional model with a `call` of its own."""

    def call(self, inputs: Any) -> Any:
        return super().call(super().call(inputs))


def test_a_functional_model_that_does_not_follow_its_graph() -> None:
    inputs = keras.Input((4,))
    model = Twice(inputs, layers.Dense(4, name="dense")(inputs))
    table = summary(model, input_shape=(4,))
    assert table.macs[["dense", "dense#2"]].tolist() == [16, 16]


class Passing(keras.layers.Layer):
    """A layer that does nothing."""

    def call(self, inputs: Any) -> Any:
        return inputs


def test_a_layer_that_gives_back_what_it_takes_has_a_row() -> None:
    inputs = keras.Input((6, 6, 1))
    x = layers.Conv2D(2, 3)(inputs)
    table = summary(keras.Model(inputs, Passing(name="passing")(x)))
    passing = table.loc["passing"]
    assert (passing.flops, passing.output_shape, passing.receptive_field) == (0, (4, 4, 2), 3)


class Counting(keras.layers.Layer):
    """A layer that changes a variable of its own at each call."""

    def build(self, input_shape: Any) -> None:
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, inputs: Any) -> Any:
        self.calls.assign(self.calls + 1.0)
        return ops.relu(inputs)


def test_looking_into_a_layer_changes_nothing_in_it() -> None:
    inputs = keras.Input((4,))
    layer = Counting()
    model = keras.Model(inputs, layer(inputs))
    before = float(layer.calls.numpy())
    assert summary(model).flops.sum() == 4
    assert float(layer.calls.numpy()) == before


class Scaled(layers.Dense):
    """A known layer with a `call` of its own."""

    def call(self, inputs: Any) -> Any:
        return 2.0 * super().call(inputs)


def test_a_known_layer_that_computes_otherwise_is_not_taken_for_the_known_one() -> None:
    inputs = keras.Input((5,))
    table = summary(keras.Model(inputs, Scaled(3, name="scaled")(inputs)))
    assert (table.macs["scaled"], table.flops["scaled"]) == (15, 15 + 12 + 3 + 3)


def test_what_is_not_known_is_listed_and_never_zero() -> None:
    inputs = keras.Input((8, 8, 3))
    x = layers.Lambda(lambda x: x[..., ::-1], name="own")(layers.Conv2D(3, 3)(inputs))
    model = keras.Model(inputs, layers.Conv2D(2, 1, name="behind")(ops.sort(x)))
    table = summary(model)
    assert table.attrs["unsupported"] == [name for name in table.index if "sort" in name]
    unknown = table.attrs["unsupported"][0]
    assert pd.isna(table.macs[unknown])
    assert pd.isna(table.flops[unknown])
    assert table.attrs["total"]["macs"] is None
    assert table.attrs["total"]["params"] == model.count_params()
    assert table.receptive_field["behind"] is None
    with pytest.raises(UsageError, match="unsupported"):
        kerazoo.receptive_field(model, "behind", (0, 0))


def test_open_axes_are_given_by_input_shape() -> None:
    model = model_of_shapes("vgg16", include_top=False, input_shape=(None, None, 3))
    with pytest.raises(UsageError, match=r"\(None, None, 3\): give input_shape .*, such as \(224"):
        summary(model)
    assert summary(model, input_shape=(224, 224, 3)).output_shape["pool5"] == (7, 7, 512)
    assert summary(model, input_shape=(96, 64, 3)).output_shape["pool5"] == (3, 2, 512)


def test_a_sequential_model_without_shapes_stays_as_it_is() -> None:
    model = keras.Sequential([layers.Flatten(), layers.Dense(4)])
    assert summary(model, input_shape=(3, 5)).macs.sum() == 60
    assert not model.built


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((32, 32), "not (32, 32)"),
        ((32, 32, 4), "does not take"),
        ((2, 2, 3), "does not take"),
        ((0, 32, 3), "below 1"),
        ([(32, 32, 3), (4,)], "for 2 inputs"),
        ({"image": (32, 32, 3)}, "names ['image']"),
    ],
)
def test_a_shape_that_does_not_fit_is_told(shape: Any, message: str) -> None:
    inputs = keras.Input((None, None, 3), name="picture")
    model = keras.Model(inputs, layers.Conv2D(2, 3)(inputs))
    with pytest.raises(UsageError) as raised:
        summary(model, input_shape=shape)
    assert message in str(raised.value)


def test_a_flattened_map_of_another_size_is_refused() -> None:
    model = model_of_shapes("vgg16", head="dense")
    with pytest.raises(UsageError, match="'fc6' does not take"):
        summary(model, input_shape=(256, 256, 3))


@pytest.mark.parametrize("thing", ["vgg16", None, layers.Dense(3)])
def test_what_is_no_model_is_told(thing: Any) -> None:
    with pytest.raises(UsageError, match="not a Keras model"):
        summary(thing)


@pytest.mark.parametrize("size", [0, -1, 1.5, True, "2"])
def test_a_wrong_batch_size_is_told(size: Any) -> None:
    with pytest.raises(UsageError, match="batch_size"):
        summary(kerazoo.create_model("mnist_cnn"), batch_size=size)


def test_counts_beyond_64_bits_are_told() -> None:
    model = kerazoo.create_model("mnist_cnn")
    assert summary(model, batch_size=10**12).flops.sum() == 8_129_906 * 10**12
    with pytest.raises(UsageError, match="do not fit into 64 bits"):
        summary(model, batch_size=2 * 10**12)  # each row would fit


def test_several_inputs_by_name_and_in_order() -> None:
    image, vector = keras.Input((None, None, 3), name="image"), keras.Input((None,), name="vector")
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(image))
    model = keras.Model([image, vector], layers.Concatenate(name="both")([x, vector]))
    by_name = summary(model, {"vector": (6,), "image": (8, 9, 3)})
    assert by_name.output_shape["both"] == (10,)
    pd.testing.assert_frame_equal(by_name, summary(model, [(8, 9, 3), (6,)]))


def test_a_fixed_batch_axis_is_kept() -> None:
    inputs = keras.Input(batch_shape=(8, 5))
    table = summary(keras.Model(inputs, layers.Dense(2)(inputs)))
    assert (table.macs.sum(), table.attrs["batch_size"]) == (80, 8)


def test_samples_that_are_cut_into_windows_are_counted_whole() -> None:
    inputs = keras.Input((4, 4, 3))
    windows = ops.reshape(inputs, (-1, 2, 3))  # eight a sample
    model = keras.Model(inputs, layers.Dense(5)(windows))
    assert summary(model).macs.sum() == 8 * 2 * 3 * 5
    assert summary(model, batch_size=2).macs.sum() == 2 * 8 * 2 * 3 * 5


def test_split_and_multiplied_branches() -> None:
    inputs = keras.Input((8, 8, 4))
    left, right = ops.split(inputs, 2, axis=-1)
    gate = layers.Conv2D(2, 3, padding="same", activation="sigmoid")(right)
    table = summary(keras.Model(inputs, layers.Multiply(name="product")([left, gate])))
    assert table.output_shape["split"] == ((8, 8, 2), (8, 8, 2))
    assert (table.flops["product"], table.receptive_field["product"]) == (128, 3)
    assert table.attrs["unsupported"] == []
