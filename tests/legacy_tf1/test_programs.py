"""The TF1 programs alone, without kerazoo."""

import ast
import gzip
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

import legacy_tf1
from kerazoo.data import digits, mnist
from legacy_tf1 import mnist_cnn
from legacy_tf1.mnist_data import DataSet, read_digits, read_mnist
from legacy_tf1.program import Program
from tests.helpers import thin

FOLDER = Path(legacy_tf1.__file__).parent


Answer = tuple[int, str, str]
Run = Callable[..., Answer]


@pytest.fixture
def in_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Run a program's `main` in this process and in an empty directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KERAZOO_MNIST_DIR", raising=False)
    plt.switch_backend("agg")

    def run(module: str, *arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", [module, *arguments])
        try:
            import_module(f"legacy_tf1.{module}").main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        return code, *capsys.readouterr()

    yield run
    plt.close("all")


@pytest.fixture
def in_subprocess(tmp_path: Path) -> Run:
    """Run a program by `python -m` in an empty directory."""
    environment = {**os.environ, "MPLBACKEND": "agg", "PYTHONPATH": str(FOLDER.parent)}
    environment.pop("KERAZOO_MNIST_DIR", None)

    def run(module: str, *arguments: str) -> Answer:
        command = [sys.executable, "-m", f"legacy_tf1.{module}", *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture(params=["in_process", pytest.param("in_subprocess", marks=pytest.mark.full)])
def run(request: pytest.FixtureRequest) -> Run:
    return request.getfixturevalue(request.param)


def shapes_of_vgg16(width: Callable[[int], int]) -> list[str]:
    """Return what `vgg16_slim` prints with other widths of all layers but the last."""
    steps = {"pool1": (112, 64), "pool2": (56, 128), "pool3": (28, 256), "pool4": (14, 512)}
    steps |= {"pool5": (7, 512), "fc6": (1, 4096), "fc7": (1, 4096)}
    lines = [f"{name}: [2, {side}, {side}, {width(n)}]" for name, (side, n) in steps.items()]
    return ["input: [2, 224, 224, 3]", *lines, "fc8: [2, 1, 1, 1000]"]


PRINTED = {
    "conv_layer": [
        "input x [batch, height, width, in_channel]: [2, 427, 640, 3]",
        "weights w [height, width, in_channel, out_channel]: [3, 3, 3, 8]",
        "output y [batch, height, width, out_channel]: [2, 214, 320, 8]",
    ],
    "filter_demo": [
        "photos [2, 427, 640, 3] -> feature maps [2, 214, 320, 2]",
        "wrote filter_demo_tf1.png",
    ],
    "max_pool": [
        "photos [2, 427, 640, 3] -> [2, 213, 320, 3]",
        "wrote max_pool_tf1.png",
    ],
    "vgg16_slim": shapes_of_vgg16(int),
}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_the_programs_import_nothing_of_kerazoo(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        modules = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            modules = [str(node.module)]
        assert not [module for module in modules if module.startswith(("kerazoo", "keras"))]


@pytest.mark.parametrize(
    ("run", "module"),
    [
        ("in_process", "conv_layer"),
        ("in_subprocess", "filter_demo"),
        ("in_process", "max_pool"),
        *(
            pytest.param("in_subprocess", name, marks=pytest.mark.full)
            for name in ("conv_layer", "max_pool", "vgg16_slim")
        ),
    ],
    indirect=["run"],
)
def test_each_runs_alone_and_prints_nothing_else(run: Run, module: str, tmp_path: Path) -> None:
    code, out, err = run(module)
    assert (code, out.splitlines(), err) == (0, PRINTED[module], "")
    if module in ("filter_demo", "max_pool"):
        assert (tmp_path / f"{module}_tf1.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("thin_networks")
def test_vgg16_prints_the_shape_of_each_step(in_process: Run) -> None:
    code, out, err = in_process("vgg16_slim")
    lines = shapes_of_vgg16(lambda width: round(width * thin.alpha_of("vgg16")))
    assert (code, out.splitlines(), err) == (0, lines, "")


def test_mnist_cnn_trains_from_the_command_line_and_repeats_itself(
    run: Run, tmp_path: Path
) -> None:
    (code, out, err), again = (run("mnist_cnn", "--epochs", "2") for _ in range(2))
    assert code == 0, err
    assert out == again[1]
    message, *epochs = out.splitlines()
    assert "scikit-learn's digits" in message
    assert [line.split(" Train")[0] for line in epochs] == ["0", "1"]
    assert float(epochs[1].rpartition(" ")[2]) > 0.8
    assert (tmp_path / "my_mnist_model.index").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--mnist-dir", "nowhere"], 3, "train-images-idx3-ubyte.gz"),
        (["--mnist-dir", "."], 4, "'train-images-idx3-ubyte.gz' is not a complete MNIST file"),
        (["--epochs", "0"], 2, "--epochs must be 1 or more"),
        (["--save", "no/model"], 2, "must be in an existing directory"),
    ],
)
def test_bad_input_is_one_sentence(
    run: Run, arguments: list[str], code: int, message: str, tmp_path: Path
) -> None:
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"not an IDX file")[:-9])
    exit_code, _, err = run("mnist_cnn", *arguments)
    assert exit_code == code
    assert message in err
    assert "Traceback" not in err


def test_the_digits_are_those_of_kerazoo() -> None:
    tf1, keras = read_digits(), digits.load((28, 28, 1))
    for part in ("train", "validation", "test"):
        images, labels = next(iter(getattr(keras, part).batches(2000)))
        np.testing.assert_array_equal(getattr(tf1, part).labels, labels)
        np.testing.assert_array_equal(getattr(tf1, part).images, images.numpy().reshape(-1, 784))


def test_mnist_is_that_of_kerazoo(mnist_files: Path) -> None:
    tf1, keras = read_mnist(mnist_files), mnist.load((28, 28, 1), mnist_files)
    for part in ("train", "validation", "test"):
        images, labels = next(iter(getattr(keras, part).batches(60_000)))
        np.testing.assert_array_equal(getattr(tf1, part).labels, labels)
        np.testing.assert_array_equal(getattr(tf1, part).images, images.numpy().reshape(-1, 784))


def test_batches_go_around_in_a_new_order_each_time() -> None:
    data = DataSet(np.arange(10.0)[:, None], np.arange(10))
    seen = np.concatenate([data.next_batch(4)[1] for _ in range(5)])
    np.testing.assert_array_equal(np.sort(seen[:10]), np.arange(10))
    np.testing.assert_array_equal(np.sort(seen[10:]), np.arange(10))
    assert seen[:10].tolist() != seen[10:].tolist()


def test_weights_go_in_and_come_out() -> None:
    with Program(mnist_cnn.build, "float64") as program:
        weights = {name: value + 1 for name, value in program.weights.items()}
        program.weights = weights
        for name, value in program.weights.items():
            assert value.dtype == np.float64
            np.testing.assert_array_equal(value, weights[name])
        with pytest.raises(ValueError, match="values are needed for conv1/kernel"):
            program.weights = {"conv1/kernel": weights["conv1/kernel"]}
