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


def train_epochs(
    model: keras.Model,
    data: ImageData,
    recipe: Recipe,
    steps_per_call: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    strategy: tf.distribute.Strategy | None = None,
) -> Iterator[EpochResult]:
    """Train epoch by epoch as the results are asked for, yielding what each came to.

    Callbacks are called as Keras's `fit` calls them with `steps_per_execution=steps_per_call`, and
    `model.stop_training` ends the run likewise. Two things differ: `accuracy` in the logs is that
    of the epoch's last training batch, and epochs count from 0 whatever BackupAndRestore restored.

    Args:
        model: Gives logits [batch, classes], and is compiled with the optimizer to use.
        data: What to train on, validate and test.
        recipe: How many epochs, of which batches, in which order.
        steps_per_call: Training steps between two calls of the callbacks' batch methods.
        callbacks: Keras callbacks.
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
        steps=number_of_batches(data.train, recipe),
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
        listeners.on_test_begin()
        result = EpochResult(
            epoch=epoch + 1,
            data=data.name,
            loss=loss,
            **evaluate(steps, data, recipe, epoch, math.ceil(images / recipe.batch_size) - 1),
            seconds=time.perf_counter() - started,
            images_per_second=images / (trained - started),
        )
        _check_finite(result.validation_loss + result.test_loss, epoch, recipe)
        listeners.on_test_end(result.logs())
        listeners.on_epoch_end(epoch, result.logs())
        if model.stop_training or epoch == recipe.epochs - 1:
            model.optimizer.finalize_variable_values(model.trainable_weights)
            listeners.on_train_end(result.logs())
        yield result
        if model.stop_training:
            break


def evaluate(
    steps: Steps, data: ImageData, recipe: Recipe, epoch: int, last_batch: int
) -> dict[str, Any]:
    """Return the losses and accuracies of an `EpochResult`, but for the training loss.

    Args:
        steps: Steps with the model to evaluate.
        data: What to evaluate on.
        recipe: The size and the order of the training batches.
        epoch: From 0; with `last_batch` it says which training batch to evaluate.
        last_batch: Position of that batch in the epoch.
    """
    shuffle = (recipe.seed, epoch)
    validation_loss, validation_accuracy = steps.evaluate(data.validation, recipe.batch_size)
    test_loss, test_accuracy = steps.evaluate(data.test, recipe.batch_size)
    return {
        "train_accuracy": steps.accuracy_of_batch(
            data.train, recipe.batch_size, shuffle, last_batch
        ),
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
    count = number_of_batches(split, recipe)
    for first in range(0, count, steps_per_call):
        listeners.on_train_batch_begin(first)
        last = min(first + steps_per_call, count) - 1
        total += float(steps.train(batches, tf.constant(last - first + 1)))
        images = min((last + 1) * recipe.batch_size, split.size)
        _check_finite(total, epoch, recipe)
        listeners.on_train_batch_end(last, {"loss": total / images})
        if listeners.model.stop_training:
            break
    return total / images, images


def _check_finite(loss: float, epoch: int, recipe: Recipe) -> None:
    if not math.isfinite(loss):
        raise KerazooError(
            f"the loss is no longer a number in epoch {epoch + 1}: "
            f"lower the learning rate, which is {recipe.learning_rate}"
        )


def _build_metrics(model: keras.Model) -> None:
    """Let callbacks that monitor "val_accuracy" find that its maximum is the best."""
    model.compute_metrics(None, tf.zeros([1]), tf.zeros([1, model.output_shape[-1]]))
    model.reset_metrics()


def number_of_batches(split: Split, recipe: Recipe) -> int:
    """Return how many batches an epoch over the split has, a smaller last one included."""
    return math.ceil(split.size / recipe.batch_size)
