"""The convolutions that are drawn against Keras and SciPy, and their sums by hand."""

import keras
import numpy as np
from scipy import signal

from kerazoo.demos.convolution import COLOR_WINDOW, WINDOW, compute


def of_keras(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    layer = keras.layers.Conv2D(1, 3, use_bias=False)
    layer.build((None, *image.shape))
    layer.set_weights([kernel[..., None]])
    return layer(image[None].astype("float32")).numpy()[0, ..., 0]


def test_keras_does_not_flip() -> None:
    shown = compute()
    outputs = of_keras(shown.image[..., None], shown.kernel[..., None])
    np.testing.assert_array_equal(shown.correlated, outputs)
    np.testing.assert_array_equal(
        shown.correlated, signal.correlate2d(shown.image, shown.kernel, "valid")
    )
    np.testing.assert_array_equal(
        shown.convolved, signal.convolve2d(shown.image, shown.kernel, "valid")
    )
    assert (shown.correlated != shown.convolved).any()


def test_the_sum_that_is_written_out() -> None:
    shown = compute()
    assert shown.terms.tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert shown.correlated[WINDOW] == 3


def test_three_channels_add_to_one_number() -> None:
    shown = compute()
    outputs = of_keras(shown.color_image, shown.color_kernel)
    np.testing.assert_array_equal(shown.color_map, outputs)
    assert shown.color_map.shape == (4, 4)
    row, column = COLOR_WINDOW
    by_channel = [
        signal.correlate2d(shown.color_image[..., c], shown.color_kernel[..., c], "valid")
        for c in range(3)
    ]
    assert shown.sums.tolist() == [int(each[row, column]) for each in by_channel]
    assert shown.color_map[COLOR_WINDOW] == shown.sums.sum()
