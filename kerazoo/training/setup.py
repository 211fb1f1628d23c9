"""The data and the model of a run, ready to train."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Iterator, Sequence
from typing import Any

from kerazoo import registry, text
from kerazoo.data.image_io import ImageShape
from kerazoo.data.images import ImageData
from kerazoo.data.load import load
from kerazoo.errors import CorruptFileError, UsageError, raised_in_graph
from kerazoo.lazy import keras, tf
from kerazoo.models import create_model
from kerazoo.precision import dtype_policy
from kerazoo.recipe import Recipe
from kerazoo.training.curvature import DiagonalLevenbergMarquardt
from kerazoo.training.memory import Memory
from kerazoo.training.options import TrainOptions
from kerazoo.training.recipe_callbacks import recipe_callbacks
from kerazoo.training.replicas import Replicas
from kerazoo.training.run_folder import RunFolder
from kerazoo.training.schedules import learning_rate
from kerazoo.training.trainer import Trainer
from kerazoo.weights.features import load_features
from kerazoo.weights.preprocessing import BY_NAME, UNIT, Preprocessing

# Callbacks and Ctrl-C wait for a call to end: this many multiply-accumulates, a backward pass
# counted as two forward passes, take two cores about half a second.
MACS_PER_CALL = 60e9
MAX_STEPS_PER_CALL = 50

logger = logging.getLogger("kerazoo")


def load_data(options: TrainOptions) -> ImageData:
    """Return the data set that the options name, its images resized for the model."""
    shape = options.input_shape or registry.find(options.model).input_shape
    recipe = options.recipe
    data = load(
        options.data,
        shape,
        recipe.seed,
        options.mnist_dir,
        options.skip_broken,
        to_crop=recipe.crop_area[0] < 1 or max(recipe.sizes, default=0) > min(shape[:2]),
    )
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
    preprocessing: Preprocessing | None = None,
) -> Trainer:
    """Return the training of a new model; without `preprocessing`, with that of its weights."""
    recipe, callbacks = options.recipe, [*recipe_callbacks(options.recipe), *callbacks]
    if options.tensorboard:
        # other workers than the chief write to TensorFlow's file system in memory
        events = str(folder.path / "tensorboard") if folder else "ram://tensorboard"
        callbacks.insert(0, keras.callbacks.TensorBoard(events))
    keras.utils.set_random_seed(recipe.seed)
    with replicas.strategy.scope():
        with_heads = create(options, data, training=True)
        of_weights = start(with_heads, options, data.class_names)
        with dtype_policy(recipe.precision):
            model = main_model(with_heads)
        model.compile(
            optimizer(recipe, with_heads, data.train.size),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
    _check_size(model, data, recipe, replicas)
    return Trainer(
        model,
        data,
        recipe,
        callbacks,
        replicas.strategy,
        steps_per_call=steps_per_call(model, options.model, data.image_shape, recipe.batch_size),
        save_every=options.save_every,
        on_activity=replicas.begin,
        with_heads=with_heads,
        preprocessing=preprocessing or of_weights,
    )


def steps_per_call(model: keras.Model, name: str, image_shape: ImageShape, batch_size: int) -> int:
    """Return how many steps a call takes, by an estimate of their multiply-accumulates.

    Args:
        model: The model.
        name: Its name, for those of its default width and input, which are scaled.
        image_shape: (height, width, channels) of its images.
        batch_size: Images of a step.
    """
    info = registry.find(name)
    pixels = math.prod(image_shape) / math.prod(info.input_shape)
    macs = info.macs * pixels * model.count_params() / info.params
    return min(max(1, int(MACS_PER_CALL / (3 * macs * batch_size))), MAX_STEPS_PER_CALL)


def _check_size(model: keras.Model, data: ImageData, recipe: Recipe, replicas: Replicas) -> None:
    """Synchronize batch normalization, and warn where memory is too short for a batch."""
    replicas.synchronize(model, data.train.size, recipe.batch_size)
    size = min(recipe.batch_size, data.train.size)
    if warning := Memory(model, data.image_shape, replicas.count).shortage(size):
        logger.warning(warning)


def start(model: keras.Model, options: TrainOptions, class_names: Sequence[str]) -> Preprocessing:
    """Load the weights that a training starts from; return what they expect of images.

    Random weights expect what the network's paper does to images.
    """
    if options.weights is None:
        usual = BY_NAME[registry.find(options.model).preprocessing]
        return usual.of_channels(model.input_shape[-1])
    load_features(model, options.weights, class_names)
    preprocessing: Preprocessing | None = getattr(model, "preprocessing", None)
    if preprocessing is None:
        logger.warning("what the weights expect of images is unknown: they get them in [0, 1]")
    return preprocessing or UNIT


def main_model(with_heads: keras.Model) -> keras.Model:
    """Return the model without its auxiliary heads, with the same layers."""
    if len(with_heads.outputs) == 1:
        return with_heads
    model = keras.Model(with_heads.inputs, with_heads.outputs[0], name=with_heads.name)
    model.kerazoo_config = with_heads.kerazoo_config
    return model


def create(options: TrainOptions, data: ImageData, training: bool) -> keras.Model:
    """Return the model for the data, in the run's precision.

    The one to train ends with logits and has the auxiliary heads that the recipe asks for.
    """
    recipe, shape = options.recipe, data.image_shape
    given: dict[str, Any] = {"input_shape": (None, None, shape[2]) if recipe.sizes else shape}
    if training:
        given["classifier_activation"] = None
        if recipe.auxiliary_weight:
            if "auxiliary_heads" not in registry.options(options.model):
                raise UsageError(
                    f"auxiliary_weight is {recipe.auxiliary_weight}, and {options.model} has no "
                    "auxiliary heads: leave it out"
                )
            given["auxiliary_heads"] = True
    try:
        with dtype_policy(recipe.precision):
            return create_model(
                options.model, classes=len(data.class_names), **options.model_options, **given
            )
    except UsageError as error:
        if not recipe.sizes:
            raise
        message = f"sizes is {recipe.sizes}, and {options.model} does not take images of any size"
        raise UsageError(f"{message}: leave it out ({error})") from error


def optimizer(recipe: Recipe, model: keras.Model, images: int) -> keras.Optimizer:
    """Return the optimizer of a recipe; weight decay is a penalty of the model's kernels.

    That of Adam is decoupled from the gradient, as in AdamW.
    """
    rate = learning_rate(recipe, images)
    kernels = [weight for weight in model.trainable_weights if "kernel" in weight.name]
    if recipe.optimizer != "adam":
        for kernel in kernels if recipe.weight_decay else ():
            kernel.regularizer = keras.regularizers.L2(recipe.weight_decay / 2)
        if recipe.optimizer == "sdlm":
            return DiagonalLevenbergMarquardt(rate)
        return keras.optimizers.SGD(rate, recipe.momentum)
    adam = keras.optimizers.Adam(
        rate, epsilon=recipe.epsilon, weight_decay=recipe.weight_decay or None
    )
    if recipe.weight_decay:
        known = {id(kernel) for kernel in kernels}
        others = [each for each in model.trainable_weights if id(each) not in known]
        adam.exclude_from_weight_decay(var_list=others)
    return adam
