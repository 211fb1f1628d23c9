"""`from kerazoo.models import VGG16` in the place of `from keras.applications import VGG16`."""

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kerazoo
import kerazoo.models
from kerazoo.compat import shapes_only
from kerazoo.errors import UsageError
from kerazoo.weights import load_weights
from tests.helpers.checkpoints import assert_same_weights

REPEATING = ("VGG19", "ResNet101", "ResNet152")  # the blocks of the others, more often
TWINS = [
    "VGG16",
    "ResNet50",
    *(pytest.param(name, marks=pytest.mark.full) for name in REPEATING),
]
SMALL = {"input_shape": (64, 64, 3), "classes": 7}
PROGRAM = """
import numpy as np
import keras
from {module} import {name}, decode_predictions, preprocess_input

model = {name}(weights=None, input_shape=(64, 64, 3), classes=7)
images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype("float32")
features = keras.Model(model.input, model.get_layer("{layer}").output)
found = features(preprocess_input(images)).shape, model.layers[-1].activation.__name__
"""


def keras_and_kerazoo(name: str) -> tuple[Any, Any]:
    return getattr(keras.applications, name), getattr(kerazoo.models, name)


@pytest.fixture(params=["channels_last", "channels_first"])
def data_format(request: pytest.FixtureRequest) -> Iterator[str]:
    before = keras.config.image_data_format()
    keras.config.set_image_data_format(request.param)
    yield request.param
    keras.config.set_image_data_format(before)


@pytest.mark.parametrize("name", TWINS)
@pytest.mark.parametrize("options", [{}, {"include_top": False}, {"pooling": "avg", **SMALL}])
def test_layers_and_weights_are_those_of_keras_applications(
    name: str, options: dict[str, Any], data_format: str
) -> None:
    if data_format == "channels_first" and "input_shape" in options:
        options = {**options, "input_shape": (3, 64, 64)}
    with shapes_only():
        keras_model, twin_model = (
            build(weights=None, **options) for build in keras_and_kerazoo(name)
        )
    assert [each.name for each in twin_model.layers[1:]] == [
        each.name for each in keras_model.layers[1:]
    ]
    assert [getattr(each, "activation", None) for each in twin_model.layers] == [
        getattr(each, "activation", None) for each in keras_model.layers
    ]
    assert [tuple(w.shape) for w in twin_model.weights] == [
        tuple(w.shape) for w in keras_model.weights
    ]
    assert twin_model.output_shape == keras_model.output_shape
    assert twin_model.name == keras_model.name


@pytest.mark.parametrize("name", ["VGG16", pytest.param("ResNet50", marks=pytest.mark.full)])
def test_outputs_are_those_of_keras_applications(name: str, tmp_path: Path) -> None:
    build, twin = keras_and_kerazoo(name)
    keras_model = build(weights=None, **SMALL)
    rng = np.random.default_rng(1)
    for weight in keras_model.weights:
        if len(weight.shape) == 1:
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    keras_model.save_weights(tmp_path / "a.weights.h5")
    images = rng.random((2, 64, 64, 3))
    expected = keras_model(images).numpy()
    by_keras = twin(**SMALL)
    by_keras.load_weights(tmp_path / "a.weights.h5")
    twin_model = twin(weights=tmp_path / "a.weights.h5", **SMALL)
    for model in (by_keras, twin_model, twin(weights=keras_model, **SMALL)):
        np.testing.assert_allclose(model(images), expected, rtol=1e-5)
    kerazoo.export_weights(twin_model, tmp_path / "b.weights.h5", "keras_applications")
    again = build(weights=tmp_path / "b.weights.h5", **SMALL)
    assert_same_weights(keras_model, again)


@pytest.mark.parametrize(
    ("name", "layer"), [("VGG16", "block4_pool"), ("ResNet50", "conv3_block4_out")]
)
def test_a_program_of_ten_lines_runs_with_either_import(name: str, layer: str) -> None:
    results = []
    module = f"keras.applications.{'vgg16' if name == 'VGG16' else 'resnet'}"
    for source in (module, "kerazoo.models"):
        scope: dict[str, Any] = {}
        exec(PROGRAM.format(module=source, name=name, layer=layer), scope)
        results.append(scope["found"])
    assert results[0] == results[1]


def test_an_input_tensor_and_any_input_shape() -> None:
    inputs = keras.Input((40, 48, 3))
    scaled = keras.layers.Rescaling(2.0)(inputs)
    for build in keras_and_kerazoo("VGG16"):
        with shapes_only():
            model = build(weights=None, include_top=False, input_tensor=scaled)
        assert model.input_shape == (None, 40, 48, 3)
        assert model.output_shape == (None, 1, 1, 512)
        assert model.get_layer("block1_conv1").input.shape == (None, 40, 48, 3)


def test_preprocess_input_and_decode_predictions(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3)).astype("float32")
    expected = keras.applications.vgg16.preprocess_input(images.copy())
    np.testing.assert_array_equal(kerazoo.models.preprocess_input(images.copy()), expected)
    index = {str(number): [f"n{number:08}", f"class {number}"] for number in range(1000)}
    (tmp_path / "index.json").write_text(json.dumps(index))
    monkeypatch.setattr("keras.src.applications.imagenet_utils.CLASS_INDEX", index)
    scores = np.zeros((1, 1000))
    scores[0, [3, 5]] = 0.4, 0.6
    best = kerazoo.models.decode_predictions(scores, top=2)
    assert [(name, float(score)) for _, name, score in best[0]] == [
        ("class 5", 0.6),
        ("class 3", 0.4),
    ]


def test_the_twin_is_a_model_of_kerazoo_with_other_options() -> None:
    model = kerazoo.models.ResNet50(classes=3, input_shape=(32, 32, 3))
    call = str(model.kerazoo_config)
    assert call == (
        'create_model("resnet50", input_shape=(32, 32, 3), classes=3, use_bias=True, '
        'pool_padding="symmetric", epsilon=1.001e-05, layer_names="keras")'
    )
    again = kerazoo.create_model(model.kerazoo_config.name, **model.kerazoo_config.options)
    assert [layer.name for layer in again.layers[1:]] == [layer.name for layer in model.layers[1:]]
    load_weights(again, model)
    assert_same_weights(again, model)


def test_an_unknown_option_is_refused_with_the_nearest() -> None:
    match = r"unknown option 'num_classes' of VGG16 \(did you mean 'classes'\?\)"
    with pytest.raises(UsageError, match=match):
        kerazoo.models.VGG16(num_classes=5)


def test_help_shows_all_options() -> None:
    parameters = inspect.signature(kerazoo.models.VGG16).parameters
    assert list(parameters)[:8] == list(inspect.signature(keras.applications.VGG16).parameters)
    assert parameters["head"].default == "dense"
    assert parameters["weights"].default is None
    assert kerazoo.models.VGG16.__name__ == "VGG16"
    for option in ("head", "fc_padding", "dropout_rate", "layer_names", "alpha"):
        assert f"{option}: " in (kerazoo.models.VGG16.__doc__ or "")
