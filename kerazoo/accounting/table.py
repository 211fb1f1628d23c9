"""The table of a model's layers: shapes, parameters, MACs, FLOPs, memory, receptive fields."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from kerazoo.accounting import blocks, extra, memory
from kerazoo.accounting.axis_map import FieldExtent
from kerazoo.accounting.choices import EXTRA_COLUMNS, GROUPS
from kerazoo.accounting.cost import Cost
from kerazoo.accounting.graph import Call, Graph
from kerazoo.accounting.inputs import Inputs, InputShape
from kerazoo.accounting.receptive_field import Field, fields
from kerazoo.accounting.trace import trace
from kerazoo.errors import UsageError
from kerazoo.lazy import keras
from kerazoo.values import check_choices, check_integer

SUMS = ("params", "weight_params", "macs", "flops", "activation_bytes")
FIELD_COLUMNS = ("receptive_field", "effective_stride", "first_centre")


class Summary(pd.DataFrame):
    """A table of layers that is printed with its totals; a part of it is a plain DataFrame."""

    def __repr__(self) -> str:
        from kerazoo.accounting import render

        return render.as_text(self, shutil.get_terminal_size().columns)

    def _repr_html_(self) -> str:
        from kerazoo.accounting import render

        return render.as_html(self)


def summary(
    model: keras.Model | str,
    input_shape: InputShape | int | None = None,
    batch_size: int = 1,
    *,
    input_data: Any = None,
    columns: Sequence[str] = (),
    by: str = "layer",
    depth: int | None = None,
) -> Summary:
    """Count parameters, MACs, FLOPs, bytes and receptive fields of any Keras model by layer.

    >>> inputs = keras.Input((8, 8, 3), name="image")
    >>> table = summary(keras.Model(inputs, keras.layers.Conv2D(4, 3, name="conv")(inputs)))
    >>> table[["output_shape", "params", "macs", "flops", "receptive_field"]]
          output_shape  params  macs  flops receptive_field
    layer
    image    (8, 8, 3)       0     0      0               1
    conv     (6, 6, 4)     112  3888   7776               3

    Args:
        model: A Keras model, or a name that `kerazoo summary` takes. A subclassed model without
            weights gets them, as by its first call.
        input_shape: Shape of one sample if the model leaves axes unknown; for several inputs a
            list in their order or a dict by their names.
        batch_size: Samples in a batch, of which all counts are; an input with a fixed batch axis
            keeps it.
        input_data: Arrays, in the structure that the model takes, whose shapes and dtypes are those
            of its inputs, in place of `input_shape`.
        columns: More columns, of `backward_macs`, `dtype`, `kernel`, `share` and `trainable`.
        by: "layer", or "type" for one row per class of layers.
        depth: Levels of blocks that are kept apart: 1 gives a row for each block, such as `conv2`
            of `conv2_1/add` and `conv2_1_bn`; None a row for each layer.

    Returns:
        One row per layer in order of data flow, named "model/layer" inside a model and "layer#2" at
        the second call. Printed, it has its totals too. README.md next to this file has the
        conventions.

        - `type`: class of the layer or of the operation of `keras.ops`.
        - `output_shape`: without the batch axis.
        - `params`, `weight_params`: all weights, and those without biases.
        - `macs`, `flops`: multiply-accumulates, floating-point operations.
        - `activation_bytes`: bytes of the outputs.
        - `receptive_field`, `effective_stride`: in pixels; (height, width) if the two differ; None
            if unknown.
        - `counted`: how: by a "rule"; "traced", by the operations that run; or "partly", so that
            `macs` and `flops` are lower bounds.
        - `layers`: with `by` or `depth`, how many layers the row is the sum of.
        - on request `backward_macs`, those of the gradients of a step of training; `dtype` of the
            output; `kernel`, size of the window; `share` of the model's MACs; `trainable` weights.

        `attrs` has the `total` of each column of numbers and the `cpr` of the model,
        `trainable_params`, `batch_size`, `inference_bytes` (`weights`, `activations`, `total`),
        `training_bytes` (also `gradients` and Adam's `slots`), by layer the `first_centre` of the
        fields, the layers that are `misaligned`, and for each layer with something `unsupported`
        what and why: if there is any, the totals are lower bounds.

    Raises:
        UsageError: No shape is given for a model that has none, an axis is unknown, or a layer
            rejects the shape.
    """
    columns = [columns] if isinstance(columns, str) else list(columns or ())
    check_choices("columns", columns, EXTRA_COLUMNS)
    check_choices("by", [by], GROUPS)
    if depth is not None:
        depth = check_integer("depth", depth, 1)
        if by != "layer":
            raise UsageError("depth is for rows by layer: leave out by, or depth")
    batch_size = check_integer("batch_size", batch_size, 1)
    inputs = Inputs(input_shape, input_data)
    graph = trace(model, inputs, batch_size)
    # fields are of one sample: a reshape that mixes samples would enlarge them
    single = graph if batch_size == 1 else trace(graph.model, inputs, batch_size=1)
    rows = _layers(graph, single)
    if columns:
        rows = rows.assign(**extra.columns(graph, rows, columns))
    table = _with_totals(rows, graph)
    if by == "type":
        return blocks.by_type(table)
    return table if depth is None else blocks.by_block(table, depth)


def cpr(table: pd.DataFrame) -> pd.Series:
    """Return the compute-to-parameter ratio of each layer: MACs per weight, without biases.

    It is the number of output positions of a convolution and 1 for a dense layer, each times the
    batch size; <NA> for a layer without weights.

    >>> inputs = keras.Input((8, 8, 3))
    >>> model = keras.Model(inputs, keras.layers.Conv2D(4, 3, name="conv")(inputs))
    >>> float(cpr(summary(model))["conv"])
    36.0

    Args:
        table: The table that `summary` returns.

    Raises:
        UsageError: It is something else.

    Source: study notes `cnn-study`, lines 78-84 and 632-640.
    """
    if not {"macs", "weight_params"} <= set(getattr(table, "columns", ())):
        kind = type(table).__name__
        raise UsageError(f"cpr takes the table that kerazoo.summary returns; received a {kind}")
    return (table.macs / table.weight_params.where(table.weight_params > 0)).rename("cpr")


def _layers(graph: Graph, single: Graph) -> pd.DataFrame:
    """Return the rows as objects, with the columns `first_centre` and `misaligned` too."""
    by_tensor = fields(single)
    lengths = [tensor.shape for tensor in single.inputs.values()]
    batch, sample, weights = graph.by_row(), single.by_row(), graph.weights()
    rows = {
        name: {
            **_counts(batch[name], weights[name]),
            **_field_columns(calls, by_tensor, lengths),
            **_how_counted(batch[name]),
        }
        for name, calls in sample.items()
    }
    rest = next(reversed(weights))
    if weights[rest]:  # weights of the model or a nested model, outside of its layers
        rows[rest] = {
            "type": type(graph.model).__name__,
            "output_shape": (),
            **_weight_counts(weights[rest]),
            **dict.fromkeys(("macs", "flops", "activation_bytes"), 0),
            **dict.fromkeys(FIELD_COLUMNS),
            "counted": "rule",
            "unsupported": "",
            "misaligned": False,
        }
    return pd.DataFrame(list(rows.values()), pd.Index(rows, name="layer"), dtype=object)


def _counts(calls: list[Call], weights: list[Any]) -> dict[str, Any]:
    """Return the columns of counts for a row with these weights."""
    outputs = _with_outputs(calls)[-1].outputs
    cost = sum((call.cost for call in calls), Cost())
    shapes = tuple(tensor.shape[1:] for tensor in outputs)
    return {
        "type": type(calls[-1].layer).__name__,
        "output_shape": shapes[0] if len(shapes) == 1 else shapes,
        **_weight_counts(weights),
        "macs": cost.macs,
        "flops": cost.flops,
        "activation_bytes": sum(map(memory.tensor_bytes, outputs)),
    }


def _how_counted(calls: list[Call]) -> dict[str, str]:
    """Return how the calls of a row were counted, and what is left out."""
    costs = [call.cost for call in calls]
    unsupported = [reason for cost in costs for reason in cost.unsupported]
    how = "traced" if any(cost.traced for cost in costs) else "rule"
    return {
        "counted": "partly" if unsupported else how,
        "unsupported": "; ".join(dict.fromkeys(unsupported)),
    }


def _with_outputs(calls: list[Call]) -> list[Call]:
    """Return the calls that have outputs, or all if none has."""
    return [call for call in calls if call.outputs] or calls


def _weight_counts(weights: Iterable[Any]) -> dict[str, int]:
    sizes = [(weight.name, math.prod(weight.shape)) for weight in weights]
    return {
        "params": sum(size for _, size in sizes),
        "weight_params": sum(size for name, size in sizes if name != "bias"),
    }


def _field_columns(
    calls: list[Call], by_tensor: dict[int, Field | None], shapes: list[tuple[int, ...]]
) -> dict[str, Any]:
    """Return the columns of the receptive field in the input where it is largest, else None."""
    inside = [by_tensor.get(id(call.outputs[0])) for call in calls if call.outputs] or [None]
    by_input: dict[int, list[tuple[Any, ...]]] = {}
    for (number, axis), extent in inside[-1].extents.items() if inside[-1] else ():
        by_input.setdefault(number, []).append(_along_axis(extent, shapes[number][axis]))
    sides = max(by_input.values(), key=lambda each: math.prod(n for n, *_ in each), default=[])
    columns = dict.fromkeys(FIELD_COLUMNS) | {
        name: values[0] if len(set(values)) == 1 else values
        for name, values in zip(FIELD_COLUMNS, zip(*sides, strict=True), strict=False)
    }
    return {**columns, "misaligned": any(field.misaligned for field in inside if field)}


def _along_axis(extent: FieldExtent | None, length: int) -> tuple[int, int | float | None, float]:
    """Return size, stride and first center of a field along an input axis."""
    if extent is None:
        return length, None, (length - 1) / 2
    stride: Any = extent.stride
    if stride is not None:
        stride = abs(int(stride) if stride.denominator == 1 else float(stride))
    return extent.size, stride, extent.first_centre


def _with_totals(rows: pd.DataFrame, graph: Graph) -> Summary:
    """Return the table with its columns of numbers as integers, and with `attrs`."""
    table = Summary(rows)
    summed = [name for name in (*SUMS, "backward_macs", "trainable") if name in table]
    total = {name: int(table[name].sum()) for name in summed}
    if max(total.values()) >= 2**63:
        raise UsageError("counts of 2**63 or more do not fit into 64 bits: give a smaller batch")
    weight_bytes = memory.WeightBytes.of(graph.model)
    macs, weights = total["macs"], total["weight_params"]
    unsupported = table.pop("unsupported")
    for name in summed:
        table[name] = table[name].astype("int64")
    table.attrs = {
        "total": {**total, "cpr": macs / weights if weights else None},
        "trainable_params": sum(math.prod(w.shape) for w in graph.model.trainable_weights),
        "batch_size": graph.batch_size,
        "inference_bytes": memory.inference_peak(graph, weight_bytes.total),
        "training_bytes": memory.training_peak(graph, weight_bytes),
        "first_centre": table.pop("first_centre").to_dict(),
        "misaligned": table.index[table.pop("misaligned").astype(bool)].tolist(),
        "unsupported": {name: why for name, why in unsupported.items() if why},
    }
    return table
