"""A Keras model under the questions that a TF1 program answers, NumPy in and NumPy out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerazoo.weights.transfer import LoadedWeights, assign, named_weights

Arrays = dict[str, np.ndarray]
Batch = tuple[np.ndarray, np.ndarray | None]


class Port:
    """A model and its loss.

    Args:
        model: The port; it gives logits where there are labels.
        prepare: What the model wants done to the images of a batch.
    """

    def __init__(
        self, model: keras.Model, prepare: Callable[[keras.Model, np.ndarray], np.ndarray]
    ) -> None:
        self.model = model
        self._prepare = prepare

    @property
    def weights(self) -> Arrays:
        """The value of every weight by "layer/weight"."""
        return {key: weight.numpy() for key, weight in named_weights(self.model).items()}

    @weights.setter
    def weights(self, values: Mapping[str, np.ndarray]) -> None:
        tensors = {key: (key, value) for key, value in values.items()}
        assign(self.model, LoadedWeights("the TF1 program", tensors))

    def forward(self, images: np.ndarray) -> np.ndarray:
        """Return what the model computes from images [batch, ...]."""
        return self.model(self._prepare(self.model, images), training=False).numpy()

    def gradients(self, batch: Batch) -> Arrays:
        """Return the gradient of the loss by every weight's name, and by "images"."""
        images = tf.constant(self._prepare(self.model, batch[0]))
        trainable = {key: each for key, each in named_weights(self.model).items() if each.trainable}
        with tf.GradientTape() as tape:
            tape.watch(images)
            loss = self._loss(images, batch[1])
        variables = {key: weight.value for key, weight in trainable.items()}
        gradients = tape.gradient(loss, {**variables, "images": images})
        return {key: gradients.pop(key).numpy() for key in list(gradients)}

    def train(self, batches: Iterable[Batch], optimizer: keras.optimizers.Optimizer) -> list[float]:
        """Take one step a batch and return the loss before each."""
        optimizer.build(self.model.trainable_variables)
        return [self._step(batch, optimizer) for batch in batches]

    def _step(self, batch: Batch, optimizer: keras.optimizers.Optimizer) -> float:
        with tf.GradientTape() as tape:
            loss = self._loss(self._prepare(self.model, batch[0]), batch[1])
        variables = self.model.trainable_variables
        optimizer.apply(tape.gradient(loss, [each.value for each in variables]), variables)
        return float(loss)

    def _loss(self, images: Any, labels: np.ndarray | None) -> tf.Tensor:
        outputs = self.model(images, training=True)
        if labels is None:
            return tf.reduce_mean(tf.square(outputs))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype=outputs.dtype)
        return loss(labels, tf.reshape(outputs, [-1, outputs.shape[-1]]))
