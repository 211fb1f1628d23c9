"""Receptive fields: the box is where the gradient is not zero, on random and real models."""

from collections.abc import Iterator

import keras
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

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
