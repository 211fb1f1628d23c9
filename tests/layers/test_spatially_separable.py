"""Spatially separable convolution compared with Conv2D, and which kernels can be separated."""

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.layers import SpatiallySeparableConv2D, separate


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("kernel_size", [1, 2, 3, 5])
def test_it_equals_a_convolution_with_the_product(
    kernel_size: int, strides: int, padding: str
) -> None:
    images = normal(2, 9, 8, 3)
    layer = SpatiallySeparableConv2D(4, kernel_size, strides, padding, activation="relu")
    outputs = layer(images)
    layer.bias.assign([0.1, -0.2, 0.3, 0.0])
    outputs = layer(images)
    dense = keras.layers.Conv2D(4, kernel_size, strides, padding, activation="relu")
    dense.build(images.shape)
    column, row = layer.column.numpy(), layer.row.numpy()
    dense.kernel.assign(np.einsum("icf,jf->ijcf", column[:, 0], row[0, :, 0]))
    dense.bias.assign(layer.bias)
    np.testing.assert_allclose(outputs, dense(images), rtol=1e-5, atol=1e-6)
    assert layer.compute_output_shape(images.shape) == tuple(outputs.shape)
    first = SpatiallySeparableConv2D(
        4, kernel_size, strides, padding, activation="relu", data_format="channels_first"
    )
    first.build((2, 3, 9, 8))
    first.set_weights(layer.get_weights())
    turned = np.moveaxis(first(np.moveaxis(images, -1, 1)), 1, -1)
    np.testing.assert_allclose(turned, outputs, rtol=1e-5, atol=1e-6)


def test_six_weights_and_multiplications_not_nine() -> None:
    """`cnn-study`, line 260."""
    inputs = keras.Input((9, 9, 1))
    x = SpatiallySeparableConv2D(1, 3, padding="same", use_bias=False)(inputs)
    row = kerazoo.summary(keras.Model(inputs, x)).iloc[-1]
    assert (row.weight_params, row.macs, row.receptive_field) == (6, 6 * 81, 3)


def test_a_kernel_of_rank_one_is_separated() -> None:
    sobel = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
    column, row = separate(sobel)
    np.testing.assert_allclose(np.outer(column, row), sobel, atol=1e-12)


def test_a_layer_with_separated_kernels_computes_the_same() -> None:
    images = normal(1, 8, 8, 3)
    kernel = np.einsum("icf,jf->ijcf", normal(3, 3, 5), normal(3, 5))
    layer = SpatiallySeparableConv2D(5, 3, use_bias=False)
    layer.build(images.shape)
    layer.set_weights(separate(kernel))
    dense = keras.layers.Conv2D(5, 3, use_bias=False)
    dense.build(images.shape)
    dense.set_weights([kernel])
    np.testing.assert_allclose(layer(images), dense(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("kernel", "rank"),
    [(np.eye(3), 3), (np.array([[1, 2], [2, 4.1]]), 2), (normal(3, 3, 2, 4), 3)],
)
def test_a_kernel_of_higher_rank_is_an_error(kernel: np.ndarray, rank: int) -> None:
    with pytest.raises(ValueError, match=f"a kernel of rank {rank} cannot be separated"):
        separate(kernel)


def test_a_kernel_of_zeros_can_be_separated() -> None:
    column, row = separate(np.zeros((3, 3)))
    assert not np.outer(column, row).any()
