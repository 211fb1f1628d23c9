"""The map of scores against VGG built for the photo's size, and its errors."""

from pathlib import Path

import keras
import numpy as np
import pytest

from kerazoo.accounting.table import summary
from kerazoo.demos.dense_vgg import compute, open_model
from kerazoo.errors import UsageError
from kerazoo.inference.classifier import Classifier
from kerazoo.models import create_model

PHOTO = np.random.default_rng(0).uniform(0, 255, (256, 288, 3))
SMALL = {"alpha": 1 / 16, "classes": 5}


def classifier(names: tuple[str, ...] = ()) -> Classifier:
    keras.utils.set_random_seed(3)
    return Classifier(create_model("vgg11", **SMALL), names, (224, 224, 3))


def test_scores_are_those_of_a_vgg_for_that_size() -> None:
    small = classifier()
    shown = compute(small, PHOTO)
    larger = create_model("vgg11", input_shape=(256, 288, 3), **SMALL)
    larger.set_weights(small.model.get_weights())
    scores = larger.predict(PHOTO[None] / 255, verbose=0)[0]
    assert shown.probabilities.shape == scores.shape[:2] == (2, 3)
    best = scores.mean(axis=(0, 1)).argmax()
    assert shown.top_class == str(best)
    np.testing.assert_allclose(shown.probabilities, scores[..., best], rtol=1e-5)
    assert shown.macs == summary(larger).attrs["total"]["macs"]
    assert shown.window_macs == summary(small.model).attrs["total"]["macs"]


def test_one_window_is_what_the_model_gives() -> None:
    small = classifier(("a", "b", "c", "d", "e"))
    crop = PHOTO[:224, :224]
    shown = compute(small, crop)
    scores = small.model.predict(crop[None] / 255, verbose=0)[0]
    assert shown.top_class == "abcde"[scores.argmax()]
    np.testing.assert_allclose(shown.probabilities, [[scores.max()]], rtol=1e-5)
    assert not shown.is_random


def test_a_photo_smaller_than_a_window_is_refused() -> None:
    with pytest.raises(UsageError, match="the image is 100x288"):
        compute(classifier(), PHOTO[:100])


@pytest.mark.parametrize("source", ["resnet18", "alexnet"])
def test_a_network_with_dense_layers_is_refused(source: str) -> None:
    with pytest.raises(UsageError, match="has dense layers: give a VGG"):
        open_model(source)


def test_a_file_with_dense_layers_is_refused(tmp_path: Path) -> None:
    model = create_model("mnist_cnn")
    model.save(path := tmp_path / "model.keras")
    with pytest.raises(UsageError, match="has dense layers: give a VGG"):
        compute(open_model(str(path)), PHOTO)


def test_a_softmax_in_the_last_convolution_is_applied_once() -> None:
    inputs = keras.Input((224, 224, 3))
    x = keras.layers.AveragePooling2D(224)(inputs)
    x = keras.layers.Conv2D(5, 1, activation="softmax")(x)
    model = keras.Model(inputs, keras.layers.Flatten()(x))
    crop = PHOTO[:224, :224]
    shown = compute(Classifier(model, tuple("abcde"), (224, 224, 3)), crop)
    expected = model.predict(crop[None] / 255, verbose=0).max()
    np.testing.assert_allclose(shown.probabilities, [[expected]], rtol=1e-5)
