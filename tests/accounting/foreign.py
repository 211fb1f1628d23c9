"""Count networks of other packages, in a process of its own: a line of JSON for each."""

import json
import math
import sys
from collections import Counter
from typing import Any

import keras
import tensorflow as tf

from kerazoo import summary
from kerazoo.compat import graph_of_function, input_structure
from tests.helpers.foreign_networks import NAMES, network
from tests.helpers.profiler import CALLS, flops_of


def main() -> None:
    """Print the counts of the networks whose names contain one of the arguments."""
    for name in NAMES:
        if any(part in name for part in sys.argv[1:] or [""]):
            model, shape = network(name)
            table = summary(model, input_shape=shape)
            result = {
                "name": name,
                "macs": table.attrs["total"]["macs"],
                "graph": macs_of_graph(model, shape),
                "params_differ": int(table.params.sum()) - model.count_params(),
                "counted": dict(Counter(table.counted)),
                "unsupported": table.attrs["unsupported"],
            }
            print(json.dumps(result), flush=True)
            keras.backend.clear_session()


def macs_of_graph(model: keras.Model, shapes: Any) -> float:
    """Return the multiply-accumulates of a model's graph, as TensorFlow's profiler counts them.

    It has no count of `Einsum`; and it counts the zeros with which TensorFlow fills up the input of
    a dilated convolution.
    """

    def spec(tensor: Any) -> tf.TensorSpec:
        shape = shapes[tensor.name] if isinstance(shapes, dict) else shapes
        return tf.TensorSpec((tensor.shape[0] or 1, *shape), tensor.dtype)

    def forward(*tensors: Any) -> Any:
        return model(input_structure(model, list(tensors)), training=False)

    graph = tf.function(forward).get_concrete_function(*map(spec, model.inputs)).graph
    return flops_of(graph) / 2 + sum(map(_missing, _operations(graph)))


def _operations(graph: Any) -> list[Any]:
    """Return the operations of a graph and of the functions that it calls."""
    operations = list(graph.get_operations())
    for each in graph.get_operations():
        if each.type in CALLS:
            operations += _operations(graph_of_function(each, "f"))
    return operations


def _missing(operation: Any) -> int:
    """Return the multiply-accumulates that the profiler lacks, negative if it has too many."""
    if operation.type == "Einsum":
        terms, result = operation.get_attr("equation").decode().split("->")
        letters: dict[str, int] = {}
        for term, tensor in zip(terms.split(","), operation.inputs, strict=True):
            hidden = len(tensor.shape) - len(term.replace("...", ""))
            term = term.replace("...", "".join(map(str, range(hidden))))
            letters |= dict(zip(term, tensor.shape, strict=True))
        is_summed = {each for each in letters if each.isalpha()} > set(result) - {"."}
        return math.prod(letters.values()) if is_summed and "," in terms else 0
    is_conv = operation.type in ("Conv2D", "DepthwiseConv2dNative")
    if not is_conv or operation.inputs[0].op.type != "SpaceToBatchND":
        return 0
    (cropped,) = operation.outputs[0].consumers()
    kernel = operation.inputs[1].shape
    each = math.prod(kernel[:3] if operation.type == "Conv2D" else kernel[:2])
    return int(each * (math.prod(cropped.outputs[0].shape) - math.prod(operation.outputs[0].shape)))


if __name__ == "__main__":
    main()
