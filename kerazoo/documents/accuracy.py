"""The ten-epoch accuracy table of document 000_edc3730cabfc8e8e, lines 318-327, by training."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from kerazoo.documents.claim import Claim
from kerazoo.documents.rules import share_of
from kerazoo.training.options import Recipe, TrainOptions
from kerazoo.training.train import train

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
    """Train the documents' net on MNIST by their recipe and return the metrics, a row an epoch.

    Args:
        mnist_dir: Folder with MNIST's four IDX files; None to prepare it otherwise.
        device: What TensorFlow computes on.
        say: Takes lines of progress.

    Raises:
        DataMissingError: MNIST is not here and cannot be had.
        CorruptFileError: One of its files is damaged.
    """
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        train(TrainOptions("mnist_cnn", "mnist", mnist_dir, out=run), device, say=say)
        return pd.read_csv(run / "metrics.csv")


def claims(metrics: pd.DataFrame) -> list[Claim]:
    """Return the table's claims, to be held against the metrics of a run."""
    found = []
    for epoch, (batch, test) in enumerate(STATED):
        row = metrics.iloc[epoch]
        found += [
            _claim(epoch, "training batch", batch, row.train_accuracy, Recipe().batch_size),
            _claim(epoch, "test", test, row.test_accuracy, TEST_IMAGES),
        ]
    return found


def _claim(epoch: int, what: str, stated: float, trained: float, images: int) -> Claim:
    text = f"{what} accuracy behind epoch {epoch}"
    value = round(float(trained), 6)
    return Claim(FIRST_LINE + epoch, text, stated, lambda live: value, rule=share_of(images))
