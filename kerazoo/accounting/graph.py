"""A Keras model as the list of its layers' calls, with every shape known."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kerazoo.accounting.inputs import InputShape, input_tensors
from kerazoo.accounting.record import record
from kerazoo.errors import UsageError
from kerazoo.lazy import keras


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a layer or of an operation of `keras.ops`.

    Attributes:
        row: Name of the table's row that it belongs to; the calls inside a layer share its row.
        layer: The layer or operation whose name the row has.
        operation: What computes; `layer` itself, or a part of it.
        arguments: The positional arguments, tensors without values among them.
        options: The named arguments.
        outputs: Tensors that it gives; their shapes begin with the batch axis.
    """

    row: str
    layer: Any
    operation: Any
    arguments: tuple[Any, ...]
    options: Mapping[str, Any]
    outputs: tuple[keras.KerasTensor, ...]

    @property
    def operands(self) -> list[Any]:
        """Everything with a shape among the arguments but masks, in the order of the signature."""
        bound = inspect.signature(self.operation.call).bind(*self.arguments, **self.options)
        named = [value for name, value in bound.arguments.items() if "mask" not in name]
        return [value for value in keras.tree.flatten(named) if hasattr(value, "shape")]

    @property
    def inputs(self) -> list[keras.KerasTensor]:
        """The tensors among the arguments that other calls have given."""
        return [value for value in self.operands if isinstance(value, keras.KerasTensor)]


@dataclass
class Graph:
    """The calls of a model in the order in which Keras makes them.

    Attributes:
        model: The model; a built copy where a sequential one had no shapes yet.
        inputs: The model's input tensors by name.
        outputs: The model's output tensors.
        calls: All calls, the input layers' first.
    """

    model: keras.Model
    inputs: dict[str, keras.KerasTensor]
    outputs: list[keras.KerasTensor] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)


def trace(
    model: keras.Model,
    input_shape: InputShape | None,
    batch_size: int,
    known: Callable[[Any], bool],
) -> Graph:
    """Follow shapes through a model, into nested models and layers that are made of others.

    Args:
        model: A built Keras model.
        input_shape: Shape of one sample where the model leaves axes open; for several inputs a
            list in their order or a dict by their names.
        batch_size: Number of samples.
        known: Whether a layer or operation is to be a call of its own; what is not known is
            looked into, where it is written with Keras layers or `keras.ops`.

    Raises:
        UsageError: The model is not built, an axis stays open, or a layer refuses the shape.
    """
    if not isinstance(model, keras.Model):
        raise UsageError(f"a Keras model is wanted, not {type(model).__name__}")
    if isinstance(model, keras.Sequential) and not model.built and input_shape is not None:
        model = _built(model, input_shape)
    if not model.built:
        raise UsageError(f"model '{model.name}' is not built: call it on data or give input_shape")
    whole = _graph_of(model)
    graph = Graph(model, input_tensors(model, whole, input_shape, batch_size))
    tracer = _Tracer(graph.calls, known)
    for name, tensor in graph.inputs.items():
        layer = keras.layers.InputLayer(batch_shape=tensor.shape, name=name)
        graph.calls.append(Call(name, layer, layer, (), {}, (tensor,)))
        tracer.seen[name] += 1
    tensors = list(graph.inputs.values())
    if whole is None:
        whole = _recorded(model, tensors)
    graph.outputs = tracer.follow(whole, tensors, prefix="")
    return graph


def _built(model: keras.Sequential, input_shape: InputShape) -> keras.Sequential:
    """Return a copy that has shapes and weights."""
    copy = keras.models.clone_model(model)
    try:
        copy.build((None, *input_shape))
    except Exception as error:  # each layer has its own way to refuse a shape
        reason = str(error).strip().partition("\n")[0]
        raise UsageError(f"'{model.name}' does not take {tuple(input_shape)}: {reason}") from error
    return copy


def _recorded(model: keras.Model, tensors: list[keras.KerasTensor]) -> Any:
    """Return the graph of a model that has none of its own."""
    try:
        return record(model, (tensors[0] if len(tensors) == 1 else tensors,), {})
    except Exception as error:  # a model's own code may raise anything on tensors without values
        reason = str(error).strip().partition("\n")[0]
        raise UsageError(
            f"model '{model.name}' cannot be followed, its call must be written with Keras layers "
            f"and keras.ops: {reason}"
        ) from error


def _graph_of(operation: Any) -> Any:
    """Return the graph of a functional or sequential model, None for anything else."""
    home = next((base for base in type(operation).__mro__ if "call" in vars(base)), object)
    if not home.__module__.startswith("keras."):
        return None  # its own `call` need not follow the graph
    if isinstance(operation, keras.Sequential):
        return operation._functional
    return operation if isinstance(operation, keras.Function) else None


@dataclass
class _Tracer:
    """Follows shapes call by call.

    Attributes:
        calls: Where the calls are added.
        known: Whether a layer or operation is to be a call of its own.
        seen: How often each row's name was given.
    """

    calls: list[Call]
    known: Callable[[Any], bool]
    seen: Counter[str] = field(default_factory=Counter)

    def follow(
        self,
        graph: Any,
        inputs: Iterable[keras.KerasTensor],
        prefix: str,
        row: tuple[str, Any] | None = None,
    ) -> list[keras.KerasTensor]:
        """Make the calls of a graph and return its outputs."""
        tensors = {id(ref): new for ref, new in zip(graph.inputs, inputs, strict=True)}
        for depth in sorted(graph._nodes_by_depth, reverse=True):
            for node in graph._nodes_by_depth[depth]:
                if node.is_input or not all(id(ref) in tensors for ref in node.input_tensors):
                    continue
                arguments, options = keras.tree.map_structure(
                    lambda value: tensors.get(id(value), value),
                    (node.arguments.args, node.arguments.kwargs),
                )
                outputs = self.call(node.operation, arguments, options, prefix, row)
                tensors.update(zip(map(id, node.outputs), outputs, strict=True))
        return [tensors[id(reference)] for reference in graph.outputs]

    def call(
        self,
        operation: Any,
        arguments: tuple[Any, ...],
        options: Mapping[str, Any],
        prefix: str,
        row: tuple[str, Any] | None,
    ) -> list[keras.KerasTensor]:
        """Call a layer or operation, or what it is made of, and return the flat outputs."""
        name = prefix + operation.name
        inside = _graph_of(operation)
        if inside is not None:
            return self.follow(inside, keras.tree.flatten(arguments), f"{name}/", row)
        if isinstance(operation, keras.layers.TimeDistributed):
            return self._each_step(operation, arguments, prefix, row or self._row(name, operation))
        if not self.known(operation) and isinstance(operation, keras.Layer):
            try:
                inside = record(operation, arguments, options)
            except Exception:  # a layer's own code may raise anything on tensors without values
                inside = None
        if inside is None:
            outputs = _outputs(operation, name, arguments, options)
            row = row or self._row(name, operation)
            self.calls.append(Call(*row, operation, arguments, options, tuple(outputs)))
            return outputs
        tensors = [t for t in keras.tree.flatten((arguments, options)) if _is_tensor(t)]
        if operation._flatten_layers(include_self=False):
            return self.follow(inside, tensors, f"{name}/", row)
        return self.follow(inside, tensors, "", row or self._row(name, operation))

    def _each_step(
        self, wrapper: Any, arguments: tuple[Any, ...], prefix: str, row: tuple[str, Any]
    ) -> list[keras.KerasTensor]:
        """Call the layer of a TimeDistributed on all steps at once, as so many samples more."""
        batch, steps, *sample = arguments[0].shape
        together, apart = (keras.layers.Reshape(sample, name=wrapper.name) for _ in range(2))
        flat = keras.KerasTensor((batch * steps, *sample), dtype=arguments[0].dtype)
        self.calls.append(Call(*row, together, arguments[:1], {}, (flat,)))
        (inner,) = self.call(wrapper.layer, (flat,), {}, prefix, row)
        output = keras.KerasTensor((batch, steps, *inner.shape[1:]), dtype=inner.dtype)
        self.calls.append(Call(*row, apart, (inner,), {}, (output,)))
        return [output]

    def _row(self, name: str, operation: Any) -> tuple[str, Any]:
        self.seen[name] += 1
        return (name if self.seen[name] == 1 else f"{name}#{self.seen[name]}"), operation


def _is_tensor(value: Any) -> bool:
    return isinstance(value, keras.KerasTensor)


def _outputs(
    operation: Any, name: str, arguments: tuple[Any, ...], options: Mapping[str, Any]
) -> list[keras.KerasTensor]:
    try:
        if isinstance(operation, keras.Layer) and arguments:
            operation._assert_input_compatibility(arguments[0])
        outputs = keras.tree.flatten(operation.compute_output_spec(*arguments, **options))
        if any(None in tensor.shape for tensor in outputs):
            outputs = keras.Operation.compute_output_spec(operation, *arguments, **options)
            outputs = keras.tree.flatten(outputs)
        if any(min(tensor.shape, default=1) < 1 for tensor in outputs):
            raise ValueError("nothing would be left of it")  # older versions of Keras let it pass
    except Exception as error:  # each layer has its own way to refuse a shape
        shapes = [t.shape for t in keras.tree.flatten((arguments, options)) if _is_tensor(t)]
        reason = str(error).strip().partition("\n")[0]
        raise UsageError(f"layer '{name}' does not take {shapes}: {reason}") from error
    return outputs
