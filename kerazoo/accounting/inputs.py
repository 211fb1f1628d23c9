"""The input tensors of a model, with every axis known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kerazoo.errors import UsageError
from kerazoo.lazy import keras

InputShape = (
    Sequence[int | None] | Sequence[Sequence[int | None]] | Mapping[str, Sequence[int | None]]
)


def input_tensors(
    model: keras.Model, graph: Any, input_shape: InputShape | None, batch_size: int
) -> dict[str, keras.KerasTensor]:
    """Return the inputs by name, in their order.

    Args:
        model: The model.
        graph: Its graph, or None.
        input_shape: Shape of one sample; for several inputs a list in their order or a dict by
            their names.
        batch_size: Number of samples.

    Raises:
        UsageError: An axis stays open, or `input_shape` does not fit.
    """
    if graph is None:
        if input_shape is None:
            raise UsageError(f"model '{model.name}' has no graph of its own: give input_shape")
        references = [keras.KerasTensor((None,) * (len(_shapes(input_shape, [""])[0]) + 1))]
        names = ["input"]
    else:
        references = graph.inputs
        names = [_name(tensor) for tensor in references]
    given = _shapes(input_shape, names) if input_shape is not None else [None] * len(names)
    return {
        name: _input(name, reference, shape, batch_size)
        for name, reference, shape in zip(names, references, given, strict=True)
    }


def _name(tensor: keras.KerasTensor) -> str:
    """Return the name of the input layer that a tensor comes from."""
    layer = tensor._keras_history.operation
    return layer.name if isinstance(layer, keras.layers.InputLayer) else tensor.name


def _shapes(input_shape: InputShape, names: list[str]) -> list[Sequence[int | None]]:
    """Return the shape that is given for each input."""
    if isinstance(input_shape, Mapping):
        if set(input_shape) != set(names):
            raise UsageError(f"input_shape names {sorted(input_shape)}, the inputs are {names}")
        return [input_shape[name] for name in names]
    alone = all(axis is None or isinstance(axis, int) for axis in input_shape)
    shapes: list[Any] = [tuple(input_shape)] if alone else list(input_shape)
    if len(shapes) != len(names):
        raise UsageError(f"input_shape is for {len(shapes)} inputs, the model has {len(names)}")
    return shapes


def _input(
    name: str, reference: keras.KerasTensor, given: Sequence[int | None] | None, batch_size: int
) -> keras.KerasTensor:
    batch, *sample = reference.shape
    axes = sample if given is None else list(given)
    if len(axes) != len(sample):
        raise UsageError(f"input '{name}' is {tuple(sample)}, not {tuple(axes)}")
    axes = [known if axis is None else axis for axis, known in zip(axes, sample, strict=True)]
    whole = [axis for axis in axes if axis is not None]
    if len(whole) < len(axes):
        raise UsageError(
            f"input '{name}' is {tuple(axes)}: give input_shape (--input-shape), such as "
            f"{tuple(axis or 224 for axis in axes)}"
        )
    if min(whole, default=1) < 1:
        raise UsageError(f"input_shape {tuple(whole)} has an axis below 1")
    return keras.KerasTensor((batch or batch_size, *whole), dtype=reference.dtype, name=name)
