"""Train a model and write a run directory, or resume a run: what `kerazoo train` does."""

import dataclasses
import json
import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from kerazoo import registry
from kerazoo.compat import determinism
from kerazoo.data.images import ImageData
from kerazoo.device import describe_device
from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.lazy import keras
from kerazoo.recipe import Recipe
from kerazoo.training import cluster, finished, machine, prolonging, runs
from kerazoo.training.checkpoints import State
from kerazoo.training.config import changed_versions, options_of, record
from kerazoo.training.memory import Memory
from kerazoo.training.options import TrainOptions
from kerazoo.training.replicas import Replicas
from kerazoo.training.run import Run
from kerazoo.training.run_folder import RunFolder
from kerazoo.training.setup import load_data, make_trainer, reading
from kerazoo.training.watchdog import TIMEOUT_SECONDS
from kerazoo.values import short
from kerazoo.weights.preprocessing import BY_NAME

Callbacks = Sequence[keras.callbacks.Callback]

logger = logging.getLogger("kerazoo")


def train(options: TrainOptions, callbacks: Callbacks = ()) -> dict[str, Any]:
    """Train a model and write configuration, metrics, curves, model and summary.

    Progress is logged at level INFO. With several workers the process ends, with exit code 1, where
    fifty steps, fifty batches of an evaluation, the callbacks or a checkpoint take more than ten
    minutes.

    Args:
        options: What to train, on what, how, and where to write it.
        callbacks: Keras callbacks.

    Returns:
        The summary, as in summary.json. Its accuracies are those of the saved weights, which
        callbacks may have taken from an earlier epoch. A dry run writes nothing.

    Raises:
        InterruptedRunError: Ctrl-C or SIGTERM stopped it, after it was saved.
        KerazooError: The options, the data or the run failed; see its subclasses.
        OSError: A file cannot be written.
    """
    if not isinstance(options, TrainOptions):
        raise UsageError(f"options is {short(options)}, not TrainOptions")
    _check_callbacks(callbacks)
    where = cluster.of_environment(options.strategy)
    options = dataclasses.replace(options, recipe=_for_this_machine(options, where))
    with _operations(options), _replicas(options.strategy, where) as replicas:
        data = load_data(options)
        _check_all_alike(options, data, replicas)
        if options.dry_run:
            return _dry_run(options, data, replicas, callbacks)
        begin = partial(RunFolder.begin, options.out, options.overwrite, options.model, data.name)
        with begin() if replicas.is_chief else nullcontext() as folder:
            trainer = make_trainer(options, data, callbacks, folder, replicas)
            if folder:
                description = record(
                    options, data, trainer.model, trainer.preprocessing, describe_device()
                )
                folder.write_json(runs.CONFIG, description)
            run = Run(options, data, trainer, folder, replicas, callbacks)
            return run.fit()


def resume(
    run: Path,
    mnist_dir: Path | None = None,
    strategy: str | None = None,
    callbacks: Callbacks = (),
    epochs: int | None = None,
    data: str | None = None,
) -> dict[str, Any]:
    """Continue a run where it was last saved, or prolong it; the result is bit-exact.

    Args:
        run: Its directory, which of several workers only the chief needs.
        mnist_dir: Directory with MNIST's four IDX files; None for that with which it began.
        strategy: Where it runs, see `TrainOptions`; None for where it began, if that was a single
            machine.
        callbacks: The Keras callbacks that it began with.
        epochs: More epochs than it began with, to prolong it; None for as many.
        data: Name of the same data set at another place; None for where it was.

    Returns:
        The summary, see `train`.

    Raises:
        UsageError: There is no run, or it has more epochs already.
        CorruptFileError: The data are not those it began with, or what it saved is damaged.
        InterruptedRunError, KerazooError, OSError: See `train`.
    """
    if not isinstance(run, str | os.PathLike):
        raise UsageError(f"run is {short(run)}, not a path")
    _check_callbacks(callbacks)
    run = Path(run)
    where = cluster.of_environment(strategy or TrainOptions.strategy)
    with RunFolder.reopen(run) if where.is_chief else nullcontext() as folder:
        before = config = runs.config(run) if folder else {}
        if folder and (epochs is not None or data is not None):
            config = prolonging.changed(run, config, epochs, data)
        if where.workers == 1:
            begun = options_of(config)
            machine.set_threads(begun.recipe.micro_batches)
            if begun.strategy in cluster.OF_ONE_MACHINE:
                strategy = strategy or begun.strategy
        with _replicas(strategy or TrainOptions.strategy, where) as replicas:
            is_prolonged = config.get("epochs") != before.get("epochs")
            summary = finished.summary(run) if folder and not is_prolonged else None
            if where.workers > 1:
                read = json.dumps([config, summary]).encode()
                config, summary = json.loads(replicas.from_chief(read))
            if summary is not None:
                logger.info(runs.ALREADY_FINISHED, run)
                return summary
            if folder:
                runs.check_checkpoints(run)
            begun = options_of(config)
            options = dataclasses.replace(begun, mnist_dir=mnist_dir or begun.mnist_dir, out=run)
            return _continue(options, config, callbacks, folder, replicas)


def _continue(
    options: TrainOptions,
    config: Mapping[str, Any],
    callbacks: Callbacks,
    folder: RunFolder | None,
    replicas: Replicas,
) -> dict[str, Any]:
    """Train what is left of a run with this config.json; return its summary."""
    if changed := changed_versions(config):
        logger.info("the run began with %s", "; ".join(changed))
    data = load_data(options)
    if data.fingerprint != config["dataset"]["fingerprint"]:
        raise CorruptFileError(
            f"{data.name} is not what '{options.out}' was trained on: name the original data set "
            "with --data"
        )
    with _operations(options):
        state = _newest(folder, replicas)
        if state is not None:
            options = dataclasses.replace(options, weights=None)
        known = BY_NAME[config["preprocessing"]]
        trainer = make_trainer(options, data, callbacks, folder, replicas, known)
        run = Run(options, data, trainer, folder, replicas, callbacks)
        if state is not None:
            run.resume_from(state)
        epochs = options.recipe.epochs
        if folder:
            prolonging.write(folder, config)
        logger.info("'%s' continues in epoch %d of %d", options.out, run.epoch, epochs)
        return run.fit()


def _check_callbacks(callbacks: Callbacks) -> None:
    if not isinstance(callbacks, Sequence):
        raise UsageError(f"callbacks is {short(callbacks)}, not a list of Keras callbacks")
    for each in callbacks:
        if not isinstance(each, keras.callbacks.Callback):
            raise UsageError(f"callbacks has {short(each)}, which is not a Keras callback")


def _for_this_machine(options: TrainOptions, where: cluster.Cluster) -> Recipe:
    """Return the recipe with its number of micro-batches, for which TensorFlow gets its threads."""
    recipe, number = options.recipe, options.recipe.micro_batches
    if number is None:
        single = where.workers == 1 and not recipe.jit
        info = registry.find(options.model)
        number = machine.micro_batches(info, recipe.batch_size) if single else 1
    if where.workers == 1:
        machine.set_threads(number)
    return dataclasses.replace(recipe, micro_batches=number)


def _operations(options: TrainOptions) -> AbstractContextManager[None]:
    """Make operations deterministic, except with XLA: TensorFlow refuses its max-pool gradient."""
    return determinism(not options.recipe.jit)


def _replicas(strategy: str, where: cluster.Cluster) -> Replicas:
    """Return the replicas once all workers are connected."""
    if where.workers > 1:
        minutes = TIMEOUT_SECONDS // 60
        logger.info("waiting for all %d workers, at most %d minutes", where.workers, minutes)
    return Replicas(strategy, where)


def _check_all_alike(options: TrainOptions, data: ImageData, replicas: Replicas) -> None:
    """Check that all workers were started for the same training."""
    alike = dataclasses.replace(options, mnist_dir=None, out=None), data.fingerprint
    if replicas.from_chief(mine := repr(alike).encode()) != mine:
        raise UsageError(
            "the workers were started with other options or other data than the chief: "
            "start all of them alike"
        )


def _dry_run(
    options: TrainOptions, data: ImageData, replicas: Replicas, callbacks: Callbacks
) -> dict[str, Any]:
    """Take one step and write nothing."""
    recipe = dataclasses.replace(options.recipe, epochs=1)
    options = dataclasses.replace(options, recipe=recipe)
    data = data.limited(recipe.batch_size)
    trainer = make_trainer(options, data, callbacks, None, replicas)
    memory = Memory(trainer.model, data.image_shape, replicas.count)
    with replicas.watchdog(), reading(data), memory.advising(data.train.size):
        trainer.fit()
    return Run(options, data, trainer, None, replicas, callbacks).summary(trainer.results[-1])


def _newest(folder: RunFolder | None, replicas: Replicas) -> State | None:
    """Return the state that the chief has saved last."""
    state = folder.checkpoints.newest() if folder else None
    if replicas.workers == 1:
        return state
    content = replicas.from_chief(state.to_bytes() if state else b"")
    return State.from_bytes(content) if content else None
