"""Memory that a model needs: what must live at once in inference, what training keeps.

Bytes of tensors and weights alone; a framework's own workspace comes on top.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from kerazoo.accounting import rules
from kerazoo.accounting.graph import Call, Graph

ADAM_SLOTS = 2  # the two moments of every weight


def tensor_bytes(tensor: Any) -> int:
    """Return the bytes of a tensor or weight."""
    return math.prod(tensor.shape) * itemsize(tensor.dtype)


def itemsize(dtype: str) -> int:
    """Return the bytes of one value of a Keras dtype, such as "bfloat16"."""
    name = keras.backend.standardize_dtype(dtype)
    sizes = {"bool": 1, "bfloat16": 2, "float8_e4m3fn": 1, "float8_e5m2": 1}
    return sizes.get(name) or np.dtype(name).itemsize


def inference_peak(graph: Graph) -> dict[str, int]:
    """Return the most bytes that live at once in one forward pass.

    A tensor lives from the call that gives it to the last that takes it, the inputs from the
    start, the outputs to the end; a reshaping, and dropout outside training, give no new one.

    Returns:
        Bytes of `weights`, of `activations` at their peak, and their `total`.
    """
    owner = _owners(graph)
    last: dict[int, int] = {}
    for step, call in enumerate(graph.calls):
        for tensor in (*call.inputs, *call.outputs):
            last[owner[id(tensor)]] = step
    for tensor in graph.outputs:
        last[owner[id(tensor)]] = len(graph.calls)
    ending: dict[int, list[int]] = {}
    for tensor, step in last.items():
        ending.setdefault(step, []).append(tensor)
    live: dict[int, int] = {}
    now = peak = 0
    for step, call in enumerate(graph.calls):
        for tensor in call.outputs:
            if owner[id(tensor)] == id(tensor) and id(tensor) not in live:
                live[id(tensor)] = tensor_bytes(tensor)
                now += live[id(tensor)]
        peak = max(peak, now)
        now -= sum(live.pop(tensor) for tensor in ending.get(step, ()))
    held = sum(map(tensor_bytes, graph.model.weights))
    return {"weights": held, "activations": peak, "total": held + peak}


def training_peak(graph: Graph) -> dict[str, int]:
    """Return the bytes that training with Adam holds when the backward pass begins.

    Returns:
        Bytes of `weights`, of a gradient and of Adam's two `slots` for each weight that is
        trained, of the `activations` of every call, which the backward pass needs, and the `total`.
    """
    weights = graph.model.weights
    trained = sum(tensor_bytes(weight) for weight in weights if weight.trainable)
    kept = {
        id(tensor): tensor_bytes(tensor)
        for call in graph.calls
        if _output(call) != "view"
        for tensor in call.outputs
    }
    parts = {
        "weights": sum(map(tensor_bytes, weights)),
        "gradients": trained,
        "slots": ADAM_SLOTS * trained,
        "activations": sum(kept.values()),
    }
    return {**parts, "total": sum(parts.values())}


def _output(call: Call) -> str:
    rule = rules.find(call.operation)
    return rule.output if rule else "new"


def _owners(graph: Graph) -> dict[int, int]:
    """Return for every tensor the id of the one whose memory it has in inference."""
    owner: dict[int, int] = {}
    for call in graph.calls:
        for tensor in call.outputs:
            shared = _output(call) != "new" and call.inputs
            owner[id(tensor)] = owner[id(call.inputs[0])] if shared else id(tensor)
    return owner
