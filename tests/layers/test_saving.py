"""The names and configs by which saved models are loaded, and the examples in the docstrings."""

import doctest
import random
from types import ModuleType

import keras
import pytest

from kerazoo.layers import (
    FanInUniform,
    LocalResponseNormalization,
    RadialBasis,
    SparseConv2D,
    SpatiallySeparableConv2D,
    SpatialPyramidPooling,
    TrainableSubsampling,
    lrn,
    scaled_tanh,
    spatial_pyramid,
    spatially_separable,
)

FAN_IN = {
    "module": "kerazoo.layers.lenet",
    "class_name": "FanInUniform",
    "config": {"inputs": 4},
    "registered_name": "kerazoo>FanInUniform",
}
# A layer and its config, apart from what every layer has.
CONFIGS: dict[str, tuple[keras.Layer, dict[str, object]]] = {
    "LocalResponseNormalization": (
        LocalResponseNormalization(3, 1.0, 0.2, 0.5),
        {"size": 3, "k": 1.0, "alpha": 0.2, "beta": 0.5, "data_format": "channels_last"},
    ),
    "RadialBasis": (RadialBasis([[1, -1], [1, 1]]), {"codes": [[1, -1], [1, 1]]}),
    "SparseConv2D": (
        SparseConv2D([[0, 2], [1]], 3, "tanh", FanInUniform(4), "channels_first"),
        {
            "connections": [[0, 2], [1]],
            "kernel_size": 3,
            "activation": "tanh",
            "kernel_initializer": FAN_IN,
            "data_format": "channels_first",
        },
    ),
    "SpatialPyramidPooling": (
        SpatialPyramidPooling((3, 1)),
        {"bins": [3, 1], "data_format": "channels_last"},
    ),
    "SpatiallySeparableConv2D": (
        SpatiallySeparableConv2D(4, 3, 2, "same", "relu", False, FanInUniform(4)),
        {
            "filters": 4,
            "kernel_size": 3,
            "strides": 2,
            "padding": "same",
            "activation": "relu",
            "use_bias": False,
            "kernel_initializer": FAN_IN,
            "data_format": "channels_last",
        },
    ),
    "TrainableSubsampling": (
        TrainableSubsampling(3, "tanh", FanInUniform(4)),
        {
            "pool_size": 3,
            "activation": "tanh",
            "coefficient_initializer": FAN_IN,
            "data_format": "channels_last",
        },
    ),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_keeps_its_keys_and_builds_the_same_layer(name: str) -> None:
    layer, config = CONFIGS[name]
    saved = keras.layers.serialize(layer)
    assert saved["registered_name"] == f"kerazoo>{name}"
    common = ("name", "trainable", "dtype")
    assert {key: saved["config"][key] for key in saved["config"] if key not in common} == config
    loaded = keras.layers.deserialize(saved)
    assert type(loaded) is type(layer)
    assert loaded.get_config() == layer.get_config()


def test_functions_and_initializers_keep_their_names() -> None:
    assert keras.activations.serialize(scaled_tanh)["config"] == "kerazoo>scaled_tanh"
    layer = TrainableSubsampling(2, scaled_tanh, FanInUniform(4))
    loaded = keras.layers.deserialize(keras.layers.serialize(layer))
    assert loaded.activation is scaled_tanh
    assert loaded.coefficient_initializer.inputs == 4


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (LocalResponseNormalization(), (None, None, 9, 8)),
        (SpatialPyramidPooling((3, 1)), (None, 80)),
        (SpatiallySeparableConv2D(4, 3, 2), (None, None, 4, 4)),
        (SparseConv2D([[0], [7], [1]], 3), (None, None, 7, 3)),
        (TrainableSubsampling(2), (None, None, 4, 8)),
    ],
)
def test_unknown_sizes_are_computed_by_every_layer(
    layer: keras.Layer, shape: tuple[int | None, ...]
) -> None:
    state = random.getstate()  # from which Keras draws the seeds of initializers
    assert layer.compute_output_shape((None, None, 9, 8)) == shape
    assert random.getstate() == state


@pytest.mark.parametrize("module", [lrn, spatial_pyramid, spatially_separable])
def test_the_examples_in_docstrings_run(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed
