"""The numbers that make maxima, compared with TensorFlow's."""

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kerazoo.demos._maxima import gray_cells, max_pooled


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(4, 9), st.integers(4, 9), st.data())
def test_values_and_winners_are_tensorflows(
    window: int, stride: int, height: int, width: int, data: st.DataObject
) -> None:
    numbers = st.lists(st.integers(0, 9), min_size=height * width, max_size=height * width)
    image = np.array(data.draw(numbers)).reshape(height, width)
    values, places = tf.nn.max_pool_with_argmax(
        image[None, ..., None].astype(np.float32), window, stride, "VALID"
    )
    pool = max_pooled(image, window, stride)
    np.testing.assert_array_equal(pool.values, values[0, ..., 0])
    np.testing.assert_array_equal(pool.winners @ [width, 1], places[0, ..., 0])


def test_cells_go_from_black_to_white() -> None:
    assert gray_cells(np.array([[0, 51], [102, 255]]), 255).tolist() == [
        ["#000000", "#333333"],
        ["#666666", "#ffffff"],
    ]
    assert gray_cells(np.array([[0, 90]]), 90).tolist() == [["#000000", "#ffffff"]]
