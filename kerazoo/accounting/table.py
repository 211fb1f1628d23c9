"""The table of a model's layers: shapes, weights, operations, memory, receptive fields."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from kerazoo.accounting import memory, rules
from kerazoo.accounting.cost import Cost
from kerazoo.accounting.fields import Field, fields
from kerazoo.accounting.graph import Call, Graph, trace
from kerazoo.accounting.inputs import InputShape
from kerazoo.accounting.reach import Reach
from kerazoo.errors import UsageError
from kerazoo.lazy import keras

if TYPE_CHECKING:
    import pandas as pd

SUMS = ("params", "weight_params", "macs", "flops", "activation_bytes")


def summary(
    model: keras.Model, input_shape: InputShape | None = None, batch_size: int = 1
) -> pd.DataFrame:
    """Count what a Keras model holds, computes and sees, layer by layer.

    Any functional or sequential model, models inside models, and layers and models of one's own
    whose `call` is written with Keras layers and `keras.ops`.

    Args:
        model: A built Keras model.
        input_shape: Shape of one sample where the model leaves axes open; for several inputs a
            list in their order or a dict by their names.
        batch_size: Samples in a batch; `macs`, `flops` and bytes are those of a whole batch. An
            input with a fixed batch axis keeps its own.

    Returns:
        A table with one row a layer in order of data flow, and one more for every further call of
        a shared layer, under the name "layer#2"; a layer inside a model has the name "model/layer".

        - `type`: class of the layer or of the operation of `keras.ops`.
        - `output_shape`: without the batch axis.
        - `params`: all weights, counted where a layer is first called.
        - `weight_params`: those without biases, as the study documents count.
        - `macs`: multiply-accumulates of convolutions, dense layers, attention, recurrence and
          products of tensors. Biases, pooling and normalisation have none.
        - `flops`: floating-point operations by the study documents' convention
          (003_f507a061fff3ec1f, lines 895-972): a sum of n products is 2 n - 1, or 2 n with a
          bias; ReLU is one an element, the sigmoid four, an activation inside a layer included;
          pooling counts its window for each output, global pooling each input once. Besides: batch
          normalisation and rescaling two an element, layer and group normalisation five and one
          each for scale and shift, softmax five, other activations as in
          `kerazoo.accounting.elementwise`; movement of data and what acts in training alone none.
        - `activation_bytes`: bytes of the outputs.
        - `receptive_field`: pixels of the input, padding counted like pixels, from the first to
          the last that one output depends on, the largest where positions differ; (height, width)
          where the two differ, the input's size where every output sees all of it.
        - `effective_stride`: how far that moves from one output to the next; None where there is
          one output.

        A layer that is not known has <NA> for `macs` and `flops`, and so have the totals; what it
        and the layers behind it see is None. `attrs` holds:

        - `total`: sums of the columns of numbers, and the `cpr` of all.
        - `trainable_params`: those that training changes, without a normalisation's statistics.
        - `batch_size`: samples in a batch.
        - `inference_bytes`: `weights`, `activations` that live at once at the peak, `total`.
        - `training_bytes`: `weights`, `gradients`, Adam's `slots`, kept `activations`, `total`.
        - `first_centre`: by layer the middle of the first output's field, in pixels from the
          middle of the first pixel.
        - `misaligned`: layers where branches of different strides meet; their `receptive_field` is
          the largest of the branches'.
        - `unsupported`: layers that are not known.

    Raises:
        UsageError: The model is not built, an axis stays open, or a layer refuses the shape.
    """
    import pandas as pd

    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise UsageError(f"batch_size is {batch_size!r}, not a whole number of 1 or more")
    graph = trace(model, input_shape, batch_size, rules.knows)
    rows = _rows(graph)
    # fields do not depend on the batch, and samples that are cut into pieces blur them
    alone = graph if batch_size == 1 else trace(graph.model, input_shape, 1, rules.knows)
    seen = fields(alone)
    counted: set[int] = set()
    table = pd.DataFrame(
        [
            {**_counts(calls, counted), **_sight(same, seen, alone)}
            for calls, same in zip(rows.values(), _rows(alone).values(), strict=True)
        ],
        index=pd.Index(rows, name="layer"),
        dtype=object,
    )
    _add_own_weights(table, graph, counted)
    unsupported = table.index[table.macs.isna()].tolist()
    total = _total(table)
    if any(isinstance(value, int) and value >= 2**63 for value in total.values()):
        raise UsageError(f"a batch of {batch_size} is more than 64 bits can count")
    table = table.astype(dict.fromkeys(SUMS, "Int64" if unsupported else "int64"))
    table.attrs = {
        "total": total,
        "trainable_params": sum(math.prod(each.shape) for each in graph.model.trainable_weights),
        "batch_size": next(iter(graph.inputs.values())).shape[0],
        "inference_bytes": memory.inference_peak(graph),
        "training_bytes": memory.training_peak(graph),
        "first_centre": table.pop("first_centre").to_dict(),
        "misaligned": table.index[table.pop("misaligned").astype(bool)].tolist(),
        "unsupported": unsupported,
    }
    return table


def cpr(table: pd.DataFrame) -> pd.Series:
    """Return the compute-to-parameter ratio of each layer: `macs` a weight, biases left out.

    For a convolution it is the number of positions of its output, for a dense layer 1, each times
    the batch size; <NA> where a layer has no weights.

    Args:
        table: What `summary` returns.

    Source: study document 003_f507a061fff3ec1f, lines 78-84 and 632-640.
    """
    return (table.macs / table.weight_params.where(table.weight_params > 0)).rename("cpr")


def _rows(graph: Graph) -> dict[str, list[Call]]:
    rows: dict[str, list[Call]] = {}
    for call in graph.calls:
        rows.setdefault(call.row, []).append(call)
    return rows


def _counts(calls: list[Call], counted: set[int]) -> dict[str, Any]:
    layer, outputs = calls[-1].layer, calls[-1].outputs
    weights = [w for w in getattr(layer, "weights", ()) if id(w) not in counted]
    counted.update(map(id, weights))
    costs = [rules.cost(call) for call in calls]
    known = [cost for cost in costs if cost is not None]
    total = Cost(*map(sum, zip(*known, strict=True))) if len(known) == len(costs) else None
    shapes = [tensor.shape[1:] for tensor in outputs]
    return {
        "type": type(layer).__name__,
        "output_shape": shapes[0] if len(shapes) == 1 else tuple(shapes),
        **_weight_counts(weights),
        "macs": total.macs if total else None,
        "flops": total.flops if total else None,
        "activation_bytes": sum(map(memory.tensor_bytes, outputs)),
    }


def _weight_counts(weights: Iterable[Any]) -> dict[str, int]:
    weights = list(weights)
    return {
        "params": sum(math.prod(w.shape) for w in weights),
        "weight_params": sum(math.prod(w.shape) for w in weights if w.name != "bias"),
    }


def _sight(calls: list[Call], seen: dict[int, Field | None], graph: Graph) -> dict[str, Any]:
    """Return the columns of the receptive field, None where there is none or it is not known."""
    field = seen[id(calls[-1].outputs[0])]
    misaligned = any(f.misaligned for call in calls if (f := seen[id(call.outputs[0])]))
    by_input: dict[int, list[tuple[Any, ...]]] = {}
    for axis, reach in field.reaches.items() if field else ():
        tensor = list(graph.inputs.values())[axis[0]]
        by_input.setdefault(axis[0], []).append(_along(reach, tensor.shape[axis[1]]))
    widest = max(
        by_input.values(), key=lambda sides: math.prod(side[0] for side in sides), default=[]
    )
    names = ("receptive_field", "effective_stride", "first_centre")
    columns = [_one_or_all(values) for values in zip(*widest, strict=True)] or [None] * 3
    return {**dict(zip(names, columns, strict=True)), "misaligned": misaligned}


def _along(reach: Reach | None, length: int) -> tuple[int, int | float | None, float]:
    """Return the field, stride and first centre along an axis of the input."""
    if reach is None:
        return length, None, (length - 1) / 2
    return reach.size, _number(reach.stride), reach.first_centre


def _number(fraction: Fraction | None) -> int | float | None:
    if fraction is None:
        return None
    return int(fraction) if fraction.denominator == 1 else float(fraction)


def _one_or_all(values: tuple[Any, ...]) -> Any:
    """Return what height and width agree on, or both."""
    return values[0] if len(set(values)) == 1 else values


def _add_own_weights(table: pd.DataFrame, graph: Graph, counted: set[int]) -> None:
    """Add a row for weights that belong to the model or a part of it, and to no layer in it."""
    own = [weight for weight in graph.model.weights if id(weight) not in counted]
    if own:
        nothing = {"macs": 0, "flops": 0, "activation_bytes": 0, "misaligned": False}
        row = {"type": type(graph.model).__name__, "output_shape": (), **_weight_counts(own)}
        table.loc[f"{graph.model.name} (own weights)"] = {**dict.fromkeys(table), **row, **nothing}


def _total(table: pd.DataFrame) -> dict[str, Any]:
    """Return the sums; None where a layer is not known."""
    total = {name: None if table[name].isna().any() else int(table[name].sum()) for name in SUMS}
    macs, weights = total["macs"], total["weight_params"]
    return {**total, "cpr": macs / weights if macs is not None and weights else None}
