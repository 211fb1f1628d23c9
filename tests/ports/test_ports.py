"""The ports of the snippets compared with NumPy."""

import doctest

import numpy as np

from kerazoo.data.photos import center_crop, sample_photos
from kerazoo.ports import conv_layer, filter_demo, max_pool


def test_photos_are_those_of_the_notes() -> None:
    photos = sample_photos()
    assert photos.shape == (2, 427, 640, 3)
    assert photos.dtype == np.float32
    assert (photos.min(), photos.max()) == (0, 255)
    assert photos[0, 0, 0].tolist() == [174, 201, 231]
    np.testing.assert_array_equal(center_crop(photos, 3), photos[:, 212:215, 318:321])


def test_the_line_filters_sum_a_column_and_a_row() -> None:
    photos = sample_photos()
    outputs = filter_demo.line_filter()(photos).numpy()
    assert outputs.shape == (2, 214, 320, 2)
    # 427 and 640 with stride 2: three pixels of padding before the rows, two before the columns
    padded = np.pad(photos, ((0, 0), (3, 3), (2, 3), (0, 0)))
    for row, column in ((0, 0), (100, 150), (213, 319)):
        window = padded[:, 2 * row : 2 * row + 7, 2 * column : 2 * column + 7]
        sums = window[:, :, 3].sum(axis=(1, 2)), window[:, 3].sum(axis=(1, 2))
        np.testing.assert_allclose(outputs[:, row, column], np.transpose(sums), rtol=1e-6)


def test_only_the_learned_filter_has_trainable_weights() -> None:
    assert not filter_demo.line_filter().trainable_weights
    shapes = [weight.shape for weight in filter_demo.learned_filter().trainable_weights]
    assert shapes == [(7, 7, 3, 2), (2,)]


def test_max_pool_takes_the_largest_of_four() -> None:
    photos = sample_photos()
    by_hand = photos[:, :426].reshape(2, 213, 2, 320, 2, 3).max(axis=(2, 4))
    np.testing.assert_array_equal(max_pool.max_pool()(photos), by_hand)


def test_conv_layer_starts_with_a_truncated_normal_kernel() -> None:
    model = conv_layer.conv_layer(64, 7, 1, "same", stddev=0.3)
    kernel, bias = model.get_weights()
    assert not bias.any()
    assert 0.55 < np.abs(kernel).max() <= 0.6
    np.testing.assert_allclose(kernel.std(), 0.3 * 0.88, rtol=0.03)
    assert (model(sample_photos()[:, :50, :50]).numpy() >= 0).all()


def test_example() -> None:
    assert doctest.testmod(conv_layer) == (0, 1)
