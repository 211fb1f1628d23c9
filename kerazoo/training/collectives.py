"""Sums over workers and replicas, each in one all-reduce, and batch normalization over them."""

from functools import partial

import numpy as np

from kerazoo.compat import Moments, all_layers, replace_moments
from kerazoo.lazy import keras, tf

SUM = tf.distribute.ReduceOp.SUM


class Collectives:
    """Sums over the workers of a strategy.

    Attributes:
        first_replica: Number of this worker's first replica among those of all workers.
        local_replicas: How many replicas this worker has.
        workers: Number of workers.
    """

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        self._strategy = strategy
        numbers = strategy.experimental_local_results(
            strategy.experimental_distribute_values_from_function(
                lambda replica: replica.replica_id_in_sync_group
            )
        )
        self.first_replica = int(numbers[0])
        self.local_replicas = len(numbers)
        self.workers = strategy.num_replicas_in_sync // len(numbers)
        self._sums = {
            kind: tf.function(self._sum, input_signature=[tf.TensorSpec([None], kind)])
            for kind in (tf.float64, tf.int32)
        }

    def sum(self, local: np.ndarray) -> np.ndarray:
        """Return, on every worker, the sum over all workers of float64 or int32 arrays [any]."""
        return self._sums[tf.as_dtype(local.dtype)](local).numpy() if self.workers > 1 else local

    def _sum(self, local: tf.Tensor) -> tf.Tensor:
        def of_replica() -> tf.Tensor:
            number = tf.distribute.get_replica_context().replica_id_in_sync_group
            return local * tf.cast(number == self.first_replica, local.dtype)

        return self._strategy.reduce(SUM, self._strategy.run(of_replica), axis=None)


def summed(gradients: list[tf.Tensor | None]) -> list[tf.Tensor | None]:
    """Return the sums of all replicas' gradients, None where there is none.

    Call it on a replica. All gradients are summed in one all-reduce, in their own dtype.
    """
    replica = tf.distribute.get_replica_context()
    if replica.num_replicas_in_sync == 1:
        return gradients
    known = [gradient for gradient in gradients if gradient is not None]
    total = iter(replica.all_reduce(SUM, known))
    return [None if gradient is None else next(total) for gradient in gradients]


def batch_normalizations(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers in which the images of a batch depend on each other."""
    kind = keras.layers.BatchNormalization
    return [layer for layer in all_layers(model) if isinstance(layer, kind)]


def synchronize(layer: keras.layers.BatchNormalization) -> None:
    """Synchronize a layer's moments over all replicas' images, in one all-reduce each way."""
    layer.synchronized = True
    replace_moments(layer, partial(_moments, layer.axis))


def _moments(
    axis: int, keras_moments: Moments, inputs: tf.Tensor, mask: tf.Tensor | None
) -> tuple[tf.Tensor, tf.Tensor]:
    replica, rank = tf.distribute.get_replica_context(), len(inputs.shape)
    if mask is not None or replica is None:
        return keras_moments(inputs, mask)
    axes = [each for each in range(rank) if each != axis % rank]
    total, squares = (tf.reduce_sum(each, axes) for each in (inputs, tf.square(inputs)))
    size = tf.size(inputs, tf.int64) / tf.size(total, tf.int64)
    packed = tf.concat([total, squares, [tf.cast(size, inputs.dtype)]], axis=0)
    packed = replica.all_reduce(SUM, packed)
    mean, mean_of_squares = tf.split(packed[:-1] / packed[-1], 2)
    return mean, tf.maximum(mean_of_squares - tf.square(mean), 0)
