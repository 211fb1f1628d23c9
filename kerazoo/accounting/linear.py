"""The cost of layers with MACs: convolutions, dense layers, matrix products, attention, recurrence.

The padding of a convolution counts like any pixel, as in TensorFlow's profiler and the papers; a
transposed convolution multiplies each pixel of its input by its whole kernel. See `cost` for the
arguments of the functions.
"""

from __future__ import annotations

import math
from typing import Any

from kerazoo.accounting.cost import PER_ELEMENT, Cost, Shape, Shapes, activation, channels, elements


def mac_cost(macs: int, outputs: int, bias: bool, extra: int = 0) -> Cost:
    """Return the cost of multiply-accumulates.

    A sum of n products is n multiplications and n - 1 additions, and one more with a bias: the
    (2 Cin K K - 1) H W Cout and 2 Cin K K H W Cout of `cnn-study`, lines 895-911, for a
    convolution, and its (2 I - 1) O, lines 936-946, for a dense layer.

    Args:
        macs: Number of multiply-accumulates.
        outputs: Number of sums.
        bias: Whether a bias is added to each sum.
        extra: FLOPs besides, such as those of an activation.
    """
    return Cost(macs, macs + (macs if bias else max(macs - outputs, 0)) + extra)


def _layer_cost(layer: Any, macs: int, output: Shape) -> Cost | None:
    """Return the cost of a layer with a bias and an activation; None if that is unsupported."""
    outputs = elements(output)
    extra = activation(layer.activation, outputs)
    return None if extra is None else mac_cost(macs, outputs, layer.use_bias, extra)


def conv(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count Cin/groups times the kernel's size per output element."""
    each = math.prod(layer.kernel_size) * channels(layer, inputs[0]) // layer.groups
    return _layer_cost(layer, each * elements(outputs[0]), outputs[0])


def depthwise(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count the kernel's size per output element."""
    return _layer_cost(layer, math.prod(layer.kernel_size) * elements(outputs[0]), outputs[0])


def separable(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count a depthwise convolution without a bias, then a 1x1 convolution."""
    depth = channels(layer, inputs[0]) * layer.depth_multiplier
    middle = elements(outputs[0]) // channels(layer, outputs[0]) * depth
    first = mac_cost(math.prod(layer.kernel_size) * middle, middle, bias=False)
    second = _layer_cost(layer, depth * elements(outputs[0]), outputs[0])
    return second and first + second


def spatially_separable(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count a column per output row of every input column, then a row per output element."""
    width = 3 if layer.data_format == "channels_first" else 2
    middle = elements(outputs[0]) // outputs[0][width] * inputs[0][width]
    columns = mac_cost(layer.kernel_size * channels(layer, inputs[0]) * middle, middle, bias=False)
    rows = _layer_cost(layer, layer.kernel_size * elements(outputs[0]), outputs[0])
    return rows and columns + rows


def sparse(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count the kernel's size per connection of the table and position."""
    positions = elements(outputs[0]) // channels(layer, outputs[0])
    return _layer_cost(layer, layer.products * positions, outputs[0])


def transposed(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count Cout times the kernel's size per input element."""
    each = math.prod(layer.kernel_size) * channels(layer, outputs[0])
    return _layer_cost(layer, each * elements(inputs[0]), outputs[0])


def dense(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count the number of inputs per output element."""
    return _layer_cost(layer, inputs[0][-1] * elements(outputs[0]), outputs[0])


def einsum_labels(equation: str, shapes: Shapes) -> tuple[list[str], str]:
    """Return the letters of each operand's axes and of the result's, with "..." spelled out."""
    left, _, right = equation.replace(" ", "").partition("->")
    terms = list(zip(left.split(","), shapes, strict=False))
    hidden = [len(shape) - len(term.replace("...", "")) for term, shape in terms]
    free = [letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if letter not in equation]
    free = free[: max(hidden)]
    spelled = [
        term.replace("...", "".join(free[len(free) - count :]))
        for (term, _), count in zip(terms, hidden, strict=True)
    ]
    return spelled, right.replace("...", "".join(free))


def einsum(equation: str, shapes: Shapes) -> int:
    """Return the MACs of a sum over two operands: the product of the lengths of all axes."""
    terms, _ = einsum_labels(equation, shapes)
    axes = zip("".join(terms), [length for shape in shapes for length in shape], strict=True)
    return math.prod(dict(axes).values())


def einsum_dense(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count the product of the lengths of all axes in the equation."""
    count = elements(outputs[0])
    extra = activation(layer.activation, count)
    if extra is None:
        return None
    macs = einsum(layer.equation, [inputs[0], tuple(layer.kernel.shape)])
    return mac_cost(macs, count, layer.bias is not None, extra)


def einsum_operation(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count `keras.ops.einsum` of two tensors; of more it is unsupported."""
    if len(inputs) != 2:
        return None
    return mac_cost(einsum(layer.subscripts, inputs), elements(outputs[0]), bias=False)


def _without_bias(terms: int, output: Shape, extra: int = 0) -> Cost:
    """Return the cost of one sum of `terms` products per output element."""
    return mac_cost(terms * elements(output), elements(output), bias=False, extra=extra)


def matmul(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count the length of the shared axis per output element."""
    return _without_bias(inputs[0][-1], outputs[0])


def dot(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count `keras.layers.Dot`, whose `axes` names the shared axis."""
    axis = layer.axes if isinstance(layer.axes, int) else layer.axes[0]
    extra = 3 * (elements(inputs[0]) + elements(inputs[1])) if layer.normalize else 0
    return _without_bias(inputs[0][axis], outputs[0], extra)


def conv_operation(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count `keras.ops.conv`, whose second operand is the kernel [..., Cin/groups, Cout]."""
    return _without_bias(math.prod(inputs[1][:-1]), outputs[0])


def depthwise_operation(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count `keras.ops.depthwise_conv`, whose kernel is [..., Cin, multiplier]."""
    return _without_bias(math.prod(inputs[1][:-2]), outputs[0])


def tensordot(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count `keras.ops.tensordot`; `axes` is a number of axes or those of each operand."""
    axes, shape = layer.axes, inputs[0]
    if isinstance(axes, int):
        shared = shape[len(shape) - axes :]
    else:
        first = [axes[0]] if isinstance(axes[0], int) else axes[0]
        shared = [shape[axis] for axis in first]
    return _without_bias(math.prod(shared), outputs[0])


def _qkv(inputs: Shapes) -> tuple[Shape, Shape, Shape]:
    """Return the shapes of query, key and value, which are given as query, value and key."""
    query, value, *key = inputs
    return query, key[0] if key else value, value


def _weighting(batch: int, heads: int, query: int, keys: int, key_dim: int, value_dim: int) -> Cost:
    """Return the cost of the scores of all pairs of queries and keys, their softmax, and its sums.

    Each of `query` queries has a score for each of `keys` keys, of length `key_dim`; its softmax
    weights as many values, of length `value_dim`.
    """
    scores = batch * heads * query * keys
    outputs = batch * heads * query * value_dim
    softmax = PER_ELEMENT["softmax"] * scores
    return mac_cost(scores * key_dim, scores, False, softmax) + mac_cost(
        outputs * keys, outputs, False
    )


def attention(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count `keras.layers.Attention`: query, value and key are [batch, steps, length]."""
    query, key, value = _qkv(inputs)
    batch, steps = query[0], math.prod(query[1:-1])
    cost = _weighting(batch, 1, steps, value[-2], key[-1], value[-1])
    scores = batch * steps * value[-2]
    if layer.score_mode == "concat":  # tanh(query + key), summed, instead of a product
        flops = (1 + PER_ELEMENT["tanh"] + 1) * key[-1]
        cost += Cost(-scores * key[-1], scores * (flops - (2 * key[-1] - 1)))
    return cost + Cost(flops=scores if layer.use_scale else 0)


def additive_attention(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count `keras.layers.AdditiveAttention`: scores are sums of tanh(query + key)."""
    query, _, value = _qkv(inputs)
    scores = query[0] * query[1] * value[1]
    each = 1 + PER_ELEMENT["tanh"] + 1 + bool(layer.use_scale)
    weighted = query[0] * query[1] * value[-1]
    extra = scores * (each * query[-1] + PER_ELEMENT["softmax"])
    return mac_cost(weighted * value[1], weighted, bias=False, extra=extra)


def multi_head(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count MultiHeadAttention."""
    heads, dims = (layer.num_heads, layer.num_heads), (layer.key_dim, layer.value_dim)
    return _projected(layer, inputs, outputs, heads, dims)


def grouped_query(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count GroupedQueryAttention, which has fewer heads of keys and values than of queries."""
    heads, dims = (layer.num_query_heads, layer.num_key_value_heads), (layer.head_dim,) * 2
    return _projected(layer, inputs, outputs, heads, dims)


def _projected(
    layer: Any, inputs: Shapes, outputs: Shapes, heads: tuple[int, int], dims: tuple[int, int]
) -> Cost:
    """Return the cost of four projections, scaling, and attention in each head.

    Queries have `heads[0]` heads, keys and values `heads[1]`; keys have length `dims[0]` and values
    `dims[1]` in each.
    """
    query, key, value = _qkv(inputs)
    axes = getattr(layer, "_attention_axes", None) or range(1, len(query) - 1)
    steps, keys = (math.prod(shape[axis] for axis in axes) for shape in (query, value))
    cost = _weighting(elements(query[:-1]) // steps, heads[0], steps, keys, *dims)
    cost += Cost(flops=elements(query[:-1]) * heads[0] * dims[0])  # scaling
    for shape, width in (
        (query, heads[0] * dims[0]),
        (key, heads[1] * dims[0]),
        (value, heads[1] * dims[1]),
        ((*query[:-1], heads[0] * dims[1]), outputs[0][-1]),
    ):
        count = elements(shape[:-1]) * width
        cost += mac_cost(count * shape[-1], count, layer.use_bias)
    return cost


def recurrent(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count SimpleRNN, GRU and LSTM: the gates' sums, activations and combination per step."""
    batch, steps, features = inputs[0]
    units, kind = layer.units, type(layer.cell).__name__
    gates, activations, gate_activations, combination = {
        "SimpleRNNCell": (1, 1, 0, 0),
        "GRUCell": (3, 1, 2, 5),
        "LSTMCell": (4, 2, 3, 4),
    }[kind]
    flops = activation(layer.activation, units)
    gate_flops = activation(getattr(layer, "recurrent_activation", None), units)
    if flops is None or gate_flops is None:
        return None
    if kind == "GRUCell" and layer.reset_after and layer.use_bias:
        combination += 3  # a second bias per gate
    extra = activations * flops + gate_activations * gate_flops + combination * units
    step = mac_cost(gates * units * (features + units), gates * units, layer.use_bias, extra)
    return Cost(batch * steps * step.macs, batch * steps * step.flops)
