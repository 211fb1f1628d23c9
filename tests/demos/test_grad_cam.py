"""Grad-CAM against the same in NumPy, where the gradient of a dense layer is its weights."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from kerazoo.demos import grad_cam
from kerazoo.demos.arithmetic import convolution, pooling
from kerazoo.demos.models import image_for
from kerazoo.errors import UsageError
from kerazoo.models import create_model
from tests.helpers.shown_models import image_of, of

Top = Callable[[Any], Any]


def network(top: Top) -> keras.Model:
    keras.utils.set_random_seed(1)
    x = inputs = keras.Input((9, 7, 2))
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv")(x)
    x = layers.MaxPooling2D(2, name="pool")(x)
    return keras.Model(inputs, top(layers.Flatten()(x)), name="network")


def in_model(x: Any) -> Any:
    inputs = keras.Input(x.shape[1:])
    outputs = layers.Dense(5, activation="softmax", name="top")(inputs)
    return keras.Model(inputs, outputs, name="head")(x)


TOPS: dict[str, Top] = {
    "softmax": lambda x: layers.Dense(5, activation="softmax", name="top")(x),
    "logits": lambda x: layers.Dense(5, name="top")(x),
    "a layer of softmax": lambda x: layers.Softmax()(layers.Dense(5, name="top")(x)),
    "softmax in a model": in_model,
}
CENTERED = ("a layer of softmax", "softmax in a model")


def weights_of(model: keras.Model, name: str) -> list[np.ndarray]:
    head = model.layers[-1]
    owner = head if isinstance(head, keras.Model) and name == "top" else model
    return owner.get_layer(name).get_weights()


@pytest.mark.parametrize("top", TOPS)
def test_maps_by_hand(top: str) -> None:
    model = network(TOPS[top])
    image = image_of(model)
    shown = grad_cam.compute(of(model), image)
    kernel, bias = weights_of(model, "conv")
    maps = pooling(np.maximum(convolution(image, kernel, padding="same") + bias, 0), 2, 2)
    dense, offsets = weights_of(model, "top")
    scores = maps.ravel() @ dense + offsets
    probabilities = np.exp(scores) / np.exp(scores).sum()
    best = np.argsort(-probabilities)[:3]
    assert shown.layer == "pool"
    assert shown.names == tuple(map(str, best))
    np.testing.assert_allclose(shown.probabilities, probabilities[best], rtol=1e-4)
    if top in CENTERED:
        dense = dense - dense.mean(axis=1, keepdims=True)
    weights = dense.reshape(*maps.shape, 5).mean(axis=(0, 1))
    by_hand = np.maximum(maps @ weights, 0)[..., best]
    np.testing.assert_allclose(shown.maps, np.moveaxis(by_hand, -1, 0), atol=1e-5)


def test_the_model_keeps_its_softmax() -> None:
    model = network(TOPS["softmax"])
    image = image_of(model)
    before = model(image[None]).numpy()
    grad_cam.compute(of(model), image)
    np.testing.assert_array_equal(model(image[None]), before)


def test_one_output_is_refused() -> None:
    model = network(lambda x: layers.Dense(1, activation="sigmoid", name="top")(x))
    with pytest.raises(UsageError, match="has one output: give a model with a score for each"):
        grad_cam.compute(of(model), image_of(model))


def test_heat_is_the_map_enlarged_as_pillow_does() -> None:
    model = network(TOPS["softmax"])
    shown = grad_cam.compute(of(model), image_of(model))
    for values, heat in zip(shown.maps, shown.heat, strict=True):
        enlarged = Image.fromarray(values).resize((7, 9), Image.Resampling.BILINEAR)
        np.testing.assert_allclose(heat, np.asarray(enlarged), atol=1e-6)


def test_vgg_is_shown_before_its_convolutions_of_one_position() -> None:
    model = create_model("vgg11", alpha=1 / 64, classes=4)
    shown = grad_cam.compute(of(model), image_of(model))
    assert (shown.layer, shown.maps.shape) == ("pool5", (3, 7, 7))


def test_a_model_without_positions_is_one_sentence() -> None:
    flat = keras.Sequential(
        [keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(2, "softmax")], name="flat"
    )
    with pytest.raises(UsageError, match="'flat' has no layer with several positions"):
        grad_cam.compute(of(flat), image_of(flat))


def test_the_shipped_model_on_the_digit() -> None:
    classifier = grad_cam.open_model("mnist_cnn")
    shown = grad_cam.compute(classifier, image_for(classifier))
    assert (shown.layer, shown.names[0]) == ("pool3", "4")
    assert shown.maps[0].max() > 0
