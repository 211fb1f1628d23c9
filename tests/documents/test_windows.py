"""The study notes' two recurrences: known answers, and chains built with Keras."""

import keras
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from keras import layers

from kerazoo.accounting.table import summary
from kerazoo.compat import shapes_only
from kerazoo.documents.windows import Window, field_from_output, output_from_input
from kerazoo.errors import UsageError

# VGG-16 up to pool5: two or three convolutions and a pool, five times.
VGG16 = [
    window
    for convolutions in (2, 2, 3, 3, 3)
    for window in (*[Window(3, padding=1)] * convolutions, Window(2, 2))
]
WINDOWS = st.builds(
    Window, st.integers(1, 4), st.integers(1, 3), st.integers(0, 2), st.integers(1, 3)
)


def test_vgg16() -> None:
    assert field_from_output(VGG16) == 212
    assert output_from_input(224, VGG16) == (7, 32)


def test_dilated() -> None:
    chain = [Window(3, dilation=1), Window(3, dilation=2), Window(3, dilation=4)]
    assert field_from_output(chain) == 15
    assert output_from_input(15, chain) == (1, 1)


def test_sizes_are_rounded_down() -> None:
    assert output_from_input(224, [Window(11, 4, 2)]) == (55, 4)  # (224 + 4 - 11) / 4 is 54.25


def test_no_windows() -> None:
    assert (field_from_output([]), output_from_input(9, [])) == (1, (9, 1))


def test_a_window_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(UsageError, match="window 2 is 5 long and slides over 3 positions"):
        output_from_input(5, [Window(3), Window(3, dilation=2)])


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(WINDOWS, min_size=1, max_size=4), st.integers(20, 60))
def test_random_chains_as_keras_builds_them(chain: list[Window], size: int) -> None:
    assume(all(window.stride == 1 or window.dilation == 1 for window in chain))
    try:
        expected = output_from_input(size, chain)
    except UsageError:
        assume(False)
    x = inputs = keras.Input((size, 1))
    with shapes_only():
        for window in chain:
            x = layers.ZeroPadding1D(window.padding)(x)
            step = {"strides": window.stride, "dilation_rate": window.dilation}
            x = layers.Conv1D(1, window.kernel, **step)(x)
    last = summary(keras.Model(inputs, x)).iloc[-1]
    assert (last.output_shape[0], last.effective_stride) == expected
    assert last.receptive_field == field_from_output(chain)
