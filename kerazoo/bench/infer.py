"""Speed of inference: kerazoo and keras.applications, by `tf.function` and Keras's `predict`."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from kerazoo import registry
from kerazoo.bench.timing import Row, Run, bfloat16_pays, limits, speeds, time_in_turn
from kerazoo.lazy import keras, tf
from kerazoo.models import create_model
from kerazoo.precision import dtype_policy

MACS_A_ROUND = 500e9
NAMES = ("VGG16", "VGG19", "ResNet50", "ResNet101", "ResNet152")
APPLICATIONS = {name.lower(): getattr(keras.applications, name) for name in NAMES}


def bench(model: str = "vgg16", batch_size: int = 8) -> Iterator[list[Row]]:
    """Time calls of a model on batches of random images; yield the rows after every round."""
    info = registry.find(model)
    calls = min(100, max(1, int(MACS_A_ROUND / info.macs / batch_size)))
    images = np.random.default_rng(0).random((batch_size, *info.input_shape), np.float32)
    machine = limits(info.macs)
    models = {"kerazoo": create_model(model)}
    if bfloat16_pays(machine):
        with dtype_policy("mixed_bfloat16"):
            models["kerazoo, mixed_bfloat16"] = create_model(model)
    if model.startswith("vgg"):  # the head of keras.applications
        models["kerazoo, head='dense'"] = create_model(model, head="dense")
    if model in APPLICATIONS:
        models["keras.applications"] = APPLICATIONS[model](weights=None)
    programs: dict[str, Run] = {}
    for name, each in models.items():
        forward = tf.function(partial(each, training=False))
        programs[f"{name}, tf.function"] = partial(_repeat, calls, forward, tf.constant(images))
        predict = partial(each.predict, verbose=0)
        programs[f"{name}, predict"] = partial(_repeat, calls, predict, images)
    for seconds in time_in_turn(programs):
        yield speeds(seconds, batch_size * calls, machine)


def _repeat(calls: int, run: Callable[[Any], Any], images: Any) -> None:
    for _ in range(calls):
        np.asarray(run(images))
