"""The command `kerazoo summary`."""

import importlib
import io
import json
import re
import sys
import warnings
from pathlib import Path

import keras
import pandas as pd
import pytest
from keras import layers
from matplotlib.patches import Rectangle

import kerazoo
from kerazoo.accounting.chart import draw
from kerazoo.accounting.render import as_text, comparison, formatted
from kerazoo.accounting.table import summary
from kerazoo.compat import shapes_only
from kerazoo.text import readable
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


def test_a_file_with_two_inputs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    image, numbers = keras.Input((None, None, 3)), keras.Input((None,))
    pooled = keras.layers.GlobalMaxPooling2D()(keras.layers.Conv2D(4, 3)(image))
    total = keras.ops.sum(numbers, axis=1, keepdims=True)
    keras.Model([image, numbers], pooled + total).save(path := str(tmp_path / "model.keras"))
    shapes = ["--input-shape", "8x8x3", "--input-shape", "5"]
    _, out, _ = answer(capsys, "summary", path, *shapes, "--format", "json")
    assert json.loads(out)["total"]["macs"] == 36 * 4 * 27
    code, _, err = answer(capsys, "summary", path, "--input-shape", "8x8x3")
    assert code == 2
    assert "input_shape has 1 shapes for inputs [" in err


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
        ([__file__], 2, "is neither a .keras nor an .h5 file"),
        (["mnist_cnn", "--depth", "0"], 2, "'0' is not an integer from 1"),
        (["mnist_cnn", "--by", "class"], 2, "'class' is not one of layer, type"),
        (["mnist_cnn", "--columns", "share,size"], 2, "'size' is not one of backward_macs"),
        (["mnist_cnn", "--figure", "a.txt"], 2, "'a.txt' must end with .png or .svg"),
        (["mnist_cnn", "lenet5", "--depth", "1"], 2, "are for the table of one model"),
        (
            ["mnist_cnn", "--import", "no_such_module"],
            2,
            "--import no_such_module: ModuleNotFoundError: ",
        ),
        (["mnist_cnn", "--import", ""], 2, "--import : ValueError: Empty module name"),
        (["mnist_cnn", "--by", "type", "--depth", "1"], 2, "depth is for rows by layer"),
        (["mnist_cnn", "mnist_cnn"], 2, "a model is named twice"),
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
    for name in ("code.keras", "code.h5"):
        save(model, tmp_path / name)
        code, _, err = answer(capsys, "summary", str(tmp_path / name))
        assert code == 2
        assert "contains code, which is never run: Lambda; make the model in Python and call" in err


def save(model: keras.Model, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that HDF5 is an old format
        model.save(path)


@pytest.mark.parametrize("package", ["keras", "tf_keras"])
def test_an_h5_file(capsys: pytest.CaptureFixture[str], tmp_path: Path, package: str) -> None:
    kit = importlib.import_module(package)
    inputs = kit.Input((8, 8, 3))
    x = kit.layers.Conv2D(4, 3, activation="relu", name="conv")(inputs)
    x = kit.layers.BatchNormalization()(x)
    model = kit.Model(inputs, kit.layers.Dense(2)(kit.layers.Flatten()(x)))
    save(model, tmp_path / "model.h5")
    code, out, _ = answer(capsys, "summary", str(tmp_path / "model.h5"), "--format", "json")
    assert code == 0
    result = json.loads(out)
    assert result["total"]["macs"] == 36 * 4 * 27 + 144 * 2
    assert result["total"]["params"] == model.count_params()
    model.save_weights(tmp_path / "a.weights.h5")
    code, _, err = answer(capsys, "summary", str(tmp_path / "a.weights.h5"))
    assert code == 2
    assert "has weights and no model: give the .keras or .h5 file of `model.save`" in err


OWN = """
import keras

class Mine(keras.layers.Layer):
    def __init__(self, units, **options):
        super().__init__(**options)
        self.units = units
        self.dense = keras.layers.Dense(units, name="dense")

    def build(self, input_shape):
        self.dense.build(input_shape)

    def call(self, inputs):
        return self.dense(inputs)

    def get_config(self):
        return {**super().get_config(), "units": self.units}
"""


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_a_file_with_a_class_of_another_package(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ending: str,
) -> None:
    (tmp_path / "own_layers.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("own_layers")
    inputs = keras.Input((5,))
    path = tmp_path / f"model.{ending}"
    save(keras.Model(inputs, module.Mine(3, name="mine")(inputs)), path)
    code, _, err = answer(capsys, "summary", str(path))
    assert code == 2
    assert "Mine, which is neither Keras's nor kerazoo's: if you trust the module" in err
    assert f"--import {'own_layers' if ending == 'keras' else 'MODULE'}" in err
    code, out, _ = answer(capsys, "summary", str(path), "--import", "own_layers")
    assert code == 0
    assert "mine/dense" in out
    del sys.modules["own_layers"]


def test_blocks_types_and_columns(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--depth", "2", "--columns", "share,backward_macs", "--format", "json")
    _, out, _ = answer(capsys, "summary", "resnet18", *options)
    rows = {row["layer"]: row for row in json.loads(out)["layers"]}
    assert rows["conv2_1"]["layers"] > 1
    assert round(sum(row["share"] for row in rows.values()), 9) == 1
    _, out, _ = answer(capsys, "summary", "resnet18", "--by", "type")
    assert out.split()[:2] == ["type", "layers"]


def test_several_models(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = answer(capsys, "summary", "mnist_cnn", "lenet5")
    lines = [line.split() for line in out.splitlines()]
    assert lines[1][:3] == ["mnist_cnn", "7", "220,234"]
    assert lines[2][0] == "lenet5"
    _, out, _ = answer(capsys, "summary", "mnist_cnn", "lenet5", "--format", "json")
    assert [row["macs"] for row in json.loads(out)["models"]] == [
        kerazoo.summary(name).macs.sum() for name in ("mnist_cnn", "lenet5")
    ]
    _, out, _ = answer(capsys, "summary", "mnist_cnn", "lenet5", "--format", "latex")
    assert out.startswith("\\begin{tabular}")
    assert "\\toprule" in out
    assert "mnist\\_cnn & " in out


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_a_comparison_fits_the_terminal(width: int) -> None:
    table = kerazoo.compare({"a model of a long name": "mnist_cnn", "another": "lenet5"})
    lines = comparison(table, "table", width).splitlines()
    assert len(lines) == 3
    assert max(map(len, lines)) <= width
    assert "4.04 M" in lines[1]


@pytest.mark.parametrize("ending", ["png", "svg", "PNG"])
def test_a_figure(capsys: pytest.CaptureFixture[str], tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"costs.{ending}"
    assert answer(capsys, "summary", "mnist_cnn", "--figure", str(path))[0] == 0
    content = path.read_bytes()
    if ending == "svg":
        texts = re.findall(rb"<!-- (.*?) -->", content)
        assert {b"conv1", b"fc1", b"MACs", b"parameters", b"mnist_cnn"} <= set(texts)
    else:
        assert content.startswith(b"\x89PNG")


def test_the_bars_of_a_figure() -> None:
    table = summary("mnist_cnn")
    macs, params = draw(table, "mnist_cnn").axes
    for axes, column in ((macs, "macs"), (params, "params")):
        widths = [bar.get_width() for bar in axes.patches if isinstance(bar, Rectangle)]
        assert widths == table[column].tolist()
    assert [label.get_text() for label in macs.get_yticklabels()] == table.index.tolist()


@pytest.fixture(scope="module")
def long_names() -> pd.DataFrame:
    """Return the table of the network whose layers have the longest names."""
    with shapes_only():
        return summary(keras.applications.NASNetMobile(weights=None))


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_the_table_fits_the_terminal(long_names: pd.DataFrame, width: int) -> None:
    assert max(map(len, as_text(long_names, width).splitlines())) <= width


def test_no_number_is_cut(long_names: pd.DataFrame) -> None:
    lines = as_text(long_names, 80).splitlines()[1 : 1 + len(long_names)]
    assert [line.split()[-1] for line in lines] == [
        readable(field) for field in long_names.receptive_field
    ]
    assert len({line.split()[0] for line in lines}) == len(long_names)


def test_unsupported_layers_are_listed() -> None:
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.ops.eigh(keras.ops.outer(inputs, inputs))[0])
    table = summary(model)
    text = as_text(table)
    assert "at least 0 MACs, at least 16 FLOPs" in text
    assert re.search(r"unsupported and not counted: (eigh\w*) \(TensorFlow's \w+\)", text)
    assert "at least 16" in formatted(table, "latex", "own")
    assert formatted(table, "latex", "own").isascii()
    last = json.loads(formatted(table, "json", "<own>"))["layers"][-1]
    assert (last["macs"], last["counted"]) == (0, "partly")
    assert "<h1>&lt;own&gt;</h1>" in formatted(table, "html", "<own>")
