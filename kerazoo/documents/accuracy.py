"""The accuracies of ten epochs in cnn-notes, lines 318-327, by training."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from kerazoo.documents.claim import Claim
from kerazoo.documents.rules import accuracy_on
from kerazoo.training.options import Recipe, TrainOptions
from kerazoo.training.train import train

DOCUMENT = "cnn-notes"
FIRST_LINE = 318
TEST_IMAGES = 10_000
# Accuracies of the epochs, on the last training batch and on the test images.
BATCH = (0.98, 0.96, 0.99, 1.0, 1.0, 0.98, 1.0, 0.99, 1.0, 1.0)
TEST = (0.9751, 0.9837, 0.984, 0.9864, 0.9881, 0.9884, 0.9893, 0.9885, 0.9881, 0.9879)


def trained(mnist_dir: Path | None, device: str, say: Callable[[str], None]) -> pd.DataFrame:
    """Train mnist_cnn on MNIST by its recipe and return the metrics, a row an epoch.

    Args:
        mnist_dir: Folder with MNIST's four IDX files; None to prepare it otherwise.
        device: What TensorFlow computes on.
        say: Takes lines of progress.

    Raises:
        DataMissingError: MNIST is not available.
        CorruptFileError: One of its files is damaged.
    """
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        train(TrainOptions("mnist_cnn", "mnist", mnist_dir, out=run), device, say=say)
        return pd.read_csv(run / "metrics.csv")


def claims(metrics: pd.DataFrame) -> Iterator[Claim]:
    """Yield the stated accuracies beside those of a run.

    Args:
        metrics: A row an epoch, with the columns `train_accuracy` and `test_accuracy`.
    """
    batch_rule, test_rule = accuracy_on(Recipe().batch_size), accuracy_on(TEST_IMAGES)
    batch = zip(BATCH, metrics.train_accuracy.round(6), strict=True)
    test = zip(TEST, metrics.test_accuracy.round(6), strict=True)
    for epoch, (on_batch, on_test) in enumerate(zip(batch, test, strict=True)):
        line, after = FIRST_LINE + epoch, f"accuracy after epoch {epoch}"
        yield Claim(line, f"training batch {after}", *on_batch, rule=batch_rule)
        yield Claim(line, f"test {after}", *on_test, rule=test_rule)
