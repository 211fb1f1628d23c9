"""The steps against NumPy by hand and against Keras's own `fit`."""

import math
from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerazoo.data.images import ArraySplit, Split
from kerazoo.errors import UsageError
from kerazoo.training.cluster import Cluster
from kerazoo.training.replicas import Replicas
from kerazoo.training.steps import Steps
from tests.helpers.processes import Process
from tests.helpers.small import (
    CLASSES,
    SHAPE,
    convolution,
    normalized,
    random_split,
    softmax_regression,
    two_replicas,
)


def adam_by_hand(
    kernel: np.ndarray, bias: np.ndarray, batches: list[tuple[np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray, float]:
    """Train softmax regression in float64 as Kingma and Ba 2015, section 2, last lines."""
    weights = [kernel.astype(np.float64), bias.astype(np.float64)]
    first = [np.zeros_like(weight) for weight in weights]
    second = [np.zeros_like(weight) for weight in weights]
    loss = 0.0
    for step, (images, labels) in enumerate(batches, start=1):
        pixels = images.reshape(len(images), -1).astype(np.float64)
        scores = np.exp(pixels @ weights[0] + weights[1])
        shares = scores / scores.sum(axis=1, keepdims=True)
        loss -= np.log(shares[np.arange(len(labels)), labels]).sum()
        error = (shares - np.eye(CLASSES)[labels]) / len(labels)
        rate = 0.001 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        for i, gradient in enumerate((pixels.T @ error, error.sum(axis=0))):
            first[i] = 0.9 * first[i] + 0.1 * gradient
            second[i] = 0.999 * second[i] + 0.001 * gradient**2
            weights[i] -= rate * first[i] / (np.sqrt(second[i]) + 1e-8)
    return weights[0], weights[1], loss


def evaluated(steps: Steps, split: Split, batch_size: int) -> np.ndarray:
    """Return the sum of the losses of a split, then hits and images by class, in a call or two."""
    batches, left = steps.batches(split, batch_size), math.ceil(split.size / batch_size)
    sums = steps.evaluate(batches, 1)
    if left > 1:
        sums = sums + steps.evaluate(batches, left - 1)
    return steps.sum_of_workers(sums)


@pytest.mark.parametrize("micro_batches", [1, 4])
def test_steps_agree_with_numpy(micro_batches: int) -> None:
    split, model = random_split(23), softmax_regression()
    batches = [(x.numpy(), y.numpy()) for x, y in split.batches(5, (1, 2))]
    kernel, bias = model.get_weights()
    kernel, bias, expected = adam_by_hand(kernel, bias, batches)
    steps = Steps(model, tf.distribute.get_strategy(), micro_batches=micro_batches)
    loss, _ = steps.train(steps.batches(split, 5, (1, 2)), 5)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    np.testing.assert_allclose(model.get_weights()[0], kernel, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(model.get_weights()[1], bias, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("micro_batches", [1, 4])
def test_many_steps_a_call_are_the_same_as_keras_fit(micro_batches: int) -> None:
    split, by_steps, by_fit = random_split(47), softmax_regression(), softmax_regression()
    by_fit.set_weights(by_steps.get_weights())
    by_fit.fit(split.batches(5, (1, 2)), verbose=0, shuffle=False)
    steps = Steps(by_steps, tf.distribute.get_strategy(), micro_batches=micro_batches)
    batches = steps.batches(split, 5, (1, 2))
    steps.train(batches, 7)
    steps.train(batches, 3)
    for weight, other in zip(by_steps.get_weights(), by_fit.get_weights(), strict=True):
        np.testing.assert_allclose(weight, other, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("micro_batches", [1, 4])
def test_evaluation_counts_every_image_once(micro_batches: int) -> None:
    split, model = random_split(23), softmax_regression()
    images, labels = next(iter(split.batches(23)))
    logits = model(images).numpy().astype(np.float64)
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(23), labels]
    steps = Steps(model, tf.distribute.get_strategy(), micro_batches=micro_batches)
    loss, *hits = evaluated(steps, split, 5)[: 1 + CLASSES]
    np.testing.assert_allclose(loss, losses.sum(), rtol=1e-5)
    assert sum(hits) == np.sum(logits.argmax(axis=1) == labels.numpy())
    assert evaluated(steps, split, 5) == pytest.approx(evaluated(steps, split, 23), rel=1e-5)


@pytest.mark.parametrize("micro_batches", [1, 4])
def test_hits_of_training_are_those_before_each_step(micro_batches: int) -> None:
    split, by_steps, other = random_split(23), softmax_regression(), softmax_regression()
    other.set_weights(by_steps.get_weights())
    steps = Steps(by_steps, tf.distribute.get_strategy(), micro_batches=micro_batches)
    batches, expected = steps.batches(split, 5, (6, 2), 2), []
    for images, labels in split.batches(5, (6, 2), 2):
        expected.append(np.sum(other(images).numpy().argmax(axis=1) == labels.numpy()))
        other.train_on_batch(images, labels)
    assert [steps.train(batches, count)[1] for count in (2, 1)] == [
        sum(expected[:2]),
        expected[2],
    ]
    assert sum(expected) > 0
    with pytest.raises(tf.errors.OutOfRangeError):
        steps.train(batches, 1)


def test_a_score_that_is_no_number_is_not_right() -> None:
    split, model = random_split(6), softmax_regression()
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    sums = evaluated(Steps(model, tf.distribute.get_strategy()), split, 6)
    assert sums[1 : 1 + CLASSES].sum() == 0


def test_a_score_that_ties_with_all_others_is_not_right_for_every_label() -> None:
    split, model = random_split(90), softmax_regression()
    model.set_weights([weight * 0 for weight in model.get_weights()])
    _, *sums = evaluated(Steps(model, tf.distribute.get_strategy()), split, 30)
    sizes = np.bincount(split.labels.numpy(), minlength=CLASSES)
    assert sums == [sizes[0], 0, 0, *sizes]


@pytest.mark.parametrize("micro_batches", [1, 4])
def test_hits_are_counted_by_class(micro_batches: int) -> None:
    split, model = random_split(47), softmax_regression()
    steps = Steps(model, tf.distribute.get_strategy(), micro_batches=micro_batches)
    _, *sums = evaluated(steps, split, 7)
    ((images, labels),) = split.batches(split.size).as_numpy_iterator()
    right = model.predict(images, verbose=0).argmax(axis=1) == labels
    hits = [int(right[labels == label].sum()) for label in range(CLASSES)]
    assert 0 < sum(hits) < split.size
    assert sums == [*hits, *(int(np.sum(labels == label)) for label in range(CLASSES))]


@pytest.mark.parametrize("micro_batches", [1, 4])
def test_the_models_own_losses_are_trained_on(micro_batches: int) -> None:
    decay = keras.regularizers.L2(0.5)
    by_steps, by_fit, plain = (softmax_regression(each) for each in (decay, decay, None))
    split = random_split(20)
    for model in (by_fit, plain):
        model.set_weights(by_steps.get_weights())
    by_fit.fit(split.batches(5), verbose=0, shuffle=False)
    for model in (by_steps, plain):
        steps = Steps(model, tf.distribute.get_strategy(), micro_batches=micro_batches)
        steps.train(steps.batches(split, 5), 4)
    np.testing.assert_allclose(by_steps.get_weights()[0], by_fit.get_weights()[0], rtol=1e-5)
    assert np.abs(by_steps.get_weights()[0] - plain.get_weights()[0]).max() > 1e-4


class WithSpareWeight(keras.layers.Dense):
    """A dense layer with a weight that nothing depends on."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        super().build(input_shape)
        self.spare = self.add_weight(shape=(2,), initializer="ones", name="spare")


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
@pytest.mark.parametrize("micro_batches", [1, 4])
def test_a_weight_that_nothing_depends_on_is_unchanged(micro_batches: int) -> None:
    inputs = keras.Input(SHAPE)
    spare = WithSpareWeight(CLASSES)
    model = keras.Model(inputs, spare(keras.layers.Flatten()(inputs)))
    model.compile(keras.optimizers.Adam(0.01))
    before, split = [weight.copy() for weight in model.get_weights()], random_split(20)
    steps = Steps(model, tf.distribute.get_strategy(), micro_batches=micro_batches)
    steps.train(steps.batches(split, 5), 4)
    changes = [np.abs(a - b).max() for a, b in zip(before, model.get_weights(), strict=True)]
    assert changes[0] > 0.01
    assert changes[2] == 0


@pytest.mark.parametrize("micro_batches", [1, 4])
def test_many_steps_a_call_are_one_traced_function(micro_batches: int) -> None:
    split, model = random_split(23), softmax_regression()
    steps = Steps(model, tf.distribute.get_strategy(), micro_batches=micro_batches)
    for epoch in range(2):
        batches = steps.batches(split, 5, (0, epoch))
        for count in (3, 2):
            steps.train(batches, count)
    assert steps._train.experimental_get_tracing_count() == 1


def test_a_loop_over_models_lets_tensorflow_warn_of_no_retracing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    split = random_split(5)
    tf.get_logger().addHandler(caplog.handler)
    for _ in range(6):
        steps = Steps(softmax_regression(), tf.distribute.get_strategy())
        steps.train(steps.batches(split, 5), 1)
        steps.evaluate(steps.batches(split, 5), 1)
    tf.get_logger().removeHandler(caplog.handler)
    assert not caplog.records


def test_fewer_images_than_micro_batches_are_no_error() -> None:
    split, models = random_split(21), (convolution(), convolution())
    results = []
    for model, micro_batches in zip(models, (1, 4), strict=True):
        steps = Steps(model, tf.distribute.get_strategy(), micro_batches=micro_batches)
        batches = steps.batches(split, 5, (1, 2))
        results.append([*steps.train(batches, 5), *evaluated(steps, split, 5)])
    np.testing.assert_allclose(results[0], results[1], rtol=1e-5)
    for one, other in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def test_batch_normalization_is_not_cut_into_micro_batches() -> None:
    with pytest.raises(UsageError, match="batch normalization needs micro_batches=1"):
        Steps(normalized(), tf.distribute.get_strategy(), micro_batches=2)


@pytest.mark.parametrize(("images", "batch_size"), [(9, 4), (13, 6), (1, 8)])
def test_batch_normalization_needs_an_image_a_replica(
    images: int, batch_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Replicas, "count", 2)
    replicas = Replicas("none", Cluster())
    with pytest.raises(UsageError, match=f"has 1 of {images} images for 2 replicas"):
        replicas.synchronize(normalized(), images, batch_size)
    replicas.synchronize(normalized(), images + 1, batch_size)
    replicas.synchronize(convolution(), images, batch_size)


def first_axis() -> keras.Model:
    """Return a model that normalizes the first axis of its images."""
    inputs = keras.Input(SHAPE)
    x = keras.layers.Flatten()(keras.layers.BatchNormalization(axis=1)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(CLASSES)(x))
    model.compile(keras.optimizers.SGD(0.05))
    return model


def clipped() -> keras.Model:
    """Return a model whose gradients are clipped, which only those of a whole batch may be."""
    model = softmax_regression()
    model.compile(keras.optimizers.SGD(0.05, global_clipnorm=0.1))
    return model


def assert_that_two_replicas_train_as_one() -> None:
    replicas = two_replicas()
    assert replicas.count == 2
    builds = ((softmax_regression, 23), (normalized, 23), (first_axis, 23), (clipped, 23))
    for build, size in (*builds, (convolution, 21)):
        split = random_split(size)
        keras.utils.set_random_seed(2)
        one = build()
        with replicas.strategy.scope():
            two = build()
        two.set_weights(one.get_weights())
        replicas.synchronize(two, 8, 8)
        results = []
        for model, where in ((one, tf.distribute.get_strategy()), (two, replicas.strategy)):
            steps = Steps(model, where)
            batches = steps.batches(split, 5, (1, 2))
            results.append([*steps.train(batches, 5), *evaluated(steps, split, 5)])
        np.testing.assert_allclose(results[0], results[1], rtol=1e-5)
        for weight, wanted in zip(two.get_weights(), one.get_weights(), strict=True):
            np.testing.assert_allclose(wanted, weight, rtol=1e-4, atol=1e-6)
        assert np.abs(one.trainable_weights[-1]).max() > 1e-3


def assert_that_two_replicas_learn() -> None:
    replicas, split = two_replicas(), random_split(21)
    keras.utils.set_random_seed(1)
    with replicas.strategy.scope():
        model = normalized(dropout=0.5)
    with pytest.raises(UsageError, match="XLA compiles the steps of a single replica"):
        Steps(model, replicas.strategy, jit=True)
    steps, losses = Steps(model, replicas.strategy), []
    for epoch in range(6):
        losses.append(steps.train(steps.batches(split, 5, (1, epoch)), 5)[0])
    assert min(losses[-3:]) < 0.9 * losses[0], losses


def assert_that_what_overflows_on_one_replica_is_left_out_on_both() -> None:
    replicas = two_replicas()
    images = np.zeros((10, *SHAPE), np.float32)
    images[5:] = 100  # the second replica's
    split = ArraySplit(images, np.arange(10) % CLASSES, SHAPE)
    for scale, fits in ((2.0**10, True), (2.0**127, False)):
        with replicas.strategy.scope():
            plain, scaled = softmax_regression(), softmax_regression()
            plain.optimizer = keras.optimizers.SGD(0.05)
            scaled.optimizer = keras.optimizers.LossScaleOptimizer(
                keras.optimizers.SGD(0.05), initial_scale=scale
            )
        before = scaled.get_weights()
        plain.set_weights(before)
        for model in (plain, scaled):
            steps = Steps(model, replicas.strategy)
            steps.train(steps.batches(split, 10), 1)
            assert "_all_reduce_sum_gradients" not in vars(model.optimizer)
        assert np.abs(plain.get_weights()[0] - before[0]).max() > 1e-4
        expected = plain.get_weights() if fits else before
        for weight, wanted in zip(scaled.get_weights(), expected, strict=True):
            np.testing.assert_allclose(weight, wanted, rtol=1e-5)
        scales = replicas.strategy.experimental_local_results(scaled.optimizer.dynamic_scale.value)
        assert [float(each) for each in scales] == [scale if fits else scale / 2] * 2


@pytest.mark.parametrize("jit", [False, True])
def test_a_layer_that_becomes_trainable_is_trained(jit: bool) -> None:
    split, model = random_split(8), softmax_regression()
    outputs = keras.layers.Dense(CLASSES)(model.output)
    model = keras.Model(model.input, outputs)
    model.compile(keras.optimizers.SGD(0.1))
    steps = Steps(model, tf.distribute.get_strategy(), jit)
    first = model.layers[2]
    for trainable in (False, True):
        first.trainable = trainable
        steps.retrace()
        before = first.get_weights()[0]
        steps.train(steps.batches(split, 8), 1)
        assert (first.get_weights()[0] != before).any() == trainable


@pytest.mark.parametrize(
    "check",
    [
        assert_that_two_replicas_train_as_one,
        assert_that_two_replicas_learn,
        assert_that_what_overflows_on_one_replica_is_left_out_on_both,
    ],
)
def test_two_replicas_compute_as_one(check: Callable[[], None]) -> None:
    ended = Process(check).ended()
    assert ended.code == 0, ended.err
