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
# Accuracy on the epoch's last training batch, on the test images.
STATED = (
    (0.98, 0.9751),
    (0.96, 0.9837),
    (0.99, 0.984),
    (1.0, 0.9864),
    (1.0, 0.9881),
    (0.98, 0.9884),
    (1.0, 0.9893),
    (0.99, 0.9885),
    (1.0, 0.9881),
    (1.0, 0.9879),
)


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
    on_batch, on_test = accuracy_on(Recipe().batch_size), accuracy_on(TEST_IMAGES)
    columns = zip(STATED, metrics.train_accuracy, metrics.test_accuracy, strict=True)
    for epoch, ((batch, test), train_accuracy, test_accuracy) in enumerate(columns):
        line, after = FIRST_LINE + epoch, f"accuracy after epoch {epoch}"
        yield Claim(line, f"training batch {after}", batch, round(train_accuracy, 6), rule=on_batch)
        yield Claim(line, f"test {after}", test, round(test_accuracy, 6), rule=on_test)
