"""LeNet-5's optimizer: its steps and its second derivatives, by hand."""

import itertools
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.bench.timing import random_images
from kerazoo.bench.train import random_split
from kerazoo.data.images import ArraySplit
from kerazoo.errors import UsageError
from kerazoo.layers import RadialBasis
from kerazoo.precision import dtype_policy
from kerazoo.training import curvature
from kerazoo.training.curvature import Curvature, DiagonalLevenbergMarquardt
from kerazoo.training.steps import Steps
from kerazoo.weights.networks import weight_arrays
from kerazoo.weights.preprocessing import UNIT
from tests.helpers.processes import Process
from tests.helpers.small import two_replicas


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


def assert_that_two_replicas_train_as_one() -> None:
    replicas, one = two_replicas(), with_distances(4)
    images, labels = random_images((2, 2, 1), 20)
    split = ArraySplit(images, labels % 2, (2, 2, 1))
    with replicas.strategy.scope():
        two = with_distances(4)
    before = one.get_weights()
    two.set_weights(before)
    for model, where in ((one, tf.distribute.get_strategy()), (two, replicas.strategy)):
        Curvature(model, UNIT).update(split, 1, 0, 0, 5)
        steps = Steps(model, where)
        steps.train(steps.batches(split, 5, (1, 0)), 4)
    for weight, wanted, first in zip(two.get_weights(), one.get_weights(), before, strict=True):
        np.testing.assert_allclose(weight, wanted, rtol=1e-4, atol=1e-6)
        assert np.abs(wanted - first).max() > 1e-3


def test_two_replicas_train_as_one() -> None:
    ended = Process(assert_that_two_replicas_train_as_one).ended()
    assert ended.code == 0, ended.err


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_has_the_same_curvatures_up_to_its_rounding(precision: str) -> None:
    split, exact = random_split((2, 2, 1), 20), with_distances(4)
    with dtype_policy(precision):
        half = with_distances(4)
    half.set_weights(exact.get_weights())
    for model in (exact, half):
        Curvature(model, UNIT).update(split, 1, 0, 0, 5)
    optimizers = (
        getattr(model.optimizer, "inner_optimizer", model.optimizer) for model in (exact, half)
    )
    for wanted, found in zip(*(each.curvatures for each in optimizers), strict=True):
        assert wanted.numpy().max() > 0.1
        np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=0.05, atol=1e-3)


def test_frozen_layers_are_not_trained(tmp_path: Path, curves_at_once: None) -> None:
    options: Any = {"optimizer": "sdlm", "learning_rate": 0.0005, "batch_size": 10, "limit": 40}
    keras.utils.set_random_seed(0)
    before = kerazoo.create_model("lenet5")
    first = weight_arrays(before)
    kerazoo.train(before, "digits", epochs=1, freeze=("c1", "s2"), out=tmp_path / "run", **options)
    after = weight_arrays(kerazoo.load(tmp_path / "run"))
    frozen = {name for name in first if np.array_equal(first[name], after[name])}
    assert frozen == {"c1/kernel", "c1/bias", "s2/coefficient", "s2/bias"}


def test_other_scores_are_refused() -> None:
    with pytest.raises(UsageError, match="'sdlm', which needs scores that are distances"):
        Curvature(kerazoo.create_model("mnist_cnn"), UNIT)


def test_many_trainings_do_not_make_tensorflow_warn_of_retracing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in range(6):
        Curvature(with_distances(4), UNIT).update(random_split((2, 2, 1), 20), 1, 0, 0, 5)
    assert [each for each in caplog.messages if "retracing" in each] == []
