"""Loading named weights into a model: each is used once and every target is set, or none is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerazoo import text
from kerazoo.errors import CorruptFileError, KerazooError
from kerazoo.lazy import keras
from kerazoo.registry import ModelConfig
from kerazoo.weights.networks import names_in_kerazoo
from kerazoo.weights.preprocessing import Preprocessing


@dataclass(frozen=True)
class LoadedWeights:
    """Weights from a checkpoint, a file or a model, by kerazoo's names."""

    source: str  # name of the checkpoint, file or model in messages
    tensors: Mapping[str, tuple[str, np.ndarray]]  # "layer/weight" -> name in the source, elements
    skipped: Collection[str] = ()  # what else the source contains, such as optimizer state
    # Layers after the features, the classifier last; a model that ends before it needs none.
    top: tuple[str, ...] = ()
    preprocessing: Preprocessing | None = None
    config: ModelConfig | None = None  # the call that builds the model of these weights
    source_name: Callable[[str], str] = str  # kerazoo's name -> the expected name in the source
    error: type[KerazooError] = CorruptFileError  # raised if the weights do not fit a model
    # Raises an error if a model with weights of these names and shapes has another graph.
    check: Callable[[keras.Model], object] | None = None


def named_weights(model: keras.Model) -> dict[str, Any]:
    """Return every weight of a model by "layer/weight", with kerazoo's names of layers."""
    names = names_in_kerazoo(model)
    return {
        f"{names.get(layer.name, layer.name)}/{weight.name}": weight
        for layer in model.layers
        for weight in layer.weights
    }


def weight_arrays(model: keras.Model) -> dict[str, np.ndarray]:
    """Return the elements of every weight of a model, see `named_weights`."""
    return {key: weight.numpy() for key, weight in named_weights(model).items()}


def assign(model: keras.Model, weights: LoadedWeights) -> list[str]:
    """Set every weight of `model` and return what was skipped.

    A convolution's kernel [height, width, in, out] also fits a dense kernel
    [height * width * in, out], and the other way round.

    Raises:
        KerazooError: Tensors are missing, unexpected or of another shape; the message lists them,
            and the model is unchanged.
    """
    if weights.check:
        weights.check(model)
    targets = named_weights(model)
    layers = {key.partition("/")[0] for key in targets}
    absent = {*weights.top} - layers
    if not layers.isdisjoint(weights.top[-1:]):
        absent = set()  # a model with the last layer needs all below it
    given = {k: v for k, v in weights.tensors.items() if k.partition("/")[0] not in absent}
    values: dict[str, np.ndarray] = {}
    problems = [f"{weights.source_name(key)} is missing" for key in targets if key not in given]
    for key, (name, array) in given.items():
        if key not in targets:
            problems.append(f"{name} is unexpected")
            continue
        shape = tuple(targets[key].shape)
        if array.dtype.kind != "f":
            problems.append(f"{name} is {array.dtype}, not floating point")
        elif not _fits(array, shape):
            sizes = [text.shape(each) or "a scalar" for each in (array.shape, shape)]
            problems.append(f"{name} is {sizes[0]} where {key} is {sizes[1]}")
        else:
            values[key] = array.reshape(shape)
    if problems:
        more = f" and {len(problems) - 6} more" if len(problems) > 6 else ""
        listed = f"{', '.join(problems[:6])}{more}{_hint(weights, targets)}"
        raise weights.error(f"{weights.source} does not fit '{model.name}': {listed}")
    for key, array in values.items():
        targets[key].assign(array)
    dropped = [name for key, (name, _) in weights.tensors.items() if key not in given]
    return [*weights.skipped, *dropped]


def _fits(array: np.ndarray, shape: tuple[int, ...]) -> bool:
    ranks = {array.ndim, len(shape)}
    same_kernel = ranks == {2, 4} and array.shape[-1] == shape[-1] and array.size == np.prod(shape)
    return array.shape == shape or same_kernel


def _hint(weights: LoadedWeights, targets: Mapping[str, Any]) -> str:
    """Return what to do where the number of classes differs."""
    last = f"{weights.top[-1]}/bias" if weights.top else ""
    if last not in weights.tensors or last not in targets:
        return ""
    classes = weights.tensors[last][1].size
    return "" if classes == targets[last].shape[0] else f"; it is for classes={classes}"
