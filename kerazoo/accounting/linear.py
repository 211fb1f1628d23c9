"""The cost of layers with MACs: convolutions, dense layers, matrix products, attention, recurrence.

The padding of a convolution counts like any pixel, as in TensorFlow's profiler and the papers; a
transposed convolution multiplies each pixel of its input by its whole kernel. See `cost` for the
arguments of the functions.
"""

import math
import string
from dataclasses import replace
from typing import Any

from kerazoo import compat
from kerazoo.accounting.cost import PER_ELEMENT, Cost, CostFunction, Shape, Shapes, sums
from kerazoo.accounting.nonlinear import activation, channels


def _sums(layer: Any, macs: int, output: Shape) -> Cost:
    """Return the cost of sums with the layer's bias and activation."""
    bias = getattr(layer, "use_bias", getattr(layer, "bias", None) is not None)
    dtype = getattr(layer, "compute_dtype", "float32")
    return sums(macs, math.prod(output), bias) + activation(
        getattr(layer, "activation", None), output, dtype
    )


def conv(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count Cin/groups times the kernel's size per output element."""
    each = math.prod(layer.kernel_size) * channels(layer, inputs[0]) // layer.groups
    return _sums(layer, each * math.prod(outputs[0]), outputs[0])


def conv_operation(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count `keras.ops.conv`, whose second operand is the kernel [..., Cin/groups, Cout]."""
    return _sums(layer, math.prod(inputs[1][:-1]) * math.prod(outputs[0]), outputs[0])


def depthwise(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count the kernel's size per output element."""
    return _sums(layer, math.prod(layer.kernel_size) * math.prod(outputs[0]), outputs[0])


def depthwise_operation(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count `keras.ops.depthwise_conv`, whose second operand is [..., Cin, multiplier]."""
    return _sums(layer, math.prod(inputs[1][:-2]) * math.prod(outputs[0]), outputs[0])


def separable(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count a depthwise convolution without a bias, then a 1x1 convolution."""
    depth = channels(layer, inputs[0]) * layer.depth_multiplier
    middle = math.prod(outputs[0]) // channels(layer, outputs[0]) * depth
    pointwise = _sums(layer, depth * math.prod(outputs[0]), outputs[0])
    return sums(math.prod(layer.kernel_size) * middle, middle) + pointwise


def spatially_separable(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count a column per output row of every input column, then a row per output element."""
    width = 3 if layer.data_format == "channels_first" else 2
    middle = math.prod(outputs[0]) // outputs[0][width] * inputs[0][width]
    rows = _sums(layer, layer.kernel_size * math.prod(outputs[0]), outputs[0])
    return sums(layer.kernel_size * channels(layer, inputs[0]) * middle, middle) + rows


def sparse(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count the kernel, [height, width, connections], per position."""
    positions = math.prod(outputs[0]) // channels(layer, outputs[0])
    return _sums(layer, math.prod(layer.kernel.shape) * positions, outputs[0])


def transposed(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count Cout times the kernel's size per input element."""
    each = math.prod(layer.kernel_size) * channels(layer, outputs[0])
    return _sums(layer, each * math.prod(inputs[0]), outputs[0])


def dense(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count the length of the input's last axis per output element, as a matrix product does."""
    return _sums(layer, inputs[0][-1] * math.prod(outputs[0]), outputs[0])


def dot(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count `keras.layers.Dot`, whose `axes` names the shared axis."""
    axis = layer.axes if isinstance(layer.axes, int) else layer.axes[0]
    normalization = 3 * (math.prod(inputs[0]) + math.prod(inputs[1])) if layer.normalize else 0
    outs = math.prod(outputs[0])
    return _between(sums(inputs[0][axis] * outs, outs, extra=normalization))


def tensordot(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count `keras.ops.tensordot`; `axes` is a number of axes or those of each operand."""
    axes, shape = layer.axes, inputs[0]
    if isinstance(axes, int):
        first = list(range(len(shape) - axes, len(shape)))
    else:
        first = [axes[0]] if isinstance(axes[0], int) else axes[0]
    outs = math.prod(outputs[0])
    return sums(math.prod(shape[i] for i in first) * outs, outs) if first else Cost(flops=outs)


def einsum(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count the product of the lengths of all axes in an equation of two operands.

    The second operand of EinsumDense is its kernel. One operand alone is summed up or moved.
    """
    equation = getattr(layer, "equation", None)
    shapes = [*inputs, tuple(layer.kernel.shape)] if equation else inputs
    if len(shapes) > 2:
        raise NotImplementedError
    terms, result = einsum_labels(equation or layer.subscripts, shapes)
    if len(shapes) == 1:
        return Cost(flops=0 if set(terms[0]) == set(result) else math.prod(shapes[0]))
    if set("".join(terms)) == set(result):  # products that are not summed are no MACs
        return Cost(flops=math.prod(outputs[0]))
    lengths: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        for letter, length in zip(term, shape, strict=True):
            if lengths.get(letter, 1) == 1:  # an axis of length 1 is broadcast
                lengths[letter] = length
    return _sums(layer, math.prod(lengths.values()), outputs[0])


def einsum_labels(equation: str, shapes: Shapes) -> tuple[list[str], str]:
    """Return the letters of each operand's axes and of the result's, with "..." spelled out."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = list(zip(left.split(","), shapes, strict=False))
    hidden = [len(shape) - len(term.replace("...", "")) for term, shape in terms]
    free = [letter for letter in string.ascii_uppercase if letter not in equation][: max(hidden)]
    spelled = [
        term.replace("...", "".join(free[len(free) - count :]))
        for (term, _), count in zip(terms, hidden, strict=True)
    ]
    if not arrow:
        letters = "".join(spelled)
        single = sorted(each for each in set(letters) - set(free) if letters.count(each) == 1)
        right = "".join(["..." if "..." in left else "", *single])
    return spelled, right.replace("...", "".join(free))


def _qkv(inputs: Shapes) -> tuple[Shape, Shape, Shape]:
    """Return the shapes of query, key and value, which are given as query, value and key."""
    query, value, *key = inputs
    return query, key[0] if key else value, value


def _weighted_sum(queries: int, keys: int, value_dim: int) -> Cost:
    """Return the cost of a softmax over the keys for every query, and of the sum of the values."""
    softmax = PER_ELEMENT["softmax"] * queries * keys
    return _between(sums(queries * value_dim * keys, queries * value_dim, extra=softmax))


def _between(cost: Cost) -> Cost:
    """Return the cost of products of which both factors depend on the input."""
    return replace(cost, between=cost.macs)


def attention(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count `keras.layers.Attention`: query, value and key are [batch, steps, length]."""
    query, key, value = _qkv(inputs)
    queries, keys = math.prod(query[:-1]), value[-2]
    scores = queries * keys
    scale = scores if layer.use_scale else 0
    cost = _between(sums(scores * key[-1], scores, extra=scale))
    if layer.score_mode == "concat":  # sum of tanh(query + key)
        cost = Cost(flops=scores * (1 + PER_ELEMENT["tanh"] + 1) * key[-1] + scale)
    return cost + _weighted_sum(queries, keys, value[-1])


def additive_attention(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count `keras.layers.AdditiveAttention`: scores are sums of tanh(query + key)."""
    query, _, value = _qkv(inputs)
    queries, keys = math.prod(query[:-1]), value[-2]
    each = 1 + PER_ELEMENT["tanh"] + 1 + bool(layer.use_scale)
    return Cost(flops=queries * keys * each * query[-1]) + _weighted_sum(queries, keys, value[-1])


def multi_head(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count four projections, a gate, scaling, and attention in each head.

    GroupedQueryAttention has fewer heads of keys and values than of queries.
    """
    if hasattr(layer, "num_query_heads"):
        heads, dims = (layer.num_query_heads, layer.num_key_value_heads), (layer.head_dim,) * 2
    else:
        heads, dims = (layer.num_heads,) * 2, (layer.key_dim, layer.value_dim)
    query, key, value = _qkv(inputs)
    axes = getattr(layer, "attention_axes", None) or range(1, len(query) - 1)
    keys = math.prod(value[axis] for axis in axes)
    queries = math.prod(query[:-1]) * heads[0]
    scaling = queries * dims[0]
    cost = _between(sums(queries * keys * dims[0], queries * keys, extra=scaling))
    cost += _weighted_sum(queries, keys, dims[1])
    projections = [
        (query, heads[0] * dims[0]),
        (key, heads[1] * dims[0]),
        (value, heads[1] * dims[1]),
        ((*query[:-1], heads[0] * dims[1]), math.prod(outputs[0][len(query) - 1 :])),
    ]
    if compat.has_gate(layer):
        projections.append((query, heads[0] * dims[1]))
        cost += Cost(flops=queries * dims[1] * (PER_ELEMENT["sigmoid"] + 1))
    for shape, width in projections:
        count = math.prod(shape[:-1]) * width
        cost += sums(count * shape[-1], count, layer.use_bias)
    return cost


def recurrent_cell(cell: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count a step of SimpleRNN, GRU or LSTM: the gates' sums, activations and combination."""
    gates, activations, gate_activations, combination = {
        "SimpleRNNCell": (1, 1, 0, 0),
        "GRUCell": (3, 1, 2, 5),
        "LSTMCell": (4, 2, 3, 4),
    }[next(base.__name__ for base in type(cell).__mro__ if base.__module__.startswith("keras."))]
    batch, features = inputs[0]
    state = (batch, cell.units)
    if gates == 3 and cell.reset_after and cell.use_bias:
        combination += 3  # a second bias per gate
    units = math.prod(state)
    macs = gates * units * (features + cell.units)
    cost = sums(macs, gates * units, cell.use_bias, combination * units)
    cost = replace(cost, between=gates * units * cell.units)  # with the state
    cost += activation(cell.activation, state) * activations
    return cost + activation(getattr(cell, "recurrent_activation", None), state) * gate_activations


def low_rank(layer: Any) -> Cost:
    """Count what LoRA adds to a layer: the product of two factors, scaled and added to a weight."""
    names = ("lora_kernel", "lora_embeddings")
    name = next(name for name in names if hasattr(layer, f"{name}_a"))
    first, second = (tuple(getattr(layer, f"{name}_{each}").shape) for each in "ab")
    outputs = math.prod(first[:-1]) * math.prod(second[1:])
    return sums(first[-1] * outputs, outputs, extra=2 * outputs)


def dot_product_attention(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count `keras.ops.dot_product_attention`: [batch, steps, heads, length] of each operand.

    Keys and values have as many heads as the queries, or are repeated for them.
    """
    query, key, value = inputs[:3]
    scores = math.prod(query[:3]) * key[1]
    cost = sums(scores * query[3], scores, extra=scores)  # the scores are scaled
    return cost + _weighted_sum(math.prod(query[:3]), key[1], value[3])


def inner(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count `keras.ops.inner` and `dot`, which sum over the first operand's last axis."""
    scalars = not (inputs[0] and inputs[1])
    outs = math.prod(outputs[0])
    return Cost(flops=outs) if scalars else sums(inputs[0][-1] * outs, outs)


def flat_dot(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count the sum of the products of all elements."""
    return sums(math.prod(inputs[0]), 1)


def cross(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count two products and a difference for each element of a cross product."""
    outs = math.prod(outputs[0])
    return sums(2 * outs, outs)


def correlate(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count the shorter sequence's length per output element, as a convolution with padding."""
    outs = math.prod(outputs[0])
    return sums(min(inputs[0][0], inputs[1][0]) * outs, outs)


def separable_operation(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count `keras.ops.separable_conv`: input, depthwise kernel, pointwise kernel."""
    _, depthwise_kernel, pointwise_kernel = inputs
    depth = pointwise_kernel[-2]
    middle = math.prod(outputs[0]) // channels(layer, outputs[0]) * depth
    cost = sums(math.prod(depthwise_kernel[:-2]) * middle, middle)
    return cost + sums(depth * math.prod(outputs[0]), math.prod(outputs[0]))


def transposed_operation(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count `keras.ops.conv_transpose`, whose second operand is the kernel [..., Cout, Cin]."""
    each = math.prod(inputs[1][:-1])
    return sums(each * math.prod(inputs[0]), math.prod(outputs[0]))


def factorization(cubes: float) -> CostFunction:
    """Return a cost function that counts `cubes` n^3 FLOPs for each n x n matrix.

    Source: Golub and Van Loan, Matrix Computations, 4th edition, 2013: 1/3 for Cholesky, 2/3 for
    LU, 2 for an inverse.
    """

    def count(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
        *others, rows, _ = inputs[0]
        return Cost(flops=math.prod(others) * round(cubes * rows**3))

    return count


def solve(cubes: float) -> CostFunction:
    """Return a cost function that factorizes a matrix, then solves for each right-hand side."""

    def count(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
        rows = inputs[0][-1]
        substitutions = 1 if cubes == 0 else 2
        extra = Cost(flops=substitutions * rows * math.prod(outputs[0]))
        return factorization(cubes)(layer, inputs, outputs) + extra

    return count
