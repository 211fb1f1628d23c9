"""Tensors of a source put into a model: each used once, each target set, or nothing changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo.errors import CorruptFileError, KerazooError
from kerazoo.weights.preprocessing import Preprocessing

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Source:
    """Named tensors, brought to the names of the zoo.

    Attributes:
        name: What messages call the source.
        tensors: "layer/weight" of the zoo -> the source's own name of the tensor, its values.
        left_out: What the source holds besides, such as an optimizer's state.
        top: Layers of the zoo above the features, last the one as wide as there are classes. A
            model that has none of them, or ends before the last, does without their tensors.
        preprocessing: What the weights expect to be done to an image.
        own_name: The source's name for a tensor that it should have, by the zoo's.
        error: Raised where the source does not fit a model.
        fits: Raises where a model computes something else with weights of these names and shapes.
    """

    name: str
    tensors: Mapping[str, tuple[str, np.ndarray]]
    left_out: Collection[str] = ()
    top: tuple[str, ...] = ()
    preprocessing: Preprocessing | None = None
    own_name: Callable[[str], str] = str
    error: type[KerazooError] = CorruptFileError
    fits: Callable[[keras.Model], object] = id


def named_weights(model: keras.Model) -> dict[str, Any]:
    """Return every weight of a model by "layer/weight"."""
    return {
        f"{layer.name}/{weight.name}": weight for layer in model.layers for weight in layer.weights
    }


def assign(model: keras.Model, source: Source) -> list[str]:
    """Set every weight of `model` from a source and return what was left out.

    A convolution's kernel [height, width, in, out] also fits a dense kernel
    [height * width * in, out], and the other way round.

    Raises:
        KerazooError: Tensors are missing, left over or of another shape, all of which the message
            names; the model is then as it was.
    """
    source.fits(model)
    targets = named_weights(model)
    layers = {layer.name for layer in model.layers}
    absent = {layer for layer in source.top if layer not in layers}
    if source.top and source.top[-1] not in absent:
        absent = set()  # a model with the last layer needs all below it
    given = {key: pair for key, pair in source.tensors.items() if _layer(key) not in absent}
    values: dict[str, np.ndarray] = {}
    troubles = [f"{source.own_name(key)} is missing" for key in targets if key not in given]
    for key, (own, array) in given.items():
        if key not in targets:
            troubles.append(f"{own} has no place")
            continue
        shape = tuple(targets[key].shape)
        if array.dtype.kind != "f":
            troubles.append(f"{own} holds {array.dtype}, not floats")
        elif not _fits(array, shape):
            troubles.append(f"{own} is {_told(array.shape)} where {key} is {_told(shape)}")
        else:
            values[key] = array.reshape(shape)
    if troubles:
        raise source.error(
            f"{source.name} does not fit '{model.name}': {_few(troubles)}{_hint(source, targets)}"
        )
    for key, array in values.items():
        targets[key].assign(array)
    dropped = [pair[0] for key, pair in source.tensors.items() if key not in given]
    return [*source.left_out, *dropped]


def _layer(key: str) -> str:
    return key.partition("/")[0]


def _fits(array: np.ndarray, shape: tuple[int, ...]) -> bool:
    ranks = {array.ndim, len(shape)}
    same_kernel = ranks == {2, 4} and array.shape[-1] == shape[-1] and array.size == np.prod(shape)
    return array.shape == shape or same_kernel


def _told(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "a single number"


def _few(troubles: list[str], most: int = 6) -> str:
    more = len(troubles) - most
    return ", ".join(troubles[:most]) + (f" and {more} more" if more > 0 else "")


def _hint(source: Source, targets: Mapping[str, Any]) -> str:
    """Return what to do where the number of classes differs."""
    last = f"{source.top[-1]}/bias" if source.top else ""
    if last not in source.tensors or last not in targets:
        return ""
    classes = source.tensors[last][1].size
    return "" if classes == targets[last].shape[0] else f"; it is for classes={classes}"
