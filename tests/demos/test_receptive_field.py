"""Fields against central differences, brute force, and the accounting of full networks."""

from collections.abc import Iterator

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from kerazoo.accounting.receptive_field import Box
from kerazoo.demos import receptive_field as demo
from kerazoo.errors import UsageError
from tests.helpers.boxes import box_of
from tests.helpers.shapes import model_of_shapes
from tests.helpers.shown_models import image_of, nested, of

STEP = 1e-5


@pytest.fixture
def float64() -> Iterator[None]:
    """Compute in float64, in which differences of small steps are exact."""
    use("float64")
    yield
    use("float32")


def use(dtype: str) -> None:
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)


def network() -> keras.Model:
    keras.utils.set_random_seed(1)
    x = inputs = keras.Input((12, 9, 2))
    x = layers.Conv2D(3, 3, padding="same", activation="tanh", name="conv1")(x)
    x = layers.Conv2D(4, 3, strides=2, padding="same", name="conv2")(x)
    x = layers.Activation("relu", name="relu2")(x)
    x = layers.AveragePooling2D(2, name="pool")(x)
    return keras.Model(inputs, layers.Dense(2)(layers.Flatten()(x)), name="network")


@pytest.mark.usefixtures("float64")
def test_heat_is_the_mean_of_absolute_central_differences() -> None:
    model = network()
    image = np.random.default_rng(1).uniform(size=(12, 9, 2))
    shown = demo.compute(of(model), image)
    for layer in shown.layers:
        part = keras.Model(model.input, model.get_layer(layer.name).output)
        for unit in (layer.middle, layer.border):
            row, column = unit.position
            channel = int(np.argmax(part(image[None])[0, row, column]))
            steps = STEP * np.eye(image.size).reshape(-1, *image.shape)
            ups, downs = (part(image + s)[:, row, column, channel] for s in (steps, -steps))
            differences = ((ups - downs) / (2 * STEP)).numpy().reshape(image.shape)
            np.testing.assert_allclose(unit.heat, np.abs(differences).mean(-1), atol=1e-8)


def test_boxes_are_those_of_the_accounting_and_hold_all_heat() -> None:
    model = network()
    shown = demo.compute(of(model), image_of(model))
    assert [(layer.name, layer.shape) for layer in shown.layers] == [
        ("conv1", (12, 9, 3)),
        ("conv2", (6, 5, 4)),
        ("pool", (3, 2, 4)),
    ]
    assert [layer.middle.position for layer in shown.layers] == [(6, 4), (3, 2), (1, 1)]
    assert [layer.border.position for layer in shown.layers] == [(1, 1), (0, 0), (0, 0)]
    for layer in shown.layers:
        for unit in (layer.middle, layer.border):
            assert unit.box == box_of(model, layer.name, unit.position)
            outside = unit.heat.copy()
            outside[unit.box.slices] = 0
            assert not outside.any()


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    st.tuples(st.integers(1, 8), st.integers(1, 8)),
    st.tuples(st.integers(-3, 3), st.integers(-3, 3)),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.integers(0, 999),
)
def test_the_effective_side_is_the_smallest_of_all(
    shape: tuple[int, int], start: tuple[int, int], size: tuple[int, int], seed: int
) -> None:
    heat = np.random.default_rng(seed).uniform(size=shape) ** 4
    stop = (start[0] + size[0], start[1] + size[1])
    seen = (0, 0), (1, 1)  # which pixels are in the image does not count
    side = demo.effective_side(heat, Box(*seen, start, stop))

    def part(length: float) -> float:
        """Return the heat of the pixels that are inside a square, whole."""
        (top, left), (bottom, right) = (
            [(a + b) / 2 + sign * length / 2 for a, b in zip(start, stop, strict=True)]
            for sign in (-1, 1)
        )
        return sum(
            value
            for (row, column), value in np.ndenumerate(heat)
            if top <= row <= bottom - 1 and left <= column <= right - 1
        ) / float(heat.sum())

    assert part(side) >= demo.SHARE - 1e-9
    assert side == 0 or part(side - 1) < demo.SHARE + 1e-9


def test_effective_sides_by_hand() -> None:
    box = Box((0, 0), (5, 5), (0, 0), (5, 5))
    heat = np.zeros((5, 5))
    assert demo.effective_side(heat, box) == 0
    heat[2, 2] = 96
    assert demo.effective_side(heat, box) == 1
    heat[0, 4] = 4
    assert demo.effective_side(heat, box) == 1
    heat[0, 4] = 6
    assert demo.effective_side(heat, box) == 5


def test_thin_vgg16_has_the_boxes_of_vgg16() -> None:
    classifier = demo.open_model("vgg16")
    image = np.random.default_rng(1).uniform(size=classifier.image_shape).astype(np.float32)
    shown = demo.compute(classifier, image)
    sizes = {layer.name: layer.middle.box for layer in shown.layers}
    full = model_of_shapes("vgg16")
    assert list(sizes) == ["conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3", "pool5"]
    for layer in shown.layers:
        assert layer.middle.box == box_of(full, layer.name, layer.middle.position)
    lengths = [box.full_stop[0] - box.full_start[0] for box in sizes.values()]
    assert lengths == [5, 14, 40, 92, 196, 212]
    assert shown.model.en.startswith("Model: vgg16 at 3/16 of its width, with random weights")
    parts = [
        layer.middle.side / length for layer, length in zip(shown.layers, lengths, strict=True)
    ]
    assert parts == sorted(parts, reverse=True)
    assert parts[-1] < 0.8


def test_layers_of_a_model_in_a_model() -> None:
    model = nested()
    shown = demo.compute(of(model), image_of(model))
    assert [layer.name for layer in shown.layers] == ["features/branch", "features/pool"]
    assert shown.layers[0].middle.box == box_of(model, "features/branch", (3, 2))
    assert shown.model.en == "Model: nested, with its own weights."


def test_a_unit_without_gradient_has_no_effective_field() -> None:
    model = network()
    model.get_layer("conv1").set_weights([np.zeros((3, 3, 2, 3)), np.zeros(3)])
    shown = demo.compute(of(model), image_of(model))
    assert [layer.middle.side for layer in shown.layers] == [0, 0, 0]


def test_layers_that_see_a_pixel_are_left_out() -> None:
    parts = [layers.Conv2D(2, 1, name="pixel"), layers.Conv2D(2, 3, name="window")]
    model = keras.Sequential([keras.Input((8, 8, 1)), *parts, layers.Flatten(), layers.Dense(2)])
    shown = demo.compute(of(model), image_of(model))
    assert [layer.name for layer in shown.layers] == ["window"]


def test_models_whose_positions_see_everything_are_one_sentence() -> None:
    x = inputs = keras.Input((8, 8, 1))
    whole = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Conv2D(2, 3)(layers.Multiply()([x, whole]))
    model = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(x)), name="squeezed")
    for each in (model, keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten()], name="flat")):
        with pytest.raises(UsageError, match=f"'{each.name}' has no feature maps whose positions"):
            demo.compute(of(each), image_of(each))


def test_names_without_alpha_and_unknown_ones() -> None:
    classifier = demo.open_model("mnist_cnn")
    assert classifier.image_shape == (28, 28, 1)
    image = np.random.default_rng(1).uniform(size=(28, 28, 1)).astype(np.float32)
    shown = demo.compute(classifier, image)
    assert shown.model.en.startswith("Model: mnist_cnn, with random weights")
    with pytest.raises(UsageError, match="did you mean 'vgg16'"):
        demo.open_model("vgg_16")
    again = demo.open_model("mnist_cnn").model
    for first, second in zip(classifier.model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(first, second)
