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
    committed = Image.open(FOLDER / f"{name}.png")
    again = drawn(name)
    assert committed.size == again.size
    difference = np.subtract(*(np.asarray(i.convert("RGB"), float) for i in (committed, again)))
    # another version of matplotlib or FreeType moves the edges of letters
    assert np.abs(difference).mean() < 2
