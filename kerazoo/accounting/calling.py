"""How Keras calls a layer: what it passes on, and what comes back."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kerazoo import compat
from kerazoo.accounting import rules
from kerazoo.lazy import keras


def signature(operation: Any) -> inspect.Signature:
    """Return the parameters of the `call` of a layer or operation."""
    function = getattr(operation.call, "__func__", None)
    return _method_signature(function) if function else inspect.signature(operation.call)


@functools.cache
def _method_signature(function: Any) -> inspect.Signature:
    """Return the signature of a method without `self`."""
    _, *parameters = inspect.signature(function).parameters.values()
    return inspect.Signature(parameters)


def is_tensor(value: Any) -> bool:
    """Return whether a value is a symbolic tensor."""
    return isinstance(value, keras.KerasTensor)


def tensors_in(*values: Any) -> list[keras.KerasTensor]:
    """Return the symbolic tensors in nested values, in their order."""
    return list(filter(is_tensor, keras.tree.flatten(values)))


def run_graph(
    graph: Any,
    inputs: Iterable[Any],
    call: Callable[[Any, tuple[Any, ...], dict[str, Any]], Any],
) -> list[Any]:
    """Call each layer or operation of a graph in order, and return the graph's flat outputs.

    Args:
        graph: A `keras.Function`.
        inputs: In place of its inputs: symbolic tensors, or those of the backend.
        call: Returns the outputs of an operation for its arguments and keyword arguments.
    """
    tensors = {id(ref): new for ref, new in zip(graph.inputs, inputs, strict=True)}
    for node in compat.nodes_in_order(graph):
        if node.is_input or not all(id(ref) in tensors for ref in node.input_tensors):
            continue
        arguments, options = keras.tree.map_structure(
            lambda value: tensors.get(id(value), value),
            (node.arguments.args, node.arguments.kwargs),
        )
        outputs = keras.tree.flatten(call(node.operation, arguments, options))
        pairs = zip(node.outputs, outputs, strict=True)
        tensors.update((id(reference), tensor) for reference, tensor in pairs)
    return [tensors[id(reference)] for reference in graph.outputs]


def numbered(name: str, seen: Counter[str]) -> str:
    """Return the name of a row: "layer#2" for the second call of a layer; `seen` counts them."""
    seen[name] += 1
    if seen[name] == 1:
        return name
    result = f"{name}#{seen[name]}"
    if seen[result]:  # a layer has this name
        return numbered(name, seen)
    seen[result] += 1
    return result


def accepted(operation: Any, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the keyword arguments that an operation takes: Keras drops `training`, for example."""
    if not options:
        return options
    parameters = signature(operation).parameters
    if any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
        return options
    return {name: value for name, value in options.items() if name in parameters}


def code_of(layer: Any) -> Any:
    """Return what a layer runs in inference."""
    return layer.quantized_call if getattr(layer, "quantization_mode", None) else layer.call


def cast(layer: Any, values: Any) -> Any:
    """Return a layer's arguments in the dtype that it computes in."""

    def cast(value: Any) -> Any:
        if not is_tensor(value) or not layer.autocast or "float" not in value.dtype:
            return value
        if value.dtype == layer.compute_dtype:
            return value
        return keras.ops.cast(value, layer.compute_dtype)

    return keras.tree.map_structure(cast, values)


@functools.cache
def calls_as_in_keras(kind: Any) -> bool:
    """Return whether the `call` of a class of layers is Keras's."""
    definer = next((base for base in kind.__mro__ if "call" in vars(base)), object)
    return definer.__module__.startswith("keras.")


def graph_of(operation: Any) -> Any:
    """Return the graph of a functional or sequential model, None for anything else."""
    if not calls_as_in_keras(operation.__class__) or rules.of_user(operation):
        return None  # a custom `call` need not follow the graph
    if isinstance(operation, keras.Sequential):
        return compat.functional_of(operation)
    return operation if isinstance(operation, keras.Function) else None


def output_spec(operation: Any, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """Return the outputs of a layer or operation, with every axis known that is not up to the data.

    Raises:
        ValueError: An output would be empty. A layer may raise other errors.
    """
    if isinstance(operation, keras.Layer) and arguments:
        compat.check_input(operation, arguments[0])
    outputs = operation.compute_output_spec(*arguments, **options)
    if any(None in tensor.shape for tensor in tensors_in(outputs)):
        with contextlib.suppress(Exception):  # JAX takes no shapes that depend on the data
            outputs = keras.Operation.compute_output_spec(operation, *arguments, **options)
    lengths = [length for tensor in tensors_in(outputs) for length in tensor.shape]
    known = [length for length in lengths if length is not None]
    if min(known, default=1) < 1 and (min(known) < 0 or _vanishes(operation, arguments)):
        raise ValueError("its output would be empty")  # older versions of Keras accept it
    return outputs


def _vanishes(operation: Any, arguments: tuple[Any, ...]) -> bool:
    """Return whether the window of a convolution or pooling does not fit its input."""
    has_window = hasattr(operation, "kernel_size") or hasattr(operation, "pool_size")
    is_empty = any(0 in tensor.shape for tensor in tensors_in(arguments))
    return has_window and not is_empty
