"""Loading named weights into a model: each is used once and every target is set, or none is."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from kerazoo import registry, text
from kerazoo.compat import shapes_only
from kerazoo.errors import CorruptFileError, KerazooError, UsageError
from kerazoo.lazy import keras
from kerazoo.registry import ModelConfig
from kerazoo.weights.networks import Network, named_layers
from kerazoo.weights.preprocessing import Preprocessing
from kerazoo.weights.selection import AVERAGE

# Options that change what is after the features, and not the names of the layers before.
TOP_OPTIONS = ("include_top", "classes", "pooling", "input_shape")

logger = logging.getLogger("kerazoo")


@dataclass(frozen=True)
class LoadedWeights:
    """Weights from a checkpoint, a file or a model, by kerazoo's names."""

    source: str  # name of the checkpoint, file or model in messages
    names: Mapping[str, str]  # "layer/weight" -> name in the source
    tensors: Mapping[str, np.ndarray]  # name in the source -> elements
    skipped: Collection[str] = ()  # what else the source contains, such as optimizer state
    unexpected: Collection[str] = ()  # names in the source of what may be no weight
    ignored: Callable[[str], bool] = lambda key: False  # whether a weight need not be there
    preprocessing: Preprocessing | None = None
    config: ModelConfig | None = None  # the call that builds the model of these weights
    source_name: Callable[[str], str] = str  # kerazoo's name -> the expected name in the source
    error: type[KerazooError] = CorruptFileError  # raised if the weights do not fit a model
    # Raises an error if a model with weights of these names and shapes has another graph.
    check: Callable[[keras.Model], object] = bool
    hint: str = ""  # added to the message if the weights do not fit
    network: Network | None = None  # of another library, whose names they have
    graph: keras.Model | None = None  # the model that they are of, if it is known

    def array(self, key: str) -> np.ndarray:
        """Return the elements of a weight by kerazoo's name."""
        return self.tensors[self.names[key]]


def named_weights(model: keras.Model) -> dict[str, Any]:
    """Return every weight of a model by "layer/weight", with kerazoo's names of layers."""
    return {
        f"{name}/{weight.name}": weight
        for name, layer in named_layers(model)
        for weight in layer.weights
    }


def weight_arrays(model: keras.Model) -> dict[str, np.ndarray]:
    """Return the elements of every weight of a model, see `named_weights`."""
    return {key: weight.numpy() for key, weight in named_weights(model).items()}


def assign(model: keras.Model, weights: LoadedWeights) -> None:
    """Set every weight of a model, and report what was skipped, kept or is not finite.

    A convolution's kernel [height, width, in, out] also fits a dense kernel
    [height * width * in, out], and the other way round.

    Raises:
        UsageError: The weights are for another number of classes.
        KerazooError: Tensors are missing, unexpected or of another shape; the message lists them,
            and the model is unchanged.
    """
    weights.check(model)
    targets = named_weights(model)
    values = {key: _floats(weights.array(key)) for key in weights.names if key in targets}
    unused = [key for key in weights.names if key not in targets]
    absent = _absent_layers(model, targets) if unused else set()
    top = [weights.names[key] for key in unused if key.rpartition("/")[0] in absent]
    unexpected = [*(weights.names[key] for key in unused), *weights.unexpected]
    skipped = [*weights.skipped, *top]
    skipped += [name for name in unexpected if not np.ndim(weights.tensors[name])]
    problems = list(_misfits(weights, targets, values))
    problems += [f"{name} is unexpected" for name in unexpected if name not in skipped]
    if problems:
        _check_classes(model, weights, targets, values, len(problems))
        misfits = f"{listed(problems)}{weights.hint}"
        raise weights.error(f"{weights.source} does not fit '{model.name}': {misfits}")
    for key, array in values.items():
        with np.errstate(over="ignore"):  # what is infinite then is reported
            values[key] = array.reshape(targets[key].shape).astype(targets[key].dtype)
        targets[key].assign(values[key])
    kept = [key for key in targets if key not in values]
    averages = sum(weights.names[key].endswith(AVERAGE) for key in values)
    if averages:
        message = "%s: %d moving averages are used in place of the raw weights"
        logger.info(message, weights.source, averages)
    infinite = [weights.names[key] for key in values if not np.isfinite(values[key]).all()]
    for names, report in (
        (skipped, "skipped %s"),
        (kept, "these weights of the model keep their values: %s"),
        (infinite, "these weights are NaN or infinite: %s"),
    ):
        if names:
            logger.warning(f"%s: {report}", weights.source, listed(names, 12))


def _floats(array: np.ndarray) -> np.ndarray:
    """Return elements of bfloat16 as float32, and others as they are."""
    return array.astype(np.float32) if array.dtype == ml_dtypes.bfloat16 else array


def _misfits(
    weights: LoadedWeights, targets: Mapping[str, Any], values: Mapping[str, np.ndarray]
) -> Iterator[str]:
    """Yield what is missing, or of another shape or type than the model's weight."""
    for key in targets:
        if key not in values and not weights.ignored(key):
            yield f"{weights.source_name(key)} is missing"
    for key, array in values.items():
        name, shape = weights.names[key], tuple(targets[key].shape)
        if array.dtype.kind != "f":
            yield f"{name} is {array.dtype}, not floating point"
        elif not _fits(array, shape):
            sizes = [text.shape(each) or "a scalar" for each in (array.shape, shape)]
            yield f"{name} is {sizes[0]} where {key} is {sizes[1]}"


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
        whole = named_weights(registry.constructor(config.name)(**options))
    return {key.rpartition("/")[0] for key in whole} - {key.rpartition("/")[0] for key in targets}


def _check_classes(
    model: keras.Model,
    weights: LoadedWeights,
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
        layers = {weights.names[key].rpartition("/")[0] for key in wrong}
        raise UsageError(
            f"{weights.source} is for classes={given[0]} and '{model.name}' for {wanted[0]}: build "
            f"the model with classes={given[0]} or include_top=False, or keep its last layer with "
            f"load_weights(..., ignore={sorted(f'{layer}/*' for layer in layers)})"
        )


def listed(names: Collection[str], limit: int = 6) -> str:
    """Return names with commas between them, and the number of those after the first few."""
    first = text.printable(", ".join(list(names)[:limit]))
    return f"{first} and {len(names) - limit} more" if len(names) > limit else first
