from __future__ import annotations

import dataclasses
from io import BytesIO

import numpy as np
from PIL import Image

from kerazoo.training import curves
from kerazoo.training.epoch import EpochResult

FIRST = EpochResult(1, "digits", 0.5, 0.9, 0.4, 0.8, 0.3, 0.7, 2.0, 100.0)


def draw(*results: EpochResult) -> np.ndarray:
    file = BytesIO()
    curves.draw(results, "mnist_cnn on digits", file)
    return np.asarray(Image.open(file).convert("RGB"))


def test_the_picture_shows_the_results() -> None:
    second = dataclasses.replace(FIRST, epoch=2, test_accuracy=0.95)
    other = dataclasses.replace(FIRST, epoch=2, test_accuracy=0.75)
    picture = draw(FIRST, second)
    assert picture.shape == (480, 1200, 3)
    assert (picture == draw(FIRST, second)).all()
    assert (picture != draw(FIRST, other)).any()


def test_one_epoch_can_be_drawn() -> None:
    assert draw(FIRST).std() > 0
