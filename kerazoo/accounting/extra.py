"""The columns of the table that are there on request."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kerazoo.accounting.graph import Call, Graph
from kerazoo.lazy import keras


def columns(graph: Graph, rows: Any, names: Sequence[str]) -> dict[str, list[Any]]:
    """Return the values of columns, in the order of the rows.

    Args:
        graph: The calls of the model.
        rows: The table, which may have a row of weights besides those of the graph.
        names: Of the columns, see `kerazoo.summary`.
    """
    calls = graph.by_row()
    results: dict[str, list[Any]] = {}
    for name in names:
        if name == "share":
            total = rows["macs"].sum()
            results[name] = [macs / total if total else 0.0 for macs in rows["macs"]]
        elif name == "trainable":
            weights = graph.weights()
            results[name] = [_trainable(weights[row]) for row in rows.index]
        else:
            compute = _gradients(graph) if name == "backward_macs" else OF_CALLS[name]
            results[name] = [compute(calls.get(row, [])) for row in rows.index]
    return results


def _trainable(weights: list[Any]) -> int:
    """Return how many parameters are trainable."""
    return sum(math.prod(weight.shape) for weight in weights if weight.trainable)


def _dtype(calls: list[Call]) -> str | None:
    return next((tensor.dtype for call in reversed(calls) for tensor in call.outputs), None)


def _kernel(calls: list[Call]) -> Any:
    """Return the size of the window of a convolution or pooling."""
    layer = calls[-1].layer if calls else None
    size = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    return tuple(size) if isinstance(size, list | tuple) else size


def _gradients(graph: Graph) -> Callable[[list[Call]], int]:
    """Return a function that counts the MACs of the gradients of a row's calls.

    A product has a gradient for each of its factors that depends on trainable weights, and costs
    its MACs again for each: twice in the middle of a network, once in its first layer.
    """
    depends: set[int] = set()  # the tensors that depend on trainable weights
    known: set[int] = set()
    by_call: dict[int, int] = {}
    for call in graph.calls:
        operands = [*getattr(call.operation, "weights", ()), *call.operands]
        weights = any(map(_is_learned, operands))
        # what traced code gives to a layer in it is not known to be independent
        sources = [graph.steps.get(id(tensor), id(tensor)) for tensor in call.inputs]
        inputs = sum(source in depends or source not in known for source in sources)
        known.update(map(id, call.outputs))
        if isinstance(call.operation, keras.Layer):
            between = 2 if weights or inputs else 0
            factors = weights + (inputs > 0)
        else:
            between = factors = min(weights + inputs, 2)
        cost = call.cost
        by_call[id(call)] = (cost.macs - cost.between) * factors + cost.between * between
        if weights or inputs:
            depends.update(map(id, call.outputs))
    return lambda calls: sum(by_call[id(call)] for call in calls)


def _is_learned(operand: Any) -> bool:
    """Return whether an operand is a trainable weight, or computed from weights alone."""
    if isinstance(operand, keras.KerasTensor | np.ndarray):
        return False
    return bool(getattr(operand, "trainable", True))


OF_CALLS: dict[str, Callable[[list[Call]], Any]] = {"dtype": _dtype, "kernel": _kernel}
