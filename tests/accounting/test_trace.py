"""Models of every kind: nested, shared, custom and subclassed, and the shapes of their inputs."""

from typing import Any

import keras
import pandas as pd
import pytest
import tensorflow as tf
from keras import layers, ops

import kerazoo
from kerazoo import summary
from kerazoo.errors import UsageError
from tests.helpers.shapes import model_of_shapes


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
    """A layer made of layers, with a weight besides those of the layers."""

    def build(self, input_shape: Any) -> None:
        self.conv = layers.Conv2D(2, 3, padding="same", name="conv")
        self.conv.build(input_shape)
        self.gain = self.add_weight(shape=(2,), name="gain")

    def call(self, inputs: Any) -> Any:
        return inputs + self.gain * ops.relu(self.conv(inputs))


def test_a_custom_layer_is_traced() -> None:
    inputs = keras.Input((8, 8, 2))
    model = keras.Model(inputs, Block(name="block")(inputs))
    before = [len(layer._inbound_nodes) for layer in model._flatten_layers()]
    table = summary(model)
    assert table.macs["block/conv"] == 64 * 2 * 18
    assert table.flops.sum() == 64 * 2 * (36 + 1 + 1 + 1)
    assert table.params.sum() == model.count_params() == 40
    assert table.receptive_field.iloc[-2] == 3
    assert [len(layer._inbound_nodes) for layer in model._flatten_layers()] == before
    assert table.attrs["unsupported"] == {}


class Subclassed(keras.Model):
    """A model without a graph."""

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
    model = Subclassed()
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
    """A model written with TensorFlow."""

    def call(self, inputs: Any) -> Any:
        return tf.nn.relu(inputs)


def test_a_model_written_with_tensorflow_is_traced() -> None:
    table = summary(Foreign(name="foreign"), input_shape=(4,))
    row = table.loc["foreign"]
    assert (row.flops, row.output_shape, row.counted) == (4, (4,), "traced")


class Twice(keras.Model):
    """A functional model that overrides `call`."""

    def call(self, inputs: Any) -> Any:
        return super().call(super().call(inputs))


def test_a_functional_model_that_does_not_follow_its_graph() -> None:
    inputs = keras.Input((4,))
    model = Twice(inputs, layers.Dense(4, name="dense")(inputs))
    table = summary(model, input_shape=(4,))
    assert table.macs[["dense", "dense#2"]].tolist() == [16, 16]


def test_the_own_weights_of_a_layer_with_parts_are_in_its_row() -> None:
    inputs = keras.Input((8, 8, 2))
    x = Block(name="one")(inputs)
    table = summary(keras.Model(inputs, Block(name="two")(x)), batch_size=2)
    assert table.params[["one", "two"]].tolist() == [2, 2]
    assert table.params[["one/conv", "two/conv"]].tolist() == [38, 38]
    assert table.macs.sum() == 2 * 2 * 64 * 2 * 18


def test_a_name_with_a_number_has_a_row_of_its_own() -> None:
    inputs = keras.Input((4,))
    dense = layers.Dense(4, name="d")
    x = layers.Dense(3, name="d#2")(dense(dense(inputs)))
    table = summary(keras.Model(inputs, x))
    assert sorted(table.index[1:]) == ["d", "d#2", "d#2#2"]
    assert table.macs.sum() == 16 + 16 + 12
    assert table.params.sum() == 20 + 15


def test_names_of_operations_are_not_changed() -> None:
    class Named(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = Twofold(name="proj_7"), Twofold(name="proj_8")

        def call(self, inputs: Any) -> Any:
            return self.second(self.first(inputs))

    class Twofold(keras.Operation):
        def call(self, x: Any) -> Any:
            return x * 2.0

        def compute_output_spec(self, x: Any) -> Any:
            return keras.KerasTensor(x.shape, x.dtype)

    inputs = keras.Input((4,))
    layer = Named()
    assert summary(keras.Model(inputs, layer(inputs))).flops.sum() == 8
    assert (layer.first.name, layer.second.name) == ("proj_7", "proj_8")


def test_the_cause_of_an_error_in_code_is_in_the_message() -> None:
    class Wrong(keras.Model):
        def call(self, inputs: Any) -> Any:
            raise RuntimeError("my own mistake")

    with pytest.raises(UsageError, match=r"layer 'wrong' does not take .*: my own mistake$"):
        summary(Wrong(name="wrong"), (3,))


class PassThrough(keras.layers.Layer):
    """A layer that returns its input."""

    def call(self, inputs: Any) -> Any:
        return inputs


def test_a_layer_that_returns_its_input_has_a_row() -> None:
    inputs = keras.Input((6, 6, 1))
    x = layers.Conv2D(2, 3)(inputs)
    table = summary(keras.Model(inputs, PassThrough(name="passing")(x)))
    passing = table.loc["passing"]
    assert (passing.flops, passing.output_shape, passing.receptive_field) == (0, (4, 4, 2), 3)


class Counting(keras.layers.Layer):
    """A layer that changes its variable at each call."""

    def build(self, input_shape: Any) -> None:
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, inputs: Any) -> Any:
        self.calls.assign(self.calls + 1.0)
        return ops.relu(inputs)


def test_tracing_a_layer_does_not_change_it() -> None:
    inputs = keras.Input((4,))
    layer = Counting()
    model = keras.Model(inputs, layer(inputs))
    before = float(layer.calls.numpy())
    assert summary(model).flops.sum() == 4 + 1
    assert float(layer.calls.numpy()) == before


class Scaled(layers.Dense):
    """A supported layer that overrides `call`."""

    def call(self, inputs: Any) -> Any:
        return 2.0 * super().call(inputs)


def test_a_subclass_that_overrides_call_does_not_have_the_rule_of_its_base() -> None:
    inputs = keras.Input((5,))
    table = summary(keras.Model(inputs, Scaled(3, name="scaled")(inputs)))
    assert (table.macs["scaled"], table.flops["scaled"]) == (15, 15 + 12 + 3 + 3)


def test_what_is_unsupported_makes_the_total_a_lower_bound() -> None:
    inputs = keras.Input((8, 8, 3))
    x = layers.Lambda(lambda x: x[..., ::-1], name="flip")(layers.Conv2D(3, 3)(inputs))
    x = ops.svd(x, compute_uv=False)
    model = keras.Model(inputs, layers.Dense(2, name="after")(x))
    table = summary(model)
    ((unsupported, why),) = table.attrs["unsupported"].items()
    assert unsupported.startswith("svd")
    assert why == "TensorFlow's Svd"
    assert table.counted[unsupported] == "partly"
    assert table.attrs["total"]["macs"] == table.macs.sum() == 36 * 3 * 27 + 6 * 2 * 3
    assert table.attrs["total"]["params"] == model.count_params()
    assert table.receptive_field["after"] is None
    with pytest.raises(UsageError, match="unsupported"):
        kerazoo.receptive_field(model, "after", (0, 0))


def test_unknown_axes_are_given_by_input_shape() -> None:
    model = model_of_shapes("vgg16", include_top=False, input_shape=(None, None, 3))
    with pytest.raises(UsageError, match=r"\(None, None, 3\): give input_shape .*, such as \(224"):
        summary(model)
    assert summary(model, input_shape=(224, 224, 3)).output_shape["pool5"] == (7, 7, 512)
    assert summary(model, input_shape=(96, 64, 3)).output_shape["pool5"] == (3, 2, 512)


def test_a_sequential_model_without_shapes_is_not_changed() -> None:
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
        ([(32, 32, 3), (4,)], "has 2 shapes"),
        ({"image": (32, 32, 3)}, "names ['image']"),
    ],
)
def test_a_shape_that_does_not_fit_is_an_error(shape: Any, message: str) -> None:
    inputs = keras.Input((None, None, 3), name="photo")
    model = keras.Model(inputs, layers.Conv2D(2, 3)(inputs))
    with pytest.raises(UsageError) as raised:
        summary(model, input_shape=shape)
    assert message in str(raised.value)


def test_a_flattened_feature_map_of_another_size_is_an_error() -> None:
    model = model_of_shapes("vgg16", head="dense")
    with pytest.raises(UsageError, match="'fc6' does not take"):
        summary(model, input_shape=(256, 256, 3))


@pytest.mark.parametrize("thing", [None, 3, layers.Dense(3)])
def test_another_type_than_a_model_is_an_error(thing: Any) -> None:
    with pytest.raises(UsageError, match="not a Keras model"):
        summary(thing)


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


def test_samples_that_are_split_into_windows_are_counted_completely() -> None:
    inputs = keras.Input((4, 4, 3))
    windows = ops.reshape(inputs, (-1, 2, 3))  # eight per sample
    model = keras.Model(inputs, layers.Dense(5)(windows))
    assert summary(model).macs.sum() == 8 * 2 * 3 * 5
    assert summary(model, batch_size=2).macs.sum() == 2 * 8 * 2 * 3 * 5


def test_split_and_multiplied_branches() -> None:
    inputs = keras.Input((8, 8, 4))
    left, right = ops.split(inputs, 2, axis=-1)
    gate = layers.Conv2D(2, 3, padding="same", activation="sigmoid")(right)
    table = summary(keras.Model(inputs, layers.Multiply(name="product")([left, gate])))
    assert table.output_shape[table.type == "Split"].tolist() == [((8, 8, 2), (8, 8, 2))]
    assert (table.flops["product"], table.receptive_field["product"]) == (128, 3)
    assert table.attrs["unsupported"] == {}
