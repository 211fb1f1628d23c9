"""A training run from its options to its run folder: what `kerazoo train` does."""

from __future__ import annotations

import contextlib
import dataclasses
import platform
import signal
import statistics
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from typing import Any

import keras
import tensorflow as tf

import kerazoo
from kerazoo import registry
from kerazoo.data.images import ImageData, ImageShape
from kerazoo.data.load import load
from kerazoo.errors import InterruptedRunError
from kerazoo.training import curves
from kerazoo.training.epoch import EpochResult
from kerazoo.training.loop import evaluate, number_of_batches, train_epochs
from kerazoo.training.options import TrainOptions
from kerazoo.training.progress import ProgressBar, epoch_line
from kerazoo.training.run_folder import RunFolder
from kerazoo.training.steps import Steps
from kerazoo.weights import keras_file
from kerazoo.weights.preprocessing import UNIT

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
        The summary, as summary.json has it, of the weights that are saved: callbacks may have put
        those of an earlier epoch back. A dry run leaves no folder and has None for `out`.

    Raises:
        KerazooError: The options, the data or the run failed; see its kinds.
        OSError: A file cannot be written.
    """
    data, recipe = _load_data(options, say), options.recipe
    if options.dry_run:
        data, recipe = data.limited(recipe.batch_size), dataclasses.replace(recipe, epochs=1)
    keras.utils.set_random_seed(recipe.seed)
    model = _create(options, data, classifier_activation=None)
    model.compile(
        keras.optimizers.Adam(recipe.learning_rate, epsilon=recipe.epsilon),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    if options.dry_run:
        (result,) = train_epochs(model, data, recipe, steps_per_call=1, callbacks=callbacks)
        return _summary(options, data, [result], result, None)
    with RunFolder(options.out, options.overwrite, options.model, data.name) as folder:
        folder.write_json("config.json", _config(options, data, model, device))
        results = _train(model, data, options, folder, callbacks, say)
        final = results[-1]
        if callbacks:
            steps = Steps(model, tf.distribute.get_strategy())
            last_batch = number_of_batches(data.train, recipe) - 1
            found = evaluate(steps, data, recipe, final.epoch - 1, last_batch)
            final = dataclasses.replace(final, **found)
        summary = _summary(options, data, results, final, folder)
        with _uninterrupted():
            _leave(folder, model, options, data, results)
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
    if data.source_shape != data.image_shape:
        of = f" of {_by(data.source_shape)}" if data.source_shape else ""
        say(f"the images{of} are brought to {_by(data.image_shape)}, which {options.model} takes")
    return data


def _by(shape: ImageShape) -> str:
    return "x".join(map(str, shape))


def _create(options: TrainOptions, data: ImageData, **top: Any) -> keras.Model:
    """Return the model for the data, in the run's precision."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(options.recipe.precision)
    try:
        return kerazoo.create_model(
            options.model, input_shape=data.image_shape, classes=len(data.class_names), **top
        )
    finally:
        keras.config.set_dtype_policy(before)


def _train(
    model: keras.Model,
    data: ImageData,
    options: TrainOptions,
    folder: RunFolder,
    callbacks: Callbacks,
    say: Say,
) -> list[EpochResult]:
    recipe = options.recipe
    bar = ProgressBar(recipe.epochs, data.train.size, recipe.batch_size)
    own = [bar]
    if options.tensorboard:
        own.append(keras.callbacks.TensorBoard(folder.path / "tensorboard"))
    results: list[EpochResult] = []
    steps_per_call = _steps_per_call(options)
    try:
        for result in train_epochs(model, data, recipe, steps_per_call, [*own, *callbacks]):
            results.append(result)
            folder.add_metrics(result)
            say(epoch_line(result, recipe.epochs))
    except KeyboardInterrupt as interrupt:
        bar.close()
        if folder.spares_earlier_run:
            raise InterruptedRunError(
                f"interrupted in epoch 1 of {recipe.epochs}; "
                f"the earlier run in '{options.out}' is as it was"
            ) from interrupt
        with _uninterrupted():
            _leave(folder, model, options, data, results)
        raise InterruptedRunError(
            f"interrupted in epoch {len(results) + 1} of {recipe.epochs}; "
            f"the model as it was then is in '{folder.path}'"
        ) from interrupt
    finally:
        bar.close()
    return results


def _steps_per_call(options: TrainOptions) -> int:
    macs = 3 * registry.find(options.model).macs * options.recipe.batch_size
    return min(max(1, int(MACS_PER_CALL / macs)), MAX_STEPS_PER_CALL)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Take no interrupt while files are written; it has no effect outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.signal(each, signal.SIG_IGN) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _leave(
    folder: RunFolder,
    model: keras.Model,
    options: TrainOptions,
    data: ImageData,
    results: Sequence[EpochResult],
) -> None:
    """Write the model, ending in softmax as the zoo's models do, and the curves."""
    final = _create(options, data)
    final.set_weights(model.get_weights())
    final.preprocessing = UNIT
    with folder.replacing("model.keras") as path:
        keras_file.write(final, path)
    folder.keep()
    if results:
        with folder.replacing("curves.png") as path, path.open("wb") as file:
            curves.draw(results, f"{options.model} on {data.name}", file)


def _config(
    options: TrainOptions, data: ImageData, model: keras.Model, device: str
) -> dict[str, Any]:
    merged = dataclasses.asdict(options)
    recipe = merged.pop("recipe")
    packages = ("tensorflow", "keras", "numpy", "scikit-learn", "tensorflow-datasets")
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
    final: EpochResult,
    folder: RunFolder | None,
) -> dict[str, Any]:
    return {
        "model": options.model,
        "data": data.name,
        "epochs": final.epoch,
        "train_accuracy": final.train_accuracy,
        "validation_accuracy": final.validation_accuracy,
        "test_accuracy": final.test_accuracy,
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
