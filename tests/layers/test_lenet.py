"""The layers of LeNet-5 compared with NumPy."""

import keras
import numpy as np
import pytest

from kerazoo.layers import (
    FanInUniform,
    RadialBasis,
    SparseConv2D,
    TrainableSubsampling,
    scaled_tanh,
)

TABLE = [[0, 2], [1], [0, 1, 2, 3], [3, 0]]


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_subsampling_sums_squares_by_a_coefficient_per_channel() -> None:
    images = normal(2, 6, 7, 3)
    layer = TrainableSubsampling(2, activation="tanh")
    layer.build(images.shape)
    layer.set_weights([np.array([0.5, -1.0, 2.0]), np.array([0.1, 0.2, -0.3])])
    sums = images[:, :, :6].reshape(2, 3, 2, 3, 2, 3).sum(axis=(2, 4))
    expected = np.tanh(sums * [0.5, -1.0, 2.0] + [0.1, 0.2, -0.3])
    np.testing.assert_allclose(layer(images), expected, rtol=1e-5, atol=1e-6)
    assert layer.compute_output_shape(images.shape) == (2, 3, 3, 3)


def test_a_sparse_convolution_sees_the_channels_of_its_table_only() -> None:
    images = normal(2, 6, 7, 4)
    layer = SparseConv2D(TABLE, 3)
    layer.build(images.shape)
    layer.bias.assign([0.1, 0.2, 0.3, 0.4])
    assert [tuple(weight.shape) for weight in layer.weights] == [(3, 3, 9), (4,)]
    dense = np.zeros((3, 3, 4, 4), np.float32)
    connections = [(seen, place) for place, row in enumerate(TABLE) for seen in row]
    for number, (seen, place) in enumerate(connections):
        dense[:, :, seen, place] = layer.kernel.numpy()[:, :, number]
    conv = keras.layers.Conv2D(4, 3)
    conv.build(images.shape)
    conv.set_weights([dense, layer.bias.numpy()])
    np.testing.assert_allclose(layer(images), conv(images), rtol=1e-5, atol=1e-6)
    assert layer.compute_output_shape(images.shape) == (2, 4, 5, 4)


@pytest.mark.parametrize("make", [lambda **o: SparseConv2D(TABLE, 3, **o), TrainableSubsampling])
def test_channels_first_gives_the_same(make: type[keras.Layer]) -> None:
    images = normal(2, 6, 8, 4)
    last, first = make(), make(data_format="channels_first")
    expected = last(images)
    turned = np.moveaxis(images, -1, 1)
    first.build(turned.shape)
    first.set_weights(last.get_weights())
    np.testing.assert_allclose(np.moveaxis(first(turned), 1, -1), expected, atol=1e-6)
    assert first.compute_output_shape(turned.shape) == tuple(first(turned).shape)


def test_kernels_depend_on_the_inputs_seen_and_differ() -> None:
    keras.utils.set_random_seed(0)
    layer = SparseConv2D([[0, 1], [2, 3], [1, 2], [0, 1, 2, 3]] * 20, 5, None, FanInUniform())
    layer.build((None, 9, 9, 4))
    kernel = layer.kernel.numpy().reshape(25, 20, 10)
    twos, fours = np.abs(kernel[:, :, :6]), np.abs(kernel[:, :, 6:])
    assert 0.95 * 2.4 / 50 < twos.max() <= 2.4 / 50
    assert 0.95 * 2.4 / 100 < fours.max() <= 2.4 / 100
    same_seed = SparseConv2D([[0, 1], [2, 3]], 5)
    same_seed.build((None, 9, 9, 4))
    first, second = np.split(same_seed.kernel.numpy(), 2, axis=-1)
    assert not np.array_equal(first, second)


def test_radial_basis_is_the_negative_squared_distance() -> None:
    codes = [[1.0, -1.0, 1.0], [-1.0, -1.0, -1.0]]
    layer = RadialBasis(codes)
    np.testing.assert_allclose(layer(np.array([[1.0, -1.0, 0.5]])), [[-0.25, -6.25]])
    assert not layer.weights
    assert layer.compute_output_shape((None, 3)) == (None, 2)


def test_scaled_tanh_is_1_at_1() -> None:
    x = np.array([-9.0, -1.0, 0.0, 1.0, 9.0])
    expected = 1.7159 * np.tanh(2 / 3 * x)
    np.testing.assert_allclose(scaled_tanh(x), expected, rtol=1e-6)
    np.testing.assert_allclose(expected[[1, 3]], [-1, 1], atol=1e-4)


@pytest.mark.parametrize("table", [[], [[]], [[0, 0]], [[-1]]])
def test_a_wrong_table_is_an_error(table: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="must name channels once"):
        SparseConv2D(table, 3)


def test_wrong_sizes_are_an_error() -> None:
    with pytest.raises(ValueError, match="feature maps that 3 channels do not have"):
        SparseConv2D(TABLE, 3).build((None, 9, 9, 3))
    with pytest.raises(ValueError, match="pool_size must be an integer"):
        TrainableSubsampling(0)
