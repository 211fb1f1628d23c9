"""A training run from its options to its run folder: what `kerazoo train` does."""

from __future__ import annotations

import dataclasses
import platform
import statistics
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Any

import keras
import tensorflow as tf

import kerazoo
from kerazoo import registry
from kerazoo.data.images import ImageData
from kerazoo.data.load import load
from kerazoo.errors import InterruptedRunError
from kerazoo.training import curves
from kerazoo.training.epoch import EpochResult
from kerazoo.training.loop import evaluate, fit
from kerazoo.training.options import Recipe, TrainOptions
from kerazoo.training.progress import ProgressBar, epoch_line
from kerazoo.training.run_folder import TENSORBOARD, RunFolder
from kerazoo.training.steps import Steps

Callbacks = Sequence[keras.callbacks.Callback]
Say = Callable[[str], None]

# Callbacks and Ctrl-C wait for a call to end: so many multiply-accumulates, a backward pass
# counted as two forward ones, are about half a second's work of two cores.
MACS_PER_CALL = 60e9
MAX_STEPS_PER_CALL = 50


def train(
    options: TrainOptions, device: str, callbacks: Callbacks = (), say: Say = print
) -> dict[str, Any]:
    """Train a model and leave configuration, metrics, curves, model and summary in a run folder.

    Args:
        options: What to train, on what, how, and where to leave it.
        device: What TensorFlow computes on, for the record.
        callbacks: Keras callbacks besides kerazoo's own.
        say: Takes the lines for a person to read.

    Returns:
        The summary, as summary.json has it; a dry run leaves no folder and has None for `out`.

    Raises:
        KerazooError: The options, the data or the run failed; see its kinds.
    """
    keras.utils.set_random_seed(options.recipe.seed)
    data, recipe = _load_data(options, say), options.recipe
    if options.dry_run:
        data, recipe = data.limited(recipe.batch_size), dataclasses.replace(recipe, epochs=1)
    model = _build(options.model, data, recipe)
    if options.dry_run:
        results = list(fit(model, data, recipe, steps_per_call=1, callbacks=callbacks))
        return _summary(options, data, results, None)
    folder = RunFolder(options.out, options.model, data.name)
    folder.write_json("config.json", _config(options, data, model, device))
    results = _fit(model, data, options, folder, callbacks, say)
    if callbacks:  # which may have put other weights back, as EarlyStopping can
        steps = Steps(model, tf.distribute.get_strategy())
        results[-1] = dataclasses.replace(results[-1], **evaluate(steps, data, recipe))
    _leave(folder, model, options, data, results)
    summary = _summary(options, data, results, folder)
    folder.write_json("summary.json", summary)
    return summary


def _load_data(options: TrainOptions, say: Say) -> ImageData:
    shape = registry.find(options.model).input_shape
    data = load(options.data, shape, options.recipe.seed, options.mnist_dir, say)
    if options.limit is not None:
        data = data.limited(options.limit)
    say(
        f"{options.model} on {data.name}: {data.train.size:,} images to train on, "
        f"{data.validation.size:,} to validate, {data.test.size:,} to test"
    )
    return data


def _build(name: str, data: ImageData, recipe: Recipe) -> keras.Model:
    """Return the compiled model of logits, its variables initialised from Keras's seed."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(recipe.precision)
    try:
        model = kerazoo.create_model(
            name,
            input_shape=data.image_shape,
            classes=len(data.class_names),
            classifier_activation=None,
        )
    finally:
        keras.config.set_dtype_policy(before)
    model.compile(
        keras.optimizers.Adam(recipe.learning_rate, epsilon=recipe.epsilon),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def _fit(
    model: keras.Model,
    data: ImageData,
    options: TrainOptions,
    folder: RunFolder,
    callbacks: Callbacks,
    say: Say,
) -> list[EpochResult]:
    recipe = options.recipe
    bar = ProgressBar(data.train.size, recipe.batch_size)
    own = [bar]
    if options.tensorboard:
        own.append(keras.callbacks.TensorBoard(folder.path / TENSORBOARD))
    results: list[EpochResult] = []
    step_macs = 3 * registry.find(options.model).macs * recipe.batch_size
    steps_per_call = min(max(1, int(MACS_PER_CALL / step_macs)), MAX_STEPS_PER_CALL)
    try:
        for result in fit(model, data, recipe, steps_per_call, [*own, *callbacks]):
            results.append(result)
            folder.add_metrics(result)
            say(epoch_line(result, recipe.epochs))
    except KeyboardInterrupt as interrupt:
        bar.close()
        _leave(folder, model, options, data, results)
        raise InterruptedRunError(
            f"interrupted in epoch {len(results) + 1} of {recipe.epochs}; "
            f"the model as it was then is in '{folder.path}'"
        ) from interrupt
    finally:
        bar.close()
    return results


def _leave(
    folder: RunFolder,
    model: keras.Model,
    options: TrainOptions,
    data: ImageData,
    results: Sequence[EpochResult],
) -> None:
    """Write the model, ending in softmax as the zoo's models do, and the curves."""
    final = kerazoo.create_model(
        options.model, input_shape=data.image_shape, classes=len(data.class_names)
    )
    final.set_weights(model.get_weights())
    with folder.replacing("model.keras") as path:
        final.save(path)
    if results:
        with folder.replacing("curves.png") as path, path.open("wb") as file:
            curves.draw(results, f"{options.model} on {data.name}", file)


def _config(
    options: TrainOptions, data: ImageData, model: keras.Model, device: str
) -> dict[str, Any]:
    merged = dataclasses.asdict(options)
    recipe = merged.pop("recipe")
    packages = ("tensorflow", "keras", "numpy", "tensorflow-datasets")
    return {
        **merged,
        **recipe,
        "optimizer": model.optimizer.get_config(),
        "device": device,
        "dataset": {
            "name": data.name,
            "fingerprint": data.fingerprint,
            "image_shape": data.image_shape,
            "classes": data.class_names,
        },
        "versions": {
            "kerazoo": kerazoo.__version__,
            "python": platform.python_version(),
            **{package: metadata.version(package) for package in packages},
        },
    }


def _summary(
    options: TrainOptions,
    data: ImageData,
    results: Sequence[EpochResult],
    folder: RunFolder | None,
) -> dict[str, Any]:
    last = results[-1]
    return {
        "model": options.model,
        "data": data.name,
        "epochs": last.epoch,
        "train_accuracy": last.train_accuracy,
        "validation_accuracy": last.validation_accuracy,
        "test_accuracy": last.test_accuracy,
        "seconds": round(sum(result.seconds for result in results), 3),
        "images_per_second": round(
            statistics.harmonic_mean([result.images_per_second for result in results]), 1
        ),
        "train_images": data.train.size,
        "validation_images": data.validation.size,
        "test_images": data.test.size,
        "seed": options.recipe.seed,
        "dry_run": options.dry_run,
        "out": str(folder.path) if folder else None,
    }
