"""Feature maps against Keras's sub-models."""

import keras
import numpy as np
import pytest
from keras import layers

from kerazoo.demos import feature_maps
from kerazoo.demos.models import image_for
from kerazoo.errors import UsageError
from tests.helpers.shown_models import image_of, nested, network, of


def test_the_maps_with_the_highest_means_come_first() -> None:
    model = network()
    image = image_of(model)
    shown = feature_maps.compute(of(model), image)
    assert [layer.name for layer in shown.layers] == ["conv", "branch", "pool"]
    assert [layer.shape for layer in shown.layers] == [(6, 4, 4), (6, 4, 4), (3, 2, 4)]
    assert shown.count == 3
    for layer in shown.layers:
        part = keras.Model(model.input, model.get_layer(layer.name).output)
        maps = part(image[None]).numpy()[0]
        means = maps.mean(axis=(0, 1))
        assert sorted(layer.channels) == [0, 1, 2, 3]
        assert np.diff(means[list(layer.channels)]).max() <= 0
        for channel, each in zip(layer.channels, layer.maps, strict=True):
            np.testing.assert_allclose(each, maps[..., channel], atol=1e-6)
    np.testing.assert_allclose(shown.probabilities, model(image[None])[0], atol=1e-6)


def test_of_many_layers_six_are_chosen_and_of_many_maps_eight() -> None:
    x = inputs = keras.Input((20, 20, 1))
    for number in range(11):
        x = layers.Conv2D(12, 2, name=f"conv{number}")(x)
    model = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(x)))
    shown = feature_maps.compute(of(model), image_of(model))
    assert [layer.name for layer in shown.layers] == [f"conv{n}" for n in (0, 2, 4, 6, 8, 10)]
    assert {len(layer.maps) for layer in shown.layers} == {8}
    assert shown.count == 11


def test_few_layers_show_more_maps() -> None:
    model = keras.Sequential(
        [keras.Input((5, 5, 1)), layers.Conv2D(60, 3), layers.Flatten(), layers.Dense(2)]
    )
    (layer,) = feature_maps.compute(of(model), image_of(model)).layers
    assert len(layer.maps) == 48


def test_a_model_in_a_model_and_one_without_feature_maps() -> None:
    model = nested()
    shown = feature_maps.compute(of(model), image_of(model))
    assert [layer.name for layer in shown.layers] == [
        "features/conv",
        "features/branch",
        "features/pool",
    ]
    flat = keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten()], name="flat")
    with pytest.raises(UsageError, match="'flat' has no feature maps"):
        feature_maps.compute(of(flat), image_of(flat))


def test_logits_become_probabilities() -> None:
    model = nested()
    image = image_of(model)
    shown = feature_maps.compute(of(model), image)
    scores = np.exp(model(image[None]).numpy()[0])
    np.testing.assert_allclose(shown.probabilities, scores / scores.sum(), atol=1e-6)


def test_the_shipped_model_on_the_digit() -> None:
    classifier = feature_maps.open_model("mnist_cnn")
    shown = feature_maps.compute(classifier, image_for(classifier))
    assert [layer.name for layer in shown.layers] == ["conv1", "conv2", "pool3"]
    assert {layer.maps.shape[0] for layer in shown.layers} == {16}
    assert shown.names[int(shown.probabilities.argmax())] == "4"
