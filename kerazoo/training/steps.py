"""Steps of training and evaluation on every replica of a `tf.distribute` strategy."""

import functools
import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from kerazoo.compat import gradients_summed
from kerazoo.data.augment import Augmentation
from kerazoo.data.images import ArraySplit, Shard, Shuffle, Split
from kerazoo.errors import UsageError
from kerazoo.lazy import keras, tf
from kerazoo.recipe import Recipe
from kerazoo.training.averages import Averages
from kerazoo.training.collectives import Collectives, batch_normalizations, summed
from kerazoo.training.objective import Objective, cross_entropies, mirrored
from kerazoo.weights.preprocessing import UNIT, Preprocessing


class Batches(NamedTuple):
    """The shards of every batch for this worker's replicas, one replica after the other.

    Attributes:
        elements: Yields a shard, or its positions for `arrays.gather`, with the number of images in
            the whole batch.
        arrays: Images in memory, of which the steps gather those of a shard.
    """

    elements: Iterator[Any]
    arrays: ArraySplit | None


class Steps:
    """Many steps a call, with a shard of every batch for each replica.

    Args:
        model: Gives logits [batch, classes], and is compiled with the optimizer to use. Its own
            losses are added to the objective, such as weight decay.
        strategy: Where the steps run and the model's variables are.
        jit: Whether XLA compiles the training steps.
        micro_batches: Into how many micro-batches a replica cuts its images, which run in parallel.
        objective: What is minimized; None for the softmax cross-entropy.
        preprocessing: What the images get before the model, see `Preprocessing.of_unit`.
        averages: Moving averages of the model's weights, which each step updates.
        with_heads: The same model with the logits of auxiliary heads after its own, to train with;
            None for the model itself.

    Raises:
        UsageError: XLA is to compile the steps of several replicas, or there are several
            micro-batches and the model has batch normalization.
    """

    def __init__(
        self,
        model: keras.Model,
        strategy: tf.distribute.Strategy,
        jit: bool = False,
        micro_batches: int = 1,
        objective: Objective | None = None,
        preprocessing: Preprocessing = UNIT,
        averages: Averages | None = None,
        with_heads: keras.Model | None = None,
    ) -> None:
        self._model = model
        self._with_heads = with_heads or model
        self._objective = objective or Objective(Recipe())
        self._preprocessing, self._averages = preprocessing, averages
        self._strategy = strategy
        self._collectives = Collectives(strategy)
        self._micro_batches = micro_batches
        # oneDNN's convolutions fail on no image at all; XLA does without them.
        self._fill_empty = micro_batches * strategy.num_replicas_in_sync > 1 and not jit
        if jit and strategy.num_replicas_in_sync > 1:
            raise UsageError(
                "XLA compiles the steps of a single replica: leave out --jit, or give "
                "--strategy none"
            )
        if micro_batches > 1 and batch_normalizations(model):
            raise UsageError("batch normalization needs micro_batches=1")
        self._jit = jit
        self.retrace()
        with strategy.scope():  # a tf.function must not be the one to create the slots
            model.optimizer.build(self._with_heads.trainable_variables)

    def retrace(self) -> None:
        """Have the steps traced anew, after a layer has become trainable."""
        step = self._train_step
        self._step = tf.function(step, jit_compile=True) if self._jit else step
        # TensorFlow warns where one function is traced for several models; a partial is another.
        self._train = tf.function(functools.partial(self._train_steps))
        self._evaluate = tf.function(functools.partial(self._evaluate_steps))

    def batches(
        self,
        split: Split,
        batch_size: int,
        shuffle: Shuffle | None = None,
        skip: int = 0,
        augmentation: Augmentation | None = None,
    ) -> Batches:
        """Return `Split.batches`, each cut into a shard for every replica."""
        here = self._collectives
        shard = Shard(here.first_replica, here.local_replicas, self._strategy.num_replicas_in_sync)
        # A thread that prepares the next batch would be one more than there are cores.
        in_step = self._micro_batches > 1 and augmentation is None
        arrays = split if in_step and isinstance(split, ArraySplit) else None
        if arrays:
            rows = shard.of(arrays.elements(shuffle), batch_size, skip)
        else:
            rows = split.batches(batch_size, shuffle, skip, shard, augmentation)
        sizes = shard.batch_sizes(split.size, batch_size, skip)
        return Batches(iter(tf.data.Dataset.zip(rows, sizes)), arrays)

    def train(self, batches: Batches, steps: int) -> tuple[float, int]:
        """Take steps of the optimizer; return the sum of the images' losses, and the hits.

        A hit is an image that its step classified correctly, before the update. A step has one
        all-reduce of the gradients, and one forward and one back for each batch normalization that
        is synchronized; losses and hits are summed over the workers once, after the last step.
        """
        loss, hits = self.sum_of_workers(self._local(self._train(batches, tf.constant(steps))))
        return float(loss), int(hits)

    def evaluate(self, batches: Batches, steps: int) -> np.ndarray:
        """Return sums over the images of this worker's next batches, [1 + 2 * classes].

        They are the sum of the losses, then for each class the hits, then for each the images.
        """
        return self._local(self._evaluate(batches, tf.constant(steps)))

    def sum_of_workers(self, local: np.ndarray) -> np.ndarray:
        """Return the sum over all workers of what each of them has, [any]."""
        return self._collectives.sum(local)

    def _local(self, per_replica: Any) -> np.ndarray:
        """Return the sum of each value over this worker's replicas."""
        local = self._strategy.experimental_local_results
        sums = [sum(np.float64(value) for value in local(each)) for each in per_replica]
        return np.concatenate([np.ravel(each) for each in sums])

    def _train_steps(self, batches: Batches, steps: tf.Tensor) -> Any:
        sums = self._strategy.run(_no_sums)
        with gradients_summed(self._model.optimizer):
            for _ in tf.range(steps):
                sums = self._strategy.run(self._step, (*sums, batches.arrays, self._next(batches)))
        return sums

    def _evaluate_steps(self, batches: Batches, steps: tf.Tensor) -> Any:
        sums = self._strategy.run(self._no_sums_by_class)
        for _ in tf.range(steps):
            sums = self._strategy.run(
                self._evaluate_step, (*sums, batches.arrays, self._next(batches))
            )
        return sums

    def _next(self, batches: Batches) -> list[Any]:
        """Return an element of `Batches` for each of this worker's replicas."""
        return [next(batches.elements) for _ in range(self._collectives.local_replicas)]

    def _element_of_replica(self, elements: list[Any]) -> Any:
        """Return the element of the replica that calls it."""
        number = tf.distribute.get_replica_context().replica_id_in_sync_group
        return elements[tf.get_static_value(number) - self._collectives.first_replica]

    def _train_step(
        self, loss: tf.Tensor, hits: tf.Tensor, arrays: ArraySplit | None, elements: list[Any]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        rows, batch_size = self._element_of_replica(elements)
        images, labels, *mixed = arrays.read(rows) if arrays else rows
        if mixed:
            mix = mixed[0][:, None, None, None]
            images = mix * images + (1 - mix) * mirrored(images)
            mixed.append(mirrored(labels))
        size = tf.cast(batch_size, tf.float32)
        parts = self._cut(images, labels, *mixed)
        results = [self._gradients(*each, batch_size=size) for each in parts]
        losses, correct, gradients = zip(*results, strict=True)
        total = [
            None if each[0] is None else tf.add_n(each)  # a weight that nothing depends on
            for each in zip(*gradients, strict=True)
        ]
        self._model.optimizer.apply(summed(total), self._with_heads.trainable_variables)
        if self._averages:
            self._averages.update(self._model.optimizer.iterations)
        return loss + tf.add_n(losses), hits + tf.add_n(correct)

    def _gradients(
        self, images: tf.Tensor, labels: tf.Tensor, *mixed: tf.Tensor, batch_size: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        """Return the sum of the images' losses, the hits, and their part of the gradients."""
        replicas = self._strategy.num_replicas_in_sync
        with tf.GradientTape() as tape:
            loss, correct = self._forward(images, labels, *mixed, training=True)
            part = loss / batch_size
            if self._with_heads.losses:
                part += tf.add_n(self._with_heads.losses) / (replicas * self._micro_batches)
            part = self._model.optimizer.scale_loss(part)
        gradients = tape.gradient(part, self._with_heads.trainable_variables)
        return loss, tf.reduce_sum(correct), gradients

    def _cut(self, *columns: tf.Tensor) -> list[tuple[tf.Tensor, ...]]:
        """Return the images, their labels and what else there is in micro-batches."""
        if self._micro_batches == 1:
            return [columns]
        ends = micro_batch_ends(tf.shape(columns[0])[0], self._micro_batches)
        return [tuple(each[a:b] for each in columns) for a, b in itertools.pairwise(ends)]

    def _no_sums_by_class(self) -> tuple[tf.Tensor, ...]:
        none = tf.zeros(self._model.output_shape[-1], tf.int32)
        return tf.constant(0.0), none, none

    def _evaluate_step(
        self,
        loss: tf.Tensor,
        hits: tf.Tensor,
        sizes: tf.Tensor,
        arrays: ArraySplit | None,
        elements: list[Any],
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        rows, _ = self._element_of_replica(elements)
        images, labels = arrays.read(rows) if arrays else rows
        results = [self._forward(*each, training=False) for each in self._cut(images, labels)]
        losses, correct = zip(*results, strict=True)
        of_class = tf.one_hot(labels, hits.shape[0], dtype=tf.int32)
        hits_by_class = tf.reduce_sum(of_class * tf.concat(correct, 0)[:, None], 0)
        return loss + tf.add_n(losses), hits + hits_by_class, sizes + tf.reduce_sum(of_class, 0)

    def _forward(
        self, images: tf.Tensor, labels: tf.Tensor, *mixed: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the sum of the images' losses, and for each 1 if it is a hit, else 0.

        The loss of a training is the objective's, that of an evaluation the cross-entropy.
        """
        size = tf.shape(labels)[0]
        if self._fill_empty:
            images, labels, *others = _filled(images, labels, *mixed)
            mixed = tuple(others)
        images = self._preprocessing.of_unit(images)
        model = self._with_heads if training else self._model
        outputs = tf.nest.flatten(model(images, training=training))
        logits, *_ = scores = [_at_least_float32(each) for each in outputs]
        if training:
            losses = self._objective.losses(scores, labels, *mixed)
        else:
            losses = cross_entropies(logits, labels)
        correct = tf.argmax(logits, axis=-1, output_type=tf.int32) == labels
        correct &= tf.reduce_all(tf.math.is_finite(logits), axis=-1)
        total = tf.cast(tf.reduce_sum(losses[:size]), tf.float32)
        return total, tf.cast(correct[:size], tf.int32)


def micro_batch_ends(size: Any, count: int) -> list[Any]:
    """Return where each of `count` micro-batches of a batch of `size` rows ends, after a 0."""
    return [size * number // count for number in range(count + 1)]


def _no_sums() -> tuple[tf.Tensor, tf.Tensor]:
    return tf.constant(0.0), tf.constant(0)


def _filled(*columns: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Return images, their labels and what else there is, or a black image if there are none."""
    return tf.cond(
        tf.shape(columns[0])[0] > 0,
        lambda: columns,
        lambda: tuple(tf.zeros([1, *each.shape[1:]], each.dtype) for each in columns),
    )


def _at_least_float32(logits: tf.Tensor) -> tf.Tensor:
    return tf.cast(logits, tf.float32) if logits.dtype.size < tf.float32.size else logits
