"""Losses, moving averages and weight decay, against NumPy, TF1 and Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerazoo.data.augment import Augmentation
from kerazoo.recipe import Recipe
from kerazoo.training.averages import Averages
from kerazoo.training.objective import Objective, balanced_weights, mirrored
from kerazoo.training.setup import optimizer
from kerazoo.training.trainer import Trainer
from tests.helpers.small import CLASSES, random_data, random_split, softmax_regression

LOGITS = np.array([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0], [1.0, 1.0, 1.0]], np.float32)
OTHERS = LOGITS[:, ::-1].copy()
LABELS = np.array([0, 2, 1])


def log_softmax(logits: np.ndarray) -> np.ndarray:
    logits = logits.astype(np.float64)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def cross_entropy(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return -(log_softmax(logits) * targets).sum(axis=1)


def one_hot(labels: np.ndarray) -> np.ndarray:
    return np.eye(3)[labels]


def test_labels_are_smoothed() -> None:
    targets = 0.9 * one_hot(LABELS) + 0.1 / 3
    losses = Objective(Recipe(label_smoothing=0.1)).losses([LOGITS], LABELS)
    np.testing.assert_allclose(losses, cross_entropy(LOGITS, targets), rtol=1e-5)
    keras_losses = keras.losses.categorical_crossentropy(
        one_hot(LABELS), LOGITS, from_logits=True, label_smoothing=0.1
    )
    np.testing.assert_allclose(losses, keras_losses, rtol=1e-5)


def test_an_extra_logit_is_the_rubbish_class_of_lenets_equation_9() -> None:
    """y_D + log(exp(-j) + the sum of exp(-y_i)), where the logits are the negative y."""
    distances, penalty = -LOGITS.astype(np.float64), 0.7
    others = np.log(np.exp(-penalty) + np.exp(-distances).sum(axis=1))
    expected = distances[np.arange(len(LABELS)), LABELS] + others
    losses = Objective(Recipe(extra_logit=-penalty)).losses([LOGITS], LABELS)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    assert (losses > Objective(Recipe()).losses([LOGITS], LABELS)).numpy().all()


def test_auxiliary_heads_have_their_weight() -> None:
    losses = Objective(Recipe(auxiliary_weight=0.3)).losses([LOGITS, OTHERS, OTHERS], LABELS)
    own, other = (cross_entropy(each, one_hot(LABELS)) for each in (LOGITS, OTHERS))
    np.testing.assert_allclose(losses, own + 0.3 * 2 * other, rtol=1e-5)


def test_classes_have_their_weights() -> None:
    weights = balanced_weights(np.array([1, 3, 8]))
    np.testing.assert_allclose(weights, [4, 4 / 3, 0.5])
    assert (weights * [1, 3, 8]).sum() == 12
    np.testing.assert_allclose(balanced_weights(np.array([5, 0, 5]))[::2], [1, 1])
    losses = Objective(Recipe(), weights).losses([LOGITS], LABELS)
    expected = weights[LABELS] * cross_entropy(LOGITS, one_hot(LABELS))
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


def test_mixed_images_have_the_mixture_of_their_labels() -> None:
    mix = np.array([0.3, 0.25, 0.6], np.float32)
    targets = mix[:, None] * one_hot(LABELS) + (1 - mix[:, None]) * one_hot(LABELS[::-1])
    losses = Objective(Recipe()).losses([LOGITS], LABELS, mix, mirrored(LABELS))
    np.testing.assert_allclose(losses, cross_entropy(LOGITS, targets), rtol=1e-5)


def test_a_step_of_a_training_by_hand() -> None:
    """Mixtures of images, smooth labels, weights of classes and an auxiliary head, in NumPy."""
    data, rate = random_data(6), 0.1
    recipe = Recipe(
        epochs=1,
        batch_size=6,
        label_smoothing=0.1,
        auxiliary_weight=0.3,
        class_weights="balanced",
        mixup=0.5,
    )
    model = softmax_regression()
    head = keras.layers.Dense(CLASSES)(model.layers[1].output)
    with_heads = keras.Model(model.input, [model.output, head])
    model.optimizer = keras.optimizers.SGD(rate)
    before = with_heads.get_weights()
    Trainer(model, data, recipe, with_heads=with_heads).fit()
    batches = data.train.batches(6, (recipe.seed, 0), augmentation=Augmentation(recipe, 0))
    images, labels, mix = next(batches.as_numpy_iterator())
    weights = 6 / 3 / data.train.class_sizes(3)
    pixels = images.reshape(6, -1).astype(np.float64)
    pixels = mix[:, None] * pixels + (1 - mix[:, None]) * pixels[::-1]
    targets = (0.9 * one_hot(labels) + 0.1 / 3) * weights[labels][:, None]
    targets = mix[:, None] * targets + (1 - mix[:, None]) * targets[::-1]
    for number, factor in ((0, 1), (2, 0.3)):
        kernel, bias = before[number : number + 2]
        probabilities = np.exp(log_softmax(pixels @ kernel + bias))
        error = (targets.sum(axis=1, keepdims=True) * probabilities - targets) / 6
        for weight, gradient in ((0, pixels.T @ error), (1, error.sum(axis=0))):
            expected = before[number + weight] - rate * factor * gradient
            after = with_heads.get_weights()[number + weight]
            np.testing.assert_allclose(after, expected, rtol=1e-4, atol=1e-6)


def test_averages_are_those_of_tf1() -> None:
    """`tf.train.ExponentialMovingAverage` with a number of updates, in its own graph."""
    values = np.random.default_rng(0).random(12).astype(np.float32)
    tf1, expected = tf.compat.v1, []
    with tf.Graph().as_default(), tf1.Session() as session:
        weight, step = tf1.Variable(values[0]), tf1.placeholder(tf.float32)
        ema = tf1.train.ExponentialMovingAverage(0.7, num_updates=step)
        update = ema.apply([weight])
        session.run(tf1.global_variables_initializer())
        for number, value in enumerate(values[1:], start=1):
            weight.load(value, session)
            session.run(update, {step: number})
            expected.append(session.run(ema.average(weight)))
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([values[:1, None]])
    averages, seen = Averages(model, 0.7, tf.distribute.get_strategy()), []
    for number, value in enumerate(values[1:], start=1):
        model.set_weights([value[None, None]])
        averages.update(number)
        seen.append(float(averages.variables[0][0, 0]))
    np.testing.assert_allclose(seen, expected, rtol=1e-5)
    with averages.in_model():
        assert model.get_weights()[0][0, 0] == pytest.approx(expected[-1], rel=1e-5)
    assert model.get_weights()[0][0, 0] == values[-1]


def test_decay_with_sgd_is_in_the_gradient_of_kernels_as_in_alexnets_paper() -> None:
    """v = 0.9 v - 0.0005 rate w - rate gradient; w = w + v (section 5)."""
    model, rate, decay = softmax_regression(), 0.05, 0.3
    kernel, bias = (weight.astype(np.float64) for weight in model.get_weights())
    recipe = Recipe(optimizer="sgd", learning_rate=rate, momentum=0.9, weight_decay=decay)
    model.compile(optimizer(recipe, model, 10), model.loss)
    split = random_split(10)
    velocities = [np.zeros_like(kernel), np.zeros_like(bias)]
    for images, labels in split.batches(5):
        pixels = images.numpy().reshape(5, -1)
        error = (np.exp(log_softmax_of(pixels, kernel, bias)) - np.eye(bias.size)[labels]) / 5
        gradients = pixels.T @ error, error.sum(axis=0)
        for number, (gradient, weight) in enumerate(zip(gradients, (kernel, bias), strict=True)):
            decayed = decay * weight if number == 0 else 0
            velocities[number] = 0.9 * velocities[number] - rate * decayed - rate * gradient
        kernel, bias = kernel + velocities[0], bias + velocities[1]
        model.train_on_batch(images, labels)
    np.testing.assert_allclose(model.get_weights()[0], kernel, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(model.get_weights()[1], bias, rtol=1e-4, atol=1e-6)


def log_softmax_of(pixels: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return log_softmax(pixels @ kernel + bias)


def test_decay_with_adam_is_that_of_adamw_on_kernels() -> None:
    model, other = softmax_regression(), softmax_regression()
    other.set_weights(model.get_weights())
    model.compile(optimizer(Recipe(weight_decay=0.2), model, 10), model.loss)
    adamw = keras.optimizers.AdamW(0.001, weight_decay=0.2, epsilon=1e-8)
    adamw.exclude_from_weight_decay(var_names=["bias"])
    other.compile(adamw, other.loss)
    for images, labels in random_split(10).batches(5):
        model.train_on_batch(images, labels)
        other.train_on_batch(images, labels)
    for weight, expected in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-6, atol=1e-7)
