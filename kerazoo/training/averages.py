"""Exponential moving averages of a model's weights."""

import contextlib
from collections.abc import Iterator
from typing import Any

from kerazoo.lazy import keras, tf


class Averages:
    """Averages of all weights, as `tf.train.ExponentialMovingAverage` with a number of updates.

    At step n the average is `decay * average + (1 - decay) * weight`, where the decay is at most
    (1 + n) / (10 + n), so that early weights are soon forgotten.

    Args:
        model: The model.
        decay: The decay, below 1.
        strategy: Where the model's variables are.

    Attributes:
        variables: The averages, in the order of the model's weights.
    """

    def __init__(self, model: keras.Model, decay: float, strategy: tf.distribute.Strategy) -> None:
        self._weights, self._decay = model.weights, decay
        with strategy.scope():
            self.variables = [
                keras.Variable(
                    weight.numpy(),
                    dtype=weight.dtype,
                    trainable=False,
                    aggregation="only_first_replica",
                    name="average",
                )
                for weight in self._weights
            ]

    def update(self, step: Any) -> None:
        """Move the averages towards the weights after a step, from 1."""
        step = tf.cast(step, tf.float32)
        kept = tf.minimum(self._decay, (1 + step) / (10 + step))
        for average, weight in zip(self.variables, self._weights, strict=True):
            factor = tf.cast(1 - kept, weight.dtype)
            average.assign(average - factor * (average - weight))

    def assign(self) -> None:
        """Set the weights to their averages."""
        for average, weight in zip(self.variables, self._weights, strict=True):
            weight.assign(average)

    @contextlib.contextmanager
    def in_model(self) -> Iterator[None]:
        """Have the averages in the place of the weights within a `with` block."""
        before = [weight.numpy() for weight in self._weights]
        self.assign()
        try:
            yield
        finally:
            for weight, value in zip(self._weights, before, strict=True):
                weight.assign(value)
