"""Traces a Keras model: the calls that its layers make, one after the other."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kerazoo import compat
from kerazoo.accounting import operations, rules, wrappers
from kerazoo.accounting.calling import (
    accepted,
    cast,
    code_of,
    graph_of,
    is_tensor,
    numbered,
    output_spec,
    run_graph,
    signature,
    tensors_in,
)
from kerazoo.accounting.cost import Cost
from kerazoo.accounting.graph import Call, Graph, Row
from kerazoo.accounting.inputs import Inputs
from kerazoo.errors import UsageError, reason
from kerazoo.lazy import keras


def trace(model: keras.Model | str, inputs: Inputs, batch_size: int) -> Graph:
    """Return the calls of a model and of the models inside it.

    A subclassed model without weights gets them, as by its first call.

    A layer without a rule is replaced by the calls of layers and of `keras.ops` in its code. Code
    that is written otherwise is traced by the backend, and its operations are counted.

    Args:
        model: Any Keras model, or its name.
        inputs: The shapes of its inputs, as given to `kerazoo.summary`.
        batch_size: Samples in a batch.

    Raises:
        UsageError: The model is not built, an axis is unknown, or a layer rejects the shape.
    """
    model = inputs.built(model)
    inner = graph_of(model)
    arguments, options, tensors = inputs.tensors(model, inner, batch_size)
    graph = Graph(model, tensors)
    tracer = Tracer(graph.calls, graph.steps)
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
    graph.outputs = tensors_in(outputs)
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
class Tracer:
    """Adds calls to the list of a graph."""

    calls: list[Call]
    steps: dict[int, int]  # see `Graph`
    seen: Counter[str] = field(default_factory=Counter)  # the rows by name
    owners: set[int] = field(default_factory=set)  # layers whose own weights have a row
    times: int = 1  # how often each of the next calls runs
    place: tuple[str, Row | None] | None = None  # prefix and row of the code that runs, if any

    def follow(
        self, graph: Any, inputs: Iterable[keras.KerasTensor], prefix: str, row: Row | None = None
    ) -> list[Any]:
        """Make the calls of a graph and return its flat outputs."""

        def call(operation: Any, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
            return self.call(operation, arguments, options, prefix, row)

        return run_graph(graph, inputs, call)

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
        inner = graph_of(operation)
        if inner is not None:
            given = arguments or tuple(each for key, each in options.items() if "mask" not in key)
            outputs = self.follow(inner, tensors_in(given), f"{name}/", row)
            return compat.output_structure(inner, outputs)
        follow = wrappers.find(operation)
        if follow:
            return follow(self, operation, arguments, options, row or self.new_row(name, operation))
        options = accepted(operation, options)
        rule = rules.find(operation)
        if rule is None and isinstance(operation, keras.Layer):
            return self.run(operation, arguments, options, name, row)
        outputs = self.outputs(operation, arguments, options)
        self.add(row or self.new_row(name, operation), operation, arguments, options, outputs, rule)
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
        if "training" in signature(layer).parameters:
            options = {**options, "training": False}

        def code() -> Any:
            with self._at((prefix, row)), compat.autocast(layer):
                return code_of(layer)(*cast(layer, arguments), **cast(layer, options))

        try:
            outputs, cost = operations.run(code)
        except UsageError:
            raise
        except Exception:  # a layer's code may raise anything on symbolic tensors
            self._forget(before, seen)
            outputs, cost = self._trace(layer, arguments, options, prefix, row)
            self.add(row or self.new_row(*own_row), layer, arguments, options, outputs, traced=cost)
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
        known = set(map(id, [*made, *tensors_in(given)]))
        constants = [each for each in tensors_in(outputs) if id(each) not in known]
        passes_on = len(self.calls) == before
        costs = cost.flops or cost.unsupported
        if not (costs or constants or passes_on or (row is None and self._owns_weights(layer))):
            return outputs
        row = row or self.new_row(*own_row)
        if costs or not (constants or passes_on):
            self.add(row, layer, (), {}, (), traced=cost if costs else Cost())
        if constants:  # they depend on shapes and weights alone
            self.add(row, layer, (), {}, constants, rules.CONSTANT)
        if constants or not passes_on:
            return outputs
        identity = keras.layers.Identity(name=layer.name)
        return keras.tree.map_structure(
            lambda each: self.call(identity, (each,), {}, row=row) if is_tensor(each) else each,
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
                if in_loop or not part.built or tensors_in(args, kwargs):
                    return NotImplemented
                tensors, rest = operations.symbolic((args, kwargs))
                with self._at(None):
                    outputs = self.call(part, tensors, rest, prefix, row)
                return operations.placeholders(outputs, (args, kwargs))

            with compat.layers_answered_by(answer), compat.autocast(layer):
                return code_of(layer)(*args, **kwargs)

        with self._at(None):
            outputs, cost = operations.traced(
                code, cast(layer, arguments), cast(layer, options), layer.name
            )
        if outputs is None:
            try:
                outputs = self.outputs(layer, arguments, options)
            except _ShapeError as error:
                raise UsageError(str(error)) from error
        return outputs, cost

    def answer(self, operation: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Call what a layer's code calls on symbolic tensors."""
        if self.place is None:
            return NotImplemented
        if rules.takes_functions(operation):
            raise NotImplementedError
        return self.call(operation, arguments, options, *self.place)

    def _at(self, place: tuple[str, Row | None] | None) -> contextlib.AbstractContextManager[None]:
        """Let what a layer's code calls have this prefix and row; None leaves it to Keras."""
        return compat.replaced(self, "place", place)

    def repeated(self, times: int) -> contextlib.AbstractContextManager[None]:
        """Let each call be made so many times."""
        return compat.replaced(self, "times", self.times * times)

    def outputs(
        self, operation: Any, arguments: tuple[Any, ...], options: Mapping[str, Any]
    ) -> Any:
        """Return the outputs of an operation, with every axis known that does not depend on data.

        Raises:
            _ShapeError: The operation does not take the shape.
        """
        try:
            with self._at(None):
                return output_spec(operation, arguments, options)
        except Exception as error:  # each layer rejects shapes in its own way
            shapes = [tensor.shape for tensor in tensors_in(arguments, options)]
            message = f"layer '{operation.name}' does not take {shapes}: {reason(error)}"
            raise _ShapeError(message) from error

    def add(
        self,
        row: Row,
        operation: Any,
        arguments: tuple[Any, ...],
        options: Mapping[str, Any],
        outputs: Any,
        rule: rules.Rule | None = None,
        traced: Cost | None = None,
    ) -> None:
        """Add a call, with its rule or with the cost that was traced."""
        tensors = tuple(tensors_in(outputs))
        call = Call(*row, operation, arguments, options, tensors, self.times, traced, rule)
        self.calls.append(call)

    def _forget(self, before: int, seen: Counter[str]) -> None:
        """Take back the calls after the first `before`."""
        del self.calls[before:]
        self.seen = seen.copy()

    def new_row(self, name: str, operation: Any) -> Row:
        """Return a new row, named "layer#2" for the second call of a layer."""
        return numbered(name, self.seen), operation


def _unnumbered(operation: Any) -> str:
    """Return the name of an operation, of `keras.ops` without the number that Keras adds.

    Keras numbers them across the process.
    """
    name, _, number = operation.name.rpartition("_")
    is_numbered = number.isdigit() and name.replace("_", "") == type(operation).__name__.lower()
    return name if is_numbered and not isinstance(operation, keras.Layer) else operation.name
