"""A model, its `.h5` files and its `.keras` file are the same weights, also inside another."""

import logging
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import h5py
import keras
import ml_dtypes
import numpy as np
import pytest

import kerazoo
from kerazoo.compat import shapes_only
from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.weights import export_weights, h5, load_weights
from kerazoo.weights.networks import weight_arrays
from kerazoo.weights.preprocessing import CAFFE, UNIT
from tests.helpers import thin
from tests.helpers.checkpoints import assert_refused, assert_same_weights

FORMS = ("object", "a.weights.h5", "a.h5", "a.keras")
DEEP = ("googlenet", "resnet18", "ResNet50")  # in one form without --full
DEEPER = (*thin.REPEATING, "inception_v1", "resnet50")  # in none
AS_KERAS: dict[str, Any] = {"use_bias": True, "pool_padding": "symmetric", "epsilon": 1.001e-5}
SMALL: dict[str, Any] = {"classes": 4, "input_shape": (32, 32, 3)}


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    return request.param


def in_every_form(*names: str) -> list[Any]:
    """Return parameters (name, form): without --full, a deep network comes in one form or none."""
    return [
        pytest.param(name, form, marks=[pytest.mark.full] if is_left else [])
        for name in names
        for form in FORMS
        for is_left in [name in DEEPER or (name in DEEP and form != "a.keras")]
    ]


def given(model: keras.Model, form: str, folder: Path) -> Any:
    """Return what a user gives as weights: the model, or a file that Keras has saved."""
    if form == "object":
        return model
    (model.save_weights if form == "a.weights.h5" else model.save)(folder / form)
    return folder / form


def randomize(model: keras.Model) -> keras.Model:
    rng = np.random.default_rng(3)
    for weight in model.weights:
        weight.assign(rng.uniform(0.1, 1, weight.shape))
    return model


@pytest.mark.parametrize(("name", "form"), in_every_form(*kerazoo.list_models()))
@pytest.mark.usefixtures("thin_networks")
def test_every_model_of_the_zoo_comes_back_from_every_form(
    name: str, form: str, tmp_path: Path
) -> None:
    source = randomize(kerazoo.create_model(name))
    model = kerazoo.create_model(name, weights=given(source, form, tmp_path))
    assert_same_weights(source, model)
    features = kerazoo.create_model(name, include_top=False)
    load_weights(features, given(source, form, tmp_path))
    expected = weight_arrays(source)
    for key, array in weight_arrays(features).items():
        np.testing.assert_array_equal(array, expected[key].reshape(array.shape))


@pytest.mark.parametrize(("application", "form"), in_every_form("VGG16", "ResNet50"))
@pytest.mark.usefixtures("thin_networks")
def test_a_network_of_keras_applications_comes_in_every_form(
    application: str, form: str, tmp_path: Path
) -> None:
    source = randomize(getattr(keras.applications, application)(weights=None, **SMALL))
    weights, image = given(source, form, tmp_path), np.ones((1, 32, 32, 3))
    name = application.lower()
    options = {"head": "dense"} if name == "vgg16" else AS_KERAS
    model = kerazoo.create_model(
        name, weights=weights, classifier_activation=None, **SMALL, **options
    )
    source.layers[-1].activation = keras.activations.linear
    np.testing.assert_allclose(model(image), source(image), rtol=1e-4)
    assert model.preprocessing == CAFFE
    features = kerazoo.create_model(name, weights=weights, include_top=False, **options)
    assert features.count_params() < model.count_params()


def changed(source: keras.Model, layers: str, **settings: Any) -> keras.Model:
    """Return a model with other settings of the layers that a pattern fits."""
    config = source.get_config()
    for layer in config["layers"]:
        if fnmatchcase(layer["config"]["name"], layers):
            layer["class_name"] = settings.get("class_name", layer["class_name"])
            layer["config"] |= {key: settings[key] for key in settings.keys() - {"class_name"}}
    return keras.Model.from_config(config)


@pytest.mark.usefixtures("thin_networks")
def test_the_graph_of_a_saved_model_is_compared(tmp_path: Path) -> None:
    source = keras.applications.VGG16(weights=None, include_top=False)
    changed(source, "block[12]_pool", strides=(1, 1)).save(tmp_path / "a.keras")
    model = kerazoo.create_model("vgg16", include_top=False)
    match = r"another network than 'vgg16': pool1 \(and 1 more\) has strides \(2, 2\), not"
    load = lambda: load_weights(model, tmp_path / "a.keras")  # noqa: E731
    assert_refused(model, load, CorruptFileError, match)


@pytest.mark.parametrize(
    ("layers", "settings", "difference"),
    [
        ("conv2_*_relu", {"activation": "elu"}, r"conv2_1_1_relu \(.* has activation relu"),
        ("conv2_block1_2_conv", {"dilation_rate": (2, 2)}, "conv2_1_2 has dilation_rate"),
        ("pool1_pool", {"class_name": "AveragePooling2D"}, "pool1 has kind MaxPooling2D, not Aver"),
    ],
)
def test_the_graph_of_keras_applications_is_compared(
    layers: str, settings: dict[str, Any], difference: str
) -> None:
    with shapes_only():
        source = changed(keras.applications.ResNet50(weights=None, **SMALL), layers, **settings)
        model = kerazoo.create_model("resnet50", **SMALL, **AS_KERAS)
    with pytest.raises(UsageError, match=f"another network than 'resnet50': {difference}"):
        load_weights(model, source)


@pytest.mark.parametrize(
    ("layers", "settings", "difference"),
    [
        ("conv2", {"activation": "sigmoid"}, "conv2 has activation relu, not sigmoid"),
        ("conv1", {"padding": "valid"}, "conv1 has padding same, not valid"),
        ("fc1", {"activation": "linear"}, "fc1 has activation relu, not linear"),
    ],
)
def test_the_graph_of_a_model_of_kerazoo_is_compared(
    layers: str, settings: dict[str, Any], difference: str
) -> None:
    model = kerazoo.create_model("mnist_cnn")
    other = kerazoo.create_model("mnist_cnn")
    if "padding" in settings:
        model, other = (kerazoo.create_model("mnist_cnn", include_top=False) for _ in range(2))
    load = lambda: load_weights(model, changed(other, layers, **settings))  # noqa: E731
    assert_refused(model, load, UsageError, f"another network than 'mnist_cnn': {difference}")


def test_the_activation_of_the_classifier_may_differ() -> None:
    source = randomize(kerazoo.create_model("mnist_cnn", classifier_activation="sigmoid"))
    model = kerazoo.create_model("mnist_cnn", weights=source)
    assert_same_weights(source, model)


@pytest.mark.parametrize(
    "form", [*FORMS[2:], *(pytest.param(f, marks=pytest.mark.full) for f in FORMS[:2])]
)
@pytest.mark.usefixtures("thin_networks")
def test_a_variant_of_keras_applications_comes_back(
    form: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options: dict[str, Any] = {"layer_names": "keras", "stride_on": "3x3", **SMALL}
    source = randomize(kerazoo.create_model("resnet50", **options))
    weights = given(source, form, tmp_path)
    assert_same_weights(source, kerazoo.create_model("resnet50", weights=weights, **options))
    assert ("may be of another graph" in caplog.text) == form.endswith(".h5")


@pytest.mark.parametrize("pooling", ["max", None])
def test_the_pooling_after_the_features_may_differ(pooling: str | None) -> None:
    model = kerazoo.create_model("resnet18", alpha=0.25, include_top=False, pooling=pooling)
    source = kerazoo.create_model("resnet18", alpha=0.25, include_top=False, pooling="avg")
    load_weights(model, source)
    assert_same_weights(model, source)


def test_merges_of_another_kind_are_refused() -> None:
    source = kerazoo.create_model("resnet18", alpha=0.25, include_top=False)
    model = kerazoo.create_model("resnet18", alpha=0.25, include_top=False)
    match = r"another network than 'resnet18': conv2_1_add has kind Add, not Average"
    other = changed(source, "conv2_1_add", class_name="Average")
    assert_refused(model, lambda: load_weights(model, other), UsageError, match)


def test_an_activation_may_be_a_layer() -> None:
    inputs = keras.Input((4,))
    model, source = (
        keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Dense(2, each, name="a")(inputs)))
        for each in ("relu", keras.layers.ReLU())
    )
    source.layers[-1].name = model.layers[-1].name
    load_weights(model, source)
    assert_same_weights(model, source)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_compiled_model_comes_back(optimizer: str, form: str, tmp_path: Path) -> None:
    source = kerazoo.create_model("mnist_cnn")
    source.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    source.fit(np.zeros((4, 28, 28, 1)), np.zeros(4), verbose=0)
    weights = given(source, form, tmp_path)
    assert_same_weights(source, kerazoo.create_model("mnist_cnn", weights=weights))
    export_weights(source, tmp_path / "b.keras", "keras")
    assert_same_weights(source, kerazoo.create_model("mnist_cnn", weights=tmp_path / "b.keras"))


@keras.saving.register_keras_serializable("kerazoo_tests")
class Subclass(keras.Model):
    """An mnist_cnn whose layers are attributes, and one a list of them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        layers = keras.layers
        self.first = layers.Conv2D(32, 3, padding="same", activation="relu", name="conv1")
        self.others = [
            layers.Conv2D(64, 3, strides=2, padding="same", activation="relu", name="conv2"),
            layers.Dense(64, "relu", name="fc1"),
        ]
        self.drop = layers.Dropout(0.5)
        self.last = layers.Dense(10, "softmax", name="output")
        self.pool, self.flatten = layers.MaxPooling2D(), layers.Flatten()

    def call(self, x: Any) -> Any:
        x = self.pool(self.others[0](self.first(x)))
        return self.last(self.drop(self.others[1](self.flatten(x))))


@pytest.mark.parametrize("form", ["object", "a.weights.h5", "a.keras"])  # Keras saves no .h5
def test_a_model_of_a_class_comes_in_every_form(form: str, tmp_path: Path) -> None:
    source = Subclass()
    images = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)
    expected = source(images)
    model = kerazoo.create_model("mnist_cnn", weights=given(source, form, tmp_path))
    np.testing.assert_allclose(model(images), expected, rtol=1e-5)


def test_lora_weights_load_once_they_are_merged(tmp_path: Path) -> None:
    source = kerazoo.create_model("mnist_cnn")
    for layer in source.layers:
        if isinstance(layer, keras.layers.Dense | keras.layers.Conv2D):
            layer.enable_lora(2)
            layer.lora_kernel_b.assign(keras.ops.ones_like(layer.lora_kernel_b))
    model = kerazoo.create_model("mnist_cnn")
    match = r"has LoRA weights in 'conv1': save it as a \.weights\.h5 file"
    assert_refused(model, lambda: load_weights(model, source, ignore=["*lora*"]), UsageError, match)
    images = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)
    load_weights(model, given(source, "a.weights.h5", tmp_path))
    np.testing.assert_allclose(model(images), source(images), rtol=1e-4)


@pytest.mark.parametrize(
    ("layer", "place", "is_reported"),
    [
        (keras.layers.Activation("tanh"), 1, True),
        (keras.layers.Rescaling(1 / 255), 0, True),
        (keras.layers.Activation("linear"), 1, False),
        (keras.layers.SpatialDropout2D(0.1), 1, False),
        (keras.layers.Softmax(), 99, False),  # after the last weights
    ],
)
def test_layers_without_weights_that_the_model_lacks_are_reported(
    layer: keras.Layer, place: int, is_reported: bool, caplog: pytest.LogCaptureFixture
) -> None:
    layers = kerazoo.create_model("mnist_cnn").layers
    layers.insert(1 + place, layer)
    source = keras.Sequential([keras.Input((28, 28, 1)), *layers[1:]])
    kerazoo.create_model("mnist_cnn", weights=source)
    reported = "has layers that 'mnist_cnn' lacks, and which may change its outputs: " + layer.name
    assert (reported in caplog.text) == is_reported


def test_how_a_model_inside_another_was_compiled_is_not_read(tmp_path: Path) -> None:
    def own_loss(y_true: Any, y_pred: Any) -> Any:
        return keras.ops.mean(y_pred)

    source = kerazoo.create_model("mnist_cnn")
    source.compile("adam", own_loss, metrics=["accuracy"])
    keras.Sequential([source, keras.layers.Dense(2)]).save(tmp_path / "a.keras")
    model = kerazoo.create_model("mnist_cnn", weights=tmp_path / "a.keras")
    assert_same_weights(source, model)


def with_backbones(*backbones: keras.Model) -> keras.Model:
    """Return a model that runs models one after the other, and classifies the sum."""
    inputs = keras.Input((32, 32, 3))
    features = [keras.layers.GlobalMaxPooling2D()(each(inputs)) for each in backbones]
    outputs = [keras.layers.Dense(2, name=f"head{i}")(each) for i, each in enumerate(features)]
    return keras.Model(inputs, outputs, name="outer")


def test_a_model_inside_another_is_found(
    form: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for source in (
        keras.applications.VGG16(weights=None, include_top=False),
        kerazoo.create_model("vgg16", include_top=False),
    ):
        weights = given(with_backbones(randomize(source)), form, tmp_path)
        caplog.clear()
        model = kerazoo.create_model("vgg16", include_top=False, weights=weights)
        assert_same_weights(source, model)
        assert caplog.messages[0].endswith("skipped head0/kernel, head0/bias")


def test_the_model_that_fits_is_taken_of_two(form: str, tmp_path: Path) -> None:
    backbones = [
        randomize(getattr(keras.applications, name)(weights=None, include_top=False))
        for name in ("VGG16", "VGG19")
    ]
    weights = given(with_backbones(*backbones), form, tmp_path)
    for source in backbones:
        model = kerazoo.create_model(source.name, include_top=False, weights=weights)
        assert_same_weights(source, model)


def test_models_inside_another_of_which_two_or_none_fit_are_named(
    form: str, tmp_path: Path
) -> None:
    first, second = (kerazoo.create_model("vgg11", include_top=False, name=name) for name in "ab")
    weights = given(with_backbones(first, second), form, tmp_path)
    model = kerazoo.create_model("vgg11", include_top=False)
    match = "has several networks that fit, which begin with 'a/', 'b/': leave out all but one"
    assert_refused(model, lambda: load_weights(model, weights), UsageError, match)
    load_weights(model, weights, ignore=["a/*"])
    assert_same_weights(model, second)
    other = kerazoo.create_model("mnist_cnn", include_top=False)
    with pytest.raises((UsageError, CorruptFileError), match=r"it holds the models 'a', 'b'$"):
        load_weights(other, weights)


def test_what_a_model_inside_another_knows_is_kept() -> None:
    source = kerazoo.create_model("mnist_cnn", weights="mnist")
    outer = keras.Sequential([source, keras.layers.Dense(2)])
    model = kerazoo.create_model("mnist_cnn", weights=outer)
    assert_same_weights(model, source)
    assert model.preprocessing == UNIT


@pytest.mark.usefixtures("thin_networks")
def test_another_number_of_classes_says_the_way_out(form: str, tmp_path: Path) -> None:
    source = randomize(keras.applications.VGG16(weights=None, **SMALL))
    weights = given(source, form, tmp_path)
    model = kerazoo.create_model("vgg16", head="dense", **{**SMALL, "classes": 9})
    match = (
        r"is for classes=4 and 'vgg16' for 9: build the model with classes=4 or include_top="
        r"False, give it a new last layer with kerazoo.new_head\(model, 9\), or keep the one that "
        r"it has with load_weights\(..., ignore=\['predictions/\*'\]\)$"
    )
    assert_refused(model, lambda: load_weights(model, weights), UsageError, match)
    before = model.get_layer("fc8").get_weights()
    load_weights(model, weights, ignore=["predictions/*"])
    np.testing.assert_array_equal(before[0], model.get_layer("fc8").get_weights()[0])
    np.testing.assert_array_equal(model.get_weights()[0], source.get_weights()[0])


def test_a_file_of_kerazoo_knows_its_names_and_preprocessing(tmp_path: Path) -> None:
    source = kerazoo.create_model("vgg16", layer_names="keras", head="dense", **SMALL)
    source.preprocessing = UNIT
    export_weights(source, tmp_path / "a.keras", "keras")
    model = kerazoo.create_model("vgg16", weights=tmp_path / "a.keras", head="dense", **SMALL)
    assert_same_weights(source, model)
    assert model.preprocessing == UNIT


@pytest.mark.parametrize("name", ["a.weights.h5", "a.h5"])
def test_bfloat16_is_read(name: str, tmp_path: Path) -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("bfloat16")
    try:
        source = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="d")])
        given(source, name, tmp_path)
    finally:
        keras.config.set_dtype_policy(before)
    weights, nested = h5.read(tmp_path / name)
    assert weights["d/kernel"].dtype == ml_dtypes.bfloat16
    expected = np.array(source.weights[0], np.float32)
    np.testing.assert_array_equal(weights["d/kernel"].astype(np.float32), expected)
    assert not nested


def test_two_layers_of_one_name_are_refused(tmp_path: Path) -> None:
    source = kerazoo.create_model("mnist_cnn")
    source.save_weights(tmp_path / "a.weights.h5")
    with h5py.File(tmp_path / "a.weights.h5", "a") as file:
        file["layers/conv2d_1/vars"].attrs["name"] = "conv1"
    with pytest.raises(CorruptFileError, match="has two layers 'conv1'"):
        load_weights(kerazoo.create_model("mnist_cnn"), tmp_path / "a.weights.h5")
