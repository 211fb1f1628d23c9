"""The ResNets against their paper's table, and the bottleneck against the documents' figures."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.errors import UsageError
from kerazoo.models.resnet import basic, bottleneck
from tests.helpers.shapes import model_of_shapes


@pytest.mark.parametrize(("name", "channels"), [("resnet34", 1), ("resnet50", 4)])
def test_feature_maps_are_those_of_table_1(name: str, channels: int) -> None:
    model = model_of_shapes(name)
    wanted = {"conv1": (112, 64), "pool1": (56, 64), "conv2_3": (56, 64), "conv3_4": (28, 128)}
    wanted |= {"conv4_6": (14, 256), "conv5_3": (7, 512)}
    for layer, (size, width) in wanted.items():
        if layer[-2] == "_":
            layer, width = f"{layer}_relu", width * channels
        assert model.get_layer(layer).output.shape[1:] == (size, size, width), layer


@pytest.mark.parametrize("layers", [18, 34, 50, 101, 152])
def test_there_are_as_many_layers_as_the_name_says(layers: int) -> None:
    model = model_of_shapes(f"resnet{layers}")
    counted = [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)
        and "shortcut" not in layer.name
    ]
    assert len(counted) == layers


def strided(stride_on: str) -> dict[str, int]:
    model = model_of_shapes("resnet50", include_top=False, stride_on=stride_on)
    return {
        layer.name: layer.strides[0]
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D) and layer.strides[0] > 1
    }


def test_the_stride_is_where_the_option_says() -> None:
    stages = (3, 4, 5)
    shortcuts = {f"conv{stage}_1_shortcut" for stage in stages}
    assert strided("1x1").keys() == {"conv1", *(f"conv{n}_1_1" for n in stages), *shortcuts}
    assert strided("3x3").keys() == {"conv1", *(f"conv{n}_1_2" for n in stages), *shortcuts}
    assert strided("last_3x3").keys() == {"conv1", "conv2_3_2", "conv3_4_2", "conv4_6_2"}


def weights_of_kernels(outputs: keras.KerasTensor, inputs: keras.KerasTensor) -> int:
    model = keras.Model(inputs, outputs)
    return sum(weight.numpy().size for weight in model.weights if weight.name == "kernel")


def test_the_bottleneck_has_the_documents_weights() -> None:
    """Study notes, `slim-vgg`, lines 10-12."""
    inputs = keras.Input((14, 14, 256))
    narrow = weights_of_kernels(bottleneck(inputs, 64, "narrow"), inputs)
    wide = weights_of_kernels(basic(inputs, 256, "wide"), inputs)
    assert (narrow, wide) == (69_632, 1_179_648)
    assert round(wide / narrow, 2) == 16.94


def test_a_block_of_nothing_passes_on_what_is_positive() -> None:
    inputs = keras.Input((6, 6, 8))
    model = keras.Model(inputs, bottleneck(inputs, 2, "block"))
    model.get_layer("block_3_bn").gamma.assign(np.zeros(8))
    maps = np.random.default_rng(0).normal(size=(1, 6, 6, 8)).astype(np.float32)
    np.testing.assert_allclose(model(maps), np.maximum(maps, 0))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UsageError, match="must be '1x1', '3x3' or 'last_3x3'; received 3"):
        kerazoo.create_model("resnet18", stride_on=3)
    with pytest.raises(UsageError, match="pool_padding must be 'same' or 'symmetric'"):
        kerazoo.create_model("resnet18", pool_padding="valid")
    with pytest.raises(UsageError, match="at least 32x32"):
        kerazoo.create_model("resnet18", input_shape=(31, 32, 3))


def test_the_first_block_agrees_with_tf_nn() -> None:
    model = kerazoo.create_model(
        "resnet18", alpha=1 / 16, include_top=False, input_shape=(32, 32, 3)
    )
    rng = np.random.default_rng(0)
    for weight in model.weights:  # variances near the epsilon
        deviation = 1e-5 if weight.name == "moving_variance" else 0.5
        weight.assign(np.abs(rng.normal(scale=deviation, size=weight.shape)))
    weights = iter(model.get_weights())

    def normalized(x: tf.Tensor, stride: int, padding: int) -> tf.Tensor:
        zeros = [[0, 0], [padding] * 2, [padding] * 2, [0, 0]]
        x = tf.nn.conv2d(x, next(weights), stride, zeros)
        gamma, beta, mean, variance = (next(weights) for _ in range(4))
        return gamma * (x - mean) / tf.sqrt(variance + 1e-5) + beta

    image = rng.normal(size=(1, 32, 32, 3)).astype(np.float32)
    x = tf.nn.max_pool2d(tf.nn.relu(normalized(image, 2, 3)), 3, 2, "SAME")
    y = normalized(tf.nn.relu(normalized(x, 1, 1)), 1, 1)
    block = keras.Model(model.input, model.get_layer("conv2_1_relu").output)
    np.testing.assert_allclose(block(image), tf.nn.relu(x + y), rtol=1e-4)
