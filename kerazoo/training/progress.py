"""What a person at a terminal sees while a model trains."""

from __future__ import annotations

import sys
from typing import Any

import keras
from tqdm import tqdm

from kerazoo.training.epoch import EpochResult


class ProgressBar(keras.callbacks.Callback):
    """A bar over all epochs on a terminal, with images a second and the time that is left.

    Args:
        epochs: Number of epochs.
        images: Training images of an epoch.
        batch_size: Images of a step.
        shown: Whether this process is the one that shows it.
    """

    def __init__(self, epochs: int, images: int, batch_size: int, shown: bool = True) -> None:
        super().__init__()
        self._epochs = epochs
        self._images = images
        self._batch_size = batch_size
        self._epoch = 0
        self._bar = tqdm(
            total=epochs * images,
            desc=f"epoch 1/{epochs}",
            unit=" images",
            unit_scale=True,
            leave=False,
            dynamic_ncols=True,
            disable=not (shown and sys.stderr.isatty()),
        )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Name the epoch."""
        self._epoch = epoch
        self._bar.set_description(f"epoch {epoch + 1}/{self._epochs}")

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Count what an earlier process has done apart from what this one does."""
        done = self._epoch * self._images + batch * self._batch_size
        if self._bar.n == 0 < done:
            self._bar.initial = self._bar.last_print_n = self._bar.n = done

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Move the bar on."""
        seen = min((batch + 1) * self._batch_size, self._images)
        self._bar.update(self._epoch * self._images + seen - self._bar.n)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Make room for a line on the epoch."""
        self._bar.clear()

    def close(self) -> None:
        """Take the bar off the terminal."""
        self._bar.close()


def epoch_line(result: EpochResult, epochs: int) -> str:
    """Return one line on an epoch."""
    return (
        f"epoch {result.epoch:{len(str(epochs))}}/{epochs}, accuracy on {result.data}: "
        f"train {result.train_accuracy:.4f}, validation {result.validation_accuracy:.4f}, "
        f"test {result.test_accuracy:.4f}"
    )
