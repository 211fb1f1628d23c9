"""Each port agrees with its TF1 program, and a wrong port is detected."""

import dataclasses
from typing import Any

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.difference import difference
from kerazoo.errors import UsageError
from kerazoo.parity.compare import PRECISIONS, TOLERANCES, compare
from kerazoo.parity.pairs import PAIRS, Pair, vgg16
from kerazoo.recipe import Recipe
from kerazoo.weights.preprocessing import CAFFE
from kerazoo.weights.transfer import set_weights
from legacy_tf1.program import Program


def small(name: str) -> Pair:
    """Return a pair with fewer steps, and small photos of an odd and an even side."""
    pair = PAIRS[name]
    height, width = (224, 231) if name == "vgg16" else (47, 64)

    def crop(images: np.ndarray) -> np.ndarray:
        return images[:, :height, :width] if images.ndim == 4 else images

    return dataclasses.replace(
        pair,
        images=lambda: crop(pair.images()),
        batches=lambda number: [(crop(images), each) for images, each in pair.batches(number)],
        sgd_steps=min(pair.sgd_steps, 5),
        adam_steps=min(pair.adam_steps, 2),
    )


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("size", ["small", pytest.param("full", marks=pytest.mark.full)])
@pytest.mark.parametrize("name", [name for name in PAIRS if name != "vgg16"])
def test_the_port_agrees(name: str, size: str, precision: str) -> None:
    pair = PAIRS[name] if size == "full" else small(name)
    table = compare(name, pair, [precision])
    assert table.passed.all(), table.to_string()
    assert set(table.precision) == {precision}
    with Program(pair.build, names=pair.names) as program:
        gradients = {f"gradient of {key}" for key in program.weights}
    steps = {f"{what} {pair.sgd_steps} SGD steps" for what in ("loss of", "weights after")}
    steps |= {f"{what} {pair.adam_steps} Adam steps" for what in ("loss of", "weights after")}
    expected = {"forward", "gradient of images", *gradients, *(steps if pair.sgd_steps else ())}
    assert set(table.quantity) == expected


def test_the_tolerances_are_documented_ones() -> None:
    assert TOLERANCES["forward"] == {"float32": ("relative", 1e-5), "float64": ("relative", 1e-12)}
    assert TOLERANCES["gradient"]["float64"] == ("relative", 1e-12)
    assert TOLERANCES["SGD"]["float64"] == ("absolute", 1e-10)
    assert TOLERANCES["Adam"]["float32"] == ("absolute", 1e-4)
    assert TOLERANCES["loss"]["float32"] == ("absolute", 1e-5)


@pytest.mark.largest
@pytest.mark.parametrize("precision", PRECISIONS)
def test_vgg16_agrees(precision: str, width: str) -> None:
    pair = PAIRS["vgg16"] if width == "full" else small("vgg16")
    if (width, precision) == ("full", "float64"):
        pair = dataclasses.replace(pair, adam_steps=0)  # it would take 11 GB
    table = compare("vgg16", pair, [precision])
    assert table.passed.all(), table.to_string()
    # forward, gradients of weights and of images, SGD, Adam
    assert len(table) == 1 + 32 + 1 + 2 + (2 if pair.adam_steps else 0)


def without_relu() -> keras.Model:
    model = kerazoo.create_model("mnist_cnn", classifier_activation=None)
    model.get_layer("fc1").activation = keras.activations.linear
    return model


def same_pool() -> keras.Model:
    inputs = keras.Input((None, None, 3))
    return keras.Model(inputs, keras.layers.MaxPooling2D(2, padding="same")(inputs))


def bgr_vgg16() -> keras.Model:
    model = vgg16()
    model.preprocessing = CAFFE
    return model


FAULTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "a ReLU left out": ("mnist_cnn", {"port": without_relu}, "forward"),
    "epsilon 1e-7": ("mnist_cnn", {"adam_epsilon": 1e-7}, "weights after 2 Adam steps"),
    "SAME for VALID": ("max_pool", {"port": same_pool}, "forward"),
    "BGR for RGB": ("vgg16", {"port": bgr_vgg16, "sgd_steps": 0, "adam_steps": 0}, "forward"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.usefixtures("thin_networks")
def test_a_wrong_port_is_detected(fault: str) -> None:
    name, changes, quantity = FAULTS[fault]
    pair = dataclasses.replace(small(name), **changes)
    table = compare(name, pair, ["float32"]).set_index("quantity")
    assert not table.passed[quantity], table.to_string()


def test_a_changed_weight_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    def changed(model: keras.Model, arrays: dict[str, np.ndarray], source: str) -> None:
        arrays = {**arrays, "output/kernel": arrays["output/kernel"] * 1.001}
        set_weights(model, arrays, source)

    monkeypatch.setattr("kerazoo.parity.port.set_weights", changed)
    table = compare("mnist_cnn", small("mnist_cnn"), ["float32"]).set_index("quantity")
    assert not table.passed[["forward", "loss of 5 SGD steps"]].any()


def test_the_ports_adam_is_that_of_the_training_recipe() -> None:
    pair, recipe = PAIRS["mnist_cnn"], Recipe()
    assert (pair.adam_rate, pair.adam_epsilon) == (recipe.learning_rate, recipe.epsilon)


def test_differences_by_hand() -> None:
    result = difference([1.0, -4.0], [1.5, -4.25])
    assert (result.absolute, result.relative) == (0.5, 0.125)
    assert difference([0.0], [0.0]).relative == 0
    assert difference([0.0], [1e-9]).relative == np.inf
    assert difference([[1.0]], [1.0]).absolute == np.inf
    assert difference([1.0], [np.nan]).absolute == np.inf
    assert difference([np.nan], [1.0]).absolute == np.inf


def test_keras_settings_are_restored() -> None:
    compare("max_pool", small("max_pool"), ["float64"])
    assert keras.config.floatx() == "float32"
    assert keras.config.dtype_policy().name == "float32"


def test_an_unknown_pair_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"unknown pair 'vgg' \(did you mean 'vgg16'\?\)"):
        compare("vgg")
