"""`kerazoo convert` as a user types it."""

import gc
import itertools
import logging
import re
from pathlib import Path

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.cli import main
from kerazoo.convert import native
from kerazoo.convert.convert import convert
from kerazoo.registry import ModelConfig
from kerazoo.weights import checkpoint_writer, export_weights, slim
from kerazoo.weights.preprocessing import UNIT
from kerazoo.weights.selection import Selection
from tests.helpers.checkpoints import assert_same_weights, cut_short

pytestmark = pytest.mark.usefixtures("tensorflow_started")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    model = kerazoo.create_model("mnist_cnn")
    model.preprocessing = UNIT
    export_weights(model, tmp_path / "a.keras", "keras")
    return tmp_path / "a.keras"


def test_mnist_cnn_goes_to_tf1_and_back(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there, back = tmp_path / "b.ckpt", tmp_path / "c.keras"
    assert main(["convert", str(saved), str(there)]) == 0
    assert main(["convert", str(there), str(back)]) == 0
    out, err = capsys.readouterr()
    first, second, *_ = out.splitlines()
    assert re.fullmatch(r"relative difference .*, absolute .*, of outputs \[100, 10\]", first)
    assert second == f'wrote {there}: create_model("mnist_cnn")'
    assert err.splitlines()[1] == f'{saved} is create_model("mnist_cnn"), 220,234 parameters'
    powers = "train/beta1_power, train/beta2_power"
    skipped = f"skipped {powers}, 8 tensors .../Adam, 8 tensors .../Adam_1"
    assert f"kerazoo: warning: '{there}': {skipped}" in err.splitlines()
    assert_same_weights(*(keras.models.load_model(path, safe_mode=True) for path in (saved, back)))
    assert kerazoo.create_model("mnist_cnn", weights=back).preprocessing == UNIT


@pytest.mark.largest
@pytest.mark.usefixtures("width")
def test_vgg_goes_from_library_to_library(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    keras_model = keras.applications.VGG16(weights=None, classes=5)
    first, slim, last = (tmp_path / name for name in ("a.weights.h5", "b.ckpt", "c.h5"))
    keras_model.save_weights(first)
    for source, target in ((first, slim), (slim, last)):
        result = convert(str(source), target)
        assert result.difference.relative <= 1e-5
        assert result.config == ModelConfig("vgg16", {"classes": 5})
        gc.collect()  # models are made of cycles
    call = 'create_model("vgg16", classes=5)'
    assert caplog.messages[0] == f"{first} is {call}, {keras_model.count_params():,} parameters"
    assert "expect images as" in caplog.messages[1]
    back = keras.applications.VGG16(weights=last, classes=5)
    assert_same_weights(keras_model, back)


def test_features_alone_are_converted_too(
    width: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    keras.applications.VGG19(weights=None, include_top=False).save_weights(
        tmp_path / "a.weights.h5"
    )
    result = convert(str(tmp_path / "a.weights.h5"), tmp_path / "b.keras")
    params, channels = {"full": ("20,024,384", 512), "thin": ("78,644", 32)}[width]
    call = 'create_model("vgg19", include_top=False)'
    assert caplog.messages[0].endswith(f" is {call}, {params} parameters")
    assert result.outputs == (2, 7, 7, channels)


@pytest.mark.parametrize("further", [[], pytest.param(["c.h5"], marks=pytest.mark.full)])
@pytest.mark.usefixtures("thin_networks")
def test_the_options_of_the_other_graph_are_found_and_written(
    further: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    resnet = keras.applications.ResNet50(weights=None, classes=5, input_shape=(32, 32, 3))
    resnet.save_weights(tmp_path / "a.weights.h5")
    call = (
        'create_model("resnet50", classes=5, use_bias=True, pool_padding="symmetric", '
        "epsilon=1.001e-05)"
    )
    for source, target in itertools.pairwise(["a.weights.h5", "b.keras", *further]):
        assert main(["convert", str(tmp_path / source), str(tmp_path / target)]) == 0
        assert capsys.readouterr().out.endswith(f"wrote {tmp_path / target}: {call}\n")


def test_photos_have_the_size_that_the_model_takes(tmp_path: Path) -> None:
    model = kerazoo.create_model("alexnet", alpha=1 / 16)
    export_weights(model, tmp_path / "a.keras", "keras")
    result = convert(str(tmp_path / "a.keras"), tmp_path / "b.keras")
    assert (result.outputs, result.difference.relative) == ((2, 1000), 0)


def test_a_wrong_conversion_is_not_written(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = native.run
    monkeypatch.setattr(
        native,
        "run",
        lambda path, *rest: run(path, *rest) * (1.001 if path != saved else 1),
    )
    target = tmp_path / "b.ckpt"
    assert main(["convert", str(saved), str(target)]) == 1
    assert "was not written: its outputs differ from those of" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["a.keras"]


def test_an_existing_file_is_kept_without_overwrite(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "b.ckpt"
    arguments = ["convert", str(saved), str(target)]
    assert main(arguments) == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert main(arguments) == 2
    assert "b.ckpt.index' exists" in capsys.readouterr().err
    cut_short(saved)
    assert main([*arguments, "--overwrite"]) == 4
    del before["a.keras"]
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path != saved}
    assert after == before


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    model = kerazoo.create_model("mnist_cnn", weights="mnist")
    return {weight.path: weight.numpy() for weight in model.weights}


def weights_of(path: Path) -> dict[str, np.ndarray]:
    model = kerazoo.create_model("mnist_cnn", weights=path)
    return {weight.path: weight.numpy() for weight in model.weights}


def test_a_tf1_checkpoint_without_slots_is_converted(
    arrays: dict[str, np.ndarray], tmp_path: Path
) -> None:
    checkpoint_writer.write(tmp_path / "a", {f"cnn/{name}": arrays[name] for name in arrays})
    assert main(["convert", str(tmp_path / "a"), str(tmp_path / "b.keras")]) == 0
    for name, value in weights_of(tmp_path / "b.keras").items():
        np.testing.assert_array_equal(value, arrays[name])


def test_averages_renamed_and_ignored_names_are_converted(
    arrays: dict[str, np.ndarray], tmp_path: Path
) -> None:
    average = "/ExponentialMovingAverage"
    tensors = {f"my_{name}{average}": value for name, value in arrays.items()}
    tensors |= {f"my_{name}": value + 1 for name, value in arrays.items()}
    tensors["head/kernel"] = np.ones(3, np.float32)
    checkpoint_writer.write(tmp_path / "a", tensors)
    options = ["--rename", "^my_=", "--ignore", "head/*"]
    for target, more, extra in (("b.keras", [], 0), ("c.keras", ["--no-averages"], 1)):
        code = main(["convert", str(tmp_path / "a"), str(tmp_path / target), *options, *more])
        assert code == 0
        for name, value in weights_of(tmp_path / target).items():
            np.testing.assert_array_equal(value, arrays[name] + extra)


@pytest.mark.parametrize(
    "network",
    [
        "vgg_a",
        "alexnet_v2",
        *(pytest.param(name, marks=pytest.mark.full) for name in ("resnet_v1_50", "inception_v1")),
    ],
)
@pytest.mark.usefixtures("thin_networks")
def test_the_features_of_a_slim_checkpoint_are_converted(network: str, tmp_path: Path) -> None:
    (match,) = (each for each in slim.NETWORKS if each.name == network)
    config = match.config
    source = kerazoo.create_model(config.name, classes=4, **config.options)
    export_weights(source, tmp_path / "a.ckpt", "slim")
    top = [f"*/{match.layers[layer]}/*" for layer in match.top]
    selection = Selection(ignore=top)
    result = convert(str(tmp_path / "a.ckpt"), tmp_path / "b.keras", selection=selection)
    assert result.config == ModelConfig(config.name, {**config.options, "include_top": False})
    assert len(result.outputs) == 4
    assert result.difference.relative <= 1e-5


@pytest.mark.usefixtures("thin_networks")
def test_a_network_inside_another_model_is_converted(tmp_path: Path) -> None:
    inner = keras.applications.VGG16(weights=None, include_top=False, input_shape=(64, 64, 3))
    outer = keras.Sequential([inner, keras.layers.Flatten(), keras.layers.Dense(2)])
    outer.save(tmp_path / "a.keras")
    outer.save_weights(tmp_path / "a.weights.h5")
    for name in ("a.keras", "a.weights.h5"):
        result = convert(str(tmp_path / name), tmp_path / f"b-{name}.keras")
        assert result.config == ModelConfig("vgg16", {"include_top": False})
        model = kerazoo.create_model(
            "vgg16", include_top=False, weights=tmp_path / f"b-{name}.keras"
        )
        assert_same_weights(inner, model)


@pytest.mark.parametrize(
    ("source", "target", "code", "message"),
    [
        ("nowhere", "b.keras", 2, "there is no file and no checkpoint 'nowhere'"),
        ("nowhere.h5", "b.keras", 2, "there is no file and no checkpoint 'nowhere.h5'"),
        ("a.keras", "b.npz", 2, "must end with .keras, .h5, .weights.h5 or .ckpt"),
        ("a.keras", "no/b.keras", 1, "the directory 'no' does not exist"),
        ("a.keras", "b.h5", 2, "keras.applications has no 'mnist_cnn'"),
        ("keras.applications:VGG17", "b.h5", 2, "choose one of keras.applications:VGG16,"),
        ("keras.applications:vgg16", "b.h5", 2, "is unknown (did you mean 'VGG16'?); choose one"),
        ("", "b.keras", 2, "the path is empty"),
        ("x" * 5000, "b.keras", 2, "no file can have the path"),
        ("a.keras", "b.keras --rename fc1", 2, "'fc1' is not OLD=NEW"),
        ("a.keras", "b.keras --rename (=x", 2, "is not a regular expression and its replacement"),
        ("a.keras", "b.keras --rename nothing=x", 2, "rename: 'nothing' fits no name in 'a.keras'"),
        ("a.keras", "b.keras --ignore nothing", 2, "ignore: 'nothing' fits no name in 'a.keras'"),
        ("a.keras", "b.keras --ignore conv1/*", 2, "leaves conv1/kernel, conv1/bias of"),
        ("text.h5", "b.keras", 4, "is no complete file of Keras's weights"),
        ("text.keras", "b.keras", 4, "is not a complete .keras file"),
        ("text", "b.keras", 4, "is neither a .keras nor an .h5 file nor a checkpoint"),
        ("other.keras", "b.keras", 2, "the model of 'other.keras' is unknown: give --model NAME"),
        (
            "a.keras",
            "b.keras --model lenet5",
            4,
            "'a.keras' does not fit 'lenet5': c1/kernel is missing",
        ),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    source: str,
    target: str,
    code: int,
    message: str,
    saved: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(saved.parent)
    for name in ("text", "text.h5", "text.keras"):
        Path(name).write_text("not weights")
    inputs = keras.Input((4,))
    keras.Model(inputs, keras.layers.Dense(2)(inputs)).save("other.keras")
    before = sorted(path.name for path in Path().iterdir())
    assert main(["convert", source, *target.split()]) == code
    err = capsys.readouterr().err
    assert message in err
    assert sum(line.startswith("kerazoo: ") for line in err.splitlines()) == 1
    assert "Traceback" not in err
    assert sorted(path.name for path in Path().iterdir()) == before
