"""Keras callbacks that a recipe asks for; their state is part of the training's."""

from typing import Any

import numpy as np

from kerazoo.lazy import keras
from kerazoo.recipe import Recipe

MONITORED = "val_accuracy"


class BestEpoch(keras.callbacks.Callback):
    """Keeps the weights of the epoch with the highest validation accuracy, and restores them.

    Attributes:
        epoch: That epoch, from 1; 0 before the first has ended.
        accuracy: Its validation accuracy.
    """

    def __init__(self) -> None:
        super().__init__()
        self.epoch, self.accuracy = 0, -1.0
        self._epoch = 0
        self._weights: list[np.ndarray] | None = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keep the number of the epoch."""
        self._epoch = epoch + 1

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Keep the weights if they are the best; moving averages are in the model meanwhile."""
        if logs and logs[MONITORED] > self.accuracy:
            self.epoch, self.accuracy = self._epoch, logs[MONITORED]
            self._weights = [np.array(weight) for weight in self.model.get_weights()]

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Restore the weights."""
        if self._weights is not None:
            self.model.set_weights(self._weights)


def recipe_callbacks(recipe: Recipe) -> list[keras.callbacks.Callback]:
    """Return the callbacks of a recipe: its plateaus, its end and its best epoch."""
    callbacks: list[keras.callbacks.Callback] = []
    if recipe.schedule == "plateau":
        callbacks.append(
            keras.callbacks.ReduceLROnPlateau(
                MONITORED,
                factor=0.1,
                patience=recipe.patience,
                mode="max",
                min_delta=0,
                min_lr=recipe.learning_rate * 0.1**recipe.drops,
            )
        )
    if recipe.early_stopping is not None:
        stopping = keras.callbacks.EarlyStopping(
            MONITORED, patience=recipe.early_stopping, mode="max"
        )
        callbacks.append(stopping)
    if recipe.keep == "best":
        callbacks.append(BestEpoch())
    return callbacks
