"""LeNet-5's optimizer: each weight has a learning rate by the curvature of the loss along it."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerazoo.data.images import Split
from kerazoo.errors import UsageError
from kerazoo.lazy import keras, tf
from kerazoo.weights.preprocessing import Preprocessing

DAMPING = 0.1  # what the paper calls mu
IMAGES = 100  # of an estimate
EVERY = 2500  # steps between two estimates


class DiagonalLevenbergMarquardt(keras.optimizers.Optimizer):
    """Gradient descent with the step `learning_rate / (damping + curvature)` for each weight.

    The stochastic diagonal Levenberg-Marquardt method of LeCun, Bottou, Bengio and Haffner,
    "Gradient-Based Learning Applied to Document Recognition" (1998),
    https://doi.org/10.1109/5.726791, appendix C. `Curvature` estimates the curvatures.

    Args:
        learning_rate: A number or a schedule.
        damping: Limits the step of a weight without curvature.
        options: Arguments that every Keras optimizer has.
    """

    def __init__(self, learning_rate: Any, damping: float = DAMPING, **options: Any) -> None:
        super().__init__(learning_rate, **options)
        self.damping = damping

    def build(self, variables: list[Any]) -> None:
        """Add a curvature of 0 for each weight."""
        if self.built:
            return
        super().build(variables)
        self.curvatures = self.add_optimizer_variables(variables, "curvature")

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Change a weight by its gradient."""
        rate = keras.ops.cast(learning_rate, variable.dtype)
        curvature = self.curvatures[self._get_variable_index(variable)]
        self.assign_sub(variable, rate * gradient / (curvature + self.damping))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "damping": self.damping}


class Curvature:
    """The second derivatives of LeNet-5's loss by each weight, for the optimizer.

    They are those of the squared distance between the units before the scores and the code of the
    class (equation 8 of the paper): the diagonal of the Gauss-Newton matrix, estimated as twice the
    mean square of the gradient of the units' sum with random signs (Hutchinson's method). The paper
    leaves out the terms between the connections that share a weight.

    Args:
        model: The model, compiled with a `DiagonalLevenbergMarquardt`.
        preprocessing: What its images get.

    Raises:
        UsageError: The scores of the model are not distances.
    """

    def __init__(self, model: keras.Model, preprocessing: Preprocessing) -> None:
        from kerazoo.layers import RadialBasis

        scores = [layer for layer in model.layers if isinstance(layer, RadialBasis)]
        if not scores:
            raise UsageError(
                f"optimizer is 'sdlm', which needs scores that are distances, such as lenet5's: "
                f"choose another optimizer for '{model.name}'"
            )
        # under mixed_float16 Keras scales the loss by an optimizer around it
        self._optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
        self._preprocessing = preprocessing
        self._units = keras.Model(model.input, scores[-1].input)
        self._weights = model.trainable_variables
        # concrete at once: TensorFlow warns of retracing where a process trains many models
        shapes = (self._units.input_shape, self._units.output_shape)
        signature = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
        self._estimate = tf.function(self._mean_squares).get_concrete_function(*signature)

    def update(self, split: Split, seed: int, epoch: int, step: int, batch_size: int) -> None:
        """Estimate the curvatures anew, on the images of the next steps."""
        number = step * batch_size // IMAGES % (split.size // IMAGES or 1)
        images, _ = next(iter(split.batches(IMAGES, (seed, epoch), skip=number)))
        signs = np.random.default_rng((seed, epoch, step)).choice(
            np.array([-1, 1], np.float32), (len(images), self._units.output_shape[-1])
        )
        estimates = self._estimate(self._preprocessing.of_unit(images), signs)
        for curvature, estimate in zip(self._optimizer.curvatures, estimates, strict=True):
            curvature.assign(estimate)

    def _mean_squares(self, images: tf.Tensor, signs: tf.Tensor) -> list[tf.Tensor]:
        """Return twice the mean over the images of the squared gradients, for each weight."""
        sums = [tf.zeros_like(weight) for weight in self._weights]
        for row in tf.range(tf.shape(images)[0]):
            with tf.GradientTape() as tape:
                units = self._units(images[row][None], training=False)
                total = tf.reduce_sum(tf.cast(units, signs.dtype) * signs[row])
            gradients = tape.gradient(total, self._weights, unconnected_gradients="zero")
            sums = [each + tf.square(part) for each, part in zip(sums, gradients, strict=True)]
        return [2 * each / tf.cast(tf.shape(images)[0], each.dtype) for each in sums]
