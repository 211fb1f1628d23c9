"""Training from options, or from an unfinished run, to a run folder: what `kerazoo train` does."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import keras

from kerazoo import registry
from kerazoo.data.images import ImageData, ImageShape
from kerazoo.data.load import load
from kerazoo.device import determinism
from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.models import create_model
from kerazoo.precision import computing_in
from kerazoo.training import cluster, memory, runs
from kerazoo.training.checkpoints import State
from kerazoo.training.config import changed_versions, options_of, record
from kerazoo.training.loop import Training
from kerazoo.training.options import TrainOptions
from kerazoo.training.progress import ProgressBar
from kerazoo.training.replicas import Replicas
from kerazoo.training.run import Run, summary
from kerazoo.training.run_folder import RunFolder
from kerazoo.training.schedule import learning_rate
from kerazoo.training.watchdog import TIMEOUT_SECONDS

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

    With several workers the process ends, with exit code 1, where fifty steps, an evaluation's
    fifty batches, the callbacks or a checkpoint take more than ten minutes.

    Args:
        options: What to train, on what, how, and where to leave it.
        device: What TensorFlow computes on, for the record.
        callbacks: Keras callbacks besides kerazoo's own.
        say: Takes the lines for a person to read.

    Returns:
        The summary, as summary.json has it, of the weights that are saved: callbacks may have put
        those of an earlier epoch back. A dry run leaves no folder and has None for `out`.

    Raises:
        InterruptedRunError: It was stopped by Ctrl-C or SIGTERM, after it was saved.
        KerazooError: The options, the data or the run failed; see its kinds.
        OSError: A file cannot be written.
    """
    where = cluster.of_environment(options.strategy)
    with _operations(options), _waiting(options.strategy, where, say) as replicas:
        say = _said_once(say, replicas)
        data = _load_data(options, say)
        _check_all_alike(options, data, replicas)
        if options.dry_run:
            return _try(options, data, replicas, callbacks, say)
        with _begin(options, data) if replicas.is_chief else nullcontext() as folder:
            model = _compiled(options, data, replicas, say)
            if folder:
                folder.write_json("config.json", record(options, data, model, device))
            run = _run(options, data, model, callbacks, folder, replicas, say)
            return run.go(evaluate_again=bool(callbacks))


def resume(
    run: Path,
    mnist_dir: Path | None = None,
    strategy: str = "auto",
    callbacks: Callbacks = (),
    say: Say = print,
) -> dict[str, Any]:
    """Go on with an unfinished run where it was last saved, as if it had never stopped.

    Args:
        run: Its folder, which the chief alone of several workers needs.
        mnist_dir: Folder with MNIST's four IDX files.
        strategy: Where it runs, see `TrainOptions`.
        callbacks: The Keras callbacks that it began with.
        say: Takes the lines for a person to read.

    Returns:
        The summary, see `train`.

    Raises:
        CorruptFileError: The data are not those it began with, or what it saved is damaged.
        InterruptedRunError, KerazooError, OSError: See `train`.
    """
    where = cluster.of_environment(strategy)
    opening = RunFolder.reopen(run) if where.is_chief else nullcontext()
    with opening as folder, _waiting(strategy, where, say) as replicas:
        say = _said_once(say, replicas)
        read = [runs.config(run), runs.summary(run)] if folder else []
        config, ended = json.loads(replicas.from_chief(json.dumps(read).encode()))
        if ended is not None:
            say(runs.already_finished(run))
            return ended
        kept, fingerprint = options_of(config)
        options = dataclasses.replace(kept, mnist_dir=mnist_dir, out=run)
        if changed := changed_versions(config):
            say(f"the run began with {'; '.join(changed)}")
        data = _load_data(options, say)
        if data.fingerprint != fingerprint:
            raise CorruptFileError(
                f"{data.name} is not what '{run}' was trained on: bring the data back as they were"
            )
        with _operations(options):
            model = _compiled(options, data, replicas, say)
            going_on = _run(options, data, model, callbacks, folder, replicas, say)
            if (state := _newest(folder, replicas, say)) is not None:
                going_on.take_up(state)
            say(f"'{run}' goes on in epoch {going_on.epoch} of {options.recipe.epochs}")
            return going_on.go(evaluate_again=bool(callbacks))


def _begin(options: TrainOptions, data: ImageData) -> RunFolder:
    return RunFolder.begin(options.out, options.overwrite, options.model, data.name)


def _try(
    options: TrainOptions, data: ImageData, replicas: Replicas, callbacks: Callbacks, say: Say
) -> dict[str, Any]:
    """Take one step and leave nothing."""
    data = data.limited(options.recipe.batch_size)
    recipe = dataclasses.replace(options.recipe, epochs=1)
    model = _compiled(options, data, replicas, say)
    training = Training(model, data, recipe, 1, callbacks, replicas.strategy)
    with replicas.watchdog(), memory.advising(model, recipe.batch_size, replicas.count):
        (result,) = training.epochs()
    return summary(options, data, [result], result, None)


def _operations(options: TrainOptions) -> AbstractContextManager[None]:
    """Have operations deterministic; XLA has a gradient of max pooling, and does not call it so."""
    return determinism(not options.recipe.jit)


def _waiting(strategy: str, where: cluster.Cluster, say: Say) -> Replicas:
    """Return the replicas once all workers are there."""
    if where.workers > 1:
        minutes = TIMEOUT_SECONDS // 60
        say(f"waiting for all {where.workers} workers of TF_CONFIG, {minutes} minutes at the most")
    return Replicas(strategy, where)


def _said_once(say: Say, replicas: Replicas) -> Say:
    """Return `say` for the chief, and what says nothing for other workers."""
    if not replicas.is_chief:
        return lambda _: None
    if replicas.count > 1:
        say(f"{replicas.count} replicas of the model, each with its rows of every batch")
    return say


def _check_all_alike(options: TrainOptions, data: ImageData, replicas: Replicas) -> None:
    """Raise where the workers were not started for the same training."""
    alike = dataclasses.replace(options, mnist_dir=None, out=None), data.fingerprint
    if replicas.from_chief(mine := repr(alike).encode()) != mine:
        raise UsageError(
            "the workers were started with other options or other data than the chief: "
            "start all of them alike"
        )


def _newest(folder: RunFolder | None, replicas: Replicas, say: Say) -> State | None:
    """Return the state that the chief has saved last."""
    state = folder.checkpoints.newest(say) if folder else None
    if replicas.workers == 1:
        return state
    content = replicas.from_chief(state.to_bytes() if state else b"")
    return State.from_bytes(content) if content else None


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


def _compiled(options: TrainOptions, data: ImageData, replicas: Replicas, say: Say) -> keras.Model:
    """Return the model to train, drawn from the recipe's seed."""
    recipe = options.recipe
    keras.utils.set_random_seed(recipe.seed)
    with replicas.strategy.scope():
        model = _create(options, data, classifier_activation=None)
        model.compile(
            keras.optimizers.Adam(learning_rate(recipe, data.train.size), epsilon=recipe.epsilon),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
    replicas.synchronize(model, data.train.size, recipe.batch_size)
    size = min(recipe.batch_size, data.train.size)
    if warning := memory.shortage(model, size, replicas.count):
        say(f"warning: {warning}")
    return model


def _create(options: TrainOptions, data: ImageData, **top: Any) -> keras.Model:
    """Return the model for the data, in the run's precision."""
    with computing_in(options.recipe.precision):
        return create_model(
            options.model, input_shape=data.image_shape, classes=len(data.class_names), **top
        )


def _run(
    options: TrainOptions,
    data: ImageData,
    model: keras.Model,
    callbacks: Callbacks,
    folder: RunFolder | None,
    replicas: Replicas,
    say: Say,
) -> Run:
    recipe = options.recipe
    bar = ProgressBar(recipe.epochs, data.train.size, recipe.batch_size, replicas.is_chief)
    own = [bar]
    if options.tensorboard:
        # other workers than the chief write to TensorFlow's file system in memory
        events = str(folder.path / "tensorboard") if folder else "ram://tensorboard"
        own.append(keras.callbacks.TensorBoard(events))
    macs = 3 * registry.find(options.model).macs * recipe.batch_size
    steps_per_call = min(max(1, int(MACS_PER_CALL / macs)), MAX_STEPS_PER_CALL)
    training = Training(
        model,
        data,
        recipe,
        steps_per_call,
        [*own, *callbacks],
        replicas.strategy,
        options.save_every,
        replicas.begin,
    )
    return Run(options, data, training, lambda: _create(options, data), folder, replicas, bar, say)
