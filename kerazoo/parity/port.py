"""A Keras model with the methods of `legacy_tf1.program.Program`, NumPy in and NumPy out."""

from collections.abc import Iterable, Mapping

import numpy as np

from kerazoo.lazy import keras, tf
from kerazoo.weights.networks import named_weights, weight_arrays
from kerazoo.weights.transfer import set_weights
from legacy_tf1.program import Arrays, Batch


class Port:
    """A port and its loss; its outputs are logits where there are labels."""

    def __init__(self, model: keras.Model) -> None:
        self.model = model

    @property
    def weights(self) -> Arrays:
        """The value of every weight by "layer/weight"."""
        return weight_arrays(self.model)

    @weights.setter
    def weights(self, values: Mapping[str, np.ndarray]) -> None:
        set_weights(self.model, values, "the TF1 program")

    def forward(self, images: np.ndarray) -> np.ndarray:
        """Return the model's outputs for images [batch, ...]."""
        return self.model(images, training=False).numpy()

    def gradients(self, batch: Batch) -> Arrays:
        """Return the gradient of the loss by the name of each weight, and by "images"."""
        images = tf.constant(batch[0])
        weights = named_weights(self.model).items()
        variables = {key: weight.value for key, weight in weights if weight.trainable}
        with tf.GradientTape() as tape:
            tape.watch(images)
            loss = self._loss(images, batch[1])
        gradients = tape.gradient(loss, {**variables, "images": images})
        return {key: gradients.pop(key).numpy() for key in list(gradients)}

    def train(self, batches: Iterable[Batch], optimizer: keras.optimizers.Optimizer) -> list[float]:
        """Train one step per batch and return the loss before each."""
        variables, losses = self.model.trainable_variables, []
        optimizer.build(variables)
        for batch in batches:
            with tf.GradientTape() as tape:
                loss = self._loss(*batch)
            optimizer.apply(tape.gradient(loss, [each.value for each in variables]), variables)
            losses.append(float(loss))
        return losses

    def _loss(self, images: tf.Tensor | np.ndarray, labels: np.ndarray | None) -> tf.Tensor:
        outputs = self.model(images, training=True)
        if labels is None:
            return tf.reduce_mean(tf.square(outputs))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype=outputs.dtype)
        return loss(labels, tf.reshape(outputs, [-1, outputs.shape[-1]]))
