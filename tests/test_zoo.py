"""One suite over the registry: what holds for every model of the zoo."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo import registry
from kerazoo.training.options import TrainOptions
from kerazoo.training.train import train
from tests.helpers.profiler import profiled_flops


@pytest.fixture(scope="module", params=kerazoo.list_models())
def name(request: pytest.FixtureRequest) -> str:
    """Name each model in turn; all tests of one run before the next is built."""
    return request.param


@pytest.fixture(scope="module")
def model(name: str) -> keras.Model:
    """Build a model as it is by default; the tests leave it as it is."""
    keras.utils.set_random_seed(0)
    return kerazoo.create_model(name)


@pytest.fixture(params=["channels_last", "channels_first"])
def data_format(request: pytest.FixtureRequest) -> Iterator[str]:
    before = keras.config.image_data_format()
    keras.config.set_image_data_format(request.param)
    yield request.param
    keras.config.set_image_data_format(before)


def random_images(name: str, count: int = 2) -> np.ndarray:
    shape = (count, *registry.find(name).input_shape)
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def test_declared_parameters_are_those_of_the_weights(name: str, model: keras.Model) -> None:
    sizes = [weight.numpy().size for weight in model.trainable_weights]
    assert sum(sizes) == registry.find(name).params


def test_declared_parameters_are_those_that_keras_prints(name: str, model: keras.Model) -> None:
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    total = re.search(r"Trainable params: ([\d,]+)", "\n".join(lines))
    assert total
    assert int(total[1].replace(",", "")) == registry.find(name).params


def test_declared_macs_are_counted_and_profiled(name: str, model: keras.Model) -> None:
    assert kerazoo.summary(model).attrs["total"]["macs"] == registry.find(name).macs
    assert profiled_flops(model) == 2 * registry.find(name).macs


def test_forward_is_a_probability_for_each_class(name: str, model: keras.Model) -> None:
    scores = model(random_images(name)).numpy()
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(scores.sum(axis=-1), 1, rtol=1e-5)


def test_every_trainable_weight_receives_a_gradient(name: str, model: keras.Model) -> None:
    before = [weight.numpy() for weight in model.non_trainable_weights]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(model(random_images(name), training=True)))
    for weight, gradient in zip(
        model.trainable_weights, tape.gradient(loss, model.trainable_variables), strict=True
    ):
        assert gradient is not None, weight.path
        assert np.abs(gradient.numpy()).max() > 0, weight.path
    for weight, values in zip(model.non_trainable_weights, before, strict=True):
        weight.assign(values)


def test_saved_and_loaded_gives_the_same_outputs(
    name: str, model: keras.Model, tmp_path: Path
) -> None:
    path = tmp_path / "model.keras"
    model.save(path)
    images = random_images(name)
    again = keras.models.load_model(path, safe_mode=True)
    from_weights = kerazoo.create_model(name, weights=path)
    np.testing.assert_array_equal(model(images), again(images))
    np.testing.assert_array_equal(model(images), from_weights(images))


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("include_top", [True, False])
def test_input_shape(name: str, channels: int, include_top: bool, data_format: str) -> None:
    height, width, _ = registry.find(name).input_shape
    size = (height + 4, width + 8)
    shape = (channels, *size) if data_format == "channels_first" else (*size, channels)
    model = kerazoo.create_model(name, input_shape=shape, include_top=include_top)
    assert model.input_shape == (None, *shape)


def test_channels_first_gives_the_same(name: str, model: keras.Model) -> None:
    keras.config.set_image_data_format("channels_first")
    try:
        first = kerazoo.create_model(name)
    finally:
        keras.config.set_image_data_format("channels_last")
    first.set_weights(model.get_weights())
    images = random_images(name)
    scores = first(np.moveaxis(images, -1, 1))
    np.testing.assert_allclose(scores, model(images), rtol=1e-4, atol=1e-6)


def test_mixed_precision_keeps_whole_scores(name: str) -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = kerazoo.create_model(name)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model(random_images(name)).dtype == tf.float32
    assert "bfloat16" in {layer.compute_dtype for layer in model.layers}


def test_without_a_top_height_and_width_are_open(name: str, data_format: str) -> None:
    channels = registry.find(name).input_shape[2]
    model = kerazoo.create_model(name, include_top=False)
    first = data_format == "channels_first"
    assert model.input_shape[1:] == ((channels, None, None) if first else (None, None, channels))
    assert model.output_shape[2 if first else 1] is None
    assert len(model.output_shape) == 4


@pytest.mark.parametrize(("pooling", "reduce"), [("avg", np.mean), ("max", np.max)])
def test_pooling(name: str, pooling: str, reduce: np.ufunc) -> None:
    model = kerazoo.create_model(name, include_top=False)
    pooled = kerazoo.create_model(name, include_top=False, pooling=pooling)
    pooled.set_weights(model.get_weights())
    images = random_images(name)
    expected = reduce(model(images).numpy(), axis=(1, 2))
    np.testing.assert_allclose(pooled(images), expected, rtol=1e-5, atol=1e-6)


def test_input_tensor(name: str, model: keras.Model) -> None:
    inputs = keras.Input(registry.find(name).input_shape, name="pixels")
    scaled = kerazoo.create_model(name, input_tensor=inputs / 255)
    scaled.set_weights(model.get_weights())
    images = random_images(name) * 255
    assert scaled.inputs[0] is inputs
    np.testing.assert_allclose(scaled(images), model(images / 255), rtol=1e-5, atol=1e-6)


def test_classes_and_classifier_activation(name: str) -> None:
    softmax = kerazoo.create_model(name, classes=7)
    logits = kerazoo.create_model(name, classes=7, classifier_activation=None)
    logits.set_weights(softmax.get_weights())
    images = random_images(name)
    assert softmax.output_shape[-1] == 7
    np.testing.assert_allclose(softmax(images), tf.nn.softmax(logits(images)), rtol=1e-5)


def test_it_trains_on_the_digits(name: str) -> None:
    told: list[str] = []
    options = TrainOptions(name, "digits", limit=2, dry_run=True)
    summary = train(options, "a device", say=told.append)
    assert summary["epochs"] == 1
    height, width, channels = registry.find(name).input_shape
    brought = (
        f"the images of 28x28x1 are brought to {height}x{width}x{channels}, which {name} takes"
    )
    assert (brought in told) == ((height, channels) != (28, 1))


def test_name(name: str, model: keras.Model) -> None:
    assert model.name == name
    assert kerazoo.create_model(name, name="mine").name == "mine"
