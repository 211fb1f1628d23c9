import dataclasses
import warnings
from collections.abc import Sequence
from io import BytesIO

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from kerazoo import fonts
from kerazoo.training import curves
from kerazoo.training.result import EpochResult

FIRST = EpochResult(1, "digits", 0.5, 0.9, 0.4, 0.8, 0.3, 0.7, 2.0, 100.0)


def draw(*results: EpochResult) -> np.ndarray:
    file = BytesIO()
    curves.draw(results, "mnist_cnn on digits", file)
    return np.asarray(Image.open(file).convert("RGB"))


def test_the_figure_shows_the_results() -> None:
    second = dataclasses.replace(FIRST, epoch=2, test_accuracy=0.95)
    other = dataclasses.replace(FIRST, epoch=2, test_accuracy=0.75)
    figure = draw(FIRST, second)
    assert figure.shape == (480, 1200, 3)
    assert (figure == draw(FIRST, second)).all()
    assert (figure != draw(FIRST, other)).any()


@pytest.mark.parametrize("name", ["p5$x_$y", "图片"])
def test_any_name_can_stand_in_the_title(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        curves.draw([FIRST], f"mnist_cnn on folder:{name}", BytesIO())


def test_a_title_is_written_in_a_font_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "chinese", lambda: "Some Font")
    seen: list[list[str]] = []
    figure_of = curves.figure_of

    def spy(results: Sequence[EpochResult], title: str) -> Figure:
        figure = figure_of(results, title)
        seen.extend(each.get_fontfamily() for each in figure.texts)
        return Figure()

    monkeypatch.setattr(curves, "figure_of", spy)
    curves.draw([FIRST], "图片", BytesIO())
    assert seen == [["DejaVu Sans", "Some Font"]]


def test_one_epoch_can_be_drawn() -> None:
    assert draw(FIRST).std() > 0
