"""Setting named weights: strictly, and as the model holds them."""

import logging

import keras
import ml_dtypes
import numpy as np
import pytest

import kerazoo
from kerazoo.errors import UsageError
from kerazoo.weights.networks import weight_arrays
from kerazoo.weights.transfer import set_weights
from tests.helpers.checkpoints import assert_refused


@pytest.fixture
def model() -> keras.Model:
    return kerazoo.create_model("mnist_cnn")


def test_a_weight_that_is_missing_is_an_error_by_default(model: keras.Model) -> None:
    arrays = weight_arrays(kerazoo.create_model("mnist_cnn"))
    del arrays["conv1/kernel"]
    match = "'x' does not fit 'mnist_cnn': conv1/kernel is missing$"
    assert_refused(model, lambda: set_weights(model, arrays, "'x'"), UsageError, match)


def test_half_precision_of_a_model_is_taken(model: keras.Model) -> None:
    arrays = weight_arrays(kerazoo.create_model("mnist_cnn"))
    half = {key: each.astype(ml_dtypes.bfloat16) for key, each in arrays.items()}
    set_weights(model, half, "'x'")
    for key, array in weight_arrays(model).items():
        expected = arrays[key].astype(ml_dtypes.bfloat16).astype(np.float32)
        np.testing.assert_array_equal(array, expected)


def test_what_does_not_fit_into_the_models_type_is_reported(
    model: keras.Model, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    arrays = {key: each.astype(np.float64) for key, each in weight_arrays(model).items()}
    arrays["conv2/bias"][3] = 1e300
    set_weights(model, arrays, "'x'")
    assert caplog.messages == ["'x': these weights are NaN or infinite: conv2/bias"]
