"""The TF1 programs by themselves: as a user runs them, and knowing nothing of kerazoo."""

from __future__ import annotations

import ast
import gzip
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import legacy_tf1
from kerazoo.data import digits, mnist
from legacy_tf1 import mnist_cnn
from legacy_tf1.mnist_data import DataSet, read_digits, read_mnist
from legacy_tf1.program import Program

FOLDER = Path(legacy_tf1.__file__).parent


def run(module: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MPLBACKEND": "agg", "PYTHONPATH": str(FOLDER.parent)}
    environment.pop("KERAZOO_MNIST_DIR", None)
    command = [sys.executable, "-m", f"legacy_tf1.{module}", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_the_witness_knows_nothing_of_kerazoo(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        modules = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            modules = [str(node.module)]
        assert not [module for module in modules if module.startswith(("kerazoo", "keras"))]


@pytest.mark.parametrize(
    ("module", "lines"),
    [
        (
            "conv_layer",
            [
                "input x [batch, height, width, in_channel]: [2, 427, 640, 3]",
                "weights w [height, width, in_channel, out_channel]: [3, 3, 3, 8]",
                "output y [batch, height, width, out_channel]: [2, 214, 320, 8]",
            ],
        ),
        ("filter_demo", ["photos [2, 427, 640, 3] became maps [2, 214, 320, 2]"]),
        ("max_pool", ["photos [2, 427, 640, 3] became [2, 213, 320, 3]"]),
        (
            "vgg16_slim",
            [
                "input: [2, 224, 224, 3]",
                "pool1: [2, 112, 112, 64]",
                "pool2: [2, 56, 56, 128]",
                "pool3: [2, 28, 28, 256]",
                "pool4: [2, 14, 14, 512]",
                "pool5: [2, 7, 7, 512]",
                "fc6: [2, 1, 1, 4096]",
                "fc7: [2, 1, 1, 4096]",
                "fc8: [2, 1, 1, 1000]",
            ],
        ),
    ],
)
def test_each_runs_alone_and_says_nothing_else(
    module: str, lines: list[str], tmp_path: Path
) -> None:
    done = run(module, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    picture = f"{module}_tf1.png"
    if module in ("filter_demo", "max_pool"):
        lines = [*lines, f"the picture is in {picture}"]
        assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")
    assert done.stdout.splitlines() == lines


def test_mnist_cnn_trains_from_the_command_line_and_repeats_itself(tmp_path: Path) -> None:
    done = [run("mnist_cnn", "--epochs", "2", folder=tmp_path) for _ in range(2)]
    assert done[0].returncode == 0, done[0].stderr
    assert done[0].stdout == done[1].stdout
    told, *epochs = done[0].stdout.splitlines()
    assert "scikit-learn's digits" in told
    assert [line.split(" Train")[0] for line in epochs] == ["0", "1"]
    assert float(epochs[1].rpartition(" ")[2]) > 0.8
    assert (tmp_path / "my_mnist_model.index").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--mnist-dir", "nowhere"], 3, "train-images-idx3-ubyte.gz"),
        (["--mnist-dir", "."], 4, "'train-images-idx3-ubyte.gz' is not a whole MNIST file"),
        (["--epochs", "0"], 2, "--epochs must be 1 or more"),
        (["--save", "no/model"], 2, "must be in a folder that is there"),
    ],
)
def test_bad_input_is_one_sentence(
    arguments: list[str], code: int, message: str, tmp_path: Path
) -> None:
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"not an IDX file")[:-9])
    done = run("mnist_cnn", *arguments, folder=tmp_path)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_the_digits_are_those_of_kerazoo() -> None:
    theirs, ours = read_digits(), digits.load((28, 28, 1))
    for part in ("train", "validation", "test"):
        images, labels = next(iter(getattr(ours, part).batches(2000)))
        np.testing.assert_array_equal(getattr(theirs, part).labels, labels)
        np.testing.assert_array_equal(getattr(theirs, part).images, images.numpy().reshape(-1, 784))


def test_mnist_is_that_of_kerazoo(mnist_dir: Path) -> None:
    theirs, ours = read_mnist(mnist_dir), mnist.load((28, 28, 1), mnist_dir)
    for part in ("train", "validation", "test"):
        images, labels = next(iter(getattr(ours, part).batches(60_000)))
        np.testing.assert_array_equal(getattr(theirs, part).labels, labels)
        np.testing.assert_array_equal(getattr(theirs, part).images, images.numpy().reshape(-1, 784))


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
        with pytest.raises(ValueError, match="one value a variable"):
            program.weights = {"conv1/kernel": weights["conv1/kernel"]}
