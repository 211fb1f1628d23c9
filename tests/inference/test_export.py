"""Exports run by their own runtimes; what differs, or cannot be, is reported."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.cli import main
from kerazoo.data.image_io import to_shape
from kerazoo.errors import KerazooError, UsageError
from kerazoo.inference import export as module
from kerazoo.inference.classifier import Classifier
from kerazoo.inference.export import export
from kerazoo.inference.export_model import SplitConv2D, model_to_export
from kerazoo.inference.formats import FORMATS
from kerazoo.inference.runtimes import RUNTIMES
from tests.helpers.thin import takes_alpha

OTHERS = [name for name in FORMATS if name != "keras"]
# With groups, local response normalization and a table of connections; the others by --full.
QUICK = ("alexnet", "lenet5", "mnist_cnn")
SHAPES = {"mnist_cnn": (28, 28, 1), "lenet5": (32, 32, 1)}
MINIMUM = {"alexnet": 67, "alexnet_v2": 67, "zfnet": 53}


def small(name: str) -> keras.Model:
    """Return a narrow network of small images with random weights."""
    keras.utils.set_random_seed(0)
    side = MINIMUM.get(name, 32)
    options: dict[str, Any] = {"input_shape": SHAPES.get(name, (side, side, 3)), "classes": 10}
    if takes_alpha(name):
        options["alpha"] = 0.25
    if name.startswith("vgg"):
        options["head"] = "dense"
    return kerazoo.create_model(name, **options)


def networks() -> list[Any]:
    every = kerazoo.list_models()
    return [pytest.param(name, marks=() if name in QUICK else pytest.mark.full) for name in every]


@pytest.mark.parametrize("format", OTHERS)
@pytest.mark.parametrize("name", networks())
def test_every_network_has_the_same_scores_in_every_format(
    name: str, format: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    report = export(small(name), format, tmp_path / f"model{FORMATS[format]}")
    assert report.difference < 1e-4
    assert report.size == sum(each.stat().st_size for each in tmp_path.rglob("*") if each.is_file())
    assert report.latency > 0
    assert [each.name for each in tmp_path.iterdir()] == [f"model{FORMATS[format]}"]
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("format", OTHERS)
def test_with_its_preprocessing_it_takes_images_of_any_size_and_names_classes(
    format: str, tmp_path: Path
) -> None:
    model = kerazoo.load("lenet5")
    path = tmp_path / f"model{FORMATS[format]}"
    export(model, format, path, with_preprocessing=True)
    run = RUNTIMES[format]()(path)
    images = np.random.default_rng(5).integers(0, 256, (3, 45, 70, 3)).astype(np.uint8)
    outputs = run(images)
    inputs = to_shape(images, model.input_shape[1:])
    expected = model.predict(inputs, verbose=0)
    np.testing.assert_allclose(outputs["scores"], expected, atol=1e-4)
    names = [each.decode() if isinstance(each, bytes) else each for each in outputs["classes"]]
    assert names == [str(each) for each in expected.argmax(axis=1)]


@pytest.mark.parametrize("name", ["resnet18", "vgg11"])
def test_what_the_weights_expect_is_part_of_the_preprocessing(name: str) -> None:
    """BGR minus a mean, of an image that shrinks one way and grows the other."""
    model = small(name)
    caffe = kerazoo.weights.preprocessing.CAFFE
    model.preprocessing = caffe
    exported = model_to_export(Classifier.of(model), with_preprocessing=True)
    images = np.random.default_rng(5).integers(0, 256, (2, 20, 70, 3)).astype(np.uint8)
    resized = np.asarray(to_shape(images, (32, 32, 3)))[..., ::-1] * 255
    expected = model.predict(resized - caffe.mean, verbose=0)
    np.testing.assert_allclose(exported(images)["scores"], expected, rtol=1e-3, atol=1e-5)


def test_groups_are_split_into_convolutions() -> None:
    options: dict[str, Any] = {"strides": 2, "padding": "same", "groups": 2}
    grouped, split = keras.layers.Conv2D(8, 3, **options), SplitConv2D(8, 3, **options)
    x = np.random.default_rng(0).random((2, 9, 9, 4)).astype(np.float32)
    grouped(x), split(x)
    split.set_weights([np.random.default_rng(1).random(each.shape) for each in grouped.weights])
    grouped.set_weights(split.get_weights())
    np.testing.assert_allclose(split(x), grouped(x), rtol=1e-5)


def test_mixed_precision_is_exported_in_float32(tmp_path: Path) -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = small("mnist_cnn")
    finally:
        keras.config.set_dtype_policy("float32")
    report = export(model, "tflite", tmp_path / "m.tflite", tolerance=0.05)
    assert 1e-4 < report.difference < 0.05  # that of bfloat16


def test_a_difference_above_the_tolerance_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("kerazoo.device.start_tensorflow", lambda deterministic=True: None)
    arguments = ["export", "mnist_cnn", "--to", "tflite", "--quiet", "--format", "json"]
    assert main(arguments) == 0
    row = json.loads(capsys.readouterr().out)["rows"][0]
    assert (row["format"], row["path"]) == ("tflite", "mnist_cnn.tflite")
    written = Path("mnist_cnn.tflite").read_bytes()
    assert main([*arguments, "--tolerance", "1e-12"]) == 1
    assert "would differ by" in capsys.readouterr().err
    assert Path("mnist_cnn.tflite").read_bytes() == written


def test_the_model_itself_is_not_exported_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("kerazoo.device.start_tensorflow", lambda deterministic=True: None)
    export(kerazoo.load("mnist_cnn"), "keras", "m.keras")
    assert main(["export", "m.keras", "--to", "keras", "--out", "./m.keras", "--quiet"]) == 2
    assert "is the model itself" in capsys.readouterr().err


def test_an_onnx_file_names_its_inputs_outputs_and_classes(tmp_path: Path) -> None:
    import onnxruntime

    export(kerazoo.load("mnist_cnn"), "onnx", path := tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(path.read_bytes())
    assert [each.name for each in session.get_inputs()] == ["images"]
    assert [each.name for each in session.get_outputs()] == ["scores"]
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["class_names"]) == list("0123456789")


def test_another_class_than_the_scores_say_is_an_infinite_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = model_to_export

    def with_other_names(classifier: Classifier, any_size: bool) -> keras.Model:
        names = classifier.class_names[::-1]
        return made(Classifier(classifier.model, names, classifier.image_shape), any_size)

    monkeypatch.setattr(module, "model_to_export", with_other_names)
    with pytest.raises(KerazooError, match="differ by inf, more than the tolerance of "):
        export(kerazoo.load("mnist_cnn"), "onnx", tmp_path / "m.onnx", with_preprocessing=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"format": "pb"}, "format must be 'saved_model', 'tflite', 'onnx' or 'keras'"),
        ({"format": "onnx", "path": "m.tflite"}, "'m.tflite' must end with .onnx"),
        ({"format": "saved_model", "path": "."}, "'.' exists: name a new directory"),
        (
            {"format": "keras", "path": "m.keras", "with_preprocessing": True},
            "has no preprocessing",
        ),
        ({"format": "onnx", "tolerance": 0}, "tolerance must be a positive number"),
    ],
)
def test_impossible_arguments(
    arguments: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message):
        export(small("mnist_cnn"), **arguments)
    assert not list(tmp_path.iterdir())


def test_a_layer_that_a_format_lacks_is_reported(tmp_path: Path) -> None:
    """An erf of float64 is no operation of LiteRT; an existing file stays."""
    inputs = keras.Input((4, 4, 1))
    x = keras.layers.Flatten()(inputs)
    x = keras.ops.cast(keras.ops.erfinv(keras.ops.cast(x, "float64")), "float32")
    model = keras.Model(inputs, keras.layers.Dense(2)(x))
    path = tmp_path / "m.tflite"
    path.write_text("earlier")
    with pytest.raises(KerazooError, match="cannot be exported to tflite: "):
        export(model, "tflite", path)
    assert path.read_text() == "earlier"


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(KerazooError, match="onnx needs onnxruntime: pip install 'kerazoo"):
        export(small("mnist_cnn"), "onnx", tmp_path / "m.onnx")


def test_keras_files_are_read_back(tmp_path: Path) -> None:
    report = export(kerazoo.load("mnist_cnn"), "keras", tmp_path / "m.keras")
    assert report.difference == 0
    assert kerazoo.load(report.path).kerazoo_card.class_names == tuple("0123456789")
