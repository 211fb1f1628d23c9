"""VGG16 and VGG19 of keras.applications, in and out: objects, both forms of files, the download."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.compat import shapes_only
from kerazoo.data.photos import center_crop, sample_photos
from kerazoo.errors import CorruptFileError, DataMissingError, UsageError
from kerazoo.weights import export_weights, keras_applications, load_weights
from kerazoo.weights.keras_applications import as_model
from kerazoo.weights.networks import named_weights
from kerazoo.weights.preprocessing import CAFFE
from tests.helpers import thin
from tests.helpers.checkpoints import (
    assert_refused,
    assert_same_weights,
    cut_short,
    relative_error,
)

VGGS = {"vgg16": "VGG16", "vgg19": "VGG19"}
RESNETS = {"resnet50": "ResNet50", "resnet101": "ResNet101", "resnet152": "ResNet152"}
DEEPER = ("resnet101", "resnet152")  # the units of resnet50, more often
AS_KERAS: dict[str, Any] = {"use_bias": True, "pool_padding": "symmetric", "epsilon": 1.001e-5}


def application(name: str) -> Callable[..., keras.Model]:
    return getattr(keras.applications, (VGGS | RESNETS)[name])


@pytest.fixture(scope="module")
def photos() -> np.ndarray:
    images = center_crop(sample_photos(), 224)
    return keras.applications.vgg16.preprocess_input(images.copy())


def assert_both_ways(
    keras_model: keras.Model, name: str, photos: np.ndarray, **options: Any
) -> None:
    """Assert that the port gives the scores of a model of keras.applications, and gives it back."""
    wanted = keras_model(photos).numpy()
    model = kerazoo.create_model(name, weights=keras_model, classifier_activation=None, **options)
    assert relative_error(wanted, model(photos).numpy()) <= 1e-5
    assert model.preprocessing == CAFFE
    assert_same_weights(keras_model, as_model(model))


@pytest.mark.largest
@pytest.mark.parametrize("head", ["conv", "dense"])
@pytest.mark.parametrize("name", VGGS)
@pytest.mark.usefixtures("width")
def test_a_vgg_and_the_port_agree_both_ways(name: str, head: str, photos: np.ndarray) -> None:
    keras_model = application(name)(weights=None, classifier_activation=None)
    assert_both_ways(keras_model, name, photos, head=head)


@pytest.mark.parametrize(
    ("name", "width"), thin.both_widths(RESNETS, full=DEEPER), indirect=["width"]
)
@pytest.mark.usefixtures("width")
def test_a_resnet_and_the_port_agree_both_ways(name: str, photos: np.ndarray) -> None:
    keras_model = application(name)(weights=None, classifier_activation=None, classes=10)
    randomize(keras_model)
    assert_both_ways(keras_model, name, photos, classes=10, **AS_KERAS)


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ({"use_bias": False}, 'pool_padding="symmetric", epsilon=1.001e-05'),
        ({"pool_padding": "same"}, "use_bias=True, epsilon=1.001e-05"),
        ({"epsilon": 1e-5}, 'use_bias=True, pool_padding="symmetric"'),
        (
            {"stride_on": "3x3"},
            'stride_on="3x3", use_bias=True, pool_padding="symmetric", epsilon=1.001e-05',
        ),
    ],
)
def test_a_resnet_of_another_graph_is_refused(changes: dict[str, object], options: str) -> None:
    keras_model = keras.applications.ResNet50(weights=None, include_top=False)
    model = kerazoo.create_model("resnet50", include_top=False, **{**AS_KERAS, **changes})
    match = (
        r'^ResNet50 of keras.applications is create_model\("resnet50", use_bias=True, '
        r'pool_padding="symmetric", epsilon=1.001e-05\), and '
        rf"'resnet50' is create_model\(\"resnet50\", {options}\)$"
    )
    assert_refused(model, lambda: load_weights(model, keras_model), UsageError, match)


def test_a_graph_whose_layers_have_other_names_is_compared_too() -> None:
    source = kerazoo.create_model("resnet50", use_bias=True, include_top=False)
    model = kerazoo.models.ResNet50(include_top=False)
    match = r"another network than 'resnet50': conv1_bn \(and 52 more\) has epsilon 1.001e-05"
    assert_refused(model, lambda: load_weights(model, source), UsageError, match)


@pytest.mark.parametrize("ending", [pytest.param(".h5", marks=pytest.mark.full), ".weights.h5"])
@pytest.mark.usefixtures("width")
def test_resnet_files_go_both_ways(ending: str, tmp_path: Path) -> None:
    image = np.random.default_rng(0).normal(scale=60, size=(1, 96, 96, 3))
    keras_model = keras.applications.ResNet50(weights=None, classes=7, input_shape=(96, 96, 3))
    randomize(keras_model)
    path = tmp_path / f"a{ending}"
    if ending == ".h5":
        write_official(path, keras_model)
    else:
        keras_model.save_weights(path)
    model = kerazoo.create_model(
        "resnet50", weights=path, classes=7, input_shape=(96, 96, 3), **AS_KERAS
    )
    assert relative_error(keras_model(image).numpy(), model(image).numpy()) <= 1e-5
    export_weights(model, tmp_path / f"b{ending}", "keras_applications")
    again = keras.applications.ResNet50(
        weights=tmp_path / f"b{ending}", classes=7, input_shape=(96, 96, 3)
    )
    assert_same_weights(keras_model, again)


@pytest.mark.parametrize("name", VGGS | RESNETS)
@pytest.mark.usefixtures("full_width")
def test_every_weight_has_a_name_and_a_shape_in_keras_applications(name: str) -> None:
    with shapes_only():
        keras_weights = named_weights(application(name)(weights=None))
        options = AS_KERAS if name in RESNETS else {"head": "dense"}
        model = kerazoo.create_model(name, **options)
    network = keras_applications.network_of(model)
    shapes = {
        f"{network.layers[key.split('/')[0]]}/{key.split('/')[1]}": weight.shape
        for key, weight in named_weights(model).items()
    }
    assert shapes == {key: weight.shape for key, weight in keras_weights.items()}
    assert list(network.layers)[-1] == network.top[-1]


def randomize(model: keras.Model) -> None:
    """Give batch normalization and biases values that a test can tell apart."""
    rng = np.random.default_rng(1)
    for weight in model.weights:
        if len(weight.shape) == 1:
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))


@pytest.mark.largest
@pytest.mark.parametrize("ending", [".h5", ".weights.h5"])
@pytest.mark.usefixtures("width")
def test_files_go_both_ways(ending: str, photos: np.ndarray, tmp_path: Path) -> None:
    model = kerazoo.create_model("vgg16", classes=7)
    path = tmp_path / f"vgg16{ending}"
    export_weights(model, path, "keras_applications")
    wanted = model(photos).numpy()
    keras_model = keras.applications.VGG16(weights=None, classes=7)
    keras_model.load_weights(path)
    assert relative_error(wanted, keras_model(photos).numpy()) <= 1e-5
    for head in ("conv", "dense"):
        again = kerazoo.create_model("vgg16", weights=path, classes=7, head=head)
        assert relative_error(wanted, again(photos).numpy()) <= 1e-5
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


NORM = ("gamma", "beta", "running_mean", "running_std")


def write_official(path: Path, model: keras.Model) -> None:
    """Write the weights as the official files have them, named by their first Keras."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in model.layers:
            group = file.create_group(layer.name)
            kinds = ("W", "b") if len(layer.weights) < 4 else NORM
            names = [f"{layer.name}_{kind}_1:0" for kind in kinds[: len(layer.weights)]]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, layer.weights, strict=True):
                group[name] = weight.numpy()


def test_the_official_file_without_a_top(tmp_path: Path) -> None:
    keras_model = keras.applications.VGG19(weights=None, include_top=False)
    write_official(tmp_path / "notop.h5", keras_model)
    model = kerazoo.create_model("vgg19", include_top=False, weights=tmp_path / "notop.h5")
    image = np.random.default_rng(0).random((1, 64, 64, 3))
    assert relative_error(keras_model(image).numpy(), model(image).numpy()) <= 1e-5


def test_a_saved_model_is_read_for_its_weights_alone(tmp_path: Path) -> None:
    keras_model = keras.applications.VGG16(weights=None, include_top=False)
    keras_model.save(tmp_path / "model.h5")
    with h5py.File(tmp_path / "model.h5", "a") as file:
        file.attrs["model_config"] = b"this would fail if it were read"
    model = kerazoo.create_model("vgg16", include_top=False, weights=tmp_path / "model.h5")
    assert_same_weights(keras_model, model)


def test_imagenet_is_what_keras_fetches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keras_model = keras.applications.VGG16(weights=None, include_top=False)
    write_official(tmp_path / "notop.h5", keras_model)
    requested: list[str] = []

    def get_file(name: str, *_: Any, **__: Any) -> str:
        requested.append(name)
        print("Downloading")
        return str(tmp_path / "notop.h5")

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    model = kerazoo.create_model("vgg16", include_top=False, weights="imagenet")
    assert requested == ["vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"]
    assert capsys.readouterr() == ("", "Downloading\n")
    assert model.preprocessing == CAFFE
    assert_same_weights(keras_model, model)


@pytest.mark.parametrize(
    ("raised", "error", "message"),
    [
        (Exception("URL fetch failure on ..."), DataMissingError, "cannot be downloaded: check"),
        (ValueError("Incomplete or corrupted"), CorruptFileError, "weights of VGG19 are damaged"),
    ],
)
def test_a_download_that_fails_is_one_sentence(
    raised: Exception,
    error: type[UsageError],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def get_file(*_: Any, **__: Any) -> str:
        raise raised

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    model = kerazoo.create_model("vgg19", include_top=False)
    assert_refused(model, lambda: load_weights(model, "imagenet"), error, message)


def test_other_networks_are_refused(tmp_path: Path) -> None:
    keras_model = keras.applications.VGG19(weights=None, include_top=False)
    model = kerazoo.create_model("vgg16", include_top=False)
    match = "the model 'vgg19' does not fit 'vgg16': block3_conv4/kernel is unexpected"
    assert_refused(model, lambda: load_weights(model, keras_model), UsageError, match)
    for name, match in (
        ("vgg11", "keras.applications has no 'vgg11'"),
        ("vgg16c", "keras.applications has no 'vgg16c': it has VGG16, VGG19, ResNet50"),
        ("resnet18", "keras.applications has no 'resnet18'"),
    ):
        other = kerazoo.create_model(name, include_top=False)
        with pytest.raises(UsageError, match=match):
            export_weights(other, tmp_path / "x.h5", "keras_applications")
    with pytest.raises(UsageError, match=r"go to a .weights.h5 or .h5 file"):
        export_weights(model, tmp_path / "x.keras", "keras_applications")
    headless = kerazoo.create_model("vgg16", classes=0)
    with pytest.raises(UsageError, match="VGG16 ends with fc8 or before its top; 'vgg16'"):
        export_weights(headless, tmp_path / "x.h5", "keras_applications")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def official(tmp_path: Path) -> Path:
    path = tmp_path / "vgg16.h5"
    write_official(path, keras.applications.VGG16(weights=None, include_top=False))
    return path


def rename(file: h5py.File, key: str, *names: str) -> None:
    file.attrs[key] = [name.encode() for name in names]


def drop(file: h5py.File) -> None:
    names = map(str, file.attrs["layer_names"])
    rename(file, "layer_names", *(name for name in names if name != "block3_conv2"))


def reshape(file: h5py.File) -> None:
    del file["block1_conv1/block1_conv1_W_1:0"]
    file["block1_conv1/block1_conv1_W_1:0"] = np.ones((3, 3, 4, 3), np.float32)


def add(file: h5py.File) -> None:
    file.copy("block1_conv1", "block6_conv1")
    rename(file, "layer_names", *map(str, file.attrs["layer_names"]), "block6_conv1")


def add_again(file: h5py.File) -> None:
    file.copy("block1_conv1", "conv1_1")
    rename(file, "layer_names", *map(str, file.attrs["layer_names"]), "conv1_1")


def add_third(file: h5py.File) -> None:
    group = file["block1_conv1"]
    group["more"] = np.ones(3, np.float32)
    rename(group, "weight_names", *map(str, group.attrs["weight_names"]), "more")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (drop, "block3_conv2/kernel is missing, block3_conv2/bias is missing$"),
        (reshape, "block1_conv1/kernel is 3x3x4x3 where conv1_1/kernel is 3x3x3x4$"),
        (add_again, "conv1_1/kernel is unexpected, conv1_1/bias is unexpected; leave"),
        (add, "block6_conv1/kernel is unexpected, block6_conv1/bias is unexpected; leave"),
        (add_third, "block1_conv1/weight 3 is unexpected; leave"),
        (lambda file: file.attrs.pop("layer_names"), "is no complete file of Keras's weights"),
        (lambda file: file.__delitem__("block2_conv1"), "is no complete file of Keras's weights"),
    ],
)
def test_files_that_do_not_fit_are_refused(change: Any, match: str, official: Path) -> None:
    with h5py.File(official, "a") as file:
        change(file)
    model = kerazoo.create_model("vgg16", include_top=False)
    assert_refused(model, lambda: load_weights(model, official), CorruptFileError, match)


@pytest.mark.parametrize("content", [b"", b"no HDF5", None])
def test_files_that_are_no_hdf5_are_refused(content: bytes | None, official: Path) -> None:
    if content is None:
        cut_short(official)
    else:
        official.write_bytes(content)
    model = kerazoo.create_model("vgg16", include_top=False)
    match = "is no complete file of Keras's weights"
    assert_refused(model, lambda: load_weights(model, official), CorruptFileError, match)


def test_a_dense_head_of_another_size_does_not_become_a_conv_head() -> None:
    wide = kerazoo.create_model("vgg16", head="dense", input_shape=(256, 256, 3), classes=2)
    conv = kerazoo.create_model("vgg16", classes=2)
    match = "fc6/kernel is 2048x256 where fc6/kernel is 7x7x32x256$"
    assert_refused(conv, lambda: load_weights(conv, wide), UsageError, match)
