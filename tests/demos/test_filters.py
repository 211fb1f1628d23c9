"""The filters demo against the Keras ports, and its training against Keras's optimizer."""

import keras
import numpy as np
import tensorflow as tf

from kerazoo.data.photos import sample_photos
from kerazoo.demos import filters
from kerazoo.demos.arithmetic import padded, windows
from kerazoo.demos.filters import MOMENTUM, STRIDE
from kerazoo.ports.filter_demo import line_filter, line_filters

PHOTO = sample_photos()[0, 100:141, 200:260].astype(float)  # 41x60


def test_feature_maps_are_those_of_the_port() -> None:
    expected = line_filter()(PHOTO[None].astype("float32")).numpy()[0]
    np.testing.assert_allclose(filters.compute(PHOTO).maps, expected, rtol=1e-5)


def test_zeros_are_inside_no_window_of_the_frame() -> None:
    shown = filters.compute(PHOTO)
    # of ones, a feature map is lower where a window has zeros
    sums = tf.nn.conv2d(np.ones((1, 41, 60, 1)), np.ones((7, 7, 1, 1)), STRIDE, "SAME")[0, ..., 0]
    whole = np.argwhere(sums.numpy() == 49)
    for axis in range(2):
        places = filters.inside(shown, axis)
        assert (places[0], places[-1]) == (whole[:, axis].min(), whole[:, axis].max())
    assert shown.zeros == ((3, 3), (2, 3))


def test_training_is_that_of_keras() -> None:
    image, target, steps = PHOTO / 255, line_filters().astype(float), 20
    before, after, losses = filters.learned(image, target, steps)
    kernel = keras.Variable(before, dtype="float64")
    read = windows(padded(image, (7, 7), STRIDE), (7, 7), STRIDE).reshape(-1, 147)
    rate = 0.5 / np.linalg.eigvalsh(read.T @ read / len(read))[-1]
    sgd = keras.optimizers.SGD(rate, MOMENTUM, nesterov=True)  # its rate is float32
    goal = tf.nn.conv2d(image[None], target, STRIDE, "SAME")
    for step in range(steps):
        with tf.GradientTape() as tape:
            difference = tf.nn.conv2d(image[None], kernel.value, STRIDE, "SAME") - goal
            by_filter = tf.reduce_mean(difference**2, (0, 1, 2))
            loss = tf.reduce_sum(by_filter)
        np.testing.assert_allclose(losses[step], by_filter.numpy(), rtol=1e-4)
        sgd.apply([tape.gradient(loss, kernel.value)], [kernel])
    np.testing.assert_allclose(after, kernel.numpy(), rtol=0, atol=1e-5)


def test_a_filter_learns_the_line() -> None:
    shown = filters.compute(PHOTO)
    assert np.abs(shown.before - shown.filters).max() > 0.9
    assert np.abs(shown.after - shown.filters).max() < 0.15
    assert shown.losses[-1] < 1e-4 * shown.losses[0]
