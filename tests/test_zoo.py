"""One suite over the registry: what holds for every model of the zoo.

Sizes are proved on models without values for their weights, numbers on thin networks. By --full
there are the networks too that repeat the blocks of others, and at full width what large weights
could change.
"""

import itertools
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo import registry
from kerazoo.compat import shapes_only
from kerazoo.training.options import TrainOptions
from kerazoo.training.train import train
from tests.helpers import thin
from tests.helpers.profiler import profiled_flops
from tests.helpers.shapes import model_of_shapes

NAMES = kerazoo.list_models()
# They take five seconds or more to be built again, or to trace for training.
DEEPER = (*thin.REPEATING, "resnet50", "inception_v1")
# The others of them train as vgg16 and alexnet do.
LEFT_TO_TRAIN = (*DEEPER, "vgg16c", "vgg11_lrn", "alexnet_v2", "zfnet", "googlenet")
FORMATS = ("channels_last", "channels_first")
# channels, include_top, data format: every pair of settings, and by --full every three
PAIRWISE = [
    (1, True, "channels_last"),
    (1, False, "channels_first"),
    (3, True, "channels_first"),
    (3, False, "channels_last"),
    (4, True, "channels_last"),
    (4, False, "channels_first"),
]
INPUT_SHAPES = [
    pytest.param(*shape, marks=[] if shape in PAIRWISE else pytest.mark.full)
    for shape in itertools.product((1, 3, 4), (True, False), FORMATS)
]


@dataclass(frozen=True)
class Network:
    """A model of the zoo, thin or of full width."""

    name: str
    is_thin: bool

    def create(self, **options: Any) -> keras.Model:
        create = thin.create_model if self.is_thin else kerazoo.create_model
        return create(self.name, **options)

    def images(self, count: int = 2) -> np.ndarray:
        shape = (count, *registry.find(self.name).input_shape)
        return np.random.default_rng(0).random(shape, dtype=np.float32)


def thin_and_full(full: Sequence[str], only_thin: Sequence[str] = ()) -> pytest.MarkDecorator:
    """Run a test on thin networks, but for those named, and by --full on all at full width too.

    Those of `only_thin` are thin in --full, too.
    """
    params = [
        pytest.param(Network(name, True), id=f"{name}-thin") for name in NAMES if name not in full
    ]
    for name in filter(thin.takes_alpha, NAMES):
        marks = [pytest.mark.full, *([pytest.mark.largest] if name.startswith("vgg") else [])]
        is_thin = name in only_thin
        width = "thin" if is_thin else "full"
        params.append(pytest.param(Network(name, is_thin), id=f"{name}-{width}", marks=marks))
    return pytest.mark.parametrize("network", params, indirect=True, scope="module")


in_both_widths = thin_and_full(full=thin.REPEATING)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(
            Network(name, True),
            id=name,
            marks=[pytest.mark.full] if name in thin.REPEATING else [],
        )
        for name in NAMES
    ],
)
def network(request: pytest.FixtureRequest) -> Network:
    """Return each network in turn, thin; all tests of one run before the next is built."""
    return request.param


@pytest.fixture(scope="module")
def model(network: Network) -> keras.Model:
    """Build a model as it is by default; the tests leave it as it is."""
    keras.utils.set_random_seed(0)
    return network.create()


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def shapes(name: str) -> keras.Model:
    """Build a model of full size whose weights have no values."""
    return model_of_shapes(name)


@pytest.fixture
def data_format(request: pytest.FixtureRequest) -> Iterator[str]:
    before = keras.config.image_data_format()
    keras.config.set_image_data_format(request.param)
    yield request.param
    keras.config.set_image_data_format(before)


def test_declared_parameters_are_those_of_the_weights(name: str, shapes: keras.Model) -> None:
    sizes = [np.prod(weight.shape) for weight in shapes.trainable_weights]
    assert sum(sizes) == registry.find(name).params


def test_declared_parameters_are_those_that_keras_prints(name: str, shapes: keras.Model) -> None:
    lines: list[str] = []
    shapes.summary(print_fn=lines.append)
    total = re.search(r"Trainable params: ([\d,]+)", "\n".join(lines))
    assert total
    assert int(total[1].replace(",", "")) == registry.find(name).params


def test_declared_macs_are_counted_and_profiled(name: str, shapes: keras.Model) -> None:
    assert kerazoo.summary(shapes).attrs["total"]["macs"] == registry.find(name).macs
    assert profiled_flops(shapes) == 2 * registry.find(name).macs


@pytest.mark.parametrize(
    ("channels", "include_top", "data_format"), INPUT_SHAPES, indirect=["data_format"]
)
def test_input_shape(name: str, channels: int, include_top: bool, data_format: str) -> None:
    height, width, _ = registry.find(name).input_shape
    size = (height + 4, width + 8)
    shape = (channels, *size) if data_format == "channels_first" else (*size, channels)
    model = model_of_shapes(name, input_shape=shape, include_top=include_top)
    assert model.input_shape == (None, *shape)


@pytest.mark.parametrize("data_format", FORMATS, indirect=True)
def test_without_a_top_height_and_width_are_open(name: str, data_format: str) -> None:
    channels = registry.find(name).input_shape[2]
    model = model_of_shapes(name, include_top=False)
    first = data_format == "channels_first"
    assert model.input_shape[1:] == ((channels, None, None) if first else (None, None, channels))
    assert model.output_shape[2 if first else 1] is None
    assert len(model.output_shape) == 4


def test_name(name: str, shapes: keras.Model) -> None:
    assert shapes.name == name
    with shapes_only():
        assert kerazoo.create_model(name, name="mine").name == "mine"


@in_both_widths
def test_forward_is_a_probability_for_each_class(network: Network, model: keras.Model) -> None:
    scores = model(network.images()).numpy()
    assert scores.shape == (2, *model.output_shape[1:])
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(scores.sum(axis=-1), 1, rtol=1e-5)


@in_both_widths
def test_every_trainable_weight_receives_a_gradient(network: Network, model: keras.Model) -> None:
    before = [weight.numpy() for weight in model.non_trainable_weights]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(model(network.images(), training=True)))
    for weight, gradient in zip(
        model.trainable_weights, tape.gradient(loss, model.trainable_variables), strict=True
    ):
        assert gradient is not None, weight.path
        assert np.abs(gradient.numpy()).max() > 0, weight.path
    for weight, values in zip(model.non_trainable_weights, before, strict=True):
        weight.assign(values)


@thin_and_full(full=DEEPER)
def test_saved_and_loaded_gives_the_same_outputs(
    network: Network, model: keras.Model, tmp_path: Path
) -> None:
    path = tmp_path / "model.keras"
    model.save(path)
    images = network.images()
    again = network.create(weights=path)
    np.testing.assert_array_equal(model(images), again(images))
    if network.is_thin:  # at full width `weights` alone, which reads the file so too
        again = keras.models.load_model(path, safe_mode=True)
        np.testing.assert_array_equal(model(images), again(images))


def test_channels_first_gives_the_same(network: Network, model: keras.Model) -> None:
    keras.config.set_image_data_format("channels_first")
    try:
        first = network.create()
    finally:
        keras.config.set_image_data_format("channels_last")
    first.set_weights(model.get_weights())
    images = network.images()
    scores = first(np.moveaxis(images, -1, 1))
    np.testing.assert_allclose(scores, model(images), rtol=1e-4, atol=1e-6)


def test_mixed_precision_keeps_full_precision_scores(network: Network) -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = network.create()
    finally:
        keras.config.set_dtype_policy("float32")
    assert model(network.images()).dtype == tf.float32
    assert "bfloat16" in {layer.compute_dtype for layer in model.layers}


@pytest.mark.parametrize(("pooling", "reduce"), [("avg", np.mean), ("max", np.max)])
def test_pooling(network: Network, pooling: str, reduce: np.ufunc) -> None:
    model = network.create(include_top=False)
    pooled = network.create(include_top=False, pooling=pooling)
    pooled.set_weights(model.get_weights())
    images = network.images()
    expected = reduce(model(images).numpy(), axis=(1, 2))
    np.testing.assert_allclose(pooled(images), expected, rtol=1e-5, atol=1e-6)


def test_input_tensor(network: Network, model: keras.Model) -> None:
    inputs = keras.Input(model.input_shape[1:], name="pixels")
    scaled = network.create(input_tensor=inputs / 255)
    scaled.set_weights(model.get_weights())
    images = network.images() * 255
    assert scaled.inputs[0] is inputs
    np.testing.assert_allclose(scaled(images), model(images / 255), rtol=1e-5, atol=1e-6)


def test_classes_and_classifier_activation(network: Network) -> None:
    softmax = network.create(classes=7)
    logits = network.create(classes=7, classifier_activation=None)
    logits.set_weights(softmax.get_weights())
    images = network.images()
    assert softmax.output_shape[-1] == 7
    np.testing.assert_allclose(softmax(images), tf.nn.softmax(logits(images)), rtol=1e-5)


@thin_and_full(full=LEFT_TO_TRAIN, only_thin=DEEPER)
def test_it_trains_on_the_digits(
    network: Network, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if network.is_thin:
        thin.make_thin(monkeypatch)
    caplog.set_level(logging.INFO)
    options = TrainOptions(network.name, "digits", limit=2, dry_run=True)
    summary = train(options)
    assert summary["epochs"] == 1
    height, width, channels = registry.find(network.name).input_shape
    resized = f"images of 28x28x1 are resized to the model's {height}x{width}x{channels}"
    assert (resized in caplog.messages) == ((height, channels) != (28, 1))
