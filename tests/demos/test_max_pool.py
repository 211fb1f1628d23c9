"""The demo `max_pool`, compared with TensorFlow, the Keras port and loops."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kerazoo.demos.max_pool import compute, draw
from kerazoo.errors import UsageError
from kerazoo.ports.max_pool import max_pool

SIDES = st.integers(2, 31)


def photo(height: int, width: int, highest: int = 255) -> np.ndarray:
    """Return random integers [height, width, 3]."""
    generator = np.random.default_rng(100 * height + width)
    return generator.integers(0, highest + 1, (height, width, 3)).astype(np.float64)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(SIDES, SIDES)
def test_it_pools_as_tensorflow(height: int, width: int) -> None:
    image = photo(height, width)
    shown = compute(image)
    expected = tf.nn.max_pool(image[None].astype(np.float32), 2, 2, "VALID")[0]
    np.testing.assert_array_equal(shown.pooled, expected)
    assert shown.means == pytest.approx((image.mean(), np.mean(expected)))
    assert shown.kept == (height // 2) * (width // 2) / (height * width)


def test_it_pools_as_the_port() -> None:
    image = photo(5, 8)
    np.testing.assert_array_equal(compute(image).pooled, max_pool()(image[None])[0])


@settings(max_examples=15, deadline=None, derandomize=True)
@given(SIDES, SIDES)
def test_the_part_has_the_largest_contrast(height: int, width: int) -> None:
    green = photo(height, width)[..., 1]
    part = compute(photo(height, width)).part.image
    rows, columns = (min(12, length - length % 2) for length in (height, width))
    assert part.shape == (rows, columns)

    def contrast(part: np.ndarray) -> float:
        corners = product(range(0, rows, 2), range(0, columns, 2))
        return sum(float(np.ptp(part[r : r + 2, c : c + 2])) for r, c in corners)

    tops, lefts = range(0, height - rows + 1, 2), range(0, width - columns + 1, 2)
    parts = [green[r : r + rows, c : c + columns] for r, c in product(tops, lefts)]
    assert contrast(part) == max(map(contrast, parts))


def test_the_part_is_where_it_says() -> None:
    image = np.full((40, 51, 3), 100.0)
    image[14:26:2, 22:34:2, 1] = 200
    shown = compute(image)
    assert shown.corner == (14, 22)
    np.testing.assert_array_equal(shown.part.image, image[14:26, 22:34, 1])
    assert shown.part.values.tolist() == [[200] * 6] * 6


@settings(max_examples=15, deadline=None, derandomize=True)
@given(SIDES, SIDES, st.integers(1, 3))
def test_colors_are_mixed_where_no_pixel_has_all_maxima(
    height: int, width: int, highest: int
) -> None:
    image = photo(height, width, highest)
    pixels = [
        image[r : r + 2, c : c + 2].reshape(4, 3).tolist()
        for r, c in product(range(0, height - 1, 2), range(0, width - 1, 2))
    ]
    mixed = [[max(values) for values in zip(*four, strict=True)] not in four for four in pixels]
    assert compute(image).mixed == pytest.approx(np.mean(mixed))


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1)])
def test_an_image_without_a_window_is_an_error(size: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match=f"image is {size[0]}x{size[1]}.* needs at least 2x2"):
        compute(photo(*size))


def test_pixels_of_the_photo_are_pixels_of_the_page(tmp_path: Path) -> None:
    image = photo(121, 640)
    shown = compute(image)
    draw(shown).save(tmp_path / "page.png")
    page = np.asarray(Image.open(tmp_path / "page.png").convert("RGB")).astype(np.float64)
    rows = [row for row in range(len(page)) if (page[row, 40:680] == image[0]).all(-1).mean() > 0.9]
    assert len(rows) == 1
    for left, expected in ((40, image), (740, shown.pooled)):
        height, width = expected.shape[:2]
        drawn = page[rows[0] : rows[0] + height, left : left + width]
        assert (drawn == expected).all(-1).mean() > 0.9  # all but the frame of the part
