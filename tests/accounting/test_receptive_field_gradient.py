"""Receptive fields: the box is where the gradient is not zero, on random and real models."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from keras import ops

from kerazoo.accounting.receptive_field import Box
from kerazoo.accounting.table import summary
from kerazoo.compat import shapes_only
from tests.helpers.boxes import box_of
from tests.helpers.gradient import opened, seen_by_gradient
from tests.helpers.random_models import random_model


@pytest.fixture
def float64() -> Iterator[None]:
    """Compute in float64, in which small gradients do not become zero."""
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("examples", [25, pytest.param(300, marks=pytest.mark.full)])
def test_random_models_by_gradient(examples: int) -> None:
    @settings(max_examples=examples, deadline=None, derandomize=True)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        with shapes_only():
            model = random_model(data.draw, profiled=False)
        candidates = [layer for layer in model.layers[1:] if len(layer.output.shape) == 4]
        assume(candidates)
        layer = data.draw(st.sampled_from(candidates))
        position = tuple(
            data.draw(st.integers(0, length - 1)) for length in layer.output.shape[1:3]
        )
        box = box_of(model, layer.name, position)
        assert (box.start, box.stop) == seen_by_gradient(opened(model), layer.name, position)
        size = summary(model).receptive_field[layer.name]
        sizes = size if isinstance(size, tuple) else (size, size)
        spans = zip(sizes, box.full_start, box.full_stop, strict=True)
        assert all(stop - start <= largest for largest, start, stop in spans)

    check()


MOVED = {
    "flip": lambda x: ops.flip(x, 1),
    "flip of all": lambda x: ops.flip(x, (1, 2)),
    "left to right": ops.fliplr,
    "roll": lambda x: ops.roll(x, (3, -2), (1, 2)),
    "repeat": lambda x: ops.repeat(x, 2, axis=1),
    "repeat unequally": lambda x: ops.repeat(x, [0, 2, 1, 0, 3, 1, 1, 0], axis=2),
    "take": lambda x: ops.take(x, [6, 1, -1, 3], axis=1),
    "tile": lambda x: ops.tile(x, (1, 2, 1, 1)),
}


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("move", MOVED.values(), ids=MOVED)
def test_moved_axes_by_gradient(move: Callable[[Any], Any]) -> None:
    inputs = keras.Input((10, 10, 2))
    x = move(keras.layers.Conv2D(2, 3)(inputs))
    model = keras.Model(inputs, keras.layers.Conv2D(1, (1, 2), name="last")(x))
    clone = opened(model)
    height, width = model.output.shape[1:3]
    for position in itertools.product(range(height), range(0, width, 2)):
        box = box_of(model, "last", position)
        assert (box.start, box.stop) == seen_by_gradient(clone, "last", position)


def test_a_row_that_is_taken() -> None:
    inputs = keras.Input((10, 10, 2))
    row = ops.take(keras.layers.Conv2D(2, 3)(inputs), -3, axis=1)
    model = keras.Model(inputs, keras.layers.Conv1D(1, 2, name="last")(row))
    assert box_of(model, "last", (4,)) == Box((5, 4), (8, 8), (5, 4), (8, 8))


def test_tokens_have_the_fields_of_a_signal() -> None:
    def columns(inputs: keras.KerasTensor, x: Any) -> Any:
        for kernel, stride in ((3, 1), (5, 2)):
            x = keras.layers.Conv1D(4, kernel, stride)(x)
        table = summary(keras.Model(inputs, keras.layers.GlobalMaxPooling1D()(x)))
        return table[["receptive_field", "effective_stride"]].to_numpy().tolist()[-3:]

    tokens, signal = keras.Input((32,), dtype="int32"), keras.Input((32, 8))
    expected = [[3, 1], [7, 2], [32, None]]
    assert columns(signal, signal) == expected
    assert columns(tokens, keras.layers.Embedding(100, 8)(tokens)) == expected


REAL = {
    "VGG16": ["block3_pool"],
    "ResNet50": ["conv2_block1_out", "conv3_block2_out"],
    "InceptionV3": ["mixed1", "mixed3"],
    "DenseNet121": ["conv3_block2_concat"],
    "MobileNetV2": ["block_2_add", "block_6_expand"],
    "Xception": ["block4_pool"],
    "NASNetMobile": ["normal_concat_0"],
}


SIZES = [(96, 80), pytest.param((160, 144), marks=pytest.mark.full)]


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", REAL)
def test_real_models_by_gradient(name: str, size: tuple[int, int]) -> None:
    make = getattr(keras.applications, name)
    with shapes_only():
        network = make(weights=None, include_top=False, input_shape=(*size, 3))
    model = keras.Model(network.inputs, network.get_layer(REAL[name][-1]).output)
    clone = opened(model)
    for layer in REAL[name]:
        height, width = model.get_layer(layer).output.shape[1:3]
        for position in ((0, 0), (height // 2, width // 3), (height - 1, width - 1)):
            box = box_of(model, layer, position)
            assert (box.start, box.stop) == seen_by_gradient(clone, layer, position)
