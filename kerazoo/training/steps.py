"""Steps of training and evaluation on every replica of a `tf.distribute` strategy."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from kerazoo.compat import gradients_summed
from kerazoo.data.images import ArraySplit, Share, Shuffle, Split
from kerazoo.errors import UsageError
from kerazoo.training.batch_norm import batch_normalizations
from kerazoo.training.collectives import Collectives, summed


class Batches(NamedTuple):
    """What this worker's replicas take of every batch, one replica after the other.

    Attributes:
        elements: Yields a replica's rows of a batch, or what `held.gather` makes them of, with the
            number of images in the whole batch.
        held: Images in memory that the steps themselves gather.
    """

    elements: Iterator[Any]
    held: ArraySplit | None


class Steps:
    """Many steps a call, each replica taking its share of every batch.

    Args:
        model: Gives logits [batch, classes], and is compiled with the optimizer to use; the loss
            is the softmax cross-entropy with the model's own losses added, such as weight decay.
        strategy: Where the steps run and the model's variables are.
        jit: Whether XLA compiles the training steps.
        parts: Into how many parts a replica cuts its images, which are then computed side by side.

    Raises:
        UsageError: XLA is to compile the steps of several replicas, or the parts are more than
            one, and the model has batch normalisation.
    """

    def __init__(
        self,
        model: keras.Model,
        strategy: tf.distribute.Strategy,
        jit: bool = False,
        parts: int = 1,
    ) -> None:
        self._model = model
        self._strategy = strategy
        self._collectives = Collectives(strategy)
        self._parts = parts
        # oneDNN's convolutions fail on no image at all; XLA does without them.
        self._fill_empty = parts * strategy.num_replicas_in_sync > 1 and not jit
        if jit and strategy.num_replicas_in_sync > 1:
            raise UsageError(
                "XLA compiles the steps of one replica alone: leave --jit out or take "
                "--strategy none"
            )
        if parts > 1 and batch_normalizations(model):
            raise UsageError(f"batch normalisation needs whole batches, not {parts} parts of each")
        self._step = tf.function(self._train_step, jit_compile=True) if jit else self._train_step
        with strategy.scope():  # a tf.function must not be the one to create the slots
            model.optimizer.build(model.trainable_variables)

    def batches(
        self, split: Split, batch_size: int, shuffle: Shuffle | None = None, skip: int = 0
    ) -> Batches:
        """Return `Split.batches`, the rows of each shared out to the replicas.

        With `shuffle`, which is to train, the last batch comes once more, for `hits`.
        """
        collectives = self._collectives
        share = Share(
            collectives.first_replica,
            collectives.local_replicas,
            self._strategy.num_replicas_in_sync,
            last_twice=shuffle is not None,
        )
        # A thread that prepares the next batch would be one more than there are cores.
        held = split if self._parts > 1 and isinstance(split, ArraySplit) else None
        if held:
            rows = share.of(held.positions(shuffle), batch_size, skip)
        else:
            rows = split.batches(batch_size, shuffle, skip, share)
        sizes = share.batch_sizes(split.size, batch_size, skip)
        return Batches(iter(tf.data.Dataset.zip(rows, sizes)), held)

    def train(self, batches: Batches, steps: int) -> float:
        """Take so many steps of the optimizer; return the sum of the images' losses.

        A step has one all-reduce of the gradients, and one forward and one back for each batch
        normalisation that is synchronized; the losses are summed once, after the last step.
        """
        losses = self._local_sums(self._train(batches, tf.constant(steps)))
        return float(self._collectives.sum(losses)[0])

    def evaluate(
        self,
        split: Split,
        batch_size: int,
        steps_per_call: int,
        between: Callable[[], object] = lambda: None,
    ) -> tuple[float, float]:
        """Return mean loss and accuracy on a split; `between` is called after each call.

        The workers' losses and hits are summed once, after the last step.
        """
        batches, count = self.batches(split, batch_size), math.ceil(split.size / batch_size)
        found = np.zeros(2)
        for first in range(0, count, steps_per_call):
            steps = min(steps_per_call, count - first)
            found += self._local_sums(*self._evaluate(batches, tf.constant(steps)))
            between()
        loss, right = self._collectives.sum(found) / split.size
        return float(loss), float(right)

    def hits(self, batches: Batches) -> int:
        """Return how many images of the next batch are classified rightly."""
        _, hits = self._evaluate(batches, tf.constant(1))
        return int(self._collectives.sum(self._local_sums(hits))[0])

    def _local_sums(self, *per_replica: Any) -> np.ndarray:
        """Return the sum of each value over this worker's replicas."""
        local = self._strategy.experimental_local_results
        return np.array([sum(float(value) for value in local(each)) for each in per_replica])

    @tf.function
    def _train(self, batches: Batches, steps: tf.Tensor) -> Any:
        loss = self._strategy.run(lambda: tf.constant(0.0))
        with gradients_summed(self._model.optimizer):
            for _ in tf.range(steps):
                loss = self._strategy.run(self._step, (loss, batches.held, self._next(batches)))
        return loss

    @tf.function
    def _evaluate(self, batches: Batches, steps: tf.Tensor) -> Any:
        found = self._strategy.run(lambda: (tf.constant(0.0), tf.constant(0)))
        for _ in tf.range(steps):
            found = self._strategy.run(
                self._evaluate_step, (*found, batches.held, self._next(batches))
            )
        return found

    def _next(self, batches: Batches) -> list[Any]:
        """Return an element of `Batches` for each of this worker's replicas."""
        return [next(batches.elements) for _ in range(self._collectives.local_replicas)]

    def _element_of_replica(self, elements: list[Any]) -> Any:
        """Return the element of the replica that calls it."""
        number = tf.distribute.get_replica_context().replica_id_in_sync_group
        return elements[tf.get_static_value(number) - self._collectives.first_replica]

    def _train_step(
        self, loss: tf.Tensor, held: ArraySplit | None, elements: list[Any]
    ) -> tf.Tensor:
        rows, batch_size = self._element_of_replica(elements)
        images, labels = held.gather(rows) if held else rows
        parts = self._cut(images, labels)
        found = [self._gradients(*part, tf.cast(batch_size, tf.float32)) for part in parts]
        losses, gradients = zip(*found, strict=True)
        total = [
            None if each[0] is None else tf.add_n(each)  # a weight that nothing depends on
            for each in zip(*gradients, strict=True)
        ]
        self._model.optimizer.apply(summed(total), self._model.trainable_variables)
        return loss + tf.add_n(losses)

    def _gradients(
        self, images: tf.Tensor, labels: tf.Tensor, batch_size: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Return the sum of the images' losses, and their share of the batch's gradients."""
        replicas = self._strategy.num_replicas_in_sync
        with tf.GradientTape() as tape:
            loss, _ = self._forward(images, labels, training=True)
            share = loss / batch_size
            if self._model.losses:
                share += tf.add_n(self._model.losses) / (replicas * self._parts)
            share = self._model.optimizer.scale_loss(share)
        return loss, tape.gradient(share, self._model.trainable_variables)

    def _cut(self, images: tf.Tensor, labels: tf.Tensor) -> list[tuple[tf.Tensor, tf.Tensor]]:
        if self._parts == 1:
            return [(images, labels)]
        size, count = tf.shape(labels)[0], self._parts
        ends = [size * number // count for number in range(count + 1)]
        return [(images[a:b], labels[a:b]) for a, b in itertools.pairwise(ends)]

    def _evaluate_step(
        self, loss: tf.Tensor, hits: tf.Tensor, held: ArraySplit | None, elements: list[Any]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        rows, _ = self._element_of_replica(elements)
        images, labels = held.gather(rows) if held else rows
        found = [self._evaluated(*part) for part in self._cut(images, labels)]
        losses, right = zip(*found, strict=True)
        return loss + tf.add_n(losses), hits + tf.add_n(right)

    def _evaluated(self, images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the sum of the images' losses, and how many are classified rightly."""
        loss, logits = self._forward(images, labels, training=False)
        chosen = tf.argmax(logits, axis=-1, output_type=tf.int32)
        sound = tf.reduce_all(tf.math.is_finite(logits), axis=-1)
        return loss, tf.reduce_sum(tf.cast((chosen == labels) & sound, tf.int32))

    def _forward(
        self, images: tf.Tensor, labels: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the sum of the images' cross-entropies, and the logits."""
        size = tf.shape(labels)[0]
        if self._fill_empty:
            images, labels = _filled(images, labels)
        logits = self._model(images, training=training)
        if logits.dtype.size < tf.float32.size:
            logits = tf.cast(logits, tf.float32)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        return tf.cast(tf.reduce_sum(losses[:size]), tf.float32), logits[:size]


def _filled(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the images and labels as they are, or a black image where there are none."""
    return tf.cond(
        tf.size(labels) > 0,
        lambda: (images, labels),
        lambda: (tf.zeros([1, *images.shape[1:]], images.dtype), tf.zeros([1], labels.dtype)),
    )
