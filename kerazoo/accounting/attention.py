"""Attention and recurrence: layers that are made of several sums of products."""

from __future__ import annotations

import math
from typing import Any

from kerazoo.accounting.cost import Cost, Shape, Shapes, products, size
from kerazoo.accounting.elementwise import PER_ELEMENT, activation


def _sum(*costs: Cost) -> Cost:
    return Cost(sum(cost.macs for cost in costs), sum(cost.flops for cost in costs))


def _weighting(batch: int, heads: int, query: int, keys: int, wide: tuple[int, int]) -> Cost:
    """Count scores of every query with every key, their softmax, and the weighted values.

    Args:
        batch: Number of samples.
        heads: Number of heads.
        query: Number of queries.
        keys: Number of keys and values.
        wide: Length of a key and of a value.
    """
    scores = batch * heads * query * keys
    values = batch * heads * query * wide[1]
    return _sum(
        products(scores * wide[0], scores, bias=False),
        Cost(flops=PER_ELEMENT["softmax"] * scores),
        products(values * keys, values, bias=False),
    )


def attention(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count keras.layers.Attention: query, value and key are [batch, steps, length]."""
    query, value = inputs[0], inputs[1]
    key = inputs[2] if len(inputs) > 2 else value
    batch, steps = query[0], math.prod(query[1:-1])
    cost = _weighting(batch, 1, steps, value[-2], (key[-1], value[-1]))
    scores = batch * steps * value[-2]
    extra = scores if layer.use_scale else 0
    if layer.score_mode == "concat":  # tanh(query + key), summed, in place of the products
        each = 1 + PER_ELEMENT["tanh"] + 1
        cost = Cost(
            cost.macs - scores * key[-1], cost.flops - scores * (2 * key[-1] - 1 - each * key[-1])
        )
    return _sum(cost, Cost(flops=extra))


def additive_attention(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count keras.layers.AdditiveAttention: scores are sums of tanh(query + key)."""
    query, value = inputs[0], inputs[1]
    scores = query[0] * query[1] * value[1]
    each = 1 + PER_ELEMENT["tanh"] + 1 + bool(layer.use_scale)
    values = query[0] * query[1] * value[-1]
    return _sum(
        Cost(flops=scores * (each * query[-1] + PER_ELEMENT["softmax"])),
        products(values * value[1], values, bias=False),
    )


def multi_head(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count MultiHeadAttention: four projections, the scores of every pair, their softmax."""
    query, value = inputs[0], inputs[1]
    key = inputs[2] if len(inputs) > 2 else value
    axes = getattr(layer, "_attention_axes", None) or range(1, len(query) - 1)
    steps, keys = (math.prod(shape[axis] for axis in axes) for shape in (query, value))
    batch = size(query[:-1]) // steps
    heads, wide = layer.num_heads, (layer.key_dim, layer.value_dim)
    return _sum(
        _projection(layer, query, heads * wide[0]),
        _projection(layer, key, heads * wide[0]),
        _projection(layer, value, heads * wide[1]),
        Cost(flops=size(query[:-1]) * heads * wide[0]),  # scaling
        _weighting(batch, heads, steps, keys, wide),
        _projection(layer, (*query[:-1], heads * wide[1]), outputs[0][-1]),
    )


def grouped_query(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count GroupedQueryAttention: fewer heads of keys and values than of queries."""
    query, value = inputs[0], inputs[1]
    key = inputs[2] if len(inputs) > 2 else value
    heads, fewer, wide = layer.num_query_heads, layer.num_key_value_heads, layer.head_dim
    return _sum(
        _projection(layer, query, heads * wide),
        _projection(layer, key, fewer * wide),
        _projection(layer, value, fewer * wide),
        Cost(flops=size(query[:-1]) * heads * wide),
        _weighting(query[0], heads, query[1], value[1], (wide, wide)),
        _projection(layer, (*query[:-1], heads * wide), outputs[0][-1]),
    )


def _projection(layer: Any, shape: Shape, width: int) -> Cost:
    outputs = size(shape[:-1]) * width
    return products(outputs * shape[-1], outputs, layer.use_bias)


def recurrent(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count SimpleRNN, GRU and LSTM: the gates' products, activations and combination a step."""
    batch, steps, features = inputs[0]
    units = layer.units
    kind = type(layer.cell).__name__
    gates, combine = {"SimpleRNNCell": (1, 0), "GRUCell": (3, 5), "LSTMCell": (4, 4)}[kind]
    last = activation(layer.activation, units)
    gate = activation(getattr(layer, "recurrent_activation", None), units)
    if last is None or gate is None:
        return None
    times = {"SimpleRNNCell": (1, 0), "GRUCell": (1, 2), "LSTMCell": (2, 3)}[kind]
    if kind == "GRUCell" and layer.reset_after and layer.use_bias:
        combine += 3  # a second bias a gate
    # one sum of features + units products a gate, with its bias
    cost = products(gates * units * (features + units), gates * units, layer.use_bias)
    flops = cost.flops + times[0] * last + times[1] * gate + combine * units
    return Cost(batch * steps * cost.macs, batch * steps * flops)
