"""The one training loop: every strategy of `tf.distribute`, many steps a call, Keras callbacks."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerazoo.data.images import ImageData, Split
from kerazoo.errors import CorruptFileError, KerazooError
from kerazoo.training import state
from kerazoo.training.checkpoints import State
from kerazoo.training.epoch import EpochResult
from kerazoo.training.options import Recipe
from kerazoo.training.steps import Batches, Steps

EITHER = "its input data or another worker"
RECORDED = {"position", "callbacks", "random", "stop_training"}  # in the record of a state


@dataclasses.dataclass
class Position:
    """Where a training stands, between two calls of its steps.

    Attributes:
        epoch: That of the next step, from 0.
        step: Position of the next step in its epoch.
        last: Position, in its epoch, of the step taken last.
        loss: Sum of the losses of the epoch's images so far.
        seconds: Wall time of the epoch's steps so far.
        stopped: Whether a callback has ended the training.
    """

    epoch: int = 0
    step: int = 0
    last: int = 0
    loss: float = 0.0
    seconds: float = 0.0
    stopped: bool = False


class Training:
    """A training that can be taken up again where its state was taken.

    Callbacks are called as Keras's `fit` calls them with `steps_per_execution=steps_per_call`, and
    `model.stop_training` ends the training likewise. Two things differ: `accuracy` in the logs is
    that of the epoch's last training batch, and epochs count from 0 whatever BackupAndRestore
    restored.

    Args:
        model: Gives logits [batch, classes], and is compiled with the optimizer to use.
        data: What to train on, validate and test.
        recipe: How many epochs, of which batches, in which order.
        steps_per_call: Most steps between two calls of the callbacks' batch methods.
        callbacks: Keras callbacks.
        strategy: Where the steps run and the model's variables are; None for one device.
        save_every: A call of steps also ends with each multiple of so many steps of the training.
        begin: Takes a phrase on what the training waits for from now on.

    Attributes:
        model: The model.
        position: Where it stands.
        steps_per_epoch: Number of batches of the training images.
    """

    def __init__(
        self,
        model: keras.Model,
        data: ImageData,
        recipe: Recipe,
        steps_per_call: int,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        strategy: tf.distribute.Strategy | None = None,
        save_every: int | None = None,
        begin: Callable[[str], object] = lambda _: None,
    ) -> None:
        self.position = Position()
        self.model = model
        self._data = data
        self._recipe = recipe
        self._steps_per_call = steps_per_call
        self._save_every = save_every
        self._begin = begin
        self._steps = Steps(
            model, strategy or tf.distribute.get_strategy(), recipe.jit, recipe.parts
        )
        self.steps_per_epoch = recipe.steps_per_epoch(data.train.size)
        self._listeners = keras.callbacks.CallbackList(
            list(callbacks),
            add_history=True,
            model=model,
            epochs=recipe.epochs,
            steps=self.steps_per_epoch,
            verbose=0,
        )
        self._callback_states: state.CallbackStates | None = None
        self._taken_up: State | None = None
        model.stop_training = False
        _build_metrics(model)

    @property
    def steps_taken(self) -> int:
        """Number of steps since the training began."""
        return self.position.epoch * self.steps_per_epoch + self.position.step

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to train."""
        return self.position.stopped or self.position.epoch >= self._recipe.epochs

    def weights(self) -> list[np.ndarray]:
        """Return the model's weights as they are."""
        return self.model.get_weights()

    def state(self) -> State:
        """Return all that the training needs to be taken up here."""
        arrays = state.values(self.model)
        callbacks = self._callback_states.take(arrays) if self._callback_states else []
        record = {
            "position": dataclasses.asdict(self.position),
            "callbacks": callbacks,
            "random": state.random_state(),
            "stop_training": bool(self.model.stop_training),
        }
        return State(arrays, record)

    def take_up(self, taken: State) -> None:
        """Go on where a state was taken, once `epochs` is called.

        Raises:
            CorruptFileError: It is the state of another training.
        """
        if not taken.record.keys() >= RECORDED:
            raise CorruptFileError("the checkpoint does not hold all that it should")
        try:
            position = Position(**taken.record["position"])
        except TypeError as error:
            raise CorruptFileError("the checkpoint is of another kerazoo") from error
        in_epochs = 0 <= position.epoch <= self._recipe.epochs
        if not (in_epochs and 0 <= position.step <= self.steps_per_epoch):
            raise CorruptFileError("the checkpoint is of another training: it stands elsewhere")
        state.assign(self.model, taken.arrays)
        self.position = position
        self._taken_up = taken

    def epochs(self, between: Callable[[], object] = lambda: None) -> Iterator[EpochResult]:
        """Train epoch by epoch as the results are asked for, yielding what each came to.

        Args:
            between: Called after each call of training or evaluation steps, where `state` may be
                taken; what it raises ends the training.

        Raises:
            KerazooError: The loss is no longer a number.
            CorruptFileError: The state taken up is of other callbacks.
        """
        if self.finished:
            return
        listeners, model, position = self._listeners, self.model, self.position
        listeners.on_train_begin()
        self._callback_states = state.CallbackStates(listeners.callbacks)
        while not self.finished:
            if position.step == 0:
                self._put_back()
            listeners.on_epoch_begin(position.epoch)
            self._put_back()
            batches = self._train(between)
            started = time.perf_counter()
            listeners.on_test_begin()
            result = self._result(batches, between, started)
            self._begin(f"the callbacks and the checkpoint of epoch {position.epoch + 1}")
            listeners.on_test_end(result.logs())
            listeners.on_epoch_end(position.epoch, result.logs())
            position.epoch += 1
            position.step, position.loss, position.seconds = 0, 0.0, 0.0
            position.stopped = bool(model.stop_training)
            if self.finished:
                model.optimizer.finalize_variable_values(model.trainable_weights)
                listeners.on_train_end(result.logs())
            yield result

    def evaluate(self, between: Callable[[], object] = lambda: None) -> dict[str, Any]:
        """Return the losses and accuracies of the last `EpochResult`, but for the training loss.

        They are those of the weights as they are now; `between` is called after each call of
        evaluation steps.
        """
        epoch = self.position.epoch - 1
        self._begin(f"the final evaluation ({EITHER})")
        return self._evaluate(self._batches(epoch, self.position.last), between)

    def _batches(self, epoch: int, skip: int) -> Batches:
        """Return the batches of an epoch's steps but for the first ones, and the last again."""
        recipe, split = self._recipe, self._data.train
        return self._steps.batches(split, recipe.batch_size, (recipe.seed, epoch), skip)

    def _evaluate(self, batches: Batches, between: Callable[[], object]) -> dict[str, Any]:
        """Return what `evaluate` does; the next batch is that of the last training step."""
        size, data = self._recipe.batch_size, self._data

        def of(split: Split) -> tuple[float, float]:
            return self._steps.evaluate(split, size, self._steps_per_call, between)

        trained = min(size, data.train.size - self.position.last * size)
        train_accuracy = self._steps.hits(batches) / trained
        validation_loss, validation_accuracy = of(data.validation)
        test_loss, test_accuracy = of(data.test)
        return {
            "train_accuracy": train_accuracy,
            "validation_loss": validation_loss,
            "validation_accuracy": validation_accuracy,
            "test_loss": test_loss,
            "test_accuracy": test_accuracy,
        }

    def _put_back(self) -> None:
        """Set the state taken up, after what had been called when it was taken was called again."""
        if self._taken_up is None:
            return
        assert self._callback_states
        record = self._taken_up.record
        self._callback_states.put_back(record["callbacks"], self._taken_up.arrays)
        state.assign(self.model, self._taken_up.arrays)
        state.set_random_state(record["random"])
        self.model.stop_training = record["stop_training"]
        self._taken_up = None

    def _train(self, between: Callable[[], object]) -> Batches:
        """Take the rest of an epoch's steps; return the batches that are left."""
        position = self.position
        started = time.perf_counter()
        batches = self._batches(position.epoch, position.step)
        while position.step < self.steps_per_epoch and not (
            position.step and self.model.stop_training  # as `fit`, it takes one call at the least
        ):
            end = self._end_of_call()
            self._listeners.on_train_batch_begin(position.step)
            self._begin(f"step {position.step + 1} of epoch {position.epoch + 1} ({EITHER})")
            position.loss += self._steps.train(batches, end - position.step)
            position.step, position.last = end, end - 1
            self._check_finite(position.loss)
            self._listeners.on_train_batch_end(end - 1, {"loss": position.loss / self._images()})
            position.seconds += time.perf_counter() - started
            between()
            started = time.perf_counter()
        return batches

    def _end_of_call(self) -> int:
        """Return the position of the step after the next call's last one."""
        step = self.position.step
        ends = [step - step % self._steps_per_call + self._steps_per_call, self.steps_per_epoch]
        if self._save_every is not None:
            ends.append(step + self._save_every - self.steps_taken % self._save_every)
        return min(ends)

    def _images(self) -> int:
        """Return the number of the epoch's images that were trained on."""
        return min(self.position.step * self._recipe.batch_size, self._data.train.size)

    def _result(
        self, batches: Batches, between: Callable[[], object], started: float
    ) -> EpochResult:
        position = self.position
        if position.step < self.steps_per_epoch:  # a callback has ended it early
            batches = self._batches(position.epoch, position.last)
        self._begin(f"the evaluation of epoch {position.epoch + 1} ({EITHER})")
        found = self._evaluate(batches, between)
        self._check_finite(found["validation_loss"] + found["test_loss"])
        return EpochResult(
            epoch=position.epoch + 1,
            data=self._data.name,
            loss=position.loss / self._images(),
            **found,
            seconds=position.seconds + time.perf_counter() - started,
            images_per_second=self._images() / position.seconds,
        )

    def _check_finite(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise KerazooError(
                f"the loss is no longer a number in epoch {self.position.epoch + 1}: "
                f"lower the learning rate, which is {self._recipe.learning_rate}"
            )


def _build_metrics(model: keras.Model) -> None:
    """Let callbacks that monitor "val_accuracy" find that its maximum is the best."""
    model.compute_metrics(None, tf.zeros([1]), tf.zeros([1, model.output_shape[-1]]))
    model.reset_metrics()
