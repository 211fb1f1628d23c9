"""The outputs of layers against Keras's own sub-models, and the images that demos show."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers
from PIL import Image

from kerazoo.accounting.table import summary
from kerazoo.demos import images, models
from kerazoo.errors import UsageError
from kerazoo.inference.classifier import Classifier
from kerazoo.weights.preprocessing import SLIM_VGG, UNIT
from tests.helpers.shown_models import image_of, nested, network, of


def test_outputs_are_those_of_submodels() -> None:
    model = network()
    image = image_of(model)
    outputs = models.layer_outputs(of(model), image)
    assert {each.name for each in outputs} == {layer.name for layer in model.layers[1:]}
    for each in outputs:
        part = keras.Model(model.input, model.get_layer(each.name).output)
        np.testing.assert_allclose(each.value, part(image[None], training=False), atol=1e-6)
        assert each.layer is model.get_layer(each.name)
    np.testing.assert_allclose(outputs[-1].value, model(image[None]), atol=1e-6)


def test_outputs_of_a_model_in_a_model_have_its_name() -> None:
    model = nested()
    image = image_of(model)
    outputs = {each.name: each.value for each in models.layer_outputs(of(model), image)}
    assert list(outputs)[:2] == ["twice", "features/conv"]
    features = model.get_layer("features")
    part = keras.Model(features.input, features.get_layer("add").output)
    np.testing.assert_allclose(outputs["features/add"], part(2 * image[None]), atol=1e-5)
    np.testing.assert_allclose(outputs["top"], model(image[None]), atol=1e-5)
    assert model.get_layer("flat").output.shape == (None, 3 * 2 * 4)  # it was called only once


def test_outputs_of_a_sequential_model() -> None:
    model = keras.Sequential(
        [keras.Input((5, 5, 1)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(3)]
    )
    image = image_of(model)
    outputs = models.layer_outputs(of(model), image)
    assert len(outputs) == 3
    np.testing.assert_allclose(outputs[-1].value, model(image[None]), atol=1e-6)


def test_the_image_is_preprocessed() -> None:
    inputs = keras.Input((4, 4, 3))
    x = layers.Identity()(inputs)
    model = keras.Model(inputs, layers.Dense(1)(layers.Flatten()(x)))
    image = image_of(model)
    seen = models.layer_outputs(of(model, preprocessing=SLIM_VGG), image)[0].value[0]
    np.testing.assert_allclose(seen, 255 * image - [123.68, 116.78, 103.94], rtol=1e-4)


def test_a_model_with_a_call_of_its_own_is_one_sentence() -> None:
    class Own(keras.Model):
        def call(self, x: Any) -> Any:
            return super().call(x)

    inputs = keras.Input((4, 4, 3))
    model = Own(inputs, layers.Dense(1)(layers.Flatten()(inputs)), name="own")
    with pytest.raises(UsageError, match="'own' has a call of its own"):
        models.layer_outputs(of(model), image_of(model))


def test_layers_with_positions_and_with_windows() -> None:
    outputs = models.layer_outputs(of(model := network()), image_of(model))
    assert [each.name for each in outputs if models.moves_window(each)] == [
        "conv",
        "branch",
        "pool",
    ]
    without = [each.name for each in outputs if not models.has_positions(each)]
    assert without == ["flat", "top"]


@pytest.mark.parametrize("name", ["mnist_cnn", "lenet5"])
def test_the_digit_is_one_that_trained_models_know(name: str) -> None:
    classifier = models.load(name)
    image = models.image_for(classifier)
    assert image.shape == classifier.image_shape
    assert classifier.probabilities(image[None])[0].argmax() == 4


@pytest.mark.parametrize(("data", "rows"), [("mnist", (4, 23)), ("digits", (0, 27))])
def test_the_digit_is_as_high_as_those_of_its_data_set(data: str, rows: tuple[int, int]) -> None:
    image = models.image_for(Classifier(None, ("0", "1"), (28, 28, 1), handwriting_of=data))
    inked = np.flatnonzero((image > 0.2).any(axis=(1, 2)))
    assert (inked[0], inked[-1]) == rows


def test_the_image_is_read_as_predict_reads_it(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "image.png")
    classifier = of(network(), preprocessing=UNIT)
    read = models.image_for(classifier, tmp_path / "image.png")
    np.testing.assert_array_equal(read, classifier.read(tmp_path / "image.png"))
    assert read.shape == (8, 6, 3)


def test_the_photo_is_the_central_square_of_china() -> None:
    color = Classifier(None, ("0", "1"), (427, 427, 3))
    center = images.photo()[:, 106:533]
    np.testing.assert_allclose(255 * models.image_for(color), center, atol=1e-4)
    gray = models.image_for(Classifier(None, (), (427, 427, 1)))  # no classifier
    np.testing.assert_allclose(255 * gray[..., 0], images.gray(center), atol=0.1)


@given(st.integers(0, 50), st.integers(2, 9))
def test_evenly_chosen_items(count: int, most: int) -> None:
    chosen = models.evenly(range(count), most)
    assert len(chosen) == min(count, most)
    assert chosen == sorted(set(chosen))
    if chosen:
        assert (chosen[0], chosen[-1]) == (0, count - 1)
        steps = np.diff(chosen)
        assert len(steps) == 0 or steps.max() - steps.min() <= 1


def test_heat_covers_an_image_in_gray() -> None:
    image = np.array([[[1.0, 0, 0], [0, 0, 0], [0.5, 0.5, 0.5]]])
    shown = models.overlaid(image, np.array([[0.0, 1, 0.5]]), "#0000ff")
    np.testing.assert_allclose(shown[0, 0], [0.299 * 255] * 3)
    np.testing.assert_allclose(shown[0, 1], [0, 0, 0.85 * 255])
    half = 0.5 * 0.85
    np.testing.assert_allclose(
        shown[0, 2], 255 * np.array([0.5 * (1 - half)] * 2 + [0.5 * (1 - half) + half])
    )


def test_pixels_are_without_the_axis_of_one_channel() -> None:
    assert models.pixels(np.ones((2, 3, 1))).shape == (2, 3)
    assert models.pixels(np.full((2, 3, 3), 0.5)).tolist() == np.full((2, 3, 3), 127.5).tolist()


def test_a_training_that_diverged_is_reported(tmp_path: Path) -> None:
    model = network()
    model.layers[-1].bias.assign(np.full(5, np.nan))
    model.save(path := tmp_path / "model.keras")
    with pytest.raises(UsageError, match="weights that are no numbers: its training has diverged"):
        models.load(str(path))


def test_a_layer_that_is_called_twice_has_the_rows_of_summary() -> None:
    inputs = keras.Input((8, 8, 2))
    conv = layers.Conv2D(2, 3, name="conv")
    model = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(conv(conv(inputs)))))
    outputs = models.layer_outputs(of(model), image_of(model))
    assert [each.name for each in outputs] == list(summary(model).index)[1:]
    np.testing.assert_allclose(outputs[1].value, conv(outputs[0].value), atol=1e-6)
