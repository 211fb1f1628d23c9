"""The demo `invariance`, compared with Keras, Pillow and SciPy."""

from itertools import pairwise

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from scipy.spatial.distance import braycurtis

from kerazoo.demos.invariance import compute, difference, rotated, scaled, shifted

MAPS = arrays.arrays(np.float64, (6, 8), elements=st.integers(0, 255).map(float))


@pytest.fixture
def digit() -> np.ndarray:
    """Return noise in the inner 20x20 pixels, where the digits of MNIST are."""
    image = np.zeros((28, 28))
    image[4:24, 4:24] = np.random.default_rng(0).integers(0, 256, (20, 20))
    return image


def test_each_map_is_pooled_by_keras(digit: np.ndarray) -> None:
    shown = compute(digit)
    pool = keras.layers.MaxPooling2D(2)
    for maps in (shown.maps, shown.moved["scale"][0.8].maps, shown.moved["shift"][1].maps):
        assert [image.shape for image in maps] == [(28, 28), (14, 14), (7, 7), (3, 3)]
        for before, after in pairwise(maps):
            expected = pool(before[None, ..., None].astype(np.float32))[0, ..., 0]
            np.testing.assert_allclose(after, expected, rtol=1e-6)  # of float32


def test_each_difference_is_to_the_unmoved_digit(digit: np.ndarray) -> None:
    shown = compute(digit)
    assert {kind: list(sizes) for kind, sizes in shown.moved.items()} == {
        "shift": [1, 2, 4],
        "rotation": [10, 20, 90],
        "scale": [0.8, 1.2],
    }
    for sizes in shown.moved.values():
        for moved in sizes.values():
            pairs = zip(shown.maps, moved.maps, strict=True)
            expected = [braycurtis(one.ravel(), other.ravel()) for one, other in pairs]
            assert moved.differences == pytest.approx(expected)
            assert min(moved.differences) > 0


def test_the_moves_are_those_of_pillow(digit: np.ndarray) -> None:
    image = Image.fromarray(digit.astype(np.float32))
    bilinear = Image.Resampling.BILINEAR
    expected = image.rotate(20, bilinear)
    np.testing.assert_allclose(rotated(digit, 20), np.asarray(expected), atol=0.01)
    np.testing.assert_array_equal(rotated(digit, 90), np.rot90(digit))
    for factor in (0.8, 1.2):
        step, start = 1 / factor, 14 - 14 / factor
        matrix = (step, 0, start, 0, step, start)
        expected = image.transform((28, 28), Image.Transform.AFFINE, matrix, bilinear)
        np.testing.assert_allclose(scaled(digit, factor), np.asarray(expected), atol=0.01)
    np.testing.assert_array_equal(shifted(digit, 4), np.roll(digit, 4, axis=1))


@settings(max_examples=50, deadline=None, derandomize=True)
@given(MAPS, MAPS)
def test_the_difference_is_that_of_bray_and_curtis(one: np.ndarray, other: np.ndarray) -> None:
    if one.any() or other.any():
        expected = braycurtis(one.ravel(), other.ravel())
        assert difference(one, other) == pytest.approx(expected)
    assert difference(one, one) == 0
    assert difference(one + 1, np.zeros_like(one)) == 1


def test_a_stroke_stays_moves_or_moves_by_half() -> None:
    strokes = compute(np.zeros((28, 28))).strokes
    differences = [after.differences for _, after in strokes]
    assert differences == [(1, 0), (1, 1), (1, 1)]
    before, after = (moved.maps[1] for moved in strokes[2])
    np.testing.assert_array_equal(after, np.roll(before, 1, axis=1))
    assert np.argwhere(before).tolist() == [[row, 1] for row in range(4)]


@pytest.mark.parametrize("level", [0, 255])
def test_a_digit_of_one_gray_level_has_differences(level: int) -> None:
    moved = compute(np.full((28, 28), float(level))).moved
    assert moved["rotation"][90].differences == (0, 0, 0, 0)
    expected = 1 / 55 if level else 0  # one of 28 columns is dark
    assert moved["shift"][1].differences == pytest.approx((expected, 0, 0, 0))
