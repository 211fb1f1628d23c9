"""Local response normalization compared with TensorFlow's, and by hand."""

import numpy as np
import pytest
import tensorflow as tf

from kerazoo.layers.lrn import LocalResponseNormalization


@pytest.mark.parametrize("size", [1, 3, 5, 9])
def test_it_equals_tensorflows(size: int) -> None:
    x = np.random.default_rng(0).normal(scale=30, size=(2, 3, 4, 7)).astype(np.float32)
    expected = tf.nn.local_response_normalization(x, size // 2, bias=1.5, alpha=0.01, beta=0.6)
    layer = LocalResponseNormalization(size, k=1.5, alpha=0.01, beta=0.6)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-6)


def test_one_pixel_by_hand() -> None:
    x = np.array([1.0, 2.0, 3.0]).reshape(1, 1, 1, 3)
    layer = LocalResponseNormalization(3, k=2.0, alpha=0.5, beta=2.0)
    by_hand = [1 / 4.5**2, 2 / 9**2, 3 / 8.5**2]
    np.testing.assert_allclose(layer(x)[0, 0, 0], by_hand, rtol=1e-6)


def test_the_defaults_are_the_papers() -> None:
    config = LocalResponseNormalization().get_config()
    assert [config[name] for name in ("size", "k", "alpha", "beta")] == [5, 2.0, 1e-4, 0.75]


def test_channels_first_gives_the_same() -> None:
    x = np.random.default_rng(0).normal(scale=30, size=(2, 3, 4, 6)).astype(np.float32)
    last = LocalResponseNormalization(alpha=0.1)(x)
    first = LocalResponseNormalization(alpha=0.1, data_format="channels_first")
    np.testing.assert_array_equal(first(np.moveaxis(x, -1, 1)), np.moveaxis(last, -1, 1))


@pytest.mark.parametrize("size", [0, 4, -3])
def test_an_even_size_is_an_error(size: int) -> None:
    with pytest.raises(ValueError, match="odd number"):
        LocalResponseNormalization(size)
