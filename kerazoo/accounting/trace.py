"""A Keras model as the list of its layers' calls, with every shape known."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kerazoo import compat
from kerazoo.accounting import linear, operations, rules
from kerazoo.accounting.cost import Cost
from kerazoo.accounting.inputs import Inputs
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
    times: int = 1  # how often it is made, as by a layer that repeats its cell
    traced: Cost | None = None  # the cost, where the operations that run were counted
    rule: rules.Rule | None = None

    @functools.cached_property
    def cost(self) -> Cost:
        """The cost of all times."""
        return (self.traced or self._cost()) * self.times

    def _cost(self) -> Cost:
        inputs = [tuple(operand.shape) for operand in self.operands]
        outputs = [tensor.shape for tensor in self.outputs]
        try:
            if self.rule:
                return self.rule.cost(self.operation, inputs, outputs) + self._low_rank()
        except NotImplementedError:
            pass
        except TypeError:
            if not any(None in shape for shape in (*inputs, *outputs)):
                raise
            return Cost(unsupported=(f"{self.kind}, whose shapes depend on the data",))
        name = self.operation.name
        return operations.traced(self.operation.call, self.arguments, self.options, name)[1]

    def _low_rank(self) -> Cost:
        """Return the cost of the layer's LoRA weights, and of those of its parts."""
        layers = (
            compat.all_layers(self.operation) if isinstance(self.operation, keras.Layer) else ()
        )
        return sum(map(linear.low_rank, filter(_has_lora, layers)), Cost())

    @property
    def kind(self) -> str:
        """The class of what is called."""
        return type(self.operation).__name__

    @functools.cached_property
    def bound(self) -> dict[str, Any]:
        """The arguments by their names."""
        signature = _signature(self.operation)
        return dict(signature.bind_partial(*self.arguments, **self.options).arguments)

    @functools.cached_property
    def operands(self) -> list[Any]:
        """All arguments with a shape except masks, in the order of the signature."""
        named = [value for name, value in self.bound.items() if "mask" not in name]
        return [value for value in keras.tree.flatten(named) if hasattr(value, "shape")]

    @functools.cached_property
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
    steps: dict[int, int] = field(default_factory=dict)  # the id of the series of each single step

    def by_row(self) -> dict[str, list[Call]]:
        """Return the calls of each row of the table."""
        rows: dict[str, list[Call]] = {}
        for call in self.calls:
            rows.setdefault(call.row, []).append(call)
        return rows

    @property
    def batch_size(self) -> int:
        """Samples in a batch."""
        first = next(iter(self.inputs.values()))
        return int(first.shape[0])


def trace(model: keras.Model, inputs: Inputs, batch_size: int) -> Graph:
    """Return the calls of a model and of the models inside it.

    A subclassed model without weights gets them, as by its first call.

    A layer without a rule is replaced by the calls of layers and of `keras.ops` in its code. Code
    that is written otherwise is traced by the backend, and its operations are counted.

    Args:
        model: Any Keras model.
        inputs: The shapes of its inputs, as given to `kerazoo.summary`.
        batch_size: Samples in a batch.

    Raises:
        UsageError: The model is not built, an axis is unknown, or a layer rejects the shape.
    """
    model = inputs.built(model)
    inner = _graph_of(model)
    arguments, options, tensors = inputs.tensors(model, inner, batch_size)
    graph = Graph(model, tensors)
    tracer = _Tracer(graph.calls, graph.steps)
    for name, tensor in tensors.items():
        layer = keras.layers.InputLayer(batch_shape=tensor.shape, name=name)
        row = tracer.new_row(name, layer)
        graph.calls.append(Call(*row, layer, (), {}, (tensor,), rule=rules.find(layer)))
    try:
        with _weights_made(model, arguments, options), compat.calls_answered_by(tracer.answer):
            if inner is None:
                outputs = tracer.run(model, arguments, options, "", None)
            else:
                outputs = tracer.follow(inner, tensors.values(), "")
    except _ShapeError as error:
        raise UsageError(str(error)) from error
    graph.outputs = _tensors(outputs)
    return graph


@contextlib.contextmanager
def _weights_made(
    model: keras.Model, arguments: tuple[Any, ...], options: Mapping[str, Any]
) -> Iterator[None]:
    """Let a model without weights get them from the code in a `with` block, as by its first call.

    Their values are made at the end.
    """
    if model.built:
        yield
        return
    with keras.StatelessScope():
        if type(model).build is not keras.Model.build:
            given = [*arguments, *options.values()]
            shapes = keras.tree.map_structure(lambda each: each.shape, given)
            try:
                model.build(*shapes)
            except Exception as error:
                raise _ShapeError(f"'{model.name}' is not built: {reason(error)}") from error
        yield
    model.built = True


class _ShapeError(ValueError):
    """A layer does not take the shape of its input."""


@dataclass
class _Tracer:
    """Adds calls to a list; `seen` counts the rows by name."""

    calls: list[Call]
    steps: dict[int, int]  # see `Graph`
    seen: Counter[str] = field(default_factory=Counter)
    owners: set[int] = field(default_factory=set)  # layers whose own weights have a row
    times: int = 1  # how often each of the next calls runs
    place: tuple[str, Row | None] | None = None  # prefix and row of the code that runs, if any

    def follow(
        self, graph: Any, inputs: Iterable[keras.KerasTensor], prefix: str, row: Row | None = None
    ) -> list[Any]:
        """Make the calls of a graph and return its flat outputs."""
        tensors = {id(ref): new for ref, new in zip(graph.inputs, inputs, strict=True)}
        for node in compat.nodes_in_order(graph):
            if node.is_input or not all(id(ref) in tensors for ref in node.input_tensors):
                continue
            arguments, options = keras.tree.map_structure(
                lambda value: tensors.get(id(value), value),
                (node.arguments.args, node.arguments.kwargs),
            )
            outputs = self.call(node.operation, arguments, options, prefix, row)
            pairs = zip(node.outputs, keras.tree.flatten(outputs), strict=True)
            tensors.update((id(reference), tensor) for reference, tensor in pairs)
        return [tensors[id(reference)] for reference in graph.outputs]

    def call(
        self,
        operation: Any,
        arguments: tuple[Any, ...],
        options: Mapping[str, Any],
        prefix: str = "",
        row: Row | None = None,
    ) -> Any:
        """Call a layer or operation, or the calls it is made of, and return its outputs."""
        name = prefix + (operation.name if self.place is None else _unnumbered(operation))
        inner = _graph_of(operation)
        if inner is not None:
            given = arguments or tuple(each for key, each in options.items() if "mask" not in key)
            outputs = self.follow(inner, _tensors(given), f"{name}/", row)
            return compat.output_structure(inner, outputs)
        follow = self._wrapped(operation)
        if follow:
            return follow(operation, arguments, options, row or self.new_row(name, operation))
        options = _accepted(operation, options)
        rule = rules.find(operation)
        if rule is None and isinstance(operation, keras.Layer):
            return self.run(operation, arguments, options, name, row)
        outputs = self._outputs(operation, arguments, options)
        self._add(
            row or self.new_row(name, operation), operation, arguments, options, outputs, rule
        )
        return outputs

    def run(
        self,
        layer: Any,
        arguments: tuple[Any, ...],
        options: Mapping[str, Any],
        name: str,
        row: Row | None,
    ) -> Any:
        """Make the calls in a layer's code, in inference; weights keep their values."""
        parts = compat.all_layers(layer, include_self=False)
        own_row = row or (name or layer.name, layer)
        prefix = f"{name}/" if name else ""
        if not parts:
            row = row or self.new_row(*own_row)
        before, seen = len(self.calls), self.seen.copy()
        if "training" in _signature(layer).parameters:
            options = {**options, "training": False}

        def code() -> Any:
            with self._at((prefix, row)), compat.autocast(layer):
                return _code(layer)(*_cast(layer, arguments), **_cast(layer, options))

        try:
            outputs, cost = operations.run(code)
        except UsageError:
            raise
        except Exception:  # a layer's code may raise anything on symbolic tensors
            self._forget(before, seen)
            outputs, cost = self._trace(layer, arguments, options, prefix, row)
            self._add(
                row or self.new_row(*own_row), layer, arguments, options, outputs, traced=cost
            )
            return outputs
        return self._add_rest(layer, (arguments, options), outputs, before, cost, row, own_row)

    def _add_rest(
        self,
        layer: Any,
        given: Any,
        outputs: Any,
        before: int,
        cost: Cost,
        row: Row | None,
        own_row: Row,
    ) -> Any:
        """Add what a layer's code did besides its calls, and return its outputs.

        Args:
            layer: The layer.
            given: Its arguments.
            outputs: What its code returned.
            before: The number of calls before its own.
            cost: What it computed from weights alone.
            row: The row of its calls, None if each has its own.
            own_row: A new row of the layer, not numbered yet.
        """
        made = [tensor for call in self.calls[before:] for tensor in call.outputs]
        known = set(map(id, [*made, *_tensors(given)]))
        constants = [each for each in _tensors(outputs) if id(each) not in known]
        passes_on = len(self.calls) == before
        costs = cost.flops or cost.unsupported
        if not (costs or constants or passes_on or (row is None and self._owns_weights(layer))):
            return outputs
        row = row or self.new_row(*own_row)
        if costs or not (constants or passes_on):
            self._add(row, layer, (), {}, (), traced=cost if costs else Cost())
        if constants:  # they depend on shapes and weights alone
            self._add(row, layer, (), {}, constants, rules.CONSTANT)
        if constants or not passes_on:
            return outputs
        identity = keras.layers.Identity(name=layer.name)
        return keras.tree.map_structure(
            lambda each: self.call(identity, (each,), {}, row=row) if _is_tensor(each) else each,
            outputs,
        )

    def _owns_weights(self, layer: Any) -> bool:
        """Return whether a layer has weights besides those of its parts, the first time."""
        if id(layer) in self.owners:
            return False
        parts = compat.all_layers(layer, include_self=False)
        of_parts = {id(weight) for part in parts for weight in part.weights}
        self.owners.add(id(layer))
        return any(id(weight) not in of_parts for weight in layer.weights)

    def _trace(
        self,
        layer: Any,
        arguments: tuple[Any, ...],
        options: Mapping[str, Any],
        prefix: str,
        row: Row | None,
    ) -> tuple[Any, Cost]:
        """Count the operations that a layer's code runs, and call the layers in it."""
        before, seen = len(self.calls), self.seen.copy()

        def code(*args: Any, **kwargs: Any) -> Any:
            self._forget(before, seen)  # the backend may run it a second time
            here = compat.place_of_trace()

            def answer(part: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
                in_loop = compat.place_of_trace() != here
                if in_loop or not part.built or _tensors(args, kwargs):
                    return NotImplemented
                tensors, rest = operations.symbolic((args, kwargs))
                with self._at(None):
                    outputs = self.call(part, tensors, rest, prefix, row)
                return operations.placeholders(outputs, (args, kwargs))

            with compat.layers_answered_by(answer), compat.autocast(layer):
                return _code(layer)(*args, **kwargs)

        with self._at(None):
            outputs, cost = operations.traced(
                code, _cast(layer, arguments), _cast(layer, options), layer.name
            )
        if outputs is None:
            try:
                outputs = self._outputs(layer, arguments, options)
            except _ShapeError as error:
                raise UsageError(str(error)) from error
        return outputs, cost

    def _wrapped(self, operation: Any) -> Callable[..., Any] | None:
        """Return how to call a layer of Keras that repeats others, None for any other."""
        if rules.of_user(operation) or not _calls_as_in_keras(operation.__class__):
            return None
        kinds: dict[type, Callable[..., Any]] = {
            keras.layers.TimeDistributed: self._call_on_steps,
            keras.layers.RNN: self._repeat,
            keras.layers.Bidirectional: self._call_both_ways,
        }
        return next((kinds[kind] for kind in kinds if isinstance(operation, kind)), None)

    def _call_on_steps(
        self, wrapper: Any, arguments: tuple[Any, ...], options: Mapping[str, Any], row: Row
    ) -> Any:
        """Call the layer of a TimeDistributed on [batch * steps, ...]."""
        series = _tensors(arguments, options)[0]
        batch, steps, *sample = series.shape
        merge, split = (keras.layers.Reshape(sample, name=wrapper.name) for _ in range(2))
        merged = keras.KerasTensor((batch * steps, *sample), dtype=series.dtype)
        rule = rules.find(merge)
        self._add(row, merge, (series,), {}, merged, rule)
        inner = self.call(wrapper.layer, (merged,), {}, row=row)
        output = keras.KerasTensor((batch, steps, *inner.shape[1:]), dtype=inner.dtype)
        self._add(row, split, (inner,), {}, output, rule)
        return output

    def _call_both_ways(
        self, layer: Any, arguments: tuple[Any, ...], options: Mapping[str, Any], row: Row
    ) -> Any:
        """Call the two layers of a Bidirectional, and merge their outputs."""
        outputs = self._outputs(layer, arguments, options)
        series = _tensors(arguments, options)[0]
        for each in (layer.forward_layer, layer.backward_layer):
            self.call(each, (series,), {}, row=row)
        self._add(row, layer, arguments, options, outputs, rules.LAYERS["Bidirectional"])
        return outputs

    def _repeat(
        self, layer: Any, arguments: tuple[Any, ...], options: Mapping[str, Any], row: Row
    ) -> Any:
        """Call the cell of a recurrent layer once for each step of [batch, steps, ...]."""
        outputs = self._outputs(layer, arguments, options)
        sequence = _tensors(arguments, options)[0]
        batch, steps, *sample = sequence.shape
        step = keras.KerasTensor((batch, *sample), dtype=sequence.dtype)
        self.steps[id(step)] = id(sequence)
        rule = rules.find(layer.cell)
        with self._repeated(steps):
            if rule:
                self._add(row, layer.cell, (step, []), {}, (), rule)
            else:
                states = operations.traced(layer.get_initial_state, (batch,))[0]
                self.run(layer.cell, (step, states), {}, "", row)
        self._add(row, layer, arguments, options, outputs, rules.REPEATED)
        return outputs

    def answer(self, operation: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Call what a layer's code calls on symbolic tensors."""
        if self.place is None:
            return NotImplemented
        if rules.takes_functions(operation):
            raise NotImplementedError
        return self.call(operation, arguments, options, *self.place)

    @contextlib.contextmanager
    def _at(self, place: tuple[str, Row | None] | None) -> Iterator[None]:
        before, self.place = self.place, place
        try:
            yield
        finally:
            self.place = before

    def _outputs(
        self, operation: Any, arguments: tuple[Any, ...], options: Mapping[str, Any]
    ) -> Any:
        """Return the outputs of an operation, with every axis known that does not depend on data.

        Raises:
            _ShapeError: The operation does not take the shape.
        """
        try:
            with self._at(None):
                return _output_spec(operation, arguments, options)
        except Exception as error:  # each layer rejects shapes in its own way
            shapes = [tensor.shape for tensor in _tensors(arguments, options)]
            message = f"layer '{operation.name}' does not take {shapes}: {reason(error)}"
            raise _ShapeError(message) from error

    def _add(
        self,
        row: Row,
        operation: Any,
        arguments: tuple[Any, ...],
        options: Mapping[str, Any],
        outputs: Any,
        rule: rules.Rule | None = None,
        traced: Cost | None = None,
    ) -> None:
        tensors = tuple(_tensors(outputs))
        call = Call(*row, operation, arguments, options, tensors, self.times, traced, rule)
        self.calls.append(call)

    def _forget(self, before: int, seen: Counter[str]) -> None:
        """Take back the calls after the first `before`."""
        del self.calls[before:]
        self.seen = seen.copy()

    @contextlib.contextmanager
    def _repeated(self, times: int) -> Iterator[None]:
        before, self.times = self.times, self.times * times
        try:
            yield
        finally:
            self.times = before

    def new_row(self, name: str, operation: Any) -> Row:
        """Return a new row, named "layer#2" for the second call of a layer."""
        self.seen[name] += 1
        if self.seen[name] == 1:
            return name, operation
        numbered = f"{name}#{self.seen[name]}"
        if self.seen[numbered]:  # a layer has this name
            return self.new_row(name, operation)
        self.seen[numbered] += 1
        return numbered, operation


def _unnumbered(operation: Any) -> str:
    """Return the name of an operation, of `keras.ops` without the number that Keras adds.

    Keras numbers them across the process.
    """
    name, _, number = operation.name.rpartition("_")
    is_numbered = number.isdigit() and name.replace("_", "") == type(operation).__name__.lower()
    return name if is_numbered and not isinstance(operation, keras.Layer) else operation.name


def _signature(operation: Any) -> inspect.Signature:
    function = getattr(operation.call, "__func__", None)
    return _method_signature(function) if function else inspect.signature(operation.call)


@functools.cache
def _method_signature(function: Any) -> inspect.Signature:
    """Return the signature of a method without `self`."""
    _, *parameters = inspect.signature(function).parameters.values()
    return inspect.Signature(parameters)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, keras.KerasTensor)


def _tensors(*values: Any) -> list[keras.KerasTensor]:
    return list(filter(_is_tensor, keras.tree.flatten(values)))


def _has_lora(layer: Any) -> bool:
    return bool(getattr(layer, "lora_enabled", False))


def _accepted(operation: Any, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the keyword arguments that an operation takes: Keras drops `training`, for example."""
    if not options:
        return options
    parameters = _signature(operation).parameters
    if any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
        return options
    return {name: value for name, value in options.items() if name in parameters}


def _code(layer: Any) -> Any:
    """Return what a layer runs in inference."""
    return layer.quantized_call if getattr(layer, "quantization_mode", None) else layer.call


def _cast(layer: Any, values: Any) -> Any:
    """Return a layer's arguments in the dtype that it computes in."""

    def cast(value: Any) -> Any:
        if not _is_tensor(value) or not layer.autocast or "float" not in value.dtype:
            return value
        if value.dtype == layer.compute_dtype:
            return value
        return keras.ops.cast(value, layer.compute_dtype)

    return keras.tree.map_structure(cast, values)


@functools.cache
def _calls_as_in_keras(kind: Any) -> bool:
    """Return whether the `call` of a class of layers is Keras's."""
    definer = next((base for base in kind.__mro__ if "call" in vars(base)), object)
    return definer.__module__.startswith("keras.")


def _graph_of(operation: Any) -> Any:
    """Return the graph of a functional or sequential model, None for anything else."""
    if not _calls_as_in_keras(operation.__class__) or rules.of_user(operation):
        return None  # a custom `call` need not follow the graph
    if isinstance(operation, keras.Sequential):
        return compat.functional_of(operation)
    return operation if isinstance(operation, keras.Function) else None


def _output_spec(operation: Any, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    if isinstance(operation, keras.Layer) and arguments:
        compat.check_input(operation, arguments[0])
    outputs = operation.compute_output_spec(*arguments, **options)
    if any(None in tensor.shape for tensor in _tensors(outputs)):
        with contextlib.suppress(Exception):  # JAX takes no shapes that depend on the data
            outputs = keras.Operation.compute_output_spec(operation, *arguments, **options)
    lengths = [length for tensor in _tensors(outputs) for length in tensor.shape]
    known = [length for length in lengths if length is not None]
    if min(known, default=1) < 1 and (min(known) < 0 or _vanishes(operation, arguments)):
        raise ValueError("its output would be empty")  # older versions of Keras accept it
    return outputs


def _vanishes(operation: Any, arguments: tuple[Any, ...]) -> bool:
    """Return whether the window of a convolution or pooling does not fit its input."""
    has_window = hasattr(operation, "kernel_size") or hasattr(operation, "pool_size")
    is_empty = any(0 in tensor.shape for tensor in _tensors(arguments))
    return has_window and not is_empty
