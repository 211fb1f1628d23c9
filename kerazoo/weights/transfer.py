"""Loading named weights into a model: each is used once and every target is set, or none is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo.errors import CorruptFileError, KerazooError
from kerazoo.registry import ModelConfig
from kerazoo.weights.networks import names_in_kerazoo
from kerazoo.weights.preprocessing import Preprocessing

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class LoadedWeights:
    """Weights from a checkpoint, a file or a model, by kerazoo's names.

    Attributes:
        source: The name of the checkpoint, file or model in messages.
        tensors: "layer/weight" of kerazoo -> the name in the source, the values.
        skipped: What else the source contains, such as the state of an optimizer.
        top: Layers of kerazoo above the features, the classifier last. A model that has none of
            them, or ends before the last, is loaded without them.
        preprocessing: What the weights expect to be done to an image.
        config: The call that builds the model of these weights, where it is known.
        source_name: The name in the source of a weight that it should contain, by kerazoo's.
        error: Raised where the weights do not fit a model.
        check: Raises where a model with weights of these names and shapes computes something else.
    """

    source: str
    tensors: Mapping[str, tuple[str, np.ndarray]]
    skipped: Collection[str] = ()
    top: tuple[str, ...] = ()
    preprocessing: Preprocessing | None = None
    config: ModelConfig | None = None
    source_name: Callable[[str], str] = str
    error: type[KerazooError] = CorruptFileError
    check: Callable[[keras.Model], object] = id


def named_weights(model: keras.Model) -> dict[str, Any]:
    """Return every weight of a model by "layer/weight", with kerazoo's names of layers."""
    names = names_in_kerazoo(model)
    return {
        f"{names.get(layer.name, layer.name)}/{weight.name}": weight
        for layer in model.layers
        for weight in layer.weights
    }


def assign(model: keras.Model, weights: LoadedWeights) -> list[str]:
    """Set every weight of `model` and return what was skipped.

    A convolution's kernel [height, width, in, out] also fits a dense kernel
    [height * width * in, out], and the other way round.

    Raises:
        KerazooError: Tensors are missing, unexpected or of another shape; the message lists them,
            and the model is unchanged.
    """
    weights.check(model)
    targets = named_weights(model)
    layers = {_layer(key) for key in targets}
    absent = {layer for layer in weights.top if layer not in layers}
    if weights.top and weights.top[-1] not in absent:
        absent = set()  # a model with the last layer needs all below it
    given = {key: pair for key, pair in weights.tensors.items() if _layer(key) not in absent}
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
            problems.append(f"{name} is {_text(array.shape)} where {key} is {_text(shape)}")
        else:
            values[key] = array.reshape(shape)
    if problems:
        raise weights.error(
            f"{weights.source} does not fit '{model.name}': {_first(problems)}"
            f"{_hint(weights, targets)}"
        )
    for key, array in values.items():
        targets[key].assign(array)
    dropped = [name for key, (name, _) in weights.tensors.items() if key not in given]
    return [*weights.skipped, *dropped]


def _layer(key: str) -> str:
    return key.partition("/")[0]


def _fits(array: np.ndarray, shape: tuple[int, ...]) -> bool:
    ranks = {array.ndim, len(shape)}
    same_kernel = ranks == {2, 4} and array.shape[-1] == shape[-1] and array.size == np.prod(shape)
    return array.shape == shape or same_kernel


def _text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "a scalar"


def _first(problems: list[str], maximum: int = 6) -> str:
    more = len(problems) - maximum
    return ", ".join(problems[:maximum]) + (f" and {more} more" if more > 0 else "")


def _hint(weights: LoadedWeights, targets: Mapping[str, Any]) -> str:
    """Return what to do where the number of classes differs."""
    last = f"{weights.top[-1]}/bias" if weights.top else ""
    if last not in weights.tensors or last not in targets:
        return ""
    classes = weights.tensors[last][1].size
    return "" if classes == targets[last].shape[0] else f"; it is for classes={classes}"
