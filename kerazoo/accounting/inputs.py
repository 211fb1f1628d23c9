"""The model and its input tensors, from the arguments of `summary`."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
FILES = (".keras", ".h5", ".hdf5")


def check_model_name(name: str) -> None:
    """Raise an error if there is no such model, before Keras is imported.

    Raises:
        UsageError: `name` is neither a model of the zoo nor a file.
    """
    if name.endswith(FILES):
        check_file(Path(name))
    elif Path(name).exists():
        raise UsageError(f"'{name}' is neither a .keras nor an .h5 file, which store a model")
    elif not name.startswith(APPLICATIONS):
        registry.find(name)


def open_model(
    name: str, input_shape: InputShape | int | None, modules: Collection[str] = ()
) -> keras.Model:
    """Return a model by name or path, whose weights have shapes and no values.

    Args:
        name: A model of the zoo, "keras.applications:" and a name from it, or the path of a .keras
            or .h5 file.
        input_shape: Shape of one sample; None for the model's default.
        modules: Names of modules that a file may have classes of.

    Raises:
        UsageError: There is no such model, or it does not accept that shape.
        CorruptFileError: The file is damaged.
    """
    if name.endswith(FILES):
        from kerazoo.weights.keras_file import described

        return described(Path(name), modules)
    options = {} if input_shape is None else {"input_shape": plain(input_shape)}
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


@dataclass(frozen=True)
class Inputs:
    """What `kerazoo.summary` is given as a model's inputs: shapes, or data that has them."""

    shape: InputShape | int | None = None
    data: Any = None

    def __post_init__(self) -> None:
        """Check that the data are arrays, and that only one of both is given.

        Raises:
            UsageError: They are not.
        """
        if self.data is None:
            return
        if self.shape is not None:
            raise UsageError("input_shape and input_data were both given: leave one out")
        for each in keras.tree.flatten(self.data):
            if not (hasattr(each, "dtype") and len(getattr(each, "shape", ()))):
                kind = type(each).__name__
                raise UsageError(f"input_data must be arrays with a batch axis; received a {kind}")

    def built(self, model: Any) -> keras.Model:
        """Return the model, or that of a name; of a sequential one without weights, a built copy.

        Raises:
            UsageError: It is neither a model nor the name of one, has no layers, or is not built
                and no shape is given.
        """
        if isinstance(model, str):
            check_model_name(model)
            return open_model(model, self.shape)
        if not isinstance(model, keras.Model):
            raise UsageError(f"model is a {type(model).__name__}, not a Keras model")
        if isinstance(model, keras.Sequential) and not model.layers:
            raise UsageError(f"model '{model.name}' has no layers: add some")
        if model.built:
            return model
        if self.shape is None and self.data is None:
            raise UsageError(
                f"model '{model.name}' is not built: call it on data or give input_shape"
            )
        if not isinstance(model, keras.Sequential):
            return model
        model = keras.models.clone_model(model)
        (tensor,), _, tensors = self.tensors(model, None, batch_size=1)
        with _rejecting(model, tensors):
            model.build((None, *tensor.shape[1:]))
        return model

    def tensors(
        self, model: keras.Model, graph: Any, batch_size: int
    ) -> tuple[tuple[Any, ...], dict[str, Any], dict[str, keras.KerasTensor]]:
        """Return the arguments and keyword arguments of the model, and the tensors in them by name.

        Args:
            model: A Keras model.
            graph: Its `keras.Function`, None for a subclassed model.
            batch_size: The length of the batch axis where the model does not fix it.

        Raises:
            UsageError: An axis is unknown, or the shapes do not fit the model.
        """
        if graph is not None:
            known = {operation_of(tensor).name: tensor for tensor in graph.inputs}
            given = self._by_name(known)
            tensors = {
                name: _with_shape(name, tensor, given.get(name), batch_size)
                for name, tensor in known.items()
            }
            return tuple(tensors.values()), {}, tensors
        if self.shape is None and self.data is None:
            raise UsageError(
                f"model '{model.name}' is subclassed and has no shapes: give input_shape"
            )
        nested = self._nested(batch_size)
        tensors = _named(nested)
        arguments, options = _for_call(model, nested)
        return arguments, options, tensors

    def _by_name(self, known: Mapping[str, keras.KerasTensor]) -> Mapping[str, Shape]:
        """Return the shapes that are given of the inputs of a functional model."""
        shape: Any = self.shape
        if isinstance(self.data, Mapping):
            shape = {name: tuple(each.shape[1:]) for name, each in self.data.items()}
        elif self.data is not None:
            shape = [tuple(each.shape[1:]) for each in keras.tree.flatten(self.data)]
        if shape is None:
            return {}
        return dict(zip(known, _shapes(shape, list(known)), strict=True))

    def _nested(self, batch_size: int) -> Any:
        """Return a tensor for each shape or array, in a list or dict as they are given."""

        def tensor(array: Any) -> keras.KerasTensor:
            is_text = getattr(array.dtype, "kind", "") in ("U", "S")
            dtype = "string" if is_text else keras.backend.standardize_dtype(array.dtype)
            return keras.KerasTensor((batch_size, *array.shape[1:]), dtype)

        if self.data is not None:
            return keras.tree.map_structure(tensor, self.data)
        shape = plain(self.shape) if not isinstance(self.shape, Mapping) else self.shape
        if isinstance(shape, Mapping):
            return {
                name: _with_batch(name, plain(each), batch_size) for name, each in shape.items()
            }
        if isinstance(shape, tuple) and shape and not any(map(is_integer, shape)):
            return [_with_batch("input", each, batch_size) for each in shape]
        return _with_batch("input", shape, batch_size)


def _with_batch(name: str, shape: Any, batch_size: int) -> keras.KerasTensor:
    """Return an input tensor of a given shape."""
    shape = (shape,) if is_integer(shape) else shape
    if not _is_shape(shape):
        raise UsageError(_wrong_shapes(shape))
    return _with_shape(name, keras.KerasTensor((None,) * (1 + len(shape))), shape, batch_size)


def _named(nested: Any) -> dict[str, keras.KerasTensor]:
    """Return the tensors of a list or dict by names."""
    if isinstance(nested, Mapping):
        return dict(nested)
    tensors = keras.tree.flatten(nested)
    if len(tensors) == 1:
        return {"input": tensors[0]}
    return {f"input_{number}": tensor for number, tensor in enumerate(tensors, start=1)}


def _for_call(model: keras.Model, nested: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return arguments and keyword arguments: inputs of the names that `call` has, or in a list."""
    parameters = inspect.signature(model.call).parameters.values()
    names = [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    if isinstance(nested, Mapping):
        return ((), dict(nested)) if set(nested) <= set(names) else ((nested,), {})
    needed = [each.name for each in parameters if each.default is each.empty]
    several = isinstance(nested, list | tuple) and len(needed) > 1
    return (tuple(nested), {}) if several else ((nested,), {})


@contextlib.contextmanager
def _rejecting(model: keras.Model, tensors: Mapping[str, keras.KerasTensor]) -> Iterator[None]:
    """Raise any error as a UsageError: each layer rejects shapes in its own way."""
    try:
        yield
    except Exception as error:
        shapes = [tensor.shape[1:] for tensor in tensors.values()]
        given = shapes[0] if len(shapes) == 1 else shapes
        raise UsageError(f"'{model.name}' does not take {given}: {reason(error)}") from error


def _shapes(input_shape: Any, names: list[str]) -> list[Any]:
    """Return the shape of each input that `input_shape` gives."""
    if isinstance(input_shape, Mapping):
        if set(input_shape) != set(names):
            raise UsageError(f"input_shape names {sorted(input_shape)}, the inputs are {names}")
        shapes = [plain(input_shape[name]) for name in names]
    else:
        given = plain(input_shape)
        several = isinstance(given, tuple) and not _is_shape(given)
        shapes = list(given) if several else [given]
    shapes = [(each,) if is_integer(each) else each for each in shapes]
    if not all(map(_is_shape, shapes)):
        raise UsageError(_wrong_shapes(input_shape))
    if len(shapes) != len(names):
        raise UsageError(f"input_shape has {len(shapes)} shapes for inputs {names}")
    return shapes


def _wrong_shapes(received: Any) -> str:
    return (
        "input_shape must be the shape of one sample, such as (224, 224, 3), or a list or a "
        f"dict of such shapes; received {short(received)}"
    )


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
