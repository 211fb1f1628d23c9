"""A Keras model as the list of its layers' calls, with every shape known."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kerazoo import compat
from kerazoo.accounting import linear, operations, rules
from kerazoo.accounting.calling import signature, tensors_in
from kerazoo.accounting.cost import Cost
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
        parameters = signature(self.operation)
        return dict(parameters.bind_partial(*self.arguments, **self.options).arguments)

    @functools.cached_property
    def operands(self) -> list[Any]:
        """All arguments with a shape except masks, in the order of the signature."""
        named = [value for name, value in self.bound.items() if "mask" not in name]
        return [value for value in keras.tree.flatten(named) if hasattr(value, "shape")]

    @functools.cached_property
    def inputs(self) -> list[keras.KerasTensor]:
        """The operands that are outputs of other calls."""
        return tensors_in(self.operands)


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

    def weights(self) -> dict[str, list[Any]]:
        """Return the weights of each row that no row before it has, last the model's own."""
        owners = {row: calls[-1].layer for row, calls in self.by_row().items()}
        owners[f"{self.model.name} (own weights)"] = self.model
        taken: set[int] = set()
        rows = {}
        for row, owner in owners.items():
            rows[row] = [w for w in getattr(owner, "weights", ()) if id(w) not in taken]
            taken.update(map(id, rows[row]))
        return rows

    @property
    def batch_size(self) -> int:
        """Samples in a batch."""
        first = next(iter(self.inputs.values()))
        return int(first.shape[0])


def _has_lora(layer: Any) -> bool:
    return bool(getattr(layer, "lora_enabled", False))
