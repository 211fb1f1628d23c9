"""Arguments of a wrong type are refused in a sentence; those of NumPy and TensorFlow are taken."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo as package
from kerazoo.errors import UsageError
from kerazoo.values import plain

kerazoo: Any = package  # whose types these calls do not keep to
mnist_cnn, VGG16 = kerazoo.models.mnist_cnn, kerazoo.models.VGG16


def test_values_of_numpy_and_tensorflow_become_those_of_python() -> None:
    given = [np.int64(3), np.float32(0.5), np.bool_(True), np.array([1, 2]), [1, (np.int8(2),)]]
    expected = [3, 0.5, True, (1, 2), (1, (2,))]
    assert plain(given) == tuple(expected)
    assert [type(value) for value in plain(given)] == [int, float, bool, tuple, tuple]
    assert plain(tf.TensorShape([None, 3])) == (None, 3)
    for same in (None, "text", 5, keras.ops.relu):
        assert plain(same) is same


@pytest.mark.parametrize(
    "options",
    [
        {"input_shape": np.array([28, 28, 1])},
        {"input_shape": tf.TensorShape([28, 28, 1])},
        {"input_shape": [np.int64(28), 28, 1]},
        {"classes": np.int64(10), "include_top": np.bool_(True)},
    ],
)
def test_a_model_takes_them(options: dict[str, Any]) -> None:
    model = mnist_cnn(**options)
    assert model.output_shape == (None, 10)
    assert model.input_shape == (None, 28, 28, 1)
    assert all(type(value) is not np.int64 for value in model.kerazoo_config.options.values())


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return mnist_cnn()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda _: kerazoo.create_model(5), "a model is given by its name, .*; received 5"),
        (lambda _: kerazoo.create_model(["vgg16"]), "received \\['vgg16'\\]"),
        (lambda _: kerazoo.list_models(None), "received None"),
        (lambda _: mnist_cnn(input_tensor=5), "what keras.Input returns; received a int"),
        (lambda _: VGG16(input_tensor=np.zeros((1, 224, 224, 3))), "received a ndarray"),
        (lambda _: mnist_cnn(input_shape=28), "must have three elements; received 28"),
        (lambda _: mnist_cnn(input_shape="28x28x1"), "received '28x28x1'"),
        (lambda _: mnist_cnn(input_shape=(28.0, 28, 1)), "must consist of integers or None"),
        (lambda _: mnist_cnn(classes=True), "classes must be an integer of at least 1"),
        (lambda _: VGG16(alpha=True), "alpha must be a positive number; received True"),
        (lambda _: VGG16(alpha=10**400), "alpha must be a positive number; received 1000"),
        (lambda _: mnist_cnn(include_top="no"), "include_top must be True or False; received 'no'"),
        (lambda _: mnist_cnn(classifier_activation="sofmax"), "mnist_cnn: Could not interpret"),
        (lambda _: mnist_cnn(name="a/b"), "mnist_cnn: Argument `name` must be a string"),
        (lambda _: kerazoo.summary(None), "model is a NoneType, not a Keras model"),
        (
            lambda _: kerazoo.summary(keras.Sequential(name="s"), input_shape=(3, 3, 1)),
            "model 's' has no layers: add some",
        ),
        (lambda model: kerazoo.summary(model, batch_size=2.0), "batch_size must be an integer"),
        (lambda model: kerazoo.summary(model, 5.5), "must be the shape of one sample, .* 5.5"),
        (lambda model: kerazoo.summary(model, "28x28x1"), "received '28x28x1'"),
        (lambda model: kerazoo.summary(model, (28.5, 28, 1)), r"received \(28.5, 28, 1\)"),
        (
            lambda model: kerazoo.cpr(model),
            "takes the table that .* returns; received a Functional",
        ),
        (
            lambda model: kerazoo.receptive_field(model, "conv2", (1.5, 0)),
            r"positions of \(14, 14\), not \(1.5, 0\)",
        ),
        (lambda model: kerazoo.receptive_field(model, "conv2", None), "not None"),
        (lambda model: kerazoo.receptive_field(model, 5, (0, 0)), "no layer named 5"),
    ],
)
def test_a_wrong_type_is_one_sentence(
    call: Callable[[keras.Model], object], message: str, model: keras.Model
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        call(model)
    assert "\n" not in str(caught.value)


def test_a_count_takes_them(model: keras.Model) -> None:
    expected = kerazoo.summary(model, (28, 28, 1), batch_size=2)
    shape = np.array([28, 28, 1])
    assert kerazoo.summary(model, shape, batch_size=np.int64(2)).equals(expected)
    box = kerazoo.receptive_field(model, "conv2", np.array([1, 0]))
    assert box == kerazoo.receptive_field(model, "conv2", (1, 0))
