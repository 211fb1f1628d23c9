"""Keras callbacks of a run: progress, metrics.csv, checkpoints, stopping on a signal, the log."""

import logging
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any, Self

from kerazoo.errors import InterruptedRunError
from kerazoo.interruption import Interruption, handled_signals
from kerazoo.lazy import keras
from kerazoo.progress import progress_bar
from kerazoo.training.checkpoints import State
from kerazoo.training.replicas import Replicas
from kerazoo.training.result import EpochResult
from kerazoo.training.run_folder import RunFolder
from kerazoo.training.trainer import Trainer

Logs = dict[str, Any] | None
LOG_SECONDS = 60  # between two lines of the log within an epoch
CHANCE_EPOCHS = 3  # epochs after which a model should have left chance
AT_CHANCE = (
    "after %d epochs, of %d steps in all, the model is still at chance: try another learning rate "
    "(a tenth, or three times as much), --warmup 0.1, --recipe default, or more epochs"
)

logger = logging.getLogger("kerazoo")


class ProgressBar(keras.callbacks.Callback):
    """A bar over all epochs of `images` images, with images per second, time left and loss.

    Where there is no terminal, the log gets a line a minute.
    """

    def __init__(self, epochs: int, images: int, batch_size: int) -> None:
        super().__init__()
        self._epochs, self._images, self._batch_size = epochs, images, batch_size
        self._epoch = 0
        self._logged = time.monotonic()
        self._bar = progress_bar(
            total=epochs * images, desc=f"epoch 1/{epochs}", unit=" images", unit_scale=True
        )

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Name the epoch."""
        self._epoch = epoch
        self._bar.set_description(f"epoch {epoch + 1}/{self._epochs}")

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Count what an earlier process has done apart from what this one does."""
        done = self._epoch * self._images + batch * self._batch_size
        if self._bar.n == 0 < done:
            self._bar.initial = self._bar.last_print_n = self._bar.n = done

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Advance the bar."""
        done = min((batch + 1) * self._batch_size, self._images)
        self._bar.update(self._epoch * self._images + done - self._bar.n)
        if logs:
            self._bar.set_postfix(loss=f"{logs['loss']:.4f}", refresh=False)
            self._log(done, logs["loss"])

    def _log(self, done: int, loss: float) -> None:
        """Log the progress if there is no bar, and a minute has passed."""
        now = time.monotonic()
        if self._bar.disable and now - self._logged >= LOG_SECONDS:
            self._logged = now
            message = "epoch %d/%d, %s of %s images, loss %.4f"
            counts = f"{done:,}", f"{self._images:,}"
            logger.info(message, self._epoch + 1, self._epochs, *counts, loss)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Clear the line for a message about the epoch."""
        self._bar.clear()

    def close(self) -> None:
        """Remove the bar from the terminal."""
        self._bar.close()


class MetricsFile(keras.callbacks.Callback):
    """Writes metrics.csv after each epoch."""

    def __init__(self, trainer: Trainer, folder: RunFolder) -> None:
        super().__init__()
        self._trainer, self._folder = trainer, folder

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Write a row for each epoch so far."""
        self._folder.write_metrics(self._trainer.results)


class Checkpointer(keras.callbacks.Callback):
    """Saves the state of a training after each epoch, and after every `save_every` steps.

    Args:
        trainer: The training.
        folder: Where to save it; None for workers other than the chief.
        run: What identifies the run, for a checkpoint to keep.
        save_every: Number of steps; None to save after epochs only.
    """

    def __init__(
        self,
        trainer: Trainer,
        folder: RunFolder | None,
        run: dict[str, Any],
        save_every: int | None,
    ) -> None:
        super().__init__()
        self._trainer, self._folder, self._run = trainer, folder, run
        self._save_every = save_every

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Save after every `save_every` steps."""
        if self._save_every is not None and self._trainer.steps_taken % self._save_every == 0:
            self.save()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Save the state after the epoch."""
        self.save()
        if self._folder:
            self._folder.remove_earlier_run()

    def save(self) -> None:
        """Save a checkpoint, unless there is one of this state."""
        position = self._trainer.position
        if not self._folder or self._folder.checkpoints.has(position.epoch, position.step):
            return
        state = self._trainer.state()
        state = State(state.arrays, {**state.record, "run": self._run})
        self._folder.checkpoints.save(position.epoch, position.step, state)
        self._folder.commit()


class StopOnSignal(keras.callbacks.Callback):
    """Stops a training after Ctrl-C, SIGTERM or SIGHUP; a later Ctrl-C stops it at once.

    It is used in a `with` statement, and has no effect outside the main thread. All workers stop if
    one of them gets a signal.

    Attributes:
        requested: Whether there was a signal.
    """

    def __init__(self, replicas: Replicas) -> None:
        super().__init__()
        self.requested = False
        self._replicas = replicas
        self._before: dict[signal.Signals, Any] = {}
        self._interruption = Interruption()

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {each: signal.signal(each, self._request) for each in handled_signals()}
            if isinstance(handler := self._before[signal.SIGINT], Interruption):
                self._interruption = handler
        return self

    def __exit__(self, *_: object) -> None:
        for each, handler in self._before.items():
            signal.signal(each, handler)

    def _request(self, number: int, _: FrameType | None) -> None:
        if not self._interruption.begins() and self.requested:
            return
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
        if sys.stderr.isatty():
            # not through sys.stderr, which the progress bar may be writing to
            os.write(2, b"\nsaving after these steps; Ctrl-C again stops at once\n")

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Stop after a call of training steps.

        Raises:
            InterruptedRunError: There was a signal.
        """
        if self._replicas.any(self.requested):
            raise InterruptedRunError

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Stop after a call of evaluation steps, as `on_train_batch_end` does."""
        self.on_train_batch_end(batch)


class EpochLog(keras.callbacks.Callback):
    """Logs a line for each epoch."""

    def __init__(self, trainer: Trainer, epochs: int) -> None:
        super().__init__()
        self._trainer, self._epochs = trainer, epochs

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Log the accuracies, and once if they are still those of chance."""
        self._log(self._trainer.results[-1])
        if epoch + 1 == CHANCE_EPOCHS and self._trainer.is_at_chance():
            logger.warning(AT_CHANCE, CHANCE_EPOCHS, self._trainer.steps_taken)

    def _log(self, result: EpochResult) -> None:
        epochs = self._epochs
        logger.info(
            f"epoch {result.epoch:{len(str(epochs))}}/{epochs}, accuracy on {result.data}: "
            f"train {result.train_accuracy:.4f}, validation {result.validation_accuracy:.4f}, "
            f"test {result.test_accuracy:.4f}"
        )
