"""Speed of training: kerazoo's loop, the TF1 program, Keras's `fit` and PyTorch."""

from __future__ import annotations

import contextlib
import importlib.util
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from kerazoo import registry
from kerazoo.bench import machine
from kerazoo.bench.images import CLASSES, random_images
from kerazoo.bench.rounds import time_in_turn
from kerazoo.bench.timed_process import TimedProcess
from kerazoo.data.images import ArraySplit, Split
from kerazoo.device import start_tensorflow
from kerazoo.models import create_model
from kerazoo.precision import computing_in
from kerazoo.training.machine import micro_batches, set_threads
from kerazoo.training.steps import Steps

ROUNDS = 15
STEPS_PER_CALL = 50
MACS_A_ROUND = 125e9  # of all steps of a program, a backward pass counted as two forward ones
Run = Callable[[], object]


def bench(model: str = "mnist_cnn", batch_size: int = 100) -> pd.DataFrame:
    """Time the training of a model on random images, each program in a process of its own.

    Args:
        model: Its name.
        batch_size: Images of a step.

    Returns:
        The table of `kerazoo.bench.machine.with_limits`; its first program is the TF1 one where
        there is one and its packages are installed.

    Raises:
        KerazooError: A program failed.
    """
    macs = 3 * registry.find(model).macs
    size = batch_size * min(100, max(2, int(MACS_A_ROUND / macs / batch_size)))
    with contextlib.ExitStack() as stack:
        runs = {
            name: stack.enter_context(TimedProcess(function, model, size, batch_size, *more))
            for name, (function, *more) in _programs(model).items()
        }
        times = time_in_turn(runs, ROUNDS)
    return machine.with_limits(times, size, macs)


def _programs(model: str) -> dict[str, tuple[str, ...]]:
    """Return the function that gives each program, and what it takes besides model and sizes."""
    programs: dict[str, tuple[str, ...]] = {}
    if model == "mnist_cnn" and importlib.util.find_spec("tf_keras"):
        programs["TF1 program, feed_dict"] = (f"{__name__}:tf1",)
    for precision in ("float32", "mixed_bfloat16"):
        programs[f"kerazoo, {precision}"] = (f"{__name__}:steps", precision)
    programs["Keras fit, tf.data"] = (f"{__name__}:fit_dataset",)
    programs["Keras fit, arrays"] = (f"{__name__}:fit_arrays",)
    if model == "mnist_cnn" and importlib.util.find_spec("torch"):
        programs["PyTorch"] = ("kerazoo.bench.torch_peer:training",)
    return programs


def tf1(model: str, size: int, batch_size: int) -> Run:
    """Return the steps of the document's program."""
    start_tensorflow(deterministic=False)

    from kerazoo.parity import tf1_loop  # it needs tf_keras, which only this program does

    return tf1_loop.epoch(*random_images(registry.find(model).input_shape, size), batch_size)


def steps(model: str, size: int, batch_size: int, precision: str) -> Run:
    """Return kerazoo's steps, as `kerazoo train` takes them."""
    start_tensorflow()
    info = registry.find(model)
    number = micro_batches(info, batch_size)
    set_threads(number)
    split = ArraySplit(*random_images(info.input_shape, size), info.input_shape)
    strategy = tf.distribute.get_strategy()
    steps = Steps(compiled(model, precision), strategy, micro_batches=number)
    return partial(epoch, steps, split, batch_size)


def epoch(
    steps: Steps, split: Split, batch_size: int, between: Callable[[], object] = lambda: None
) -> None:
    """Train on every image once; `between` is called after each call of steps."""
    batches, left = steps.batches(split, batch_size, (0, 0)), math.ceil(split.size / batch_size)
    while left:
        taken = min(left, STEPS_PER_CALL)
        steps.train(batches, taken)
        between()
        left -= taken


def fit_dataset(model: str, size: int, batch_size: int) -> Run:
    """Return an epoch of Keras's `fit` on the pipeline of kerazoo."""
    start_tensorflow(deterministic=False)
    shape = registry.find(model).input_shape
    split = ArraySplit(*random_images(shape, size), shape)
    net = compiled(model)
    return lambda: net.fit(split.batches(batch_size, (0, 0)), verbose=0, shuffle=False)


def fit_arrays(model: str, size: int, batch_size: int) -> Run:
    """Return an epoch of Keras's `fit` on NumPy arrays."""
    start_tensorflow(deterministic=False)
    images, labels = random_images(registry.find(model).input_shape, size)
    pixels = images.astype(np.float32) / 255
    return partial(compiled(model).fit, pixels, labels, batch_size, verbose=0)


def compiled(name: str, precision: str = "float32", **options: Any) -> keras.Model:
    """Return a model to train, made with these options of `kerazoo.create_model`."""
    keras.utils.set_random_seed(1)
    with computing_in(precision):
        model = create_model(name, classes=CLASSES, classifier_activation=None, **options)
    model.compile(
        keras.optimizers.Adam(0.001, epsilon=1e-8),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model
