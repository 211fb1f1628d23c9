"""TensorFlow's own count of a model's operations, to compare kerazoo's with."""

from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.profiler import model_analyzer, option_builder

from kerazoo.compat import graph_of_function

CALLS = ("PartitionedCall", "StatefulPartitionedCall")
PRODUCTS = (
    "BatchMatMulV2",
    "Conv2D",
    "Conv2DBackpropInput",
    "Conv3D",
    "DepthwiseConv2dNative",
    "MatMul",
)


def profiled_flops(model: keras.Model, batch_size: int = 1) -> int:
    """Return the operations of a model's convolutions and matrix products, two a multiply-add."""
    shapes = [
        tf.TensorSpec((tensor.shape[0] or batch_size, *tensor.shape[1:]), tensor.dtype)
        for tensor in model.inputs
    ]

    def forward(*tensors: Any) -> Any:
        return model(tensors[0] if len(tensors) == 1 else list(tensors), training=False)

    return flops_of(tf.function(forward).get_concrete_function(*shapes).graph)


def flops_of(graph: Any) -> int:
    """Count a graph and the functions that it calls, into which the profiler does not look."""
    builder = option_builder.ProfileOptionBuilder
    options = builder(builder.float_operation()).with_empty_output().build()
    node = model_analyzer.profile(graph, cmd="op", options=options)
    flops, waiting = 0, list(node.children)
    while waiting:
        child = waiting.pop()
        flops += child.float_ops if child.name in PRODUCTS else 0
        waiting.extend(child.children)
    for operation in graph.get_operations():
        if operation.type in CALLS:
            flops += flops_of(graph_of_function(operation, "f"))
    return flops
