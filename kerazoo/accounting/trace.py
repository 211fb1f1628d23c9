"""A Keras model as the list of its layers' calls, with every shape known."""

from __future__ import annotations

import contextlib
import inspect
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from kerazoo import compat
from kerazoo.accounting import rules
from kerazoo.accounting.cost import Cost
from kerazoo.accounting.inputs import InputShape, input_tensors
from kerazoo.errors import UsageError, reason
from kerazoo.lazy import keras

Row = tuple[str, Any]  # its name, and the layer or operation after which it is named


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a layer or of an operation of `keras.ops`."""

    row: str  # name of the table's row for this call; calls inside a layer share the layer's row
    layer: Any  # the layer or operation after which the row is named
    operation: Any  # what is called: `layer` itself, or a part of it
    arguments: tuple[Any, ...]  # with symbolic tensors
    options: Mapping[str, Any]  # the keyword arguments
    outputs: tuple[keras.KerasTensor, ...]  # their shapes begin with the batch axis

    @cached_property
    def rule(self) -> rules.Rule | None:
        """The rule of the operation, None if it is unsupported."""
        return rules.find(self.operation)

    @property
    def cost(self) -> Cost | None:
        """The cost, None if it is unsupported."""
        inputs = [tuple(operand.shape) for operand in self.operands]
        outputs = [tensor.shape for tensor in self.outputs]
        return self.rule and self.rule.cost(self.operation, inputs, outputs)

    @cached_property
    def operands(self) -> list[Any]:
        """All arguments with a shape except masks, in the order of the signature."""
        bound = inspect.signature(self.operation.call).bind(*self.arguments, **self.options)
        named = [value for name, value in bound.arguments.items() if "mask" not in name]
        return [value for value in keras.tree.flatten(named) if hasattr(value, "shape")]

    @cached_property
    def inputs(self) -> list[keras.KerasTensor]:
        """The operands that are outputs of other calls."""
        return _tensors(self.operands)


@dataclass
class Graph:
    """The calls of a model in the order in which Keras makes them."""

    model: keras.Model  # a built copy if a sequential model had no shapes yet
    inputs: dict[str, keras.KerasTensor]  # by name
    outputs: list[keras.KerasTensor] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)  # those of the input layers first


def trace(model: keras.Model, input_shape: InputShape | None, batch_size: int) -> Graph:
    """Return the calls of a model and of the models inside it.

    A layer without a rule is replaced by the Keras layers and `keras.ops` in its `call`, if it is
    written with these. The arguments are those of `kerazoo.summary`.

    Raises:
        UsageError: The model is not built, an axis is unknown, or a layer rejects the shape.
    """
    if not isinstance(model, keras.Model):
        raise UsageError(f"model is a {type(model).__name__}, not a Keras model")
    if isinstance(model, keras.Sequential) and not model.layers:
        raise UsageError(f"model '{model.name}' has no layers: add some")
    if isinstance(model, keras.Sequential) and not model.built and input_shape is not None:
        model = keras.models.clone_model(model)
        with _usage_error(f"'{model.name}' does not take {tuple(input_shape)}"):
            model.build((None, *input_shape))
    if not model.built:
        raise UsageError(f"model '{model.name}' is not built: call it on data or give input_shape")
    inner = _graph_of(model)
    graph = Graph(model, input_tensors(model, inner, input_shape, batch_size))
    tracer = _Tracer(graph.calls)
    for name, tensor in graph.inputs.items():
        layer = keras.layers.InputLayer(batch_shape=tensor.shape, name=name)
        graph.calls.append(Call(*tracer.new_row(name, layer), layer, (), {}, (tensor,)))
    tensors = list(graph.inputs.values())
    if inner is None:
        with _usage_error(f"model '{model.name}' is not written with Keras layers and keras.ops"):
            inner = _record(model, (tensors[0] if len(tensors) == 1 else tensors,), {})
    graph.outputs = tracer.follow(inner, tensors, prefix="")
    return graph


@dataclass
class _Tracer:
    """Adds calls to a list; `seen` counts the rows by name."""

    calls: list[Call]
    seen: Counter[str] = field(default_factory=Counter)

    def follow(
        self, graph: Any, inputs: Iterable[keras.KerasTensor], prefix: str, row: Row | None = None
    ) -> list[keras.KerasTensor]:
        """Make the calls of a graph and return its outputs."""
        tensors = {id(ref): new for ref, new in zip(graph.inputs, inputs, strict=True)}
        for node in compat.nodes_in_order(graph):
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
        row: Row | None,
    ) -> list[keras.KerasTensor]:
        """Call a layer or operation, or the layers it is made of, and return the flat outputs."""
        name = prefix + operation.name
        inner = _graph_of(operation)
        if inner is not None:
            return self.follow(inner, keras.tree.flatten(arguments), f"{name}/", row)
        if isinstance(operation, keras.layers.TimeDistributed):
            row = row or self.new_row(name, operation)
            return self._call_on_steps(operation, arguments, prefix, row)
        tensors = _tensors(arguments, options)
        if isinstance(operation, keras.Layer) and not rules.find(operation):
            with contextlib.suppress(Exception):  # a layer's code may raise anything here
                inner = _record(operation, arguments, options)
        if inner is None:
            with _usage_error(f"layer '{name}' does not take {[t.shape for t in tensors]}"):
                outputs = _outputs(operation, arguments, options)
            row = row or self.new_row(name, operation)
            self.calls.append(Call(*row, operation, arguments, options, tuple(outputs)))
            return outputs
        if compat.all_layers(operation, include_self=False):
            return self.follow(inner, tensors, f"{name}/", row)
        return self.follow(inner, tensors, "", row or self.new_row(name, operation))

    def _call_on_steps(
        self, wrapper: Any, arguments: tuple[Any, ...], prefix: str, row: Row
    ) -> list[keras.KerasTensor]:
        """Call the layer of a TimeDistributed on [batch * steps, ...]."""
        batch, steps, *sample = arguments[0].shape
        merge, split = (keras.layers.Reshape(sample, name=wrapper.name) for _ in range(2))
        merged = keras.KerasTensor((batch * steps, *sample), dtype=arguments[0].dtype)
        self.calls.append(Call(*row, merge, arguments[:1], {}, (merged,)))
        (inner,) = self.call(wrapper.layer, (merged,), {}, prefix, row)
        output = keras.KerasTensor((batch, steps, *inner.shape[1:]), dtype=inner.dtype)
        self.calls.append(Call(*row, split, (inner,), {}, (output,)))
        return [output]

    def new_row(self, name: str, operation: Any) -> Row:
        """Return a new row, named "layer#2" for the second call of a layer."""
        self.seen[name] += 1
        return (name if self.seen[name] == 1 else f"{name}#{self.seen[name]}"), operation


def _is_tensor(value: Any) -> bool:
    return isinstance(value, keras.KerasTensor)


def _tensors(*values: Any) -> list[keras.KerasTensor]:
    return list(filter(_is_tensor, keras.tree.flatten(values)))


@contextlib.contextmanager
def _usage_error(problem: str) -> Iterator[None]:
    """Raise any error as a UsageError, because each layer rejects shapes in its own way."""
    try:
        yield
    except Exception as error:
        raise UsageError(f"{problem}: {reason(error)}") from error


def _graph_of(operation: Any) -> Any:
    """Return the graph of a functional or sequential model, None for anything else."""
    definer = next((base for base in type(operation).__mro__ if "call" in vars(base)), object)
    if not definer.__module__.startswith("keras."):
        return None  # a custom `call` need not follow the graph
    if isinstance(operation, keras.Sequential):
        return compat.functional_of(operation)
    return operation if isinstance(operation, keras.Function) else None


def _outputs(
    operation: Any, arguments: tuple[Any, ...], options: Mapping[str, Any]
) -> list[keras.KerasTensor]:
    """Return the flat output tensors of an operation, with every axis known."""
    if isinstance(operation, keras.Layer) and arguments:
        compat.check_input(operation, arguments[0])
    outputs = keras.tree.flatten(operation.compute_output_spec(*arguments, **options))
    if any(None in tensor.shape for tensor in outputs):
        spec = keras.Operation.compute_output_spec(operation, *arguments, **options)
        outputs = keras.tree.flatten(spec)
    if any(min(tensor.shape, default=1) < 1 for tensor in outputs):
        raise ValueError("its output would be empty")  # older versions of Keras accept it
    return outputs


def _record(layer: Any, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """Return the graph of a layer's `call` in inference; the layer is not changed.

    Raises:
        Exception: The layer's code is not written only with Keras layers and `keras.ops`.
    """

    def placeholder(value: Any) -> Any:
        if not _is_tensor(value):
            return value
        cast = "float" in value.dtype and layer.autocast
        return keras.KerasTensor(value.shape, layer.compute_dtype if cast else value.dtype)

    arguments, options = keras.tree.map_structure(placeholder, (arguments, dict(options)))
    inputs = _tensors(arguments, options)
    if "training" in inspect.signature(layer.call).parameters:
        options = {**options, "training": False}
    with compat.nodes_restored(compat.all_layers(layer)):
        with keras.StatelessScope(), compat.operators_deferred():  # drops what the code assigns
            outputs = layer.call(*arguments, **options)
        identity = keras.layers.Identity(name=layer.name)
        outputs = keras.tree.map_structure(
            lambda x: identity(x) if any(x is tensor for tensor in inputs) else x, outputs
        )
        graph = keras.Function(inputs, outputs)
    for operation in graph.operations:
        if not isinstance(operation, keras.Layer):  # Keras numbers them across the process
            operation.name = re.sub(r"_\d+$", "", operation.name)
    return graph
