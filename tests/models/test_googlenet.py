"""GoogLeNet against its paper's table, its auxiliary heads, and what its modules save."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.errors import UsageError
from kerazoo.models.googlenet import inception_module
from tests.helpers.shapes import model_of_shapes


def test_feature_maps_are_those_of_table_1() -> None:
    model = model_of_shapes("googlenet")
    wanted = {
        "conv1": (112, 64),
        "pool1": (56, 64),
        "conv2": (56, 192),
        "pool2": (28, 192),
        "inception_3a": (28, 256),
        "inception_3b": (28, 480),
        "inception_4a": (14, 512),
        "inception_4d": (14, 528),
        "inception_4e": (14, 832),
        "inception_5b": (7, 1024),
    }
    for layer, (size, width) in wanted.items():
        assert model.get_layer(layer).output.shape[1:] == (size, size, width), layer


def test_auxiliary_heads_are_those_of_section_5() -> None:
    model = model_of_shapes("googlenet", auxiliary_heads=True)
    assert model.count_params() == 13_378_280
    assert model.output_shape == [(None, 1000)] * 3
    for head in ("auxiliary1", "auxiliary2"):
        assert model.get_layer(f"{head}_pool").output.shape[1:3] == (4, 4)
        assert model.get_layer(f"{head}_conv").filters == 128
        assert model.get_layer(f"{head}_fc").units == 1024
        assert model.get_layer(f"{head}_dropout").rate == 0.7
    assert model.get_layer("auxiliary1_pool").input.shape[-1] == 512
    assert model.get_layer("auxiliary2_pool").input.shape[-1] == 528


@pytest.mark.usefixtures("width")
def test_auxiliary_heads_train_with_keras_fit() -> None:
    keras.utils.set_random_seed(0)
    model = kerazoo.create_model(
        "googlenet", auxiliary_heads=True, input_shape=(65, 65, 3), classes=2
    )
    model.compile("sgd", ["sparse_categorical_crossentropy"] * 3, loss_weights=[1, 0.3, 0.3])
    images, labels = np.random.default_rng(0).random((4, 65, 65, 3)), np.array([0, 1, 0, 1])
    before = model.get_layer("auxiliary1_fc").kernel.numpy()
    losses = model.fit(images, [labels] * 3, verbose=0).history
    assert losses["loss"][0] > 0
    assert not np.array_equal(before, model.get_layer("auxiliary1_fc").kernel)


@pytest.mark.usefixtures("width")
def test_the_heads_change_nothing_of_the_net() -> None:
    heads = kerazoo.create_model("googlenet", auxiliary_heads=True, input_shape=(65, 65, 3))
    plain = kerazoo.create_model("googlenet", input_shape=(65, 65, 3))
    for layer in plain.layers[1:]:
        layer.set_weights(heads.get_layer(layer.name).get_weights())
    image = np.random.default_rng(0).random((1, 65, 65, 3))
    np.testing.assert_array_equal(heads(image)[0], plain(image))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UsageError, match="auxiliary_heads=True needs include_top=True"):
        kerazoo.create_model("googlenet", auxiliary_heads=True, include_top=False)
    with pytest.raises(UsageError, match="at least 65x65"):
        kerazoo.create_model("googlenet", auxiliary_heads=True, input_shape=(64, 64, 3))


def test_an_inception_module_saves_weights_by_its_1x1_convolutions() -> None:
    inputs = keras.Input((28, 28, 192))
    model = keras.Model(inputs, inception_module(inputs, (64, 96, 128, 16, 32, 32), "module"))
    narrow = kerazoo.summary(model).attrs["total"]["weight_params"]
    layers = keras.layers
    branches = [
        layers.Conv2D(f, k, padding="same")(inputs) for f, k in ((64, 1), (128, 3), (32, 5))
    ]
    pooled = layers.MaxPooling2D(3, 1, padding="same")(inputs)
    naive = keras.Model(inputs, layers.Concatenate()([*branches, pooled]))
    wide = kerazoo.summary(naive).attrs["total"]["weight_params"]
    assert (narrow, wide) == (163_328, 387_072)
    assert (model.output_shape[-1], naive.output_shape[-1]) == (256, 416)


def test_branches_stand_side_by_side() -> None:
    inputs = keras.Input((5, 5, 3))
    model = keras.Model(inputs, inception_module(inputs, (1, 2, 3, 4, 5, 6), "module"))
    maps = np.random.default_rng(0).random((1, 5, 5, 3)).astype(np.float32)
    pooled = tf.nn.max_pool2d(maps, 3, 1, "SAME")
    project = model.get_layer("module_pool_proj")
    np.testing.assert_allclose(model(maps)[..., -6:], project(pooled), rtol=1e-6)
    one = model.get_layer("module_1x1")
    np.testing.assert_allclose(model(maps)[..., :1], one(maps), rtol=1e-6)
