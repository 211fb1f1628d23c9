"""The model and its input tensors, from the arguments of `summary`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kerazoo import models, registry
from kerazoo.compat import operation_of, shapes_only
from kerazoo.errors import UsageError, did_you_mean, reason
from kerazoo.files import check_file
from kerazoo.lazy import keras
from kerazoo.values import is_integer, plain, short

Shape = Sequence[int | None]
InputShape = Shape | Sequence[Shape] | Mapping[str, Shape]

APPLICATIONS = "keras.applications:"


def check_model_name(name: str) -> None:
    """Raise an error if there is no such model, before Keras is imported.

    Raises:
        UsageError: `name` is neither a model of the zoo nor a .keras file.
    """
    if name.endswith(".keras"):
        check_file(Path(name))
    elif Path(name).exists():
        raise UsageError(f"'{name}' is not a .keras file, the only format that stores a model")
    elif not name.startswith(APPLICATIONS):
        registry.find(name)


def open_model(name: str, input_shape: InputShape | None) -> keras.Model:
    """Return a model by name or path; models built here have weights with shapes and no values.

    Args:
        name: A model of the zoo, "keras.applications:" and a name from it, or the path of a .keras
            file.
        input_shape: Shape of one sample; None for the model's default.

    Raises:
        UsageError: There is no such model, or it does not accept that shape.
        CorruptFileError: The file is damaged.
    """
    if name.endswith(".keras"):
        from kerazoo.weights.keras_file import load_model

        return load_model(Path(name))
    options = {} if input_shape is None else {"input_shape": tuple(input_shape)}
    if not name.startswith(APPLICATIONS):
        with shapes_only():
            return models.create_model(name, **options)
    application = name.removeprefix(APPLICATIONS)
    names = [known for known in dir(keras.applications) if known[0].isupper()]
    if application not in names:
        hint = did_you_mean(application, names)
        raise UsageError(f"keras.applications has no '{application}'{hint}")
    try:
        with shapes_only():
            return getattr(keras.applications, application)(weights=None, **options)
    except ValueError as error:
        raise UsageError(f"{application} of keras.applications: {reason(error)}") from error


def input_tensors(
    model: keras.Model, graph: Any, input_shape: InputShape | None, batch_size: int
) -> dict[str, keras.KerasTensor]:
    """Return the model's inputs by name, in their order, with every axis known.

    `graph` is the model's `keras.Function`, None for a subclassed model; the other arguments are
    those of `kerazoo.summary`.

    Raises:
        UsageError: An axis is unknown, or `input_shape` does not fit.
    """
    if graph is not None:
        tensors = {operation_of(tensor).name: tensor for tensor in graph.inputs}
    elif input_shape is not None:
        (shape,) = _shapes(input_shape, ["input"])
        tensors = {"input": keras.KerasTensor((None,) * (1 + len(shape)))}
    else:
        raise UsageError(f"model '{model.name}' is subclassed and has no shapes: give input_shape")
    shapes = [None] * len(tensors) if input_shape is None else _shapes(input_shape, list(tensors))
    return {
        name: _with_shape(name, tensor, shape, batch_size)
        for (name, tensor), shape in zip(tensors.items(), shapes, strict=True)
    }


def _shapes(input_shape: InputShape, names: list[str]) -> list[Any]:
    """Return the shape of each input that `input_shape` gives."""
    if isinstance(input_shape, Mapping):
        if set(input_shape) != set(names):
            raise UsageError(f"input_shape names {sorted(input_shape)}, the inputs are {names}")
        shapes = [plain(input_shape[name]) for name in names]
    else:
        shapes = plain(input_shape)
        shapes = [shapes] if _is_shape(shapes) else shapes
    if not isinstance(shapes, list | tuple) or not all(map(_is_shape, shapes)):
        raise UsageError(
            "input_shape must be the shape of one sample, such as (224, 224, 3), or a list or a "
            f"dict of such shapes; received {short(input_shape)}"
        )
    if len(shapes) != len(names):
        raise UsageError(f"input_shape is for {len(shapes)} inputs, the model has {len(names)}")
    return list(shapes)


def _is_shape(value: object) -> bool:
    return isinstance(value, tuple) and all(axis is None or is_integer(axis) for axis in value)


def _with_shape(
    name: str, tensor: keras.KerasTensor, given: Shape | None, batch_size: int
) -> keras.KerasTensor:
    """Return an input tensor whose unknown axes have the lengths given for them."""
    batch, *sample = tensor.shape
    given = sample if given is None else given
    if len(given) != len(sample):
        raise UsageError(f"input '{name}' is {tuple(sample)}, not {tuple(given)}")
    axes = tuple(old if new is None else new for new, old in zip(given, sample, strict=True))
    if None in axes:
        example = tuple(axis or 224 for axis in axes)
        raise UsageError(
            f"input '{name}' is {axes}: give input_shape (--input-shape), such as {example}"
        )
    if min(axes, default=1) < 1:
        raise UsageError(f"input_shape {axes} has an axis below 1")
    return keras.KerasTensor((batch or batch_size, *axes), dtype=tensor.dtype, name=name)
