"""The table of a model's layers: shapes, parameters, MACs, FLOPs, memory, receptive fields."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from kerazoo.accounting import memory
from kerazoo.accounting.axis_map import FieldExtent
from kerazoo.accounting.cost import Cost
from kerazoo.accounting.inputs import InputShape
from kerazoo.accounting.receptive_field import Field, fields
from kerazoo.accounting.trace import Call, Graph, trace
from kerazoo.errors import UsageError
from kerazoo.lazy import keras
from kerazoo.values import check_integer

if TYPE_CHECKING:
    import pandas as pd

SUMS = ("params", "weight_params", "macs", "flops", "activation_bytes")
FIELD_COLUMNS = ("receptive_field", "effective_stride", "first_centre")


def summary(
    model: keras.Model, input_shape: InputShape | None = None, batch_size: int = 1
) -> pd.DataFrame:
    """Count parameters, MACs, FLOPs, bytes and receptive fields of any Keras model by layer.

    >>> inputs = keras.Input((8, 8, 3), name="image")
    >>> table = summary(keras.Model(inputs, keras.layers.Conv2D(4, 3, name="conv")(inputs)))
    >>> table[["output_shape", "params", "macs", "flops", "receptive_field"]]
          output_shape  params  macs  flops receptive_field
    layer
    image    (8, 8, 3)       0     0      0               1
    conv     (6, 6, 4)     112  3888   7776               3

    Args:
        model: A built model; the `call` of custom layers and models must be written with Keras
            layers and `keras.ops`.
        input_shape: Shape of one sample if the model leaves axes unknown; for several inputs a
            list in their order or a dict by their names.
        batch_size: Samples in a batch, of which all counts are; an input with a fixed batch axis
            keeps it.

    Returns:
        One row per layer in order of data flow, named "model/layer" inside a model and "layer#2" at
        the second call. README.md next to this file has the conventions.

        - `type`: class of the layer or of the operation of `keras.ops`.
        - `output_shape`: without the batch axis.
        - `params`, `weight_params`: all weights, and those without biases.
        - `macs`, `flops`: multiply-accumulates, floating-point operations; <NA> if unsupported.
        - `activation_bytes`: bytes of the outputs.
        - `receptive_field`, `effective_stride`: in pixels; (height, width) if the two differ.

        `attrs` has the `total` of each column of numbers and the `cpr` of the model (None if a
        layer is unsupported), `trainable_params`, `batch_size`, `inference_bytes` (`weights`,
        `activations`, `total`), `training_bytes` (also `gradients` and Adam's `slots`), by layer
        the `first_centre` of the fields, and the layers that are `misaligned` or `unsupported`.

    Raises:
        UsageError: The model is not built, an axis is unknown, or a layer rejects the shape.
    """
    batch_size = check_integer("batch_size", batch_size, 1)
    graph = trace(model, input_shape, batch_size)
    # fields are of one sample: a reshape that mixes samples would enlarge them
    single = graph if batch_size == 1 else trace(graph.model, input_shape, batch_size=1)
    return _with_totals(_layers(graph, single), graph)


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
    import pandas as pd

    by_tensor = fields(single)
    lengths = [tensor.shape for tensor in single.inputs.values()]
    counted: set[int] = set()
    batch, sample = _calls_by_row(graph), _calls_by_row(single)
    rows = {
        name: {**_counts(batch[name], counted), **_field_columns(calls, by_tensor, lengths)}
        for name, calls in sample.items()
    }
    rest = [weight for weight in graph.model.weights if id(weight) not in counted]
    if rest:  # weights of the model or a nested model, outside of its layers
        rows[f"{graph.model.name} (own weights)"] = {
            "type": type(graph.model).__name__,
            "output_shape": (),
            **_weight_counts(rest),
            **dict.fromkeys(("macs", "flops", "activation_bytes"), 0),
            **dict.fromkeys(FIELD_COLUMNS),
            "misaligned": False,
        }
    return pd.DataFrame(list(rows.values()), pd.Index(rows, name="layer"), dtype=object)


def _calls_by_row(graph: Graph) -> dict[str, list[Call]]:
    rows: dict[str, list[Call]] = {}
    for call in graph.calls:
        rows.setdefault(call.row, []).append(call)
    return rows


def _counts(calls: list[Call], counted: set[int]) -> dict[str, Any]:
    """Return the columns of counts for a row, of weights only those not yet counted."""
    layer, outputs = calls[-1].layer, calls[-1].outputs
    weights = [w for w in getattr(layer, "weights", ()) if id(w) not in counted]
    counted.update(map(id, weights))
    costs = [cost for call in calls if (cost := call.cost) is not None]
    total = sum(costs, Cost()) if len(costs) == len(calls) else None
    shapes = tuple(tensor.shape[1:] for tensor in outputs)
    return {
        "type": type(layer).__name__,
        "output_shape": shapes[0] if len(shapes) == 1 else shapes,
        **_weight_counts(weights),
        "macs": total.macs if total else None,
        "flops": total.flops if total else None,
        "activation_bytes": sum(map(memory.tensor_bytes, outputs)),
    }


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
    inside = [by_tensor[id(call.outputs[0])] for call in calls]
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
        stride = int(stride) if stride.denominator == 1 else float(stride)
    return extent.size, stride, extent.first_centre


def _with_totals(table: pd.DataFrame, graph: Graph) -> pd.DataFrame:
    """Return the table with its columns of numbers as integers, and with `attrs`."""
    total = {name: None if table[name].isna().any() else int(table[name].sum()) for name in SUMS}
    if max(value or 0 for value in total.values()) >= 2**63:
        raise UsageError("counts of 2**63 or more do not fit into 64 bits: give a smaller batch")
    macs, weights = total["macs"], total["weight_params"]
    unsupported = table.index[table.macs.isna()].tolist()
    table = table.astype(dict.fromkeys(SUMS, "Int64" if unsupported else "int64"))
    table.attrs = {
        "total": {**total, "cpr": macs / weights if macs is not None and weights else None},
        "trainable_params": sum(math.prod(w.shape) for w in graph.model.trainable_weights),
        "batch_size": next(iter(graph.inputs.values())).shape[0],
        "inference_bytes": memory.inference_peak(graph),
        "training_bytes": memory.training_peak(graph),
        "first_centre": table.pop("first_centre").to_dict(),
        "misaligned": table.index[table.pop("misaligned").astype(bool)].tolist(),
        "unsupported": unsupported,
    }
    return table
