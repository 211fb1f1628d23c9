"""Spatial pyramid pooling compared with NumPy, and a size for which the notes' formula fails."""

import math

import keras
import numpy as np
import pytest

from kerazoo.layers import SpatialPyramidPooling


def by_numpy(features: np.ndarray, bins: tuple[int, ...]) -> np.ndarray:
    """Return the maxima of every bin of [height, width, channels], one after the other."""
    height, width, _ = features.shape
    maxima = []
    for n in bins:
        for row in range(n):
            for column in range(n):
                top, bottom = math.floor(row * height / n), math.ceil((row + 1) * height / n)
                left, right = math.floor(column * width / n), math.ceil((column + 1) * width / n)
                maxima.append(features[top:bottom, left:right].max(axis=(0, 1)))
    return np.concatenate(maxima)


@pytest.mark.parametrize("bins", [(1,), (1, 2, 4), (3, 2), (6, 3, 2, 1)])
@pytest.mark.parametrize("size", [(13, 13), (7, 7), (1, 2), (5, 24), (3, 4)])
def test_it_equals_numpy(bins: tuple[int, ...], size: tuple[int, int]) -> None:
    features = np.random.default_rng(0).normal(size=(2, *size, 5)).astype(np.float32)
    expected = np.stack([by_numpy(each, bins) for each in features])
    layer = SpatialPyramidPooling(bins)
    np.testing.assert_allclose(layer(features), expected, atol=1e-6)
    first = SpatialPyramidPooling(bins, data_format="channels_first")
    np.testing.assert_allclose(first(np.moveaxis(features, -1, 1)), expected, atol=1e-6)


def test_one_model_takes_every_size() -> None:
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, SpatialPyramidPooling()(inputs))
    assert model.output_shape == (None, 63)
    for size in (1, 4, 7, 13, 40):
        features = (
            np.random.default_rng(size).normal(size=(1, size, size + 2, 3)).astype(np.float32)
        )
        expected = by_numpy(features[0], (1, 2, 4))
        np.testing.assert_allclose(model.predict(features, verbose=0)[0], expected, atol=1e-6)


@pytest.mark.parametrize(("length", "bins"), [(13, 4), (7, 6)])
def test_the_notes_window_and_stride(length: int, bins: int) -> None:
    """Window = ceil(a / n) and stride = floor(a / n) give n bins of 13 for n = 4, not of 7."""
    window, stride = math.ceil(length / 4), length // 4
    number = (length - window) // stride + 1
    assert number == bins
    row = np.arange(length, dtype=np.float32).reshape(1, 1, length, 1)
    adaptive = SpatialPyramidPooling((4,))(row).numpy().reshape(4, 4)[0]
    assert adaptive.tolist() == [math.ceil((i + 1) * length / 4) - 1 for i in range(4)]


@pytest.mark.parametrize("bins", [(), (0,), (2, -1), (1.5,)])
def test_bins_that_are_no_positive_integers_are_an_error(bins: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="integers of 1 or more"):
        SpatialPyramidPooling(bins)
