"""Layers of Keras that call others: TimeDistributed, recurrent layers and Bidirectional."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kerazoo.accounting import operations, rules
from kerazoo.accounting.calling import calls_as_in_keras, tensors_in
from kerazoo.accounting.graph import Row
from kerazoo.lazy import keras

if TYPE_CHECKING:
    from kerazoo.accounting.trace import Tracer

Arguments = tuple[Any, ...]
Options = Mapping[str, Any]
Follow = Callable[["Tracer", Any, Arguments, Options, Row], Any]


def find(operation: Any) -> Follow | None:
    """Return the function that makes the calls of such a layer, None for any other."""
    if rules.of_user(operation) or not calls_as_in_keras(operation.__class__):
        return None
    kinds: dict[type, Follow] = {
        keras.layers.TimeDistributed: _call_on_steps,
        keras.layers.RNN: _repeat,
        keras.layers.Bidirectional: _call_both_ways,
    }
    return next((kinds[kind] for kind in kinds if isinstance(operation, kind)), None)


def _call_on_steps(
    tracer: Tracer, wrapper: Any, arguments: Arguments, options: Options, row: Row
) -> Any:
    """Call the layer of a TimeDistributed on [batch * steps, ...]."""
    series = tensors_in(arguments, options)[0]
    batch, steps, *sample = series.shape
    merge, split = (keras.layers.Reshape(sample, name=wrapper.name) for _ in range(2))
    merged = keras.KerasTensor((batch * steps, *sample), dtype=series.dtype)
    rule = rules.find(merge)
    tracer.add(row, merge, (series,), {}, merged, rule)
    inner = tracer.call(wrapper.layer, (merged,), {}, row=row)
    output = keras.KerasTensor((batch, steps, *inner.shape[1:]), dtype=inner.dtype)
    tracer.add(row, split, (inner,), {}, output, rule)
    return output


def _call_both_ways(
    tracer: Tracer, layer: Any, arguments: Arguments, options: Options, row: Row
) -> Any:
    """Call the two layers of a Bidirectional, and merge their outputs."""
    outputs = tracer.outputs(layer, arguments, options)
    series = tensors_in(arguments, options)[0]
    for each in (layer.forward_layer, layer.backward_layer):
        tracer.call(each, (series,), {}, row=row)
    tracer.add(row, layer, arguments, options, outputs, rules.LAYERS["Bidirectional"])
    return outputs


def _repeat(tracer: Tracer, layer: Any, arguments: Arguments, options: Options, row: Row) -> Any:
    """Call the cell of a recurrent layer once for each step of [batch, steps, ...]."""
    outputs = tracer.outputs(layer, arguments, options)
    sequence = tensors_in(arguments, options)[0]
    batch, steps, *sample = sequence.shape
    step = keras.KerasTensor((batch, *sample), dtype=sequence.dtype)
    tracer.steps[id(step)] = id(sequence)
    rule = rules.find(layer.cell)
    with tracer.repeated(steps):
        if rule:
            tracer.add(row, layer.cell, (step, []), {}, (), rule)
        else:
            states = operations.traced(layer.get_initial_state, (batch,))[0]
            tracer.run(layer.cell, (step, states), {}, "", row)
    tracer.add(row, layer, arguments, options, outputs, rules.REPEATED)
    return outputs
