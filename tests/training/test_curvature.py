"""LeNet-5's optimizer: its steps and its second derivatives, by hand."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.bench.train import random_split
from kerazoo.errors import UsageError
from kerazoo.layers import RadialBasis
from kerazoo.training import curvature
from kerazoo.training.curvature import Curvature, DiagonalLevenbergMarquardt
from kerazoo.weights.preprocessing import UNIT


def with_distances(*hidden: int) -> keras.Model:
    """Return a network of tanh units whose scores are distances."""
    keras.utils.set_random_seed(1)
    x = inputs = keras.Input((2, 2, 1))
    x = keras.layers.Flatten()(x)
    for units in hidden:
        x = keras.layers.Dense(units, activation="tanh", bias_initializer="normal")(x)
    x = keras.layers.Dense(3)(x)
    model = keras.Model(inputs, RadialBasis([[1, -1, 1], [1, 1, -1]])(x))
    model.compile(DiagonalLevenbergMarquardt(0.1))
    model.optimizer.build(model.trainable_variables)
    return model


def test_a_step_is_the_gradient_over_curvature_and_damping() -> None:
    weight = keras.Variable(np.array([1.0, 2.0], np.float32))
    optimizer = DiagonalLevenbergMarquardt(0.5, damping=0.25)
    optimizer.build([weight])
    optimizer.curvatures[0].assign(np.array([0.0, 0.75], np.float32))
    optimizer.apply([tf.constant([0.1, 0.1])])
    np.testing.assert_allclose(weight.numpy(), [1 - 0.5 * 0.1 / 0.25, 2 - 0.5 * 0.1 / 1])
    assert DiagonalLevenbergMarquardt.from_config(optimizer.get_config()).damping == 0.25


def test_the_curvature_of_a_linear_unit_is_twice_the_mean_square_of_its_input(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(curvature, "IMAGES", 5)
    model, split = with_distances(), random_split((2, 2, 1), 20)
    Curvature(model, UNIT).update(split, seed=3, epoch=1, step=2, batch_size=6)
    images = list(split.batches(5, (3, 1)))[2][0].numpy().reshape(5, 4)  # step 2 begins at image 12
    kernel, bias = model.optimizer.curvatures
    expected = 2 * np.mean(images**2, axis=0)
    np.testing.assert_allclose(kernel.numpy(), np.tile(expected[:, None], 3), rtol=1e-5)
    np.testing.assert_allclose(bias.numpy(), [2, 2, 2], rtol=1e-6)


def test_with_all_signs_it_is_the_diagonal_of_the_gauss_newton_matrix() -> None:
    model = with_distances(4)
    image = np.random.default_rng(0).random((1, 2, 2, 1), np.float32)
    signs = np.array([*itertools.product((-1, 1), repeat=3)], np.float32)
    estimates = Curvature(model, UNIT)._mean_squares(
        tf.constant(np.repeat(image, len(signs), 0)), tf.constant(signs)
    )
    first, biases, second, last = (each.astype(np.float64) for each in model.get_weights()[:4])
    hidden = np.tanh(image.reshape(4) @ first + biases)
    slopes = 1 - hidden**2
    by_hidden = 2 * np.sum((slopes[:, None] * second) ** 2, axis=1)
    expected = [
        np.outer(image.reshape(4) ** 2, by_hidden),
        by_hidden,
        2 * np.tile(hidden[:, None] ** 2, 3),
        2 * np.ones_like(last),
    ]
    for estimate, wanted in zip(estimates, expected, strict=True):
        np.testing.assert_allclose(estimate.numpy(), wanted, rtol=1e-4)


def test_other_scores_are_refused() -> None:
    with pytest.raises(UsageError, match="'sdlm', which needs scores that are distances"):
        Curvature(kerazoo.create_model("mnist_cnn"), UNIT)
