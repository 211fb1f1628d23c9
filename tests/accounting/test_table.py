"""The table: the study notes' numbers, published figures, totals."""

from typing import Any

import keras
import pandas as pd
import pytest
from keras import layers

import kerazoo
from kerazoo import summary
from kerazoo.accounting.render import as_text
from kerazoo.compat import shapes_only
from kerazoo.documents.vgg16_layers import LAYERS
from kerazoo.errors import UsageError
from tests.helpers.nets import alexnet_one_tower
from tests.helpers.shapes import model_of_shapes


@pytest.fixture(scope="module")
def vgg16() -> pd.DataFrame:
    return summary(model_of_shapes("vgg16"))


def test_vgg16_by_layer_as_in_the_study_notes(vgg16: pd.DataFrame) -> None:
    assert (vgg16.output_shape.iloc[0], vgg16.activation_bytes.iloc[0]) == ((224, 224, 3), 602_112)
    for name, shape, weights, _ in LAYERS:
        row = vgg16.loc[name]
        assert (row.output_shape, row.weight_params) == (shape, weights)
        assert row.activation_bytes == 4 * shape[0] * shape[1] * shape[2]


def test_the_totals_of_vgg16(vgg16: pd.DataFrame) -> None:
    total = vgg16.attrs["total"]
    assert (total["macs"], total["params"]) == (15_470_264_320, 138_357_544)
    assert total["weight_params"] == sum(layer.weights for layer in LAYERS)
    columns = "type output_shape params weight_params macs flops activation_bytes"
    fields = ("receptive_field", "effective_stride")
    assert vgg16.columns.tolist() == [*columns.split(), *fields, "counted"]
    assert set(vgg16.counted) == {"rule"}


def test_operations_of_the_first_convolution(vgg16: pd.DataFrame) -> None:
    outputs = 224 * 224 * 64
    assert vgg16.flops["conv1_1"] == 2 * 3 * 3 * 3 * outputs + outputs  # with its ReLU
    inputs = keras.Input((224, 224, 3))
    bare = keras.Model(inputs, layers.Conv2D(64, 3, padding="same", use_bias=False)(inputs))
    assert summary(bare).flops.iloc[-1] == (2 * 3 * 3 * 3 - 1) * outputs


def test_the_study_notes_snippet_for_300x300() -> None:
    inputs = keras.Input((300, 300, 3))
    conv = layers.Conv2D(64, 3, padding="same", use_bias=False, activation="relu")
    assert summary(keras.Model(inputs, conv(inputs))).flops.sum() == 311_040_000


def test_the_study_notes_bottleneck() -> None:
    inputs = keras.Input((14, 14, 256))
    x = layers.Conv2D(64, 3, padding="same")(layers.Conv2D(64, 1)(inputs))
    narrow = summary(keras.Model(inputs, layers.Conv2D(256, 1)(x))).attrs["total"]
    x = layers.Conv2D(256, 3, padding="same")(inputs)
    wide = summary(keras.Model(inputs, layers.Conv2D(256, 3, padding="same")(x))).attrs["total"]
    assert (narrow["weight_params"], wide["weight_params"]) == (69_632, 1_179_648)
    assert round(wide["weight_params"] / narrow["weight_params"], 2) == 16.94


def v1_5(name: str) -> keras.Model:
    return kerazoo.create_model(name, stride_on="3x3")


PUBLISHED = {
    "alexnet, one tower": (alexnet_one_tower, "0.714", 61_100_840),
    "vgg11": (lambda: kerazoo.create_model("vgg11"), "7.61", 132_863_336),
    "vgg13": (lambda: kerazoo.create_model("vgg13"), "11.31", 133_047_848),
    "vgg16": (lambda: kerazoo.create_model("vgg16"), "15.47", 138_357_544),
    "vgg19": (lambda: kerazoo.create_model("vgg19"), "19.63", 143_667_240),
    "resnet18": (lambda: v1_5("resnet18"), "1.81", 11_689_512),
    "resnet34": (lambda: v1_5("resnet34"), "3.66", 21_797_672),
    "resnet50": (lambda: v1_5("resnet50"), "4.09", 25_557_032),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_macs_that_torchvision_publishes(name: str) -> None:
    make, billions, trained = PUBLISHED[name]
    with shapes_only():
        model = make()
    table = summary(model)
    digits = len(billions.partition(".")[2])
    assert f"{table.macs.sum() / 1e9:.{digits}f}" == billions
    assert sum(weight.shape.num_elements() for weight in model.trainable_weights) == trained


def test_cpr_is_the_number_of_positions_and_1_for_a_dense_layer(vgg16: pd.DataFrame) -> None:
    ratio = kerazoo.cpr(vgg16)
    assert (ratio["conv1_1"], ratio["conv3_2"]) == (224 * 224, 56 * 56)
    assert pd.isna(ratio["pool1"])
    dense = model_of_shapes("vgg16", head="dense")
    assert kerazoo.cpr(summary(dense))[["fc6", "fc7", "fc8"]].tolist() == [1, 1, 1]
    assert kerazoo.cpr(summary(dense, batch_size=16))["fc6"] == 16
    assert vgg16.attrs["total"]["cpr"] == 15_470_264_320 / 138_344_128


def test_trainable_parameters() -> None:
    table = summary(model_of_shapes("resnet18"))
    assert table.attrs["total"]["params"] == 11_699_112
    assert table.attrs["trainable_params"] == 11_689_512
    assert "parameters, 11,698,112 without biases, 11,689,512 trainable" in as_text(table, None)


@pytest.mark.parametrize("size", [0, -1, 1.5, True, "2"])
def test_a_wrong_batch_size_is_an_error(size: Any) -> None:
    with pytest.raises(UsageError, match="batch_size"):
        summary(kerazoo.create_model("mnist_cnn"), batch_size=size)


def test_counts_beyond_64_bits_are_an_error() -> None:
    model = kerazoo.create_model("mnist_cnn")
    assert summary(model, batch_size=10**12).flops.sum() == 8_129_906 * 10**12
    with pytest.raises(UsageError, match="do not fit into 64 bits"):
        summary(model, batch_size=2 * 10**12)  # each row would fit
