"""How fast a model trains: kerazoo's loop beside the TF1 program, Keras's `fit` and PyTorch."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import partial

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

import kerazoo
from kerazoo import registry
from kerazoo.bench import machine
from kerazoo.bench.rounds import medians
from kerazoo.data.images import ArraySplit
from kerazoo.training.steps import Steps
from legacy_tf1.mnist_cnn import build
from legacy_tf1.mnist_data import DataSet
from legacy_tf1.program import Program

CLASSES = 10
STEPS_PER_CALL = 50
MACS_A_ROUND = 250e9  # of all steps of a program, a backward pass counted as two forward ones
Run = Callable[[], object]


def bench(
    say: Callable[[str], object], model: str = "mnist_cnn", batch_size: int = 100
) -> pd.DataFrame:
    """Time the training of a model on random images.

    Args:
        say: Takes lines of progress.
        model: Its name.
        batch_size: Images of a step.

    Returns:
        The columns `program`, `images_per_second` and `ratio`: to the first program, which is the
        TF1 one where there is one. The last rows are the machine's matrix multiplications, which
        no program can outrun.
    """
    macs = 3 * registry.find(model).macs
    steps = min(200, max(2, int(MACS_A_ROUND / macs / batch_size)))
    images, labels = _random_images(model, steps * batch_size)
    split = ArraySplit(images, labels, registry.find(model).input_shape)
    keras.utils.set_random_seed(1)  # Keras's shuffling needs one
    programs: dict[str, Run] = {}
    if model == "mnist_cnn":
        programs["TF1 program, feed_dict"] = _tf1(images, labels, batch_size)
    for precision in ("float32", "mixed_bfloat16"):
        programs[f"kerazoo, {precision}"] = _kerazoo(model, split, batch_size, precision)
    programs["Keras fit, tf.data"] = _fit_dataset(model, split, batch_size)
    programs["Keras fit, arrays"] = _fit_arrays(model, images, labels, batch_size)
    if model == "mnist_cnn" and importlib.util.find_spec("torch"):
        from kerazoo.bench import torch_peer

        programs["PyTorch"] = torch_peer.training(images, labels, batch_size)
    times = medians(programs, say)
    return machine.with_limits(split.size / times, macs)


def _random_images(name: str, size: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (size, *registry.find(name).input_shape), np.uint8)
    return images, rng.integers(0, CLASSES, size)


def _tf1(images: np.ndarray, labels: np.ndarray, batch_size: int) -> Run:
    """Return the steps of the document's program, lines 301-309, each fed from NumPy."""
    rows = images.reshape(len(images), -1).astype(np.float32) / 255
    data, program = DataSet(rows, labels), Program(build)

    def run() -> None:
        nodes = program.nodes
        for _ in range(len(images) // batch_size):
            batch = data.next_batch(batch_size)
            feed = dict(zip((nodes.inputs, nodes.labels), batch, strict=True))
            program.session.run(nodes.training_op, feed)

    return run


def _compiled(name: str, precision: str = "float32") -> keras.Model:
    keras.config.set_dtype_policy(precision)
    model = kerazoo.create_model(name, classes=CLASSES, classifier_activation=None)
    keras.config.set_dtype_policy("float32")
    model.compile(
        keras.optimizers.Adam(0.001, epsilon=1e-8),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


def _kerazoo(name: str, split: ArraySplit, batch_size: int, precision: str) -> Run:
    steps = Steps(_compiled(name, precision), tf.distribute.get_strategy())

    def run() -> None:
        batches = steps.batches(split, batch_size, (0, 0))
        left = split.size // batch_size
        while left:
            taken = min(left, STEPS_PER_CALL)
            float(steps.train(batches, tf.constant(taken)))
            left -= taken

    return run


def _fit_dataset(name: str, split: ArraySplit, batch_size: int) -> Run:
    model = _compiled(name)
    return lambda: model.fit(split.batches(batch_size, (0, 0)), verbose=0, shuffle=False)


def _fit_arrays(name: str, images: np.ndarray, labels: np.ndarray, batch_size: int) -> Run:
    model = _compiled(name)
    pixels = images.astype(np.float32) / 255
    return partial(model.fit, pixels, labels, batch_size, verbose=0)
