"""The accuracies of ten epochs in cnn-notes, lines 318-327, by training."""

import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kerazoo.data.images import ImageData
from kerazoo.data.load import load
from kerazoo.documents.claim import Claim, Claims, Rule
from kerazoo.lazy import keras
from kerazoo.recipe import Recipe
from kerazoo.registry import find
from kerazoo.training.options import TrainOptions
from kerazoo.training.train import train

DOCUMENT = "cnn-notes"
FIRST_LINE = 318
TEST_IMAGES = 10_000
# Accuracies of the epochs, on the last training batch and on the test images.
BATCH = (0.98, 0.96, 0.99, 1.0, 1.0, 0.98, 1.0, 0.99, 1.0, 1.0)
TEST = (0.9751, 0.9837, 0.984, 0.9864, 0.9881, 0.9884, 0.9893, 0.9885, 0.9881, 0.9879)


class LastBatchAccuracy(keras.callbacks.Callback):
    """Records the accuracy on the last training batch of each epoch, as the notes' program prints.

    Attributes:
        accuracies: One for each epoch.
    """

    def __init__(self, data: ImageData, recipe: Recipe) -> None:
        super().__init__()
        self.accuracies: list[float] = []
        self._split, self._recipe = data.train, recipe

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Evaluate the model on the batch of the step that was taken last."""
        recipe = self._recipe
        last = recipe.steps_per_epoch(self._split.size) - 1
        batches = self._split.batches(recipe.batch_size, (recipe.seed, epoch), skip=last)
        images, labels = next(iter(batches))
        chosen = np.argmax(self.model(images, training=False), axis=-1)
        self.accuracies.append(float(np.mean(chosen == labels)))


def trained(mnist_dir: Path | None) -> pd.DataFrame:
    """Train mnist_cnn on MNIST by its recipe and return the metrics, a row for each epoch.

    Returns:
        The columns of metrics.csv, and `last_batch_accuracy`.

    Raises:
        DataMissingError: MNIST is not available.
        CorruptFileError: One of its files is damaged.
    """
    recipe, shape = Recipe(), find("mnist_cnn").input_shape
    last_batch = LastBatchAccuracy(load("mnist", shape, recipe.seed, mnist_dir), recipe)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        options = TrainOptions("mnist_cnn", "mnist", mnist_dir, recipe=recipe, out=run)
        train(options, callbacks=[last_batch])
        metrics = pd.read_csv(run / "metrics.csv")
    return metrics.assign(last_batch_accuracy=last_batch.accuracies)


def by_chance(images: int) -> Rule:
    """Return the rule that two accuracies on `images` images differ by chance alone.

    They do if the difference is at most three of its standard errors, where the mean of both is
    taken for the true accuracy.
    """

    def agrees(stated: float, measured: float) -> bool:
        mean = (stated + measured) / 2
        return abs(stated - measured) <= 3 * math.sqrt(2 * mean * (1 - mean) / images)

    return Rule(f"another random run: within 3 standard errors of {images:,}", agrees, "confirmed")


def claims(metrics: pd.DataFrame) -> Claims:
    """Yield the stated accuracies with those in the metrics of a run, see `trained`."""
    batch_rule, test_rule = by_chance(Recipe().batch_size), by_chance(TEST_IMAGES)
    batch = zip(BATCH, metrics.last_batch_accuracy.round(6), strict=True)
    test = zip(TEST, metrics.test_accuracy.round(6), strict=True)
    for epoch, (on_batch, on_test) in enumerate(zip(batch, test, strict=True)):
        line, after = FIRST_LINE + epoch, f"accuracy after epoch {epoch}"
        yield Claim(line, f"training batch {after}", *on_batch, rule=batch_rule)
        yield Claim(line, f"test {after}", *on_test, rule=test_rule)
