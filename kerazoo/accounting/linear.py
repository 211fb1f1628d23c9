"""The cost of layers with MACs: convolutions, dense layers, matrix products, attention, recurrence.

The padding of a convolution counts like any pixel, as in TensorFlow's profiler and the papers; a
transposed convolution multiplies each pixel of its input by its whole kernel. See `cost` for the
arguments of the functions.
"""

import math
import string
from typing import Any

from kerazoo.accounting.cost import PER_ELEMENT, Cost, Shape, Shapes, activation, channels


def sums(macs: int, outputs: int, bias: bool = False, extra: int = 0) -> Cost:
    """Return the cost of sums of products.

    A sum of n products is n multiplications and n - 1 additions, and one more with a bias: the
    (2 Cin K K - 1) H W Cout and 2 Cin K K H W Cout of `cnn-study`, lines 895-911, for a
    convolution, and its (2 I - 1) O, lines 936-946, for a dense layer.

    Args:
        macs: Multiply-accumulates of all sums.
        outputs: Number of sums.
        bias: Whether a bias is added to each sum.
        extra: Other FLOPs, such as those of an activation.
    """
    return Cost(macs, macs + (macs if bias else max(macs - outputs, 0)) + extra)


def _sums(layer: Any, macs: int, output: Shape) -> Cost | None:
    """Return the cost of sums with the layer's bias and activation; None if that is unsupported."""
    outputs = math.prod(output)
    bias = getattr(layer, "use_bias", getattr(layer, "bias", None) is not None)
    extra = activation(getattr(layer, "activation", None), outputs)
    return None if extra is None else sums(macs, outputs, bias, extra)


def conv(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count Cin/groups times the kernel's size per output element."""
    each = math.prod(layer.kernel_size) * channels(layer, inputs[0]) // layer.groups
    return _sums(layer, each * math.prod(outputs[0]), outputs[0])


def conv_operation(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count `keras.ops.conv`, whose second operand is the kernel [..., Cin/groups, Cout]."""
    return _sums(layer, math.prod(inputs[1][:-1]) * math.prod(outputs[0]), outputs[0])


def depthwise(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count the kernel's size per output element."""
    return _sums(layer, math.prod(layer.kernel_size) * math.prod(outputs[0]), outputs[0])


def depthwise_operation(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count `keras.ops.depthwise_conv`, whose second operand is [..., Cin, multiplier]."""
    return _sums(layer, math.prod(inputs[1][:-2]) * math.prod(outputs[0]), outputs[0])


def separable(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count a depthwise convolution without a bias, then a 1x1 convolution."""
    depth = channels(layer, inputs[0]) * layer.depth_multiplier
    middle = math.prod(outputs[0]) // channels(layer, outputs[0]) * depth
    pointwise = _sums(layer, depth * math.prod(outputs[0]), outputs[0])
    return pointwise and sums(math.prod(layer.kernel_size) * middle, middle) + pointwise


def spatially_separable(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count a column per output row of every input column, then a row per output element."""
    width = 3 if layer.data_format == "channels_first" else 2
    middle = math.prod(outputs[0]) // outputs[0][width] * inputs[0][width]
    rows = _sums(layer, layer.kernel_size * math.prod(outputs[0]), outputs[0])
    return rows and sums(layer.kernel_size * channels(layer, inputs[0]) * middle, middle) + rows


def sparse(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count the kernel, [height, width, connections], per position."""
    positions = math.prod(outputs[0]) // channels(layer, outputs[0])
    return _sums(layer, math.prod(layer.kernel.shape) * positions, outputs[0])


def transposed(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count Cout times the kernel's size per input element."""
    each = math.prod(layer.kernel_size) * channels(layer, outputs[0])
    return _sums(layer, each * math.prod(inputs[0]), outputs[0])


def dense(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count the length of the input's last axis per output element, as a matrix product does."""
    return _sums(layer, inputs[0][-1] * math.prod(outputs[0]), outputs[0])


def dot(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count `keras.layers.Dot`, whose `axes` names the shared axis."""
    axis = layer.axes if isinstance(layer.axes, int) else layer.axes[0]
    normalization = 3 * (math.prod(inputs[0]) + math.prod(inputs[1])) if layer.normalize else 0
    outs = math.prod(outputs[0])
    return sums(inputs[0][axis] * outs, outs, extra=normalization)


def tensordot(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count `keras.ops.tensordot`; `axes` is a number of axes or those of each operand."""
    axes, shape = layer.axes, inputs[0]
    if isinstance(axes, int):
        first = list(range(len(shape) - axes, len(shape)))
    else:
        first = [axes[0]] if isinstance(axes[0], int) else axes[0]
    return _sums(layer, math.prod(shape[i] for i in first) * math.prod(outputs[0]), outputs[0])


def einsum(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count the product of the lengths of all axes in an equation of two operands.

    The second operand of EinsumDense is its kernel.
    """
    equation = getattr(layer, "equation", None)
    shapes = [*inputs, tuple(layer.kernel.shape)] if equation else inputs
    if len(shapes) != 2:
        return None
    terms, _ = einsum_labels(equation or layer.subscripts, shapes)
    lengths = dict(zip("".join(terms), [*shapes[0], *shapes[1]], strict=True))
    return _sums(layer, math.prod(lengths.values()), outputs[0])


def einsum_labels(equation: str, shapes: Shapes) -> tuple[list[str], str]:
    """Return the letters of each operand's axes and of the result's, with "..." spelled out."""
    left, _, right = equation.replace(" ", "").partition("->")
    terms = list(zip(left.split(","), shapes, strict=False))
    hidden = [len(shape) - len(term.replace("...", "")) for term, shape in terms]
    free = [letter for letter in string.ascii_uppercase if letter not in equation][: max(hidden)]
    spelled = [
        term.replace("...", "".join(free[len(free) - count :]))
        for (term, _), count in zip(terms, hidden, strict=True)
    ]
    return spelled, right.replace("...", "".join(free))


def _qkv(inputs: Shapes) -> tuple[Shape, Shape, Shape]:
    """Return the shapes of query, key and value, which are given as query, value and key."""
    query, value, *key = inputs
    return query, key[0] if key else value, value


def _weighted_sum(queries: int, keys: int, value_dim: int) -> Cost:
    """Return the cost of a softmax over the keys for every query, and of the sum of the values."""
    softmax = PER_ELEMENT["softmax"] * queries * keys
    return sums(queries * value_dim * keys, queries * value_dim, extra=softmax)


def attention(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count `keras.layers.Attention`: query, value and key are [batch, steps, length]."""
    query, key, value = _qkv(inputs)
    queries, keys = math.prod(query[:-1]), value[-2]
    scores = queries * keys
    scale = scores if layer.use_scale else 0
    cost = sums(scores * key[-1], scores, extra=scale)
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
    """Count four projections, scaling, and attention in each head.

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
    cost = sums(queries * keys * dims[0], queries * keys, extra=scaling)
    cost += _weighted_sum(queries, keys, dims[1])
    for shape, width in (
        (query, heads[0] * dims[0]),
        (key, heads[1] * dims[0]),
        (value, heads[1] * dims[1]),
        ((*query[:-1], heads[0] * dims[1]), outputs[0][-1]),
    ):
        count = math.prod(shape[:-1]) * width
        cost += sums(count * shape[-1], count, layer.use_bias)
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
    step = sums(gates * units * (features + units), gates * units, layer.use_bias, extra)
    return Cost(batch * steps * step.macs, batch * steps * step.flops)
