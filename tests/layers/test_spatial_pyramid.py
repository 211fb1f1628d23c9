"""Spatial pyramid pooling against NumPy, and the case in which the documents' formula fails."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest

from kerazoo.layers import SpatialPyramidPooling


def by_numpy(maps: np.ndarray, bins: tuple[int, ...]) -> np.ndarray:
    """Return the maxima of every bin of [height, width, channels], one after the other."""
    height, width, _ = maps.shape
    found = []
    for n in bins:
        for row in range(n):
            for column in range(n):
                top, bottom = math.floor(row * height / n), math.ceil((row + 1) * height / n)
                left, right = math.floor(column * width / n), math.ceil((column + 1) * width / n)
                found.append(maps[top:bottom, left:right].max(axis=(0, 1)))
    return np.concatenate(found)


@pytest.mark.parametrize("bins", [(1,), (1, 2, 4), (3, 2), (6, 3, 2, 1)])
@pytest.mark.parametrize("size", [(13, 13), (7, 7), (1, 2), (5, 24), (3, 4)])
def test_it_is_numpys(bins: tuple[int, ...], size: tuple[int, int]) -> None:
    maps = np.random.default_rng(0).normal(size=(2, *size, 5)).astype(np.float32)
    expected = np.stack([by_numpy(each, bins) for each in maps])
    layer = SpatialPyramidPooling(bins)
    np.testing.assert_allclose(layer(maps), expected, atol=1e-6)
    first = SpatialPyramidPooling(bins, data_format="channels_first")
    np.testing.assert_allclose(first(np.moveaxis(maps, -1, 1)), expected, atol=1e-6)


def test_one_model_takes_every_size() -> None:
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, SpatialPyramidPooling()(inputs))
    assert model.output_shape == (None, 63)
    for size in (1, 4, 7, 13, 40):
        maps = np.random.default_rng(size).normal(size=(1, size, size + 2, 3)).astype(np.float32)
        expected = by_numpy(maps[0], (1, 2, 4))
        np.testing.assert_allclose(model.predict(maps, verbose=0)[0], expected, atol=1e-6)


@pytest.mark.parametrize(("length", "bins"), [(13, 4), (7, 6)])
def test_the_documents_window_and_stride(length: int, bins: int) -> None:
    """Window = ceil(a / n) and stride = floor(a / n) give n bins of 13 for n = 4, not of 7."""
    window, stride = math.ceil(length / 4), length // 4
    given = (length - window) // stride + 1
    assert given == bins
    row = np.arange(length, dtype=np.float32).reshape(1, 1, length, 1)
    adaptive = SpatialPyramidPooling((4,))(row).numpy().reshape(4, 4)[0]
    assert adaptive.tolist() == [math.ceil((i + 1) * length / 4) - 1 for i in range(4)]


def test_it_comes_back_from_its_config() -> None:
    layer = SpatialPyramidPooling((3, 1), name="pyramid")
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert isinstance(again, SpatialPyramidPooling)
    assert again.get_config() == layer.get_config()
    assert layer.compute_output_shape((None, None, 9, 8)) == (None, 80)


@pytest.mark.parametrize("bins", [(), (0,), (2, -1), (1.5,)])
def test_bins_that_are_none_are_refused(bins: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="whole numbers of 1 or more"):
        SpatialPyramidPooling(bins)
