"""The training loop: every strategy of `tf.distribute`, many steps a call, Keras callbacks."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from kerazoo.data.augment import Augmentation
from kerazoo.data.images import ImageData, Split
from kerazoo.errors import CorruptFileError, KerazooError
from kerazoo.lazy import keras, tf
from kerazoo.recipe import Recipe
from kerazoo.training import record, state
from kerazoo.training.averages import Averages
from kerazoo.training.callback_states import CallbackStates, check_callbacks
from kerazoo.training.checkpoints import State
from kerazoo.training.curvature import EVERY, Curvature
from kerazoo.training.freezing import layers_to_freeze, set_trainable
from kerazoo.training.objective import Objective, balanced_weights
from kerazoo.training.record import Position
from kerazoo.training.result import EpochResult
from kerazoo.training.steps import Steps
from kerazoo.weights.preprocessing import UNIT, Preprocessing

NEAR_CHANCE = 0.98  # of the cross-entropy of equal scores
EITHER = "its input data or another worker"


class Trainer:
    """A resumable training loop.

    Callbacks are called as Keras's `fit` calls them with `steps_per_execution=steps_per_call`, and
    `model.stop_training` ends the training as it does there.

    Args:
        model: Returns logits [batch, classes], and is compiled with the optimizer to use.
        with_heads: The same model with auxiliary heads, to train with; None for the model itself.
        data: What to train on, validate and test.
        recipe: How many epochs, of which batches, in which order, and what is minimized. Schedule,
            optimizer, weight decay and callbacks are the caller's.
        preprocessing: What the images get before the model.
        callbacks: Keras callbacks, whose state is part of the training's.
        strategy: Where the steps run and the model's variables are; None for one device.
        steps_per_call: Maximum number of steps between two calls of the callbacks.
        save_every: A call also ends after every multiple of this number of steps.
        on_activity: Called with a description of each activity before it starts.

    Attributes:
        model: The model.
        position: How far the training is.
        results: Those of the epochs so far.
        preprocessing: What the images get before the model.
        steps_per_epoch: Number of batches of the training images.
    """

    def __init__(
        self,
        model: keras.Model,
        data: ImageData,
        recipe: Recipe,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        strategy: tf.distribute.Strategy | None = None,
        *,
        steps_per_call: int = 1,
        save_every: int | None = None,
        on_activity: Callable[[str], object] = lambda _: None,
        with_heads: keras.Model | None = None,
        preprocessing: Preprocessing = UNIT,
    ) -> None:
        self.model = model
        self.position = Position()
        self.results: list[EpochResult] = []
        self.steps_per_epoch = recipe.steps_per_epoch(data.train.size)
        self._data, self._recipe = data, recipe
        self._with_heads = with_heads or model
        strategy = strategy or tf.distribute.get_strategy()
        self._frozen = layers_to_freeze(model, recipe.freeze)
        if recipe.unfreeze_after is None:
            set_trainable(self._frozen, False)
        self.preprocessing = preprocessing
        self._averages = Averages(self._with_heads, recipe.ema, strategy) if recipe.ema else None
        self._steps = Steps(
            model,
            strategy,
            recipe.jit,
            recipe.micro_batches or 1,
            Objective(recipe, _class_weights(recipe, data)),
            preprocessing,
            self._averages,
            with_heads,
        )
        self._curvature = Curvature(model, preprocessing) if recipe.optimizer == "sdlm" else None
        set_trainable(self._frozen, False)
        self._steps_per_call, self._save_every = steps_per_call, save_every
        self._on_activity = on_activity
        self._callbacks = [*callbacks]
        if not any(isinstance(callback, keras.callbacks.History) for callback in callbacks):
            self._callbacks.append(keras.callbacks.History())
        self._callback_states: CallbackStates | None = None
        self._restoring: State | None = None
        model.stop_training = False
        # so that callbacks that monitor "val_accuracy" find that its maximum is the best
        model.compute_metrics(None, tf.zeros([1]), tf.zeros([1, model.output_shape[-1]]))
        model.reset_metrics()

    def fit(self, observers: Sequence[keras.callbacks.Callback] = ()) -> None:
        """Train the epochs that are left.

        Args:
            observers: Callbacks that are called after the others and have no state to restore.

        Raises:
            KerazooError: The loss or a weight is not finite.
            CorruptFileError: The state to resume from does not fit the callbacks.
        """
        callbacks = keras.callbacks.CallbackList(
            [*self._callbacks, *observers],
            model=self.model,
            epochs=self._recipe.epochs,
            steps=self.steps_per_epoch,
            verbose=0,
        )
        callbacks.on_train_begin()
        self._callback_states = CallbackStates(self._callbacks)
        if self.finished:
            self._restore()
        while not self.finished:
            self._unfreeze()
            if self.position.step == 0:
                self._restore()
            callbacks.on_epoch_begin(self.position.epoch)
            self._restore()
            self._train_epoch(callbacks)
            result = self._evaluate_epoch(callbacks)
            self.results.append(result)
            self.position = Position(epoch=result.epoch)
            self._on_activity(f"the callbacks and the checkpoint of epoch {result.epoch}")
            callbacks.on_epoch_end(result.epoch - 1, result.logs())
        if self._averages:
            self._averages.assign()
        callbacks.on_train_end(self.results[-1].logs())

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to train."""
        stopped = self.results and self.position.step == 0 and self.model.stop_training
        return bool(stopped) or self.position.epoch >= self._recipe.epochs

    def is_at_chance(self) -> bool:
        """Return whether the last epoch's scores are no better than the same for all classes."""
        chance = math.log(self.model.output_shape[-1])
        return self.results[-1].validation_loss > NEAR_CHANCE * chance

    @property
    def steps_taken(self) -> int:
        """Number of steps since the training began."""
        return self.position.epoch * self.steps_per_epoch + self.position.step

    def _unfreeze(self) -> None:
        """Train the frozen layers too, from the epoch on that the recipe gives."""
        after = self._recipe.unfreeze_after
        if after is not None and self.position.epoch >= after and self._frozen:
            set_trainable(self._frozen, True)
            self._frozen = []
            self._steps.retrace()

    def _train_epoch(self, callbacks: keras.callbacks.CallbackList) -> None:
        """Take the steps of the epoch that are left, or until a callback stops them."""
        position, recipe, split = self.position, self._recipe, self._data.train
        shuffle = (recipe.seed, position.epoch)
        augmentation = Augmentation(recipe, position.epoch)
        batches = self._steps.batches(
            split,
            recipe.batch_size,
            shuffle,
            position.step,
            augmentation if augmentation.is_needed else None,
        )
        while position.step < self.steps_per_epoch and not (
            position.step and self.model.stop_training  # like `fit`, it makes at least one call
        ):
            end = self._end_of_call()
            callbacks.on_train_batch_begin(position.step)
            self._on_activity(f"step {position.step + 1} of epoch {position.epoch + 1} ({EITHER})")
            started = time.perf_counter()
            if self._curvature and position.step % EVERY == 0:
                self._curvature.update(split, *shuffle, position.step, recipe.batch_size)
            loss, hits = self._steps.train(batches, end - position.step)
            position.seconds += time.perf_counter() - started
            position.step = end
            position.loss += loss
            position.hits += hits
            self._check_loss(position.loss)
            callbacks.on_train_batch_end(end - 1, self._training_logs())

    def _end_of_call(self) -> int:
        """Return the position of the step after the next call's last one."""
        step = self.position.step
        ends = [step - step % self._steps_per_call + self._steps_per_call, self.steps_per_epoch]
        if self._curvature:
            ends.append(step + EVERY - step % EVERY)
        if self._save_every is not None:
            ends.append(step + self._save_every - self.steps_taken % self._save_every)
        return min(ends)

    def _training_logs(self) -> dict[str, float]:
        """Return the means over the epoch's images so far."""
        images = self._images(self.position)
        return {"loss": self.position.loss / images, "accuracy": self.position.hits / images}

    def _images(self, position: Position) -> int:
        """Return how many of the epoch's images were trained on."""
        return min(position.step * self._recipe.batch_size, self._data.train.size)

    def _evaluate_epoch(self, callbacks: keras.callbacks.CallbackList) -> EpochResult:
        with self._averages.in_model() if self._averages else nullcontext():
            return self._evaluate_weights(callbacks)

    def _evaluate_weights(self, callbacks: keras.callbacks.CallbackList) -> EpochResult:
        position, training = self.position, self._training_logs()
        self._check_weights()
        started = time.perf_counter()
        activity = f"the evaluation of epoch {position.epoch + 1}"
        callbacks.on_test_begin()
        evaluated, _ = self._evaluate(activity, callbacks)
        seconds = time.perf_counter() - started
        self._check_loss(evaluated["validation_loss"] + evaluated["test_loss"])
        result = EpochResult(
            epoch=position.epoch + 1,
            data=self._data.name,
            loss=training["loss"],
            train_accuracy=training["accuracy"],
            **evaluated,
            seconds=position.seconds + seconds,
            images_per_second=self._images(position) / position.seconds,
        )
        callbacks.on_test_end(result.logs())
        return result

    def evaluate(self) -> tuple[EpochResult, dict[str, float | None]]:
        """Return the last result with the losses and accuracies of the present weights.

        Returns:
            The result, and the accuracy on the test images of each class, None if it has none.
        """
        evaluated, accuracies = self._evaluate(
            "the final evaluation", keras.callbacks.CallbackList()
        )
        known = (None if math.isnan(each) else float(each) for each in accuracies)
        by_class = dict(zip(self._data.class_names, known, strict=True))
        return dataclasses.replace(self.results[-1], **evaluated), by_class

    def _evaluate(
        self, activity: str, callbacks: keras.callbacks.CallbackList
    ) -> tuple[dict[str, Any], np.ndarray]:
        """Return losses and accuracies on the validation and the test split.

        Returns:
            Those of `EpochResult`, and the accuracies on the test images of each class [classes].
        """

        def on(split: Split) -> tuple[float, float, np.ndarray]:
            size, sums = self._recipe.batch_size, np.zeros(1 + 2 * self.model.output_shape[-1])
            batches, end = self._steps.batches(split, size), math.ceil(split.size / size)
            for first in range(0, end, self._steps_per_call):
                steps = min(self._steps_per_call, end - first)
                callbacks.on_test_batch_begin(first)
                self._on_activity(f"{activity} ({EITHER})")
                sums += self._steps.evaluate(batches, steps)
                callbacks.on_test_batch_end(first + steps - 1)
            loss, *by_class = self._steps.sum_of_workers(sums)
            hits, sizes = np.reshape(by_class, (2, -1))
            with np.errstate(invalid="ignore"):
                return float(loss) / split.size, float(hits.sum()) / split.size, hits / sizes

        *validation, _ = on(self._data.validation)
        *test, by_class = on(self._data.test)
        names = ("validation_loss", "validation_accuracy", "test_loss", "test_accuracy")
        return dict(zip(names, [*validation, *test], strict=True)), by_class

    def _check_loss(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise self._diverged("the loss is no longer a number")

    def _check_weights(self) -> None:
        """Raise an error if a weight is not finite: the loss may not depend on it."""
        finite = (keras.ops.all(keras.ops.isfinite(each)) for each in self._with_heads.weights)
        if not all(map(bool, finite)):
            raise self._diverged("not all weights are finite numbers")

    def _diverged(self, what: str) -> KerazooError:
        return KerazooError(
            f"{what} in epoch {self.position.epoch + 1}: lower the learning rate, which is "
            f"{self._recipe.learning_rate}"
        )

    def evaluated_weights(self) -> list[np.ndarray]:
        """Return the weights of the model that are evaluated: their averages if there are any."""
        with self._averages.in_model() if self._averages else nullcontext():
            return self.model.get_weights()

    @property
    def _variables(self) -> dict[str, list[Any]]:
        """All variables that a training changes."""
        return {
            "model": self._with_heads.variables,
            "averages": self._averages.variables if self._averages else [],
            "optimizer": self.model.optimizer.variables,
        }

    def state(self) -> State:
        """Return all that is needed to resume the training here.

        Raises:
            KerazooError: A weight is not finite.
        """
        self._check_weights()
        arrays = state.values(self._variables)
        callbacks = self._callback_states.take(arrays) if self._callback_states else []
        recorded = {
            "position": dataclasses.asdict(self.position),
            "results": [dataclasses.asdict(result) for result in self.results],
            "callbacks": callbacks,
            "random": state.random_state(),
            "stop_training": bool(self.model.stop_training),
        }
        return State(arrays, recorded)

    def resume(self, saved: State) -> None:
        """Let `fit` continue where a state was saved.

        Raises:
            CorruptFileError: It is the state of another training; nothing is set then.
            UsageError: It is that of other callbacks.
        """
        position, results = record.read(saved.record)
        if not (
            position.epoch <= self._recipe.epochs
            and position.step <= self.steps_per_epoch
            and (position.step == 0 or position.seconds > 0)
            and position.hits <= self._images(position)
            and len(results) == position.epoch
            and all(each.epoch == epoch for epoch, each in enumerate(results, 1))
            and all(each.images_per_second > 0 for each in results)
        ):
            raise CorruptFileError("the checkpoint belongs to another training")
        state.check_random_state(saved.record["random"])
        check_callbacks(saved.record["callbacks"], self._callbacks)
        state.assign(self._variables, saved.arrays)
        self.position, self.results = position, results
        self.model.stop_training = saved.record["stop_training"]
        self._restoring = saved

    def _restore(self) -> None:
        """Restore the state after replaying the begin hooks."""
        if self._restoring is None:
            return
        assert self._callback_states
        saved = self._restoring
        self._callback_states.restore(saved.record["callbacks"], saved.arrays)
        state.assign(self._variables, saved.arrays)
        state.set_random_state(saved.record["random"])
        self.model.stop_training = saved.record["stop_training"]
        self._restoring = None


def _class_weights(recipe: Recipe, data: ImageData) -> np.ndarray | None:
    """Return the weight of each class's images [classes], None where all count alike."""
    if recipe.class_weights == "none":
        return None
    return balanced_weights(data.train.class_sizes(len(data.class_names)))
