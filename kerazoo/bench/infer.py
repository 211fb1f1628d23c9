"""How fast a model classifies: kerazoo beside Keras's `predict` and keras.applications."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from kerazoo import registry
from kerazoo.bench import machine
from kerazoo.bench.rounds import time_in_turn
from kerazoo.models import create_model
from kerazoo.precision import computing_in

MACS_A_ROUND = 500e9
APPLICATIONS = {
    "vgg16": keras.applications.VGG16,
    "vgg19": keras.applications.VGG19,
    "resnet50": keras.applications.ResNet50,
    "resnet101": keras.applications.ResNet101,
    "resnet152": keras.applications.ResNet152,
}


def bench(model: str = "vgg16", batch_size: int = 8) -> pd.DataFrame:
    """Time the forward pass of a model on random images.

    Args:
        model: Its name.
        batch_size: Images of a call.

    Returns:
        The table of `kerazoo.bench.machine.with_limits`.
    """
    info = registry.find(model)
    calls = min(100, max(1, int(MACS_A_ROUND / info.macs / batch_size)))
    images = np.random.default_rng(0).random((batch_size, *info.input_shape), np.float32)
    models = {"kerazoo": create_model(model)}
    with computing_in("mixed_bfloat16"):
        models["kerazoo, mixed_bfloat16"] = create_model(model)
    if model.startswith("vgg"):  # what keras.applications' have
        models["kerazoo, head='dense'"] = create_model(model, head="dense")
    if model in APPLICATIONS:
        models["keras.applications"] = APPLICATIONS[model](weights=None)
    programs: dict[str, Callable[[], object]] = {}
    for name, each in models.items():
        programs[f"{name}, tf.function"] = _compiled(each, images, calls)
        programs[f"{name}, predict"] = partial(_predict, each, images, calls)
    times = time_in_turn(programs)
    return machine.with_limits(times, batch_size * calls, info.macs)


def _compiled(model: keras.Model, images: np.ndarray, calls: int) -> Callable[[], object]:
    forward, batch = tf.function(partial(model, training=False)), tf.constant(images)

    def run() -> None:
        for _ in range(calls):
            forward(batch).numpy()

    return run


def _predict(model: keras.Model, images: np.ndarray, calls: int) -> None:
    for _ in range(calls):
        model.predict(images, verbose=0)
