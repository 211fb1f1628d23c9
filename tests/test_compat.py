"""Models without values for their weights, and the weights that wait for theirs."""

import keras

from kerazoo.compat import shapes_only


def dense() -> keras.layers.Dense:
    layer = keras.layers.Dense(2)
    layer.build((None, 3))
    return layer


def test_weights_built_for_their_shapes_never_get_values() -> None:
    with shapes_only():
        layer = dense()
    with keras.StatelessScope():
        pass  # Keras gives values at its end to all the weights that wait for them
    assert layer.kernel.shape == (3, 2)
    assert layer.kernel._value is None


def test_weights_that_wait_for_their_values_still_get_them() -> None:
    with keras.StatelessScope():
        waiting = dense()
        with shapes_only():
            dense()
    assert waiting.kernel.numpy().any()
