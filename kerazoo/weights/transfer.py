"""Loading named weights into a model: each is used once and every target is set, or none is."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import ml_dtypes
import numpy as np

from kerazoo import registry, text
from kerazoo.compat import shapes_only
from kerazoo.errors import UsageError
from kerazoo.lazy import keras
from kerazoo.registry import ModelConfig
from kerazoo.text import listed
from kerazoo.weights.networks import named_weights
from kerazoo.weights.selection import Selection, is_average
from kerazoo.weights.source import LoadedWeights, Source

# Options that change what is after the features, and not the names of the layers before.
TOP_OPTIONS = ("include_top", "classes", "pooling", "input_shape")

logger = logging.getLogger("kerazoo")


def assign(model: keras.Model, loaded: LoadedWeights, new_layers: Collection[str] = ()) -> None:
    """Set every weight of a model, and report what was skipped, kept or is not finite.

    A convolution's kernel [height, width, in, out] also fits a dense kernel
    [height * width * in, out], and the other way round.

    Args:
        model: The model.
        loaded: The weights.
        new_layers: Layers that are meant to keep their values, of which nothing is reported.

    Raises:
        UsageError: The weights are for another number of classes.
        KerazooError: Tensors are missing, unexpected or of another shape; the message lists them,
            and the model is unchanged.
    """
    loaded.check_graph(model)
    targets = named_weights(model)
    values = {key: _floats(loaded.array(key)) for key in loaded.names if key in targets}
    unexpected, left_out = _others(model, loaded, targets)
    misfits = [
        *_misfits(loaded, targets, values),
        *(f"{name} is unexpected" for name in unexpected),
    ]
    if misfits:
        _check_classes(model, loaded, targets, values, len(misfits))
        differences = f"{listed(misfits)}{loaded.nested_models()}"
        if len(misfits) == len(unexpected):
            differences += "; leave out what is unexpected with load_weights(..., ignore=[...])"
        error = loaded.source.error
        raise error(f"{loaded.source.name} does not fit '{model.name}': {differences}")
    if not values:
        raise UsageError(f"ignore leaves nothing of {loaded.source.name} to load")
    for key, array in values.items():
        with np.errstate(over="ignore"):  # what is infinite then is reported
            values[key] = array.reshape(targets[key].shape).astype(targets[key].dtype)
    for key, array in values.items():
        targets[key].assign(array)
    names = {key: loaded.names[key] for key in values}
    if averages := sum(map(is_average, names.values())):
        message = "%s: %d moving averages are used in place of the raw weights"
        logger.info(message, loaded.source.name, averages)
    if extra := loaded.extra_layers(model):
        message = "%s has layers that '%s' lacks, and which may change its outputs: %s"
        logger.warning(message, loaded.source.name, model.name, listed(extra))
    skipped = [
        name for name in loaded.skipped if _layer(loaded.match.key_of(name)) not in new_layers
    ]
    kept = [key for key in targets if key not in values and _layer(key) not in new_layers]
    infinite = [name for key, name in names.items() if not np.isfinite(values[key]).all()]
    for reported, message in (
        ([*skipped, *left_out], "skipped %s"),
        (kept, "these weights of the model keep their values: %s"),
        (infinite, "these weights are NaN or infinite: %s"),
    ):
        if reported:
            logger.warning(f"%s: {message}", loaded.source.name, listed(reported, 12))


def set_weights(model: keras.Model, arrays: Mapping[str, np.ndarray], source: str) -> None:
    """Set every weight of a model from arrays by its names, see `named_weights`.

    Args:
        model: The model.
        arrays: By "layer/weight".
        source: Their name in messages.

    Raises:
        UsageError: They are not those of the model; the message lists the differences.
    """
    assign(model, Source(source, arrays, error=UsageError).loaded(Selection(), model))


def _layer(key: str | None) -> str:
    return (key or "").rpartition("/")[0]


def _floats(array: np.ndarray) -> np.ndarray:
    """Return elements of bfloat16 as float32, and others as they are."""
    return array.astype(np.float32) if array.dtype == ml_dtypes.bfloat16 else array


def _others(
    model: keras.Model, loaded: LoadedWeights, targets: Collection[str]
) -> tuple[list[str], list[str]]:
    """Return which names of the source are unexpected, and which can be left out.

    The second are scalars, and the weights of layers that a model lacks without its top.
    """
    unused = [key for key in loaded.names if key not in targets]
    absent = _absent_layers(model, targets) if unused else set()
    left_out = [loaded.names[key] for key in unused if key.rpartition("/")[0] in absent]
    others = {loaded.match.name_of(key): loaded.names[key] for key in unused}
    unexpected = []
    for new, old in {**others, **loaded.unexpected}.items():
        if old in left_out:
            continue
        if not np.ndim(loaded.source.tensors[old]):
            left_out.append(old)
        else:
            unexpected.append(old if new == old or is_average(old) else f"{new} ({old})")
    return unexpected, left_out


def _misfits(
    loaded: LoadedWeights, targets: Mapping[str, Any], values: Mapping[str, np.ndarray]
) -> Iterator[str]:
    """Yield what is missing, or of another shape or type than the model's weight."""
    for key in targets:
        if key not in values and not loaded.ignores(key):
            yield f"{loaded.match.name_of(key)} is missing"
    for key, array in values.items():
        name, shape = loaded.names[key], tuple(targets[key].shape)
        if array.dtype.kind != "f":
            yield f"{name} is {array.dtype}, not floating point"
        elif not _fits(array, shape):
            sizes = [text.shape(each) or "a scalar" for each in (array.shape, shape)]
            yield f"{name} is {sizes[0]} where {key} is {sizes[1]}"


def layers_of_other_shapes(model: keras.Model, loaded: LoadedWeights) -> set[str]:
    """Return the layers of a model that have a weight of another shape than loaded ones."""
    targets = named_weights(model)
    return {
        key.rpartition("/")[0]
        for key in loaded.names
        if key in targets and not _fits(loaded.array(key), tuple(targets[key].shape))
    }


def _fits(array: np.ndarray, shape: tuple[int, ...]) -> bool:
    ranks = {array.ndim, len(shape)}
    same_kernel = ranks == {2, 4} and array.shape[-1] == shape[-1] and array.size == np.prod(shape)
    return array.shape == shape or same_kernel


def _absent_layers(model: keras.Model, targets: Collection[str]) -> set[str]:
    """Return the layers that a model lacks because it was built without its top."""
    config: ModelConfig | None = getattr(model, "kerazoo_config", None)
    if config is None:
        return set()
    options = {name: value for name, value in config.options.items() if name not in TOP_OPTIONS}
    with shapes_only():
        complete = named_weights(registry.constructor(config.name)(**options))
    layers = ({key.rpartition("/")[0] for key in keys} for keys in (complete, targets))
    return set.difference(*layers)


def _check_classes(
    model: keras.Model,
    loaded: LoadedWeights,
    targets: Mapping[str, Any],
    values: Mapping[str, np.ndarray],
    problems: int,
) -> None:
    """Raise a UsageError where all problems are shapes that differ in the number of classes."""
    wrong = [key for key, array in values.items() if not _fits(array, tuple(targets[key].shape))]
    numbers = {(values[key].shape[-1:], tuple(targets[key].shape)[-1:]) for key in wrong}
    if len(numbers) != 1 or len(wrong) != problems or list(targets)[-1] not in wrong:
        return
    ((given, wanted),) = numbers
    if not given or not wanted:
        return
    if all(
        math.prod(values[key].shape[:-1]) == math.prod(targets[key].shape[:-1]) for key in wrong
    ):
        layers = {loaded.names[key].rpartition("/")[0] for key in wrong}
        raise UsageError(
            f"{loaded.source.name} is for classes={given[0]} and '{model.name}' for {wanted[0]}: "
            f"build the model with classes={given[0]} or include_top=False, give it a new last "
            f"layer with kerazoo.new_head(model, {wanted[0]}), or keep the one that it has with "
            f"load_weights(..., ignore={sorted(f'{layer}/*' for layer in layers)})"
        )
