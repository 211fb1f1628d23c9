"""Memory in inference and training, by hand."""

from collections.abc import Iterator

import keras
import pytest
from keras import layers

from kerazoo import create_model, summary
from tests.helpers.shapes import model_of_shapes


def test_a_chain_needs_its_two_largest_neighbors() -> None:
    inputs = keras.Input((10,))  # 40 bytes
    x = layers.Dense(100)(inputs)  # 400
    x = layers.Dense(60)(x)  # 240: with the one before 640
    model = keras.Model(inputs, layers.Dense(2)(x))
    memory = summary(model).attrs["inference_bytes"]
    assert memory["activations"] == 640
    assert memory["weights"] == 4 * model.count_params()
    assert memory["total"] == 640 + 4 * model.count_params()
    assert summary(model, batch_size=8).attrs["inference_bytes"]["activations"] == 8 * 640


def test_a_shortcut_is_live_until_it_is_added() -> None:
    inputs = keras.Input((10,))
    x = layers.Dense(50)(inputs)  # live: 200
    y = layers.Dense(80)(x)  # 320
    y = layers.Dense(50)(y)  # 200: 720 in all
    memory = summary(keras.Model(inputs, layers.Add()([x, y]))).attrs["inference_bytes"]
    assert memory["activations"] == 720


def test_an_output_is_live_to_the_end() -> None:
    inputs = keras.Input((10,))
    early = layers.Dense(100)(inputs)
    x = layers.Dense(10)(early)
    x = layers.Dense(30)(x)
    memory = summary(keras.Model(inputs, [early, x])).attrs["inference_bytes"]
    assert memory["activations"] == 400 + 40 + 120


def test_views_and_dropout_need_no_memory_in_inference() -> None:
    inputs = keras.Input((5, 2))
    x = layers.Dropout(0.5)(layers.Reshape((10,))(inputs))
    attrs = summary(keras.Model(inputs, layers.Dense(10)(x))).attrs
    assert attrs["inference_bytes"]["activations"] == 80
    assert attrs["training_bytes"]["activations"] == 120  # dropout's output is kept


def test_training_with_adam() -> None:
    inputs = keras.Input((4,))
    x = layers.BatchNormalization()(layers.Dense(6)(inputs))
    memory = summary(keras.Model(inputs, x), batch_size=5).attrs["training_bytes"]
    trained = 4 * (30 + 12)
    assert memory == {
        "weights": trained + 4 * 12,  # the moving mean and variance are not trained
        "gradients": trained,
        "slots": 2 * trained,
        "activations": 5 * 4 * (4 + 6 + 6),
        "total": 4 * trained + 48 + 320,
    }


@pytest.fixture
def mixed_precision() -> Iterator[None]:
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.mark.usefixtures("mixed_precision")
def test_half_precision_halves_the_activations() -> None:
    model = create_model("mnist_cnn")
    table = summary(model, batch_size=100)
    assert table.activation_bytes["conv1"] == 2 * 100 * 28 * 28 * 32
    assert table.attrs["inference_bytes"]["weights"] == 4 * 220_234


def test_the_weights_of_vgg16_by_hand() -> None:
    memory = summary(model_of_shapes("vgg16")).attrs
    # conv1_1 and conv1_2, each 224x224x64 elements of four bytes
    assert memory["inference_bytes"]["activations"] == 2 * 224 * 224 * 64 * 4
    assert memory["training_bytes"]["slots"] == 2 * 4 * 138_357_544
