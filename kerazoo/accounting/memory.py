"""Memory of a model: the peak in inference, and what training keeps.

Bytes of tensors and weights, without the framework's workspace.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np

from kerazoo.accounting.graph import Graph
from kerazoo.lazy import keras

STRING = 24  # bytes of a string in TensorFlow, up to 22 characters
# Bytes of the dtypes that NumPy lacks or that TensorFlow keeps in another size.
SIZES = {
    **dict.fromkeys(("bool", "float8_e4m3fn", "float8_e5m2", "int4", "uint4"), 1),
    **{"bfloat16": 2, "string": STRING},
}
ADAM_SLOTS = 2  # the two moments of every weight


def tensor_bytes(tensor: Any) -> int:
    """Return the bytes of a tensor or weight."""
    dtype = keras.backend.standardize_dtype(tensor.dtype)
    if None in tensor.shape:  # how many elements there are depends on the data
        return 0
    return math.prod(tensor.shape) * (SIZES.get(dtype) or np.dtype(dtype).itemsize)


class WeightBytes(NamedTuple):
    """The bytes of a model's weights."""

    total: int
    trainable: int

    @classmethod
    def of(cls, model: keras.Model) -> WeightBytes:
        """Return those of a model."""
        sizes = [(tensor_bytes(weight), weight.trainable) for weight in model.weights]
        return cls(sum(size for size, _ in sizes), sum(size for size, trains in sizes if trains))


def inference_peak(graph: Graph, weights: int) -> dict[str, int]:
    """Return the maximum bytes that are live at once in one forward pass.

    A tensor is live from the call that returns it to the last that takes it, inputs from the
    start and outputs to the end. Reshaping, and dropout in inference, return no new tensor.

    Args:
        graph: The calls of the model.
        weights: Bytes of its weights.

    Returns:
        Bytes of `weights`, of `activations` at their peak, and their `total`.
    """
    owner: dict[int, int] = {}  # the tensor whose memory a tensor has
    first: dict[int, int] = {}  # the step from which on an owner is live
    last: dict[int, int] = {}
    for step, call in enumerate(graph.calls):
        for tensor in call.outputs:
            shared = call.rule and call.rule.output != "new" and call.inputs
            source = id(call.inputs[0]) if shared else id(tensor)
            owner[id(tensor)] = owner.get(source, id(tensor))
            first.setdefault(owner[id(tensor)], step)
        for tensor in (*call.inputs, *call.outputs):
            last[owner.get(id(tensor), id(tensor))] = step
    for tensor in graph.outputs:
        last[owner.get(id(tensor), id(tensor))] = len(graph.calls)
    sizes = {id(tensor): tensor_bytes(tensor) for call in graph.calls for tensor in call.outputs}
    changes = [0] * (len(graph.calls) + 2)
    for tensor, step in first.items():
        changes[step] += sizes[tensor]
        changes[last[tensor] + 1] -= sizes[tensor]
    peak = max(itertools.accumulate(changes))
    return {"weights": weights, "activations": peak, "total": weights + peak}


def training_peak(graph: Graph, weights: WeightBytes) -> dict[str, int]:
    """Return the bytes that training with Adam keeps when the backward pass begins.

    Returns:
        Bytes of `weights`; of `gradients`, one for each trainable weight; of Adam's two `slots` for
        each; of the `activations`, the outputs of all calls, which the backward pass needs; and the
        `total`.
    """
    kept = {
        id(tensor): tensor_bytes(tensor)
        for call in graph.calls
        if not (call.rule and call.rule.output == "view")
        for tensor in call.outputs
    }
    parts = {
        "weights": weights.total,
        "gradients": weights.trainable,
        "slots": ADAM_SLOTS * weights.trainable,
        "activations": sum(kept.values()),
    }
    return {**parts, "total": sum(parts.values())}
