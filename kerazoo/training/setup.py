"""The data and the model of a run, ready to train."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from typing import Any

from kerazoo import registry, text
from kerazoo.data.images import ImageData
from kerazoo.data.load import load
from kerazoo.errors import CorruptFileError, raised_in_graph
from kerazoo.lazy import keras, tf
from kerazoo.models import create_model
from kerazoo.precision import dtype_policy
from kerazoo.training import machine
from kerazoo.training.options import Recipe, TrainOptions
from kerazoo.training.replicas import Replicas
from kerazoo.training.run_folder import RunFolder
from kerazoo.training.trainer import Trainer

# Callbacks and Ctrl-C wait for a call to end: this many multiply-accumulates, a backward pass
# counted as two forward passes, take two cores about half a second.
MACS_PER_CALL = 60e9
MAX_STEPS_PER_CALL = 50
WARMUP = 0.2  # fraction of all steps

logger = logging.getLogger("kerazoo")


def load_data(options: TrainOptions) -> ImageData:
    """Return the data set that the options name, its images resized for the model."""
    shape = registry.find(options.model).input_shape
    data = load(options.data, shape, options.recipe.seed, options.mnist_dir, options.skip_broken)
    if options.limit is not None:
        data = data.limited(options.limit)
    logger.info(
        "%s on %s: %s images to train on, %s to validate, %s to test",
        options.model,
        data.name,
        *(f"{split.size:,}" for split in (data.train, data.validation, data.test)),
    )
    if data.source_shape != data.image_shape:
        of = f" of {text.shape(data.source_shape)}" if data.source_shape else ""
        logger.info("images%s are resized to the model's %s", of, text.shape(data.image_shape))
    return data


@contextlib.contextmanager
def reading(data: ImageData) -> Iterator[None]:
    """Report data that prove missing or damaged as they are read.

    Raises:
        KerazooError: They do.
    """
    try:
        yield
    except tf.errors.OpError as error:
        if (quoted := raised_in_graph(error)) is not None:
            raise quoted from error
        if not isinstance(error, tf.errors.DataLossError):
            raise
        message = f"the data set {data.name} is damaged: remove its files and prepare it again"
        raise CorruptFileError(message) from error


def make_trainer(
    options: TrainOptions,
    data: ImageData,
    callbacks: Sequence[keras.callbacks.Callback],
    folder: RunFolder | None,
    replicas: Replicas,
) -> Trainer:
    """Return the training of a new model."""
    recipe, callbacks = options.recipe, [*callbacks]
    if options.tensorboard:
        # other workers than the chief write to TensorFlow's file system in memory
        events = str(folder.path / "tensorboard") if folder else "ram://tensorboard"
        callbacks.insert(0, keras.callbacks.TensorBoard(events))
    macs = 3 * registry.find(options.model).macs * recipe.batch_size
    return Trainer(
        _compiled(options, data, replicas),
        data,
        recipe,
        callbacks,
        replicas.strategy,
        steps_per_call=min(max(1, int(MACS_PER_CALL / macs)), MAX_STEPS_PER_CALL),
        save_every=options.save_every,
        on_activity=replicas.begin,
    )


def _compiled(options: TrainOptions, data: ImageData, replicas: Replicas) -> keras.Model:
    """Return the model to train, with initial weights from the recipe's seed."""
    recipe = options.recipe
    keras.utils.set_random_seed(recipe.seed)
    with replicas.strategy.scope():
        model = create(options, data, classifier_activation=None)
        model.compile(
            keras.optimizers.Adam(learning_rate(recipe, data.train.size), epsilon=recipe.epsilon),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
    replicas.synchronize(model, data.train.size, recipe.batch_size)
    size = min(recipe.batch_size, data.train.size)
    if warning := machine.shortage(model, size, replicas.count):
        logger.warning(warning)
    return model


def create(options: TrainOptions, data: ImageData, **top: Any) -> keras.Model:
    """Return the model for the data, in the run's precision."""
    with dtype_policy(options.recipe.precision):
        return create_model(
            options.model, input_shape=data.image_shape, classes=len(data.class_names), **top
        )


def learning_rate(
    recipe: Recipe, images: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return the learning rate of a recipe's steps, for epochs of `images` images."""
    if recipe.schedule == "constant":
        return recipe.learning_rate
    steps = recipe.epochs * recipe.steps_per_epoch(images)
    rising = max(1, int(WARMUP * steps))
    return keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - rising), warmup_target=recipe.learning_rate, warmup_steps=rising
    )
