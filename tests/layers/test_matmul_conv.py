"""The convolution as a product, compared with Keras's convolution."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.layers import MatmulConv2D

CASES: list[dict[str, Any]] = [
    {"kernel_size": 1},
    {"kernel_size": 7},
    {"kernel_size": (2, 5)},
    {"kernel_size": (3, 1), "activation": "relu"},
    {"kernel_size": 7, "padding": "same"},
    {"kernel_size": (4, 3), "padding": "same"},
    {"kernel_size": (1, 6), "padding": "same", "use_bias": False},
    {"kernel_size": 3, "strides": 2, "padding": "same"},
    {"kernel_size": 3, "strides": (1, 2)},
    {"kernel_size": 2, "dilation_rate": 3},
    {"kernel_size": 3, "groups": 2},
]


def twins(x: Any, case: dict[str, Any]) -> list[tuple[np.ndarray, list[np.ndarray]]]:
    """Return outputs and gradients of Conv2D and of MatmulConv2D with the same weights."""
    results = []
    weights: list[np.ndarray] = []
    for kind in (keras.layers.Conv2D, MatmulConv2D):
        layer = kind(6, bias_initializer="normal", **case)
        layer.build(x.shape)
        weights = weights or layer.get_weights()
        layer.set_weights(weights)
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = layer(x)
            loss = tf.reduce_sum(outputs * tf.cos(tf.range(outputs.shape[-1], dtype=x.dtype)))
        gradients = tape.gradient(loss, [x, *layer.trainable_weights])
        assert layer.compute_output_shape(x.shape) == outputs.shape
        results.append((outputs.numpy(), [each.numpy() for each in gradients]))
    return results


@pytest.mark.parametrize("case", CASES, ids=str)
def test_outputs_and_gradients_are_those_of_keras(case: dict[str, Any]) -> None:
    keras.utils.set_random_seed(0)
    x = tf.constant(np.random.default_rng(0).normal(size=(3, 7, 8, 4)))
    (expected, gradients), (found, found_gradients) = twins(x, {**case, "dtype": "float64"})
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    for one, other in zip(gradients, found_gradients, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-12)


def test_channels_first_is_channels_last_transposed() -> None:
    x = np.random.default_rng(0).normal(size=(2, 5, 6, 3)).astype("float32")
    last, first = MatmulConv2D(4, (2, 3)), MatmulConv2D(4, (2, 3), data_format="channels_first")
    expected = last(x)
    first.build((2, 3, 5, 6))
    first.set_weights(last.get_weights())
    found = first(np.moveaxis(x, -1, 1))
    np.testing.assert_array_equal(np.moveaxis(found, 1, -1), expected)
    assert first.compute_output_shape((2, 3, 5, 6)) == found.shape


def test_one_model_takes_every_size() -> None:
    inputs = keras.Input((None, None, 3))
    matmul = keras.Model(inputs, MatmulConv2D(4, 5)(inputs))
    conv = keras.Model(inputs, keras.layers.Conv2D(4, 5)(inputs))
    conv.set_weights(matmul.get_weights())
    for size in ((5, 5), (5, 11), (23, 9)):
        x = np.random.default_rng(0).normal(size=(2, *size, 3)).astype("float32")
        np.testing.assert_allclose(
            matmul.predict(x, verbose=0), conv.predict(x, verbose=0), atol=1e-5
        )


def test_images_smaller_than_the_kernel_are_refused_as_by_keras() -> None:
    for kind in (keras.layers.Conv2D, MatmulConv2D):
        with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
            kind(4, 7)(np.zeros((1, 5, 9, 2), np.float32))
        layer = kind(4, 7)
        layer.build((None, None, None, 2))
        any_size = tf.function(layer, input_signature=[tf.TensorSpec((1, None, None, 2))])
        assert any_size(np.zeros((1, 7, 9, 2), np.float32)).shape == (1, 1, 3, 4)
        with pytest.raises(tf.errors.InvalidArgumentError):
            any_size(np.zeros((1, 5, 9, 2), np.float32))


def test_no_image_and_half_precision_are_computed() -> None:
    layer = MatmulConv2D(4, 3, dtype="mixed_bfloat16")
    outputs = layer(np.zeros((0, 5, 5, 2), np.float32))
    assert outputs.shape == (0, 3, 3, 4)
    assert outputs.dtype == tf.bfloat16


def test_vgg_multiplies_matrices_where_slim_has_dense_layers_as_convolutions() -> None:
    model = kerazoo.create_model("vgg16", alpha=1 / 64)
    operations = tf.function(model).get_concrete_function(tf.zeros([1, 224, 224, 3])).graph
    kinds = [each.type for each in operations.get_operations()]
    assert kinds.count("Conv2D") == 13
    assert kinds.count("MatMul") == 3
