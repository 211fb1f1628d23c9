"""What each process of `kerazoo bench workers` runs."""

from __future__ import annotations

import math
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import tensorflow as tf

from kerazoo import registry
from kerazoo.bench.images import random_images
from kerazoo.bench.train import STEPS_PER_CALL, compiled, epoch
from kerazoo.data.images import ArraySplit, ImageShape
from kerazoo.device import start_tensorflow
from kerazoo.training import cluster, state
from kerazoo.training.checkpoints import Checkpoints, State
from kerazoo.training.collectives import batch_normalizations, summed
from kerazoo.training.machine import micro_batches
from kerazoo.training.replicas import Replicas
from kerazoo.training.steps import Steps

EVALUATED = 15_000 / 55_000  # images to evaluate for each to train on: an epoch's of MNIST


class Worker:
    """A process that trains on one core: a worker of TF_CONFIG where it is set, or one alone.

    Args:
        model: Name of the model.
        image_shape: Of the images, which are random.
        images: How many it trains on in an epoch.
        core: The core that it keeps to.
    """

    def __init__(self, model: str, image_shape: ImageShape, images: int, core: int) -> None:
        os.sched_setaffinity(0, {core})
        start_tensorflow()
        self._replicas = Replicas("auto", cluster.of_environment("auto"))
        self._info = registry.find(model)
        with self._replicas.strategy.scope():
            self._model = compiled(model, input_shape=image_shape)
        self._replicas.synchronize(self._model, images, images)
        self._train, self._held_out = (
            ArraySplit(*random_images(image_shape, size), image_shape)
            for size in (images, round(images * EVALUATED))
        )
        self._steps: dict[int, Steps] = {}

    def __call__(self, task: str, *arguments: Any) -> dict[str, Any]:
        """Return what the method of this name returns."""
        return getattr(self, task)(*arguments)

    def epoch(self, batch_size: int, cut: bool) -> dict[str, float]:
        """Return the seconds of an epoch's training, evaluation and, of the chief, checkpoint.

        Args:
            batch_size: Images of a step of all workers.
            cut: Whether to cut each batch into micro-batches, as one worker alone does.
        """
        number = micro_batches(self._info, batch_size) if cut else 1
        if number not in self._steps:
            strategy = self._replicas.strategy
            self._steps[number] = Steps(self._model, strategy, micro_batches=number)
        steps, wait = self._steps[number], self._replicas.wait
        times = [time.perf_counter()]
        epoch(steps, self._train, batch_size, wait)
        times.append(time.perf_counter())
        self._evaluate(steps, batch_size)
        times.append(time.perf_counter())
        with tempfile.TemporaryDirectory() as folder:
            if self._replicas.is_chief:
                taken = State(state.values(self._model), {})
                Checkpoints(Path(folder) / "checkpoints").save(0, 0, taken)
            times.append(time.perf_counter())
        names = ("training", "evaluation", "checkpoint")
        return {name: times[i + 1] - times[i] for i, name in enumerate(names)}

    def _evaluate(self, steps: Steps, batch_size: int) -> None:
        batches, end = steps.batches(self._held_out, batch_size), self._held_out.size
        for first in range(0, end, batch_size * STEPS_PER_CALL):
            left = math.ceil((end - first) / batch_size)
            steps.evaluate(batches, min(left, STEPS_PER_CALL))
            self._replicas.wait()

    def exchange(self, numbers: int, repeats: int) -> dict[str, float]:
        """Return the seconds of an all-reduce of so many numbers, float32."""
        strategy = self._replicas.strategy

        @tf.function
        def all_reduce(repeats: tf.Tensor) -> tf.Tensor:
            values = tf.zeros([numbers])
            for _ in tf.range(repeats):
                values = strategy.run(lambda local: summed([local + 1])[0], (values,))
            return values

        all_reduce(tf.constant(1))
        started = time.perf_counter()
        all_reduce(tf.constant(repeats))
        return {"exchange": (time.perf_counter() - started) / repeats}

    def size(self) -> dict[str, int]:
        """Return how many weights are trained, and how many all-reduces a step has."""
        weights = sum(weight.value.shape.num_elements() for weight in self._model.trainable_weights)
        return {"weights": weights, "exchanges": 1 + 2 * len(batch_normalizations(self._model))}
