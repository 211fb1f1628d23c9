"""The live models, layers and functions that the documents' numbers are recomputed from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd

import kerazoo
from kerazoo.accounting import linear
from kerazoo.accounting.receptive_field import Box
from kerazoo.accounting.windows import Window, output_from_input
from kerazoo.compat import shapes_only
from kerazoo.data.photos import sample_photos


class Live:
    """What the claims share: models and tables, made at their first use.

    Weights have shapes and no values, but for those of `runnable`.
    """

    def __init__(self) -> None:
        self._models: dict[str, keras.Model] = {}
        self._runnable: dict[str, keras.Model] = {}
        self._tables: dict[str, pd.DataFrame] = {}

    def model(self, name: str) -> keras.Model:
        """Return a model of the zoo."""
        if name not in self._models:
            with shapes_only():
                self._models[name] = kerazoo.create_model(name)
        return self._models[name]

    def runnable(self, name: str) -> keras.Model:
        """Return a model of the zoo whose weights have values."""
        if name not in self._runnable:
            self._runnable[name] = kerazoo.create_model(name)
        return self._runnable[name]

    def table(self, name: str) -> pd.DataFrame:
        """Return the table of a model of the zoo."""
        if name not in self._tables:
            self._tables[name] = kerazoo.summary(self.model(name))
        return self._tables[name]

    @property
    def vgg16(self) -> pd.DataFrame:
        """The table of vgg16, dense layers as convolutions."""
        return self.table("vgg16")

    def dense_share(self, column: str) -> float:
        """Return the share of vgg16's dense layers in a sum of its table."""
        counts = self.vgg16[column]
        return counts[["fc6", "fc7", "fc8"]].sum() / counts.sum()

    def mostly_dense(self) -> tuple[bool, bool]:
        """Return whether vgg16 has most weights in dense layers, and most work outside them."""
        return self.dense_share("weight_params") > 0.5, self.dense_share("macs") < 0.5

    def rows(self, shape: tuple[int, ...], *layers: Any, batch: int = 1) -> pd.DataFrame:
        """Return the table of a chain of layers on inputs of a shape."""
        return kerazoo.summary(_chain(shape, layers), batch_size=batch)

    def row(self, shape: tuple[int, ...], *layers: Any, batch: int = 1) -> pd.Series:
        """Return the last row of `rows`."""
        return self.rows(shape, *layers, batch=batch).iloc[-1]

    def conv(
        self, size: int, kernel: int, inputs: int = 1, filters: int = 1, **options: Any
    ) -> pd.Series:
        """Return the row of a convolution on a square map, without bias unless asked for.

        `padding` may be a number of pixels at every side.
        """
        before = []
        if isinstance(options.get("padding"), int):
            before = [keras.layers.ZeroPadding2D(options.pop("padding"))]
        options = {"use_bias": False, **options}
        layer = keras.layers.Conv2D(filters, kernel, **options)
        return self.row((size, size, inputs), *before, layer)

    def length(self, size: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> int:
        """Return the length of an axis behind a window."""
        return output_from_input(size, [Window(kernel, stride, padding, dilation)])[0]

    def box(self, size: int, *layers: Any, place: tuple[int, int]) -> Box:
        """Return what a place of a chain of layers sees of a square map."""
        box = kerazoo.receptive_field(_chain((size, size, 1), layers), layers[-1].name, place)
        assert isinstance(box, Box)
        return box

    def slid(self, row: Sequence[float], kernel: Sequence[float]) -> list[float]:
        """Return what a convolution layer makes of a row of numbers with a kernel."""
        layer = keras.layers.Conv1D(1, len(kernel), use_bias=False)
        layer.build((None, None, 1))
        layer.set_weights([np.reshape(kernel, (-1, 1, 1))])
        values = layer(np.reshape(np.array(row, "float32"), (1, -1, 1)))
        return [float(value) for value in keras.ops.convert_to_numpy(values).ravel()]

    def residual(self, block: Callable[..., Any], width: int) -> keras.Model:
        """Return a residual block of a width on 256 maps of 14x14."""
        inputs = keras.Input((14, 14, 256))
        with shapes_only():
            return keras.Model(inputs, block(inputs, width, "unit"))

    def convolutions(self, model: keras.Model) -> pd.DataFrame:
        """Return the table of a model's convolutions."""
        table = kerazoo.summary(model)
        return table[table["type"] == "Conv2D"]

    def kernels(self, name: str) -> set[int]:
        """Return the sizes of the kernels of a model of the zoo."""
        convolutions = (
            layer for layer in self.model(name).layers if isinstance(layer, keras.layers.Conv2D)
        )
        return {layer.kernel_size[0] for layer in convolutions}

    def photos(self) -> Any:
        """Return the two photos that the documents show their layers on."""
        return sample_photos()


def _chain(shape: tuple[int, ...], layers: Sequence[Any]) -> keras.Model:
    """Return a model of layers one behind the other."""
    x = inputs = keras.Input(shape)
    with shapes_only():
        for layer in layers:
            x = layer(x)
    return keras.Model(inputs, x)


def dense_macs(inputs: int, outputs: int) -> int:
    """Return the multiply-accumulates of a dense layer too large to be built."""
    cost = linear.dense(keras.layers.Dense(outputs), [(1, inputs)], [(1, outputs)])
    assert cost
    return cost.macs


def kernel_of(layer: keras.Layer, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of a layer's kernel for samples of a shape."""
    layer.build((None, *shape))
    return tuple(layer.kernel.shape)
