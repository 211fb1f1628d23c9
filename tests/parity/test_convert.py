"""`kerazoo convert` and `kerazoo parity` as a user types them."""

from __future__ import annotations

import gc
from pathlib import Path

import keras
import pandas as pd
import pytest

import kerazoo
from kerazoo import arguments
from kerazoo.cli import main
from kerazoo.parity import compare, native
from kerazoo.parity.convert import convert
from kerazoo.weights import export_weights
from kerazoo.weights.preprocessing import UNIT
from tests.helpers.checkpoints import assert_same_weights, cut_short


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow has begun already."""
    monkeypatch.setattr(arguments, "start", lambda: "a device")
    monkeypatch.setattr("kerazoo.parity.command.start", lambda: "a device")


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
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{saved} is mnist_cnn, 220,234 parameters"
    assert lines[1].startswith("largest difference on 100 images, outputs [100, 10]: ")
    assert lines[2] == f"written to {there}"
    assert lines[4].startswith("left out: train/beta1_power, train/beta2_power, 8 slots Adam")
    assert_same_weights(*(keras.models.load_model(path, safe_mode=True) for path in (saved, back)))
    assert kerazoo.create_model("mnist_cnn", weights=back).preprocessing == UNIT


@pytest.mark.largest
@pytest.mark.usefixtures("width")
def test_vgg_goes_from_zoo_to_zoo(tmp_path: Path) -> None:
    theirs = keras.applications.VGG16(weights=None, classes=5)
    first, slim, last = (tmp_path / name for name in ("a.weights.h5", "b.ckpt", "c.h5"))
    theirs.save_weights(first)
    told: list[str] = []
    for source, target in ((first, slim), (slim, last)):
        assert convert(str(source), target, say=told.append).relative <= 1e-5
        gc.collect()  # models are made of cycles
    assert told[0] == f"{first} is vgg16, {theirs.count_params():,} parameters"
    assert "expect images as" in told[1]
    back = keras.applications.VGG16(weights=last, classes=5)
    assert_same_weights(theirs, back)


def test_features_alone_are_converted_too(width: str, tmp_path: Path) -> None:
    keras.applications.VGG19(weights=None, include_top=False).save_weights(
        tmp_path / "a.weights.h5"
    )
    told: list[str] = []
    convert(str(tmp_path / "a.weights.h5"), tmp_path / "b.keras", say=told.append)
    params, channels = {"full": ("20,024,384", 512), "thin": ("78,644", 32)}[width]
    assert f" is vgg19, {params} parameters" in told[0]
    assert f"outputs [2, 7, 7, {channels}]" in told[1]


def test_a_wrong_conversion_is_not_written(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = native.run
    monkeypatch.setattr(
        native,
        "run",
        lambda path, model, images: run(path, model, images) * (1.001 if path != saved else 1),
    )
    target = tmp_path / "b.ckpt"
    assert main(["convert", str(saved), str(target)]) == 1
    assert "was not written, since it computes something else" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["a.keras"]


def test_what_is_there_is_kept_unless_told(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "b.ckpt"
    arguments = ["convert", str(saved), str(target)]
    assert main(arguments) == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert main(arguments) == 2
    assert "b.ckpt.index' is there already" in capsys.readouterr().err
    cut_short(saved)
    assert main([*arguments, "--overwrite"]) == 4
    del before["a.keras"]
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path != saved}
    assert after == before


@pytest.mark.parametrize(
    ("source", "target", "code", "message"),
    [
        ("nowhere", "b.keras", 2, "'nowhere': there is no such checkpoint"),
        ("nowhere.h5", "b.keras", 2, "'nowhere.h5': there is no such file"),
        ("a.keras", "b.npz", 2, "must end in .keras, .h5, .weights.h5 or .ckpt"),
        ("a.keras", "no/b.keras", 1, "'no' is no folder: make it first"),
        ("a.keras", "b.h5", 2, "keras.applications has no network with the layers of 'mnist_cnn'"),
        ("keras.applications:VGG17", "b.h5", 2, "there are keras.applications:VGG16,"),
        ("text.h5", "b.keras", 4, "cannot be read as a file of weights"),
        ("text.keras", "b.keras", 4, "is not a whole .keras file"),
        ("text", "b.keras", 4, "cannot be read as a TensorFlow checkpoint"),
        ("other.keras", "b.keras", 2, "has the tensors of no model of the zoo"),
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
    assert err.count("\n") == 1
    assert sorted(path.name for path in Path().iterdir()) == before


def test_parity_prints_a_table_that_fits_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parity", "max_pool", "conv_layer"]) == 0
    out, err = capsys.readouterr()
    assert "max_pool, document 000_edc3730cabfc8e8e, lines 180-203" in out
    assert max(map(len, out.splitlines())) <= 80
    assert out.endswith("every difference is within its tolerance\n")
    assert err.splitlines()[0] == "max_pool in float32 ..."


def test_parity_exits_1_where_a_port_differs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = ("max_pool", "float32", "forward", 1.0, 0.5, "rel 1e-05", False)
    columns = ["pair", "precision", "quantity", "absolute", "relative", "tolerance", "passed"]
    table = pd.DataFrame([row, (*row[:-1], True)], columns=columns)
    monkeypatch.setattr(compare, "compare", lambda name, say: table)
    assert main(["parity", "max_pool"]) == 1
    out, err = capsys.readouterr()
    assert "FAILED" in out
    assert err == (
        "kerazoo: the port differs from the TF1 program: max_pool in 1 of 2 comparisons\n"
    )


def test_parity_of_an_unknown_pair_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parity", "max_pol"]) == 2
    assert "unknown pair 'max_pol' (did you mean 'max_pool'?)" in capsys.readouterr().err
