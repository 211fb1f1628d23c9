"""The figures of the READMEs are those that the demos draw."""

import numpy as np
import pytest
from PIL import Image

from tests.figures import FOLDER, NAMES, drawn


def test_they_are_small() -> None:
    files = sorted(FOLDER.iterdir())
    assert {file.stem for file in files} == set(NAMES)
    assert sum(file.stat().st_size for file in files) < 700_000


@pytest.mark.full
@pytest.mark.parametrize("name", NAMES)
def test_they_are_up_to_date(name: str) -> None:
    committed = np.asarray(Image.open(FOLDER / f"{name}.png").convert("RGB"), int)
    page = np.asarray(drawn(name), int)
    assert committed.shape == page.shape
    differ = np.abs(committed - page).max(axis=-1) > 48
    # another version of matplotlib or FreeType moves the edges of letters
    assert differ.mean() < 0.002
