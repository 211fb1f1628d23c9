"""Several models in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from kerazoo.accounting.blocks import HOW
from kerazoo.accounting.inputs import InputShape
from kerazoo.accounting.table import Summary, summary
from kerazoo.errors import UsageError
from kerazoo.lazy import keras


def compare(
    models: Sequence[keras.Model | str] | Mapping[str, keras.Model | str],
    input_shape: InputShape | int | None = None,
    batch_size: int = 1,
) -> pd.DataFrame:
    """Compare the costs of several models.

    >>> inputs = keras.Input((8, 8, 3))
    >>> convs = (keras.layers.Conv2D(4, size)(inputs) for size in (1, 3))
    >>> models = {name: keras.Model(inputs, x) for name, x in zip(("small", "large"), convs)}
    >>> compare(models)[["params", "macs", "inference_bytes"]]
           params  macs  inference_bytes
    model
    small      16   768             1856
    large     112  3888             1792

    Args:
        models: Keras models, or names that `kerazoo summary` takes; a dict gives them names.
        input_shape: As in `kerazoo.summary`, for each model.
        batch_size: Samples in a batch, of which all counts are.

    Returns:
        One row per model: the number of `layers`; the totals `params`, `trainable`, `macs` and
        `flops`; `cpr`, MACs per weight; `inference_bytes` and `training_bytes` at their peaks; and
        `counted`, "partly" where the MACs and FLOPs are lower bounds.

    Raises:
        UsageError: There are no models, or two of one name, or a model is refused by `summary`.
    """
    if isinstance(models, str) or not isinstance(models, Sequence | Mapping):
        kind = type(models).__name__
        raise UsageError(f"compare takes a list or a dict of models; received a {kind}")
    named = models if isinstance(models, Mapping) else {_name(each): each for each in models}
    if not named:
        raise UsageError("compare takes at least one model; received none")
    if len(named) < len(models):
        raise UsageError("compare: two models have one name: give a dict of names and models")
    tables = {name: summary(model, input_shape, batch_size) for name, model in named.items()}
    return pd.DataFrame(map(_row, tables.values()), pd.Index(tables, name="model"))


def _name(model: keras.Model | str) -> str:
    return model if isinstance(model, str) else str(getattr(model, "name", model))


def _row(table: Summary) -> dict[str, object]:
    attrs, total = table.attrs, table.attrs["total"]
    return {
        "layers": len(table),
        "params": total["params"],
        "trainable": attrs["trainable_params"],
        "macs": total["macs"],
        "flops": total["flops"],
        "cpr": total["cpr"],
        "inference_bytes": attrs["inference_bytes"]["total"],
        "training_bytes": attrs["training_bytes"]["total"],
        "counted": max(table["counted"], key=HOW.index),
    }
