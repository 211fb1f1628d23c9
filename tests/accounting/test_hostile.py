"""Models that nobody should make: each has a total or one sentence, in bounded time and memory."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerazoo import summary
from kerazoo.compat import shapes_only
from kerazoo.errors import UsageError

HUGE = 2**31


class Nested(layers.Layer):
    """Layers inside layers, to a depth."""

    def __init__(self, depth: int) -> None:
        super().__init__(name=f"level_{depth}")
        self.inside = Nested(depth - 1) if depth else layers.Dense(3, name="dense")

    def build(self, input_shape: Any) -> None:
        self.inside.build(input_shape)

    def call(self, inputs: Any) -> Any:
        return ops.relu(self.inside(inputs))


def of(code: Callable[[Any], Any], *shape: int) -> keras.Model:
    inputs = keras.Input(shape)
    return keras.Model(inputs, code(inputs))


def test_an_empty_side_output() -> None:
    inputs = keras.Input((8, 4))
    model = keras.Model(inputs, [layers.Dense(2)(inputs), layers.Dense(3)(inputs[:, :0])])
    table = summary(model)
    assert table.macs.sum() == 8 * 4 * 2
    assert table.attrs["unsupported"] == {}


@pytest.mark.parametrize("depth", [12])
def test_layers_nested_deep(depth: int) -> None:
    table = summary(of(Nested(depth), 4))
    assert table.macs.sum() == 12
    assert table.flops.sum() == 24 + 3 * (depth + 1)


def test_models_nested_deep() -> None:
    model = keras.Sequential([keras.Input((4,)), layers.Dense(4)])
    for _ in range(12):
        model = keras.Sequential([keras.Input((4,)), model])
    assert summary(model).macs.sum() == 16


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.full)])
def test_many_layers(count: int) -> None:
    class Chain(keras.Model):
        """Many layers, one after the other."""

        def __init__(self) -> None:
            super().__init__()
            self.dense = [layers.Dense(4) for _ in range(count)]

        def call(self, inputs: Any) -> Any:
            for each in self.dense:
                inputs = each(inputs)
            return inputs

    assert summary(Chain(), (4,)).macs.sum() == 16 * count


HUGE_MODELS: dict[str, tuple[Callable[[], keras.Model], int]] = {
    "wide": (lambda: of(layers.Dense(HUGE), 3), 3 * HUGE),
    "long": (lambda: of(layers.Conv1D(2, 3), HUGE, 1), 6 * (HUGE - 2)),
    "flattened": (lambda: of(lambda x: layers.Dense(1)(layers.Flatten()(x)), HUGE, 2), 2 * HUGE),
    "rolled": (lambda: of(lambda x: layers.Dense(1)(ops.roll(x, 1, 1)), HUGE, 1), HUGE),
    "tiled": (lambda: of(lambda x: layers.Dense(1)(ops.tile(x, (1, HUGE, 1))), 2, 1), 2 * HUGE),
    "joined": (
        lambda: of(lambda x: layers.Dense(1)(ops.concatenate([x, x], 1)), HUGE, 1),
        2 * HUGE,
    ),
    "resized": (lambda: of(layers.Resizing(HUGE, 3), 1000, 7, 1), 0),
    "a large window": (lambda: of(layers.MaxPooling1D(HUGE - 1, strides=1), HUGE, 1), 0),
    "several periods": (
        lambda: of(
            lambda x: layers.Add()([ops.tile(x, (1, 10007, 1)), ops.tile(x, (1, 10007, 1))]),
            9973,
            1,
        ),
        0,
    ),
}


@pytest.mark.parametrize("name", HUGE_MODELS)
def test_huge_axes_take_little_memory(name: str) -> None:
    make, macs = HUGE_MODELS[name]
    with shapes_only():
        model = make()
    tracemalloc.start()
    table = summary(model)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert table.macs.sum() == macs
    assert table.attrs["unsupported"] == {}
    assert peak < 600e6


def test_counts_beyond_64_bits_are_one_sentence() -> None:
    with shapes_only():
        model = of(lambda x: layers.Dense(HUGE)(layers.Dense(HUGE)(x)), 2)
    with pytest.raises(UsageError, match="do not fit into 64 bits"):
        summary(model, batch_size=HUGE)


def test_an_input_of_no_elements_is_one_sentence() -> None:
    with pytest.raises(UsageError, match=r"\(0,\) has an axis below 1"):
        summary(of(layers.Dense(2), 4), input_shape=(0,))
    assert summary(keras.Sequential([layers.Dense(2)]), input_shape=32).macs.sum() == 64


def test_data_in_place_of_shapes() -> None:
    class Two(keras.Model):
        """A model with two inputs in a dict, one of them integers."""

        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.dense = layers.Embedding(9, 4), layers.Dense(3)

        def call(self, inputs: Any) -> Any:
            return self.dense(self.embedding(inputs["ids"])), None, inputs["x"] * 2.0

    data = {"ids": np.zeros((2, 5), "int32"), "x": np.zeros((2, 7), "float16")}
    table = summary(Two(), input_data=data, batch_size=3)
    assert table.macs.sum() == 3 * 5 * 4 * 3
    assert table.output_shape[["ids", "x"]].tolist() == [(5,), (7,)]
    assert table.activation_bytes["x"] == 3 * 7 * 2


def test_several_inputs_of_a_subclassed_model() -> None:
    class Together(keras.Model):
        """A model with two inputs, in the form that a subclass takes."""

        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = layers.Dense(3), layers.Dense(3)

    class Listed(Together):
        """As a list."""

        def call(self, inputs: Any) -> Any:
            return self.left(inputs[0]) + self.right(inputs[1])

    class Named(Together):
        """As a dict."""

        def call(self, inputs: Any) -> Any:
            return self.left(inputs["a"]) + self.right(inputs["b"])

    class Apart(Together):
        """As several arguments."""

        def call(self, a: Any, b: Any, training: bool = False) -> Any:
            return self.left(a) + self.right(b)

    shapes = [(4,), (5,)]
    by_name = dict(zip("ab", shapes, strict=True))
    for model, shape in (
        (Listed(), shapes),
        (Named(), by_name),
        (Apart(), shapes),
        (Apart(), by_name),
    ):
        table = summary(model, input_shape=shape)
        assert (table.macs.sum(), table.flops.sum()) == (27, 54 + 3)
        assert table.params.sum() == 33


def test_strings() -> None:
    inputs = keras.Input((1,), dtype="string", name="word")
    tokens = layers.StringLookup(vocabulary=["a", "b"])(inputs)
    table = summary(keras.Model(inputs, layers.Dense(2)(layers.Embedding(4, 3)(tokens))))
    assert table.macs.sum() == 6
    assert table.activation_bytes["word"] == 24
    inputs = keras.Input((1,), dtype="string")
    tokens = layers.TextVectorization(vocabulary=["a"], output_sequence_length=4)(inputs)
    table = summary(keras.Model(inputs, layers.Embedding(4, 3)(tokens)))
    assert table.output_shape.iloc[-1] == (4, 3)
    assert table.attrs["unsupported"] == {}
