"""Steps of training and evaluation on every replica of a `tf.distribute` strategy."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from kerazoo.data.images import ArraySplit, Share, Shuffle, Split
from kerazoo.errors import UsageError

SUM = tf.distribute.ReduceOp.SUM


class Batches(NamedTuple):
    """An iterator over batches, or over what `held.gather` makes them of."""

    elements: Iterator[Any]
    held: ArraySplit | None


def batch_normalizations(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers in which the images of a batch depend on one another."""
    kind = keras.layers.BatchNormalization
    return [layer for layer in model._flatten_layers() if isinstance(layer, kind)]


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
        replicas = self._strategy.num_replicas_in_sync
        # A thread that prepares the next batch would be one more than there are cores.
        held = split if self._parts > 1 and isinstance(split, ArraySplit) else None

        def of_worker(worker: tf.distribute.InputContext) -> tf.data.Dataset:
            count = replicas // worker.num_input_pipelines
            first, to_train = worker.input_pipeline_id * count, shuffle is not None
            share = Share(first, count, replicas, last_twice=to_train)
            if held:
                return share.of(held.positions(shuffle), batch_size, skip)
            return split.batches(batch_size, shuffle, skip, share)

        return Batches(iter(self._strategy.distribute_datasets_from_function(of_worker)), held)

    @tf.function
    def train(self, batches: Batches, steps: tf.Tensor) -> tf.Tensor:
        """Take so many steps of the optimizer; return the sum of the images' losses."""
        loss = tf.constant(0.0)
        for _ in tf.range(steps):
            losses = self._strategy.run(self._step, (batches.held, next(batches.elements)))
            loss += self._strategy.reduce(SUM, losses, axis=None)
        return loss

    def evaluate(
        self,
        split: Split,
        batch_size: int,
        steps_per_call: int,
        between: Callable[[], object] = lambda: None,
    ) -> tuple[float, float]:
        """Return mean loss and accuracy on a split; `between` is called after each call."""
        batches, count = self.batches(split, batch_size), math.ceil(split.size / batch_size)
        total, right = 0.0, 0
        for first in range(0, count, steps_per_call):
            steps = min(steps_per_call, count - first)
            loss, hits = self._evaluate(batches, tf.constant(steps))
            total, right = total + float(loss), right + int(hits)
            between()
        return total / split.size, right / split.size

    def hits(self, batches: Batches) -> int:
        """Return how many images of the next batch are classified rightly."""
        return int(self._evaluate(batches, tf.constant(1))[1])

    @tf.function
    def _evaluate(self, batches: Batches, steps: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        loss, hits = tf.constant(0.0), tf.constant(0)
        for _ in tf.range(steps):
            a_loss, a_hits = self._strategy.run(
                self._evaluate_step, (batches.held, next(batches.elements))
            )
            loss += self._strategy.reduce(SUM, a_loss, axis=None)
            hits += self._strategy.reduce(SUM, a_hits, axis=None)
        return loss, hits

    def _train_step(self, held: ArraySplit | None, element: Any) -> tf.Tensor:
        images, labels = held.gather(element) if held else element
        replica, optimizer = tf.distribute.get_replica_context(), self._model.optimizer
        batch_size = replica.all_reduce(SUM, tf.cast(tf.shape(labels)[0], tf.float32))
        parts = self._cut(images, labels)
        found = [self._gradients(*part, batch_size) for part in parts]
        losses, gradients = zip(*found, strict=True)
        total = [
            None if each[0] is None else tf.add_n(each)  # a weight that nothing depends on
            for each in zip(*gradients, strict=True)
        ]
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            total = self._same_everywhere(total)
        optimizer.apply(total, self._model.trainable_variables)
        return tf.add_n(losses)

    def _gradients(
        self, images: tf.Tensor, labels: tf.Tensor, batch_size: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Return the sum of the images' losses, and their share of the batch's gradients."""
        replicas = self._strategy.num_replicas_in_sync
        with tf.GradientTape() as tape:
            loss, _ = self._forward(images, labels, training=True)
            # Keras's optimizer adds up the gradients of the replicas.
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

    def _same_everywhere(self, gradients: list[tf.Tensor | None]) -> list[tf.Tensor | None]:
        """Return each replica the mean of all gradients, whose finiteness it then decides alike."""
        replica = tf.distribute.get_replica_context()
        if replica.num_replicas_in_sync == 1:
            return gradients
        known = [gradient for gradient in gradients if gradient is not None]
        total = iter(replica.all_reduce(SUM, known))
        return [
            None if gradient is None else next(total) / replica.num_replicas_in_sync
            for gradient in gradients
        ]

    def _evaluate_step(self, held: ArraySplit | None, element: Any) -> tuple[tf.Tensor, tf.Tensor]:
        images, labels = held.gather(element) if held else element
        found = [self._evaluated(*part) for part in self._cut(images, labels)]
        losses, hits = zip(*found, strict=True)
        return tf.add_n(losses), tf.add_n(hits)

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
