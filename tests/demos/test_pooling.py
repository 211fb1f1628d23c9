"""The demo `pooling`, compared with hand-computed numbers and Keras layers."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerazoo.demos._maxima import Maxima
from kerazoo.demos.pooling import (
    BINS,
    CHANNELS,
    FILTERS,
    OTHER_SIDE,
    Pooling,
    compute,
    feature_map,
    pyramid_window,
)
from kerazoo.layers import SpatialPyramidPooling


@pytest.fixture(scope="module")
def shown() -> Pooling:
    return compute()


def applied(layer: keras.Layer, *maps: np.ndarray) -> np.ndarray:
    """Return what a layer makes of feature maps [height, width], without the batch axis."""
    return np.asarray(layer(np.stack(maps, axis=-1)[None].astype(np.float32)))[0]


def test_maximum_mean_and_sum_by_hand(shown: Pooling) -> None:
    assert shown.maximum.values.tolist() == [[9, 4], [9, 2]]
    assert shown.mean.tolist() == [[2.5, 3.75], [8, 0.5]]
    assert shown.sum.tolist() == [[10, 15], [32, 2]]


def test_maximum_and_mean_are_those_of_keras(shown: Pooling) -> None:
    image = shown.maximum.image
    expected = applied(keras.layers.MaxPooling2D(2), image)[..., 0]
    np.testing.assert_array_equal(shown.maximum.values, expected)
    expected = applied(keras.layers.AveragePooling2D(2), image)[..., 0]
    np.testing.assert_array_equal(shown.mean, expected)


def test_one_number_makes_two_overlapping_maxima(shown: Pooling) -> None:
    pool = shown.overlapping
    expected = applied(keras.layers.MaxPooling2D(3, strides=2), pool.image)[..., 0]
    np.testing.assert_array_equal(pool.values, expected)
    assert pool.values.tolist() == [[8, 8], [7, 9]]
    assert pool.winners[0, 0].tolist() == pool.winners[0, 1].tolist() == [1, 2]


def test_global_pooling_is_that_of_keras(shown: Pooling) -> None:
    expected = applied(keras.layers.GlobalMaxPooling2D(), *CHANNELS)
    assert [pool.values.tolist() for pool in shown.whole] == [[[value]] for value in expected]
    expected = applied(keras.layers.GlobalAveragePooling2D(), *CHANNELS)
    np.testing.assert_allclose(shown.whole_mean, expected, rtol=1e-6)  # of float32


def test_the_pyramid_has_the_notes_windows(shown: Pooling) -> None:
    def numbers(pool: Maxima) -> tuple[int, int, int]:
        return pool.window, pool.stride, len(pool.values)

    assert [numbers(pool) for pool in shown.pyramid] == [(13, 13, 1), (7, 6, 2), (4, 3, 4)]


def test_the_pyramid_is_the_layer_of_kerazoo(shown: Pooling) -> None:
    layer = SpatialPyramidPooling(BINS)
    vector = applied(layer, shown.pyramid[0].image)
    expected = np.concatenate([pool.values.ravel() for pool in shown.pyramid])
    np.testing.assert_array_equal(vector, expected)
    assert shown.lengths == (256, 4 * 256, 16 * 256)
    assert layer.compute_output_shape((1, 13, 13, FILTERS)) == (1, sum(shown.lengths))


def test_the_notes_windows_are_too_many_for_another_side(shown: Pooling) -> None:
    window, stride = pyramid_window(OTHER_SIDE, BINS[-1])
    image = feature_map(OTHER_SIDE)
    pooled = applied(keras.layers.MaxPooling2D(window, strides=stride), image)
    assert pooled.shape[:2] == (shown.uneven, shown.uneven) == (6, 6)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(1, 8), st.integers(0, 30))
def test_a_whole_number_of_windows_has_no_overlap(bins: int, more: int) -> None:
    window, stride = pyramid_window(bins + more, bins)
    assert stride * bins <= bins + more <= window * bins
    assert window - stride == ((bins + more) % bins > 0)
