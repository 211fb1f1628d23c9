"""The command `kerazoo summary`."""

import io
import json
import re
from pathlib import Path

import keras
import pandas as pd
import pytest
from keras import layers

import kerazoo
from kerazoo.accounting.render import as_text, formatted
from kerazoo.accounting.table import summary
from kerazoo.compat import shapes_only
from tests.helpers.command import answer
from tests.helpers.processes import error_in


def test_a_model_of_the_zoo(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = answer(capsys, "summary", "mnist_cnn")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split()[0] == "layer"
    numbers = "14x14x64 18,496 18,432 3,612,672 7,237,888 50,176 5 2"
    assert lines[3].split() == ["conv2", "Conv2D", *numbers.split(" ")]
    assert "220,234 parameters, 220,064 without biases" in out
    assert "4.04 M MACs" in out


def test_csv_reads_back(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = answer(capsys, "summary", "mnist_cnn", "--format", "csv", "--batch-size", "10")
    table = pd.read_csv(io.StringIO(out), index_col="layer")
    expected = summary(kerazoo.create_model("mnist_cnn"), batch_size=10)
    assert table.columns.tolist() == expected.columns.tolist()
    assert table.macs.tolist() == expected.macs.tolist()
    assert table.output_shape["conv2"] == "14x14x64"


def test_json_has_all(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = answer(capsys, "summary", "mnist_cnn", "--format", "json")
    result = json.loads(out)
    assert (result["model"], result["total"]["macs"]) == ("mnist_cnn", 4_039_808)
    assert result["layers"][1]["output_shape"] == [28, 28, 32]
    assert result["layers"][-1]["effective_stride"] is None


def test_markdown_and_html(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = answer(capsys, "summary", "mnist_cnn", "--format", "markdown")
    assert out.splitlines()[2].replace(" ", "").endswith("|InputLayer|28x28x1|0|0|0|0|3,136|1|1|")
    _, out, _ = answer(capsys, "summary", "mnist_cnn", "--format", "html")
    assert "<td>14x14x64</td>" in out
    assert out.startswith("<!doctype html>")


def test_another_input_shape(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = answer(capsys, "summary", "vgg16", "--input-shape", "384x384x3")
    assert code == 0
    assert "6x6x1000" in out  # fc8 is a convolution: 6 by 6 scores per class


def test_keras_applications_and_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    shape = ("--input-shape", "96,96,3")
    code, out, _ = answer(
        capsys, "summary", "keras.applications:MobileNetV2", *shape, "--format", "json"
    )
    assert code == 0
    total = json.loads(out)["total"]
    with shapes_only():
        model = keras.applications.MobileNetV2(weights=None)
    assert total["params"] == model.count_params()
    kerazoo.create_model("mnist_cnn").save(tmp_path / "model.keras")
    code, out, _ = answer(capsys, "summary", str(tmp_path / "model.keras"), "--format", "json")
    assert (code, json.loads(out)["total"]["macs"]) == (0, 4_039_808)


def test_a_file_with_a_layer_of_the_zoo(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    options = {"include_top": False, "input_shape": (32, 32, 3), "alpha": 1 / 16}
    model = kerazoo.create_model("vgg11_lrn", **options)
    model.save(tmp_path / "model.keras")
    code, out, _ = answer(capsys, "summary", str(tmp_path / "model.keras"))
    assert code == 0
    assert "LocalResponseNormalization" in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["vgg17"], 2, "unknown model 'vgg17' (did you mean 'vgg1"),
        (["keras.applications:ResNet5"], 2, "has no 'ResNet5' (did you mean 'ResNet50'?)"),
        (["no.keras"], 2, "there is no file 'no.keras'"),
        ([__file__], 2, "is not a .keras file"),
        (["vgg16", "--input-shape", "224x224"], 2, ""),
        (["vgg16", "--input-shape", "0x224x3"], 2, "'0x224x3' is not a shape such as 224x224x3"),
        (["vgg16", "--input-shape", "big"], 2, "'big' is not a shape"),
        (["vgg16", "--batch-size", "0"], 2, "'0' is not an integer from 1"),
        (["vgg16", "--format", "jsn"], 2, "'jsn' (did you mean 'json'?) is not one of table, csv"),
        (["keras.applications:VGG16", "--input-shape", "8x8x3"], 2, "VGG16 of keras.applications"),
    ],
)
def test_errors_are_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    exit_code, out, err = answer(capsys, "summary", *arguments)
    assert (exit_code, out) == (code, "")
    assert message in err
    assert error_in(err).count("\n") == 1


def test_a_damaged_file_and_one_with_code(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "cut.keras").write_bytes(b"PK\3\4 and no more")
    assert answer(capsys, "summary", str(tmp_path / "cut.keras"))[0] == 4
    inputs = keras.Input((4,))
    model = keras.Model(inputs, layers.Lambda(lambda x: x * 2)(inputs))
    model.save(tmp_path / "code.keras")
    code, _, err = answer(capsys, "summary", str(tmp_path / "code.keras"))
    assert code == 2
    assert "contains code, which is never run" in err


@pytest.fixture(scope="module")
def long_names() -> pd.DataFrame:
    """Return the table of the network whose layers have the longest names."""
    with shapes_only():
        return summary(keras.applications.NASNetMobile(weights=None))


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_the_table_fits_the_terminal(long_names: pd.DataFrame, width: int) -> None:
    assert max(map(len, as_text(long_names, width).splitlines())) <= width


def test_unsupported_layers_are_listed() -> None:
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.ops.eigh(keras.ops.outer(inputs, inputs))[0])
    table = summary(model)
    text = as_text(table)
    assert "at least 16 MACs, at least 16 FLOPs" in text
    assert re.search(r"unsupported and not counted: (eigh\w*) \(TensorFlow's \w+\)", text)
    last = json.loads(formatted(table, "json", "<own>"))["layers"][-1]
    assert (last["macs"], last["counted"]) == (0, "partly")
    assert "<h1>&lt;own&gt;</h1>" in formatted(table, "html", "<own>")
