"""Layers without a rule cost what they run: values by hand, on TensorFlow and on JAX."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import pytest
import tensorflow as tf
from keras import layers, ops

from kerazoo import summary
from kerazoo.accounting.blocks import HOW
from tests.accounting.without_rules import MODELS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def on_jax() -> Any:
    """Return the counts of all models on JAX, which needs a process of its own."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.accounting.without_rules"],
        check=True,
        cwd=ROOT,
        capture_output=True,
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
    )
    return json.loads(run.stdout)


@pytest.mark.parametrize("name", MODELS)
def test_by_hand_on_tensorflow(name: str) -> None:
    make, macs, flops, how = MODELS[name]
    table = summary(make())
    assert (table.macs.sum(), table.flops.sum()) == (macs, flops)
    assert max(table.counted, key=HOW.index) == how
    assert table.attrs["unsupported"] == {}
    assert table.params.sum() == make().count_params()


@pytest.mark.parametrize("name", MODELS)
def test_by_hand_on_jax(name: str, on_jax: Any) -> None:
    _, macs, flops, how = MODELS[name]
    found = on_jax[name]
    assert (found["macs"], found["flops"], found["unsupported"]) == (macs, flops, {})
    assert max(found["counted"], key=HOW.index) == how


class Loop(layers.Layer):
    """A layer with a loop of Python on tensors, which AutoGraph converts."""

    def __init__(self, bound: Any) -> None:
        super().__init__()
        self.bound = bound

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def call(self, x: Any) -> Any:
        for _ in tf.range(self.bound(x)):
            x = tf.matmul(x, x)
        return x


def test_a_loop_of_tensorflow() -> None:
    inputs = keras.Input((8, 8))
    known = summary(keras.Model(inputs, Loop(lambda x: 5)(inputs)))
    assert known.macs.sum() == 5 * 8**3
    model = keras.Model(inputs, Loop(lambda x: tf.cast(x[0, 0, 0], tf.int32))(inputs))
    unknown = summary(model)
    assert unknown.macs.sum() == 8**3
    ((layer, why),) = unknown.attrs["unsupported"].items()
    assert layer in unknown.index
    assert (
        why == "the iterations of a loop after the first, whose number is not known before it runs"
    )


def test_a_layer_before_a_loop_counts_once() -> None:
    class Before(Loop):
        def build(self, input_shape: Any) -> None:
            self.dense = layers.Dense(8, use_bias=False)
            self.dense.build(input_shape)

        def call(self, x: Any) -> Any:
            x = self.dense(x)
            for _ in tf.range(5):
                x = tf.matmul(x, x)
            return x

    inputs = keras.Input((8, 8))
    table = summary(keras.Model(inputs, Before(None)(inputs)))
    assert table.macs.sum() == 8**3 + 5 * 8**3
    assert table.attrs["unsupported"] == {}


def test_a_second_condition_of_a_loop_makes_a_lower_bound() -> None:
    class Either(layers.Layer):
        def call(self, x: Any) -> Any:
            def runs(turn: Any, x: Any) -> Any:
                return tf.logical_and(turn < 9, tf.reduce_sum(x) < 5.0)

            state = (tf.constant(0), x)
            return tf.while_loop(runs, lambda turn, x: (turn + 1, tf.matmul(x, x)), state)[1]

    inputs = keras.Input((4, 4))
    table = summary(keras.Model(inputs, Either()(inputs)))
    assert table.macs.sum() == 4**3
    assert table.attrs["unsupported"]


def test_layers_with_keywords_in_code_of_tensorflow() -> None:
    class Attending(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.attend = layers.MultiHeadAttention(2, 4)

        def build(self, input_shape: Any) -> None:
            self.attend.build(input_shape, input_shape)

        def call(self, x: Any) -> Any:
            x = tf.matmul(x, tf.eye(8)[None])
            return tf.nn.relu(self.attend(query=x, value=x))

    inputs = keras.Input((6, 8))
    table = summary(keras.Model(inputs, Attending()(inputs)))
    assert table.macs.sum() == 6 * 8 * 8 + 4 * 6 * 64 + 2 * 2 * 36 * 4


def test_a_loop_that_changes_its_bound_or_step_is_not_guessed() -> None:
    def halving(turn: Any, bound: Any, x: Any) -> Any:
        return turn + 1, bound - 1, ops.matmul(x, x)

    class Shrinking(layers.Layer):
        def call(self, x: Any) -> Any:
            state = (tf.constant(0), tf.constant(6), x)
            return tf.while_loop(lambda turn, bound, x: turn < bound, halving, state)[2]

    inputs = keras.Input((4, 4))
    table = summary(keras.Model(inputs, Shrinking()(inputs)))
    assert table.macs.sum() == 4**3
    assert table.attrs["unsupported"]


def test_the_most_expensive_branch_counts() -> None:
    class Branch(layers.Layer):
        def call(self, x: Any) -> Any:
            twice = lambda: tf.matmul(tf.matmul(x, x), x)  # noqa: E731 - as TensorFlow wants it
            return tf.cond(tf.reduce_sum(x) > 0, lambda: tf.matmul(x, x), twice)

    inputs = keras.Input((4, 4))
    assert summary(keras.Model(inputs, Branch()(inputs))).macs.sum() == 2 * 4**3


def test_layers_inside_code_of_tensorflow_keep_their_rows() -> None:
    class Mixed(layers.Layer):
        def __init__(self) -> None:
            super().__init__(name="mixed")
            self.dense = layers.Dense(3, name="dense")

        def build(self, input_shape: Any) -> None:
            self.dense.build(input_shape)

        def call(self, x: Any) -> Any:
            return tf.nn.relu(self.dense(x)) + self.dense(tf.abs(x))

    inputs = keras.Input((5,))
    table = summary(keras.Model(inputs, Mixed()(inputs)), batch_size=2)
    rows = table.loc[["mixed/dense", "mixed/dense#2", "mixed"]]
    assert rows.macs.tolist() == [30, 30, 0]
    assert rows.flops.tolist() == [60, 60, 6 + 10 + 6]
    assert rows.counted.tolist() == ["rule", "rule", "traced"]
    assert rows.params.tolist() == [18, 0, 0]


def test_layers_inside_a_loop_of_tensorflow_count_each_turn() -> None:
    class Repeated(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.dense = layers.Dense(5, use_bias=False)

        def build(self, input_shape: Any) -> None:
            self.dense.build(input_shape)

        def call(self, x: Any) -> Any:
            return tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, self.dense(x)), (0, x))[1]

    inputs = keras.Input((5,))
    table = summary(keras.Model(inputs, Repeated()(inputs)))
    assert table.macs.sum() == 3 * 25
    assert table.params.sum() == 25


def test_what_no_output_depends_on_does_not_run() -> None:
    class Wasteful(layers.Layer):
        def call(self, x: Any) -> Any:
            tf.matmul(x, x)
            return tf.nn.relu(x)

    inputs = keras.Input((4, 4))
    table = summary(keras.Model(inputs, Wasteful()(inputs)))
    assert (table.macs.sum(), table.flops.sum()) == (0, 16)


def test_code_that_cannot_be_traced_makes_a_lower_bound() -> None:
    class Eager(layers.Layer):
        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape

        def call(self, x: Any) -> Any:
            return tf.convert_to_tensor(x.numpy() * 2)

    inputs = keras.Input((4,))
    table = summary(keras.Model(inputs, layers.Dense(2)(Eager(name="eager")(inputs))))
    assert table.counted["eager"] == "partly"
    assert table.macs.sum() == 8
    assert table.attrs["unsupported"]["eager"].startswith("'eager', which cannot be traced: ")


def test_a_shape_that_depends_on_the_data_makes_a_lower_bound() -> None:
    inputs = keras.Input((8,))
    places = ops.nonzero(inputs)[0]
    model = keras.Model(inputs, [layers.Dense(2)(inputs), places * 2])
    table = summary(model)
    assert table.macs.sum() == 16
    (why,) = table.attrs["unsupported"].values()
    assert why == "Multiply, whose shapes depend on the data"
