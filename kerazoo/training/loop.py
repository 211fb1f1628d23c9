"""The one training loop: every strategy of `tf.distribute`, many steps a call, Keras callbacks."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from kerazoo.data.images import ImageData, Split
from kerazoo.errors import KerazooError
from kerazoo.training.epoch import EpochResult
from kerazoo.training.options import Recipe
from kerazoo.training.steps import Steps


def fit(
    model: keras.Model,
    data: ImageData,
    recipe: Recipe,
    steps_per_call: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    strategy: tf.distribute.Strategy | None = None,
) -> Iterator[EpochResult]:
    """Train epoch by epoch, yielding what each came to.

    Args:
        model: Gives logits [batch, classes] and is compiled.
        data: What to train on, validate and test.
        recipe: How many epochs, of which batches, in which order.
        steps_per_call: Training steps between two calls of the callbacks' batch methods.
        callbacks: Keras callbacks; `model.stop_training` ends the run as it does in Keras's `fit`.
        strategy: Where the steps run and the model's variables are; None for one device.

    Raises:
        KerazooError: The loss is no longer a number.
    """
    steps = Steps(model, strategy or tf.distribute.get_strategy())
    listeners = keras.callbacks.CallbackList(
        list(callbacks),
        add_history=True,
        model=model,
        epochs=recipe.epochs,
        steps=_number_of_batches(data.train, recipe),
        verbose=0,
    )
    _build_metrics(model)
    model.stop_training = False
    listeners.on_train_begin()
    for epoch in range(recipe.epochs):
        listeners.on_epoch_begin(epoch)
        started = time.perf_counter()
        loss, images = _train(steps, data.train, recipe, epoch, steps_per_call, listeners)
        trained = time.perf_counter()
        last_batch = _number_of_batches(data.train, recipe) - 1
        shuffle = (recipe.seed, epoch)
        _, train_accuracy = steps.evaluate(data.train, recipe.batch_size, shuffle, last_batch)
        result = EpochResult(
            epoch=epoch + 1,
            data=data.name,
            loss=loss,
            train_accuracy=train_accuracy,
            **evaluate(steps, data, recipe),
            seconds=time.perf_counter() - started,
            images_per_second=images / (trained - started),
        )
        listeners.on_epoch_end(epoch, result.logs())
        yield result
        if listeners.model.stop_training:
            break
    listeners.on_train_end(result.logs())


def evaluate(steps: Steps, data: ImageData, recipe: Recipe) -> dict[str, Any]:
    """Return mean loss and accuracy on the validation and the test split, as `EpochResult` does."""
    validation_loss, validation_accuracy = steps.evaluate(data.validation, recipe.batch_size)
    test_loss, test_accuracy = steps.evaluate(data.test, recipe.batch_size)
    return {
        "validation_loss": validation_loss,
        "validation_accuracy": validation_accuracy,
        "test_loss": test_loss,
        "test_accuracy": test_accuracy,
    }


def _train(
    steps: Steps,
    split: Split,
    recipe: Recipe,
    epoch: int,
    steps_per_call: int,
    listeners: keras.callbacks.CallbackList,
) -> tuple[float, int]:
    """Take an epoch's steps; return the mean loss and the number of images of those taken."""
    batches = steps.batches(split, recipe.batch_size, shuffle=(recipe.seed, epoch))
    total, images = 0.0, 0
    for first in range(0, _number_of_batches(split, recipe), steps_per_call):
        listeners.on_train_batch_begin(first)
        last = min(first + steps_per_call, _number_of_batches(split, recipe)) - 1
        loss = float(steps.train(batches, tf.constant(last - first + 1)))
        if not math.isfinite(loss):
            raise KerazooError(
                f"the loss is no longer a number in epoch {epoch + 1}: "
                f"lower the learning rate, which is {recipe.learning_rate}"
            )
        seen = min((last + 1) * recipe.batch_size, split.size) - images
        listeners.on_train_batch_end(last, {"loss": loss / seen})
        total, images = total + loss, images + seen
        if listeners.model.stop_training:
            break
    return total / images, images


def _build_metrics(model: keras.Model) -> None:
    """Let callbacks that monitor "val_accuracy" find that its maximum is the best."""
    model.compute_metrics(None, tf.zeros([1]), tf.zeros([1, model.output_shape[-1]]))
    model.reset_metrics()


def _number_of_batches(split: Split, recipe: Recipe) -> int:
    return math.ceil(split.size / recipe.batch_size)
