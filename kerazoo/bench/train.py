"""Speed of training: kerazoo's loop, the TF1 program, Keras's `fit` and PyTorch."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import math
import os
import tempfile
import timeit
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kerazoo import registry
from kerazoo.bench.timed_process import TimedProcess
from kerazoo.bench.timing import (
    CLASSES,
    Row,
    Run,
    bfloat16_pays,
    limits,
    random_images,
    speeds,
    time_in_turn,
)
from kerazoo.data.augment import Augmentation
from kerazoo.data.image_io import ImageShape
from kerazoo.data.images import ArraySplit
from kerazoo.device import start_tensorflow
from kerazoo.lazy import keras, tf
from kerazoo.models import create_model
from kerazoo.precision import dtype_policy
from kerazoo.recipe import STANDARD_AUGMENTATION, Recipe
from kerazoo.training import cluster, state
from kerazoo.training.checkpoints import Checkpoints, State
from kerazoo.training.collectives import batch_normalizations, summed
from kerazoo.training.machine import micro_batches, set_threads
from kerazoo.training.options import make_recipe
from kerazoo.training.replicas import Replicas
from kerazoo.training.setup import MAX_STEPS_PER_CALL as STEPS_PER_CALL
from kerazoo.training.steps import Steps

ROUNDS = 15
EVALUATED = 15_000 / 55_000  # images to evaluate for each to train on, as in an epoch of MNIST
MACS_A_ROUND = 125e9  # of all steps of a program, a backward pass counted as two forward ones
HALF = "kerazoo, mixed_bfloat16"
# The function that returns each program, and its arguments besides the model and the sizes.
PROGRAMS = {
    "TF1 program, feed_dict": ("kerazoo.bench.train:tf1",),
    "kerazoo, float32": ("kerazoo.bench.train:steps", "float32"),
    HALF: ("kerazoo.bench.train:steps", "mixed_bfloat16"),
    "Keras fit, tf.data": ("kerazoo.bench.train:fit", "tf.data"),
    "Keras fit, arrays": ("kerazoo.bench.train:fit", "arrays"),
    "PyTorch": ("kerazoo.bench.torch_mnist_cnn:epoch",),
}
# With augmentation: Keras's own layers do in `fit` what kerazoo's pipeline does.
AUGMENTED = {
    "kerazoo": ("kerazoo.bench.train:steps", "float32"),
    "Keras fit, layers in tf.data": ("kerazoo.bench.train:fit", "tf.data"),
    "Keras fit, layers in the model": ("kerazoo.bench.train:fit", "model"),
}
PACKAGES = {"TF1 program, feed_dict": "tf_keras", "PyTorch": "torch"}  # mnist_cnn only


def bench(
    model: str = "mnist_cnn",
    batch_size: int = 100,
    augment: str = "none",
    input_shape: Sequence[int] | None = None,
) -> Iterator[list[Row]]:
    """Time training on random images, each program in a process; yield the rows after every round.

    Args:
        model: The model.
        batch_size: Images of a step.
        augment: "none" or "standard": mirrored, and moved by an eighth of a side.
        input_shape: (height, width), or these and channels; None for the model's own.

    Raises:
        KerazooError: A program failed.
    """
    info = registry.find(model)
    given = tuple(input_shape or ())
    shape = given + info.input_shape[len(given) :]  # the channels, or all of it
    macs = round(3 * info.macs * math.prod(shape) / math.prod(info.input_shape))
    size = batch_size * min(100, max(2, int(MACS_A_ROUND / macs / batch_size)))
    machine = limits(macs)
    programs: Mapping[str, tuple[Any, ...]] = PROGRAMS
    if augment != "none" or input_shape:
        programs = {name: (*each, augment, shape) for name, each in AUGMENTED.items()}
    with contextlib.ExitStack() as stack:
        runs = {
            name: stack.enter_context(TimedProcess(function, model, size, batch_size, *more))
            for name, (function, *more) in programs.items()
            if _is_timed(name, model, machine)
        }
        for seconds in time_in_turn(runs, ROUNDS):
            yield speeds(seconds, size, machine)


def _is_timed(program: str, model: str, machine: Mapping[str, float]) -> bool:
    """Return whether to time a program: its package is installed, and its precision pays."""
    if program in PACKAGES:
        return model == "mnist_cnn" and importlib.util.find_spec(PACKAGES[program]) is not None
    return program != HALF or bfloat16_pays(machine)


def tf1(model: str, size: int, batch_size: int) -> Run:
    """Return an epoch of the TF1 program of the study notes."""
    start_tensorflow(deterministic=False)

    from kerazoo.parity import tf1_loop  # it needs tf_keras, which only this program does

    return tf1_loop.epoch(*random_images(registry.find(model).input_shape, size), batch_size)


def steps(
    model: str,
    size: int,
    batch_size: int,
    precision: str,
    augment: str = "none",
    shape: ImageShape | None = None,
) -> Run:
    """Return an epoch of kerazoo's steps, with the settings of `kerazoo train`."""
    start_tensorflow()
    info = registry.find(model)
    image_shape = _shape(model, shape)
    number = micro_batches(info, batch_size)
    set_threads(number)
    split = random_split(image_shape, size)
    net = compiled(model, precision, input_shape=image_shape)
    steps = Steps(net, tf.distribute.get_strategy(), micro_batches=number)
    augmentation = Augmentation(make_recipe(model, augment=augment), 0)

    def run() -> None:
        wanted = augmentation if augment != "none" else None
        batches = steps.batches(split, batch_size, (0, 0), augmentation=wanted)
        for number in calls(size, batch_size):
            steps.train(batches, number)

    return run


def calls(size: int, batch_size: int) -> Iterator[int]:
    """Yield the number of steps in each call of an epoch of `size` images."""
    steps = math.ceil(size / batch_size)
    yield from (min(STEPS_PER_CALL, steps - first) for first in range(0, steps, STEPS_PER_CALL))


def fit(
    model: str,
    size: int,
    batch_size: int,
    data: str,
    augment: str = "none",
    shape: ImageShape | None = None,
) -> Run:
    """Return an epoch of Keras's `fit` on NumPy "arrays", or on kerazoo's pipeline of "tf.data".

    With augmentation, Keras's layers are in that pipeline, or in the "model".
    """
    start_tensorflow(deterministic=False)
    image_shape = _shape(model, shape)
    net = compiled(model, input_shape=image_shape)
    if augment != "none":
        return _fit_augmented(net, random_split(image_shape, size), batch_size, data)
    if data == "arrays":
        images, labels = random_images(image_shape, size)
        return partial(net.fit, images.astype(np.float32) / 255, labels, batch_size, verbose=0)
    split = random_split(image_shape, size)
    return lambda: net.fit(split.batches(batch_size, (0, 0)), verbose=0, shuffle=False)


def _shape(model: str, shape: Sequence[int] | None) -> ImageShape:
    """Return the shape of the images, which came through JSON, by default the model's."""
    height, width, channels = shape or registry.find(model).input_shape
    return height, width, channels


def _fit_augmented(net: keras.Model, split: ArraySplit, batch_size: int, where: str) -> Run:
    """Return an epoch of `fit` with Keras's layers for `STANDARD_AUGMENTATION`."""
    moved = STANDARD_AUGMENTATION["crop_padding"]
    layers = keras.Sequential(
        [
            keras.layers.RandomFlip("horizontal"),
            keras.layers.RandomTranslation(moved, moved, "constant", fill_value=0),
        ]
    )
    if where == "model":
        whole = keras.Sequential([keras.Input(net.input_shape[1:]), layers, net])
        whole.compile(net.optimizer, net.loss)
        return lambda: whole.fit(split.batches(batch_size, (0, 0)), verbose=0, shuffle=False)

    def batches() -> tf.data.Dataset:
        return split.batches(batch_size, (0, 0)).map(
            lambda images, labels: (layers(images, training=True), labels), tf.data.AUTOTUNE
        )

    return lambda: net.fit(batches().prefetch(tf.data.AUTOTUNE), verbose=0, shuffle=False)


def random_split(image_shape: ImageShape, size: int) -> ArraySplit:
    """Return random images as a split of a data set."""
    return ArraySplit(*random_images(image_shape, size), image_shape)


def compiled(name: str, precision: str = "float32", **options: Any) -> keras.Model:
    """Return a model to train; the options are those of `kerazoo.create_model`."""
    keras.utils.set_random_seed(1)
    with dtype_policy(precision):
        model = create_model(name, classes=CLASSES, classifier_activation=None, **options)
    model.compile(
        keras.optimizers.Adam(Recipe.learning_rate, epsilon=Recipe.epsilon),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


class Worker:
    """Training on one core with random images, as the worker of TF_CONFIG or as a single one."""

    def __init__(self, model: str, image_shape: ImageShape, images: int, core: int) -> None:
        os.sched_setaffinity(0, {core})
        start_tensorflow()
        self._replicas = Replicas("auto", cluster.of_environment("auto"))
        self._info = registry.find(model)
        with self._replicas.strategy.scope():
            self._model = compiled(model, input_shape=image_shape)
        self._replicas.synchronize(self._model, images, images)
        self._train = random_split(image_shape, images)
        self._test = random_split(image_shape, round(images * EVALUATED))
        self._steps = functools.cache(partial(Steps, self._model, self._replicas.strategy, False))

    def __call__(self, task: str, *arguments: Any) -> Any:
        """Return the result of the method of this name."""
        return getattr(self, task)(*arguments)

    def training(self, batch_size: int, cut: bool) -> None:
        """Train for an epoch with a global batch, cut into micro-batches as by a single worker."""
        steps = self._steps(micro_batches(self._info, batch_size) if cut else 1)
        batches = steps.batches(self._train, batch_size, (0, 0))
        for number in calls(self._train.size, batch_size):
            steps.train(batches, number)
            self._replicas.wait()

    def evaluation(self, batch_size: int, cut: bool) -> None:
        """Evaluate with the steps of `training`."""
        steps = self._steps(micro_batches(self._info, batch_size) if cut else 1)
        batches = steps.batches(self._test, batch_size)
        for number in calls(self._test.size, batch_size):
            steps.evaluate(batches, number)
            self._replicas.wait()

    def checkpoint(self, *_: object) -> None:
        """Save a checkpoint if this is the chief."""
        with tempfile.TemporaryDirectory() as folder:
            if self._replicas.is_chief:
                model = self._model
                groups = {"model": model.variables, "optimizer": model.optimizer.variables}
                taken = State(state.values(groups), {})
                Checkpoints(Path(folder) / "checkpoints").save(0, 0, taken)

    def exchange(self, numbers: int, repeats: int) -> float:
        """Return the seconds of an all-reduce of so many numbers, float32."""
        strategy = self._replicas.strategy

        @tf.function
        def all_reduce(repeats: tf.Tensor) -> tf.Tensor:
            values = tf.zeros([numbers])
            for _ in tf.range(repeats):
                values = strategy.run(lambda local: summed([local + 1])[0], (values,))
            return values

        all_reduce(tf.constant(1))
        return timeit.timeit(lambda: all_reduce(tf.constant(repeats)), number=1) / repeats

    def size(self) -> dict[str, int]:
        """Return the number of trainable weights and of all-reduces in a step."""
        weights = sum(math.prod(weight.shape) for weight in self._model.trainable_weights)
        return {"weights": weights, "exchanges": 1 + 2 * len(batch_normalizations(self._model))}
