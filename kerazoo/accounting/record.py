"""What a layer or model that is no graph computes, found by running its code without values."""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

from kerazoo.lazy import keras

# Operators that a weight answers with a product of values, which a tensor without values has not.
OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")


def record(layer: Any, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """Return the graph of what a layer's `call` does in inference; the layer stays as it was.

    Raises:
        Exception: The layer's code is not written with Keras layers and `keras.ops` alone.
    """
    fresh = keras.tree.map_structure(
        lambda value: _fresh(value, layer) if isinstance(value, keras.KerasTensor) else value,
        (arguments, dict(options)),
    )
    if "training" in inspect.signature(layer.call).parameters:
        fresh[1]["training"] = False
    parts = layer._flatten_layers()
    nodes = [(part, len(part._inbound_nodes), len(part._outbound_nodes)) for part in parts]
    try:
        with keras.StatelessScope(), _weights_give_way():  # what the code assigns is not kept
            outputs = layer.call(*fresh[0], **fresh[1])
        inputs = [x for x in keras.tree.flatten(fresh) if isinstance(x, keras.KerasTensor)]
        same = keras.layers.Identity(name=layer.name)
        outputs = keras.tree.map_structure(
            lambda x: same(x) if any(x is given for given in inputs) else x, outputs
        )
        graph = keras.Function(inputs, outputs)
    finally:
        for part, inbound, outbound in nodes:
            del part._inbound_nodes[inbound:], part._outbound_nodes[outbound:]
    for operation in graph.operations:
        if not isinstance(operation, keras.Layer):  # Keras numbers them through the whole process
            operation.name = re.sub(r"_\d+$", "", operation.name)
    return graph


def _fresh(tensor: keras.KerasTensor, layer: Any) -> keras.KerasTensor:
    dtype = tensor.dtype
    if "float" in dtype and layer.autocast:
        dtype = layer.compute_dtype
    return keras.KerasTensor(tensor.shape, dtype=dtype)


@contextlib.contextmanager
def _weights_give_way() -> Iterator[None]:
    """Let a tensor without values compute `weight * tensor`, as it does `tensor * weight`."""
    names = [f"__{name}__" for name in OPERATORS]
    owner = next(base for base in keras.Variable.__mro__ if names[0] in vars(base))
    own = {name: vars(owner)[name] for name in names}
    for name in names:
        setattr(owner, name, _giving_way(own[name]))
    try:
        yield
    finally:
        for name in names:
            setattr(owner, name, own[name])


def _giving_way(operator: Any) -> Any:
    def compute(weight: Any, other: Any) -> Any:
        if isinstance(other, keras.KerasTensor):
            return NotImplemented
        return operator(weight, other)

    return compute
