"""Whole runs: what they leave, what they say, how they fail."""

import contextlib
import dataclasses
import json
import logging
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow.python.framework.config import is_op_determinism_enabled  # it has no public name

import kerazoo
from kerazoo.compat import determinism
from kerazoo.data.images import ImageData, Split
from kerazoo.data.load import load
from kerazoo.errors import CorruptFileError, KerazooError, UsageError
from kerazoo.recipe import FAST, Recipe
from kerazoo.training.checkpoints import State
from kerazoo.training.options import TrainOptions
from kerazoo.training.steps import Steps
from kerazoo.training.train import resume, train
from kerazoo.training.trainer import Trainer
from tests.helpers import idx, tiny
from tests.helpers.command import answer
from tests.helpers.processes import ROOT, Process, error_in
from tests.helpers.runs import files

SHORT = Recipe(epochs=2)
BOLD = Recipe(epochs=2, batch_size=20, learning_rate=0.02)
TINY = ("--model", tiny.NAME)
RUN_FILES = {
    "checkpoints",
    "config.json",
    "curves.png",
    "metrics.csv",
    "model.keras",
    "summary.json",
}


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, curves_at_once: None) -> None:
    monkeypatch.chdir(tmp_path)


def digits(recipe: Recipe = SHORT, **options: Any) -> TrainOptions:
    return TrainOptions(tiny.NAME, "digits", recipe=recipe, **options)


def run(options: TrainOptions, *callbacks: keras.callbacks.Callback) -> dict[str, Any]:
    return train(options, callbacks)


def weights(out: str | Path) -> list[np.ndarray]:
    return keras.models.load_model(Path(out) / "model.keras").get_weights()


def share_right(model: keras.Model, split: Split) -> float:
    images, labels = next(iter(split.batches(split.size)))
    return float(np.mean(model.predict(images, verbose=0).argmax(axis=1) == labels.numpy()))


class Lines(logging.Handler):
    """Collects the lines of the log."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())

    @contextlib.contextmanager
    def of_the_log(self) -> Iterator[None]:
        logger = logging.getLogger("kerazoo")
        logger.addHandler(self)
        logger.setLevel(logging.INFO)
        yield
        logger.setLevel(logging.NOTSET)
        logger.removeHandler(self)


@dataclasses.dataclass
class FirstRun:
    """A run of two epochs, its curves drawn, that several tests look at and none changes."""

    out: Path
    summary: dict[str, Any]
    lines: list[str]


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> FirstRun:
    lines = Lines()
    with contextlib.chdir(tmp_path_factory.mktemp("first")), lines.of_the_log():
        summary = train(digits())
        return FirstRun(Path(summary["out"]).resolve(), summary, lines.lines)


def test_a_run_leaves_its_folder(first_run: FirstRun) -> None:
    out, summary = first_run.out, first_run.summary
    assert Path(summary["out"]) == out.relative_to(out.parents[1])
    assert {path.name for path in out.iterdir()} == RUN_FILES
    assert json.loads((out / "summary.json").read_text()) == summary

    config = json.loads((out / "config.json").read_text())
    data = load("digits", (28, 28, 1), seed=0)
    assert config["dataset"]["fingerprint"] == data.fingerprint
    assert config["device"].startswith(f"TensorFlow {tf.__version__} on ")
    assert config["versions"]["keras"] == keras.__version__
    assert (config["seed"], config["epochs"], config["batch_size"]) == (1, 2, 100)
    assert config["optimizer_config"]["epsilon"] == 1e-8
    assert config["optimizer_config"]["learning_rate"] == pytest.approx(0.001)

    table = pd.read_csv(out / "metrics.csv")
    assert table["epoch"].tolist() == [1, 2]
    assert set(table["data"]) == {"digits"}
    model = keras.models.load_model(out / "model.keras")
    for part in ("validation", "test"):
        accuracy = share_right(model, getattr(data, part))
        assert summary[f"{part}_accuracy"] == pytest.approx(accuracy)
        assert table[f"{part}_accuracy"].iloc[-1] == pytest.approx(accuracy)
    ((images, labels),) = data.test.batches(data.test.size).as_numpy_iterator()
    right = model(images).numpy().argmax(axis=1) == labels
    for label, name in enumerate(data.class_names):
        share = right[labels == label].mean()
        assert summary["class_accuracy"][name] == pytest.approx(share)
    probabilities = model(np.zeros((1, 28, 28, 1))).numpy()
    assert probabilities.sum() == pytest.approx(1)
    with Image.open(out / "curves.png") as image:
        assert image.size == (1200, 480)

    assert first_run.lines[0] == (
        "tiny_cnn on digits: 1,347 images to train on, 150 to validate, 300 to test"
    )
    *epochs, last, saved = first_run.lines[1:]
    assert saved.startswith("the weights of epoch 2 are saved, ")
    assert [line[:30] for line in epochs] == [
        "epoch 1/2, accuracy on digits:",
        "epoch 2/2, accuracy on digits:",
    ]
    by_class = summary["class_accuracy"].items()
    assert last == "test accuracy by class: " + ", ".join(f"{n} {each:.4f}" for n, each in by_class)


def test_one_seed_gives_equal_weights_whatever_loading_draws_at_random(
    first_run: FirstRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TFDS draws from Python's generator when it prepares a set."""
    from kerazoo.data import digits as data

    whole = data.load

    def load_and_draw(*arguments: Any) -> ImageData:
        random.random()
        np.random.random()
        return whole(*arguments)

    monkeypatch.setattr(data, "load", load_and_draw)
    again = weights(run(digits())["out"])
    for weight, wanted in zip(again, weights(first_run.out), strict=True):
        np.testing.assert_array_equal(weight, wanted)


def test_another_seed_gives_other_weights(first_run: FirstRun) -> None:
    other = weights(run(digits(dataclasses.replace(SHORT, seed=2)))["out"])
    assert all((a != b).any() for a, b in zip(other, weights(first_run.out), strict=True))


def test_the_seed_is_also_that_of_the_initial_weights() -> None:
    class Enough(Exception):  # noqa: N818 - it is no error
        pass

    class Look(keras.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            seen.append(self.model.get_weights()[0])
            raise Enough

    seen: list[np.ndarray] = []
    for seed in (1, 1, 2):
        with pytest.raises(Enough):
            run(digits(Recipe(seed=seed)), Look())
    assert (seen[0] == seen[1]).all()
    assert (seen[0] != seen[2]).any()


def test_an_earlier_run_is_not_replaced_without_overwrite(first_run: FirstRun) -> None:
    before = files(first_run.out)
    with pytest.raises(UsageError, match="has a run"):
        run(digits(out=first_run.out))
    assert files(first_run.out) == before


def test_many_steps_are_taken_between_the_calls_of_callbacks_and_tensorboard_gets_its_events() -> (
    None
):
    calls: list[int] = []
    counter = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: calls.append(batch)
    )
    out = Path(run(digits(tensorboard=True), counter)["out"])
    assert calls == [13, 13]  # all 14 steps of each of the two epochs
    assert list((out / "tensorboard").rglob("*tfevents*"))


def test_a_callback_that_fails_is_not_hidden() -> None:
    class Failing(keras.callbacks.Callback):
        def set_model(self, model: keras.Model) -> None:
            raise RuntimeError("the real cause")

    with pytest.raises(RuntimeError, match="the real cause"):
        run(digits(), Failing())
    assert list(Path("runs").iterdir()) == []


def test_a_dry_run_takes_one_step_and_writes_nothing() -> None:
    counter = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: steps.append(batch)
    )
    steps: list[int] = []
    summary = run(digits(dry_run=True), counter)
    assert steps == [0]
    assert (summary["train_images"], summary["out"], summary["dry_run"]) == (100, None, True)
    assert not any(name.endswith("accuracy") for name in summary)
    assert list(Path().iterdir()) == []


both_sizes = pytest.mark.parametrize(
    ("model", "recipe"),
    [
        (tiny.NAME, BOLD),
        pytest.param("mnist_cnn", Recipe(epochs=4), marks=pytest.mark.full),
    ],
)


@both_sizes
def test_half_the_width_trains_too(model: str, recipe: Recipe) -> None:
    half = dataclasses.replace(recipe, precision="mixed_bfloat16")
    summary = run(TrainOptions(model, "digits", recipe=half))
    assert summary["test_accuracy"] > 0.9
    assert keras.config.dtype_policy().name == "float32"
    saved = keras.models.load_model(Path(summary["out"]) / "model.keras")
    for part in ("validation", "test"):
        accuracy = share_right(saved, getattr(load("digits", (28, 28, 1), seed=0), part))
        assert summary[f"{part}_accuracy"] == pytest.approx(accuracy)
    exact = weights(run(TrainOptions(model, "digits", recipe=recipe))["out"])
    assert all(weight.dtype == np.float32 for weight in saved.get_weights())
    assert (saved.get_weights()[0] != exact[0]).any()


@both_sizes
def test_float16_scales_the_loss_and_trains(model: str, recipe: Recipe) -> None:
    heads = 0.3 if model == tiny.NAME else 0
    half = recipe.changed(precision="mixed_float16", auxiliary_weight=heads)
    summary = run(TrainOptions(model, "digits", recipe=half))
    assert summary["test_accuracy"] > 0.9
    config = json.loads((Path(summary["out"]) / "config.json").read_text())
    assert config["optimizer_config"]["name"] == "loss_scale_optimizer"
    assert all(weight.dtype == np.float32 for weight in weights(summary["out"]))


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("before", [False, True])
def test_operations_are_deterministic_for_the_run_alone(
    jit: bool, before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def fit(*_: Any) -> None:
        seen.append(is_op_determinism_enabled())
        raise KerazooError

    monkeypatch.setattr(Trainer, "fit", fit)
    with determinism(before):
        with pytest.raises(KerazooError):
            run(digits(Recipe(jit=jit)))
        assert is_op_determinism_enabled() is before
    assert seen == [not jit]


def test_xla_trains_the_same_net() -> None:
    recipes = (Recipe(epochs=1, jit=jit) for jit in (False, True))
    with determinism(True):
        plain, compiled = (
            weights(run(TrainOptions("mnist_cnn", "digits", limit=200, recipe=recipe))["out"])
            for recipe in recipes
        )
        assert is_op_determinism_enabled()
    for weight, wanted in zip(compiled, plain, strict=True):
        np.testing.assert_allclose(weight, wanted, rtol=0, atol=1e-4)
    assert any((weight != wanted).any() for weight, wanted in zip(compiled, plain, strict=True))


def test_the_summary_is_of_the_weights_that_are_saved_and_a_limit_holds_for_every_split() -> None:
    """EarlyStopping puts earlier weights back after the last epoch."""
    stopper = keras.callbacks.EarlyStopping(
        "val_accuracy", mode="min", patience=1, restore_best_weights=True
    )
    recipe = dataclasses.replace(BOLD, epochs=5)
    summary = run(digits(recipe, limit=120), stopper)
    assert [summary[f"{part}_images"] for part in ("train", "validation", "test")] == [120] * 3
    assert json.loads((Path(summary["out"]) / "config.json").read_text())["limit"] == 120
    assert summary["epochs"] == 2
    model = keras.models.load_model(Path(summary["out"]) / "model.keras")
    test = load("digits", (28, 28, 1), seed=0).limited(120).test
    assert summary["test_accuracy"] == pytest.approx(share_right(model, test))
    table = pd.read_csv(Path(summary["out"]) / "metrics.csv")
    assert summary["test_accuracy"] == pytest.approx(table["test_accuracy"].iloc[0])
    assert summary["test_accuracy"] != pytest.approx(table["test_accuracy"].iloc[1])


def test_a_state_is_saved_once_for_each_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kerazoo.training.setup.MAX_STEPS_PER_CALL", 1)
    taken: list[int] = []
    whole = Trainer.state

    def state(self: Trainer) -> State:
        taken.append(self.steps_taken)
        return whole(self)

    monkeypatch.setattr(Trainer, "state", state)
    run(digits(Recipe(epochs=2, batch_size=10), limit=40, save_every=2))
    assert taken == [2, 4, 4, 6, 8, 8]  # at an epoch's end before and after its evaluation


def test_a_folder_of_images_trains(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, level in (("dark", 0), ("bright", 128)):
        (tmp_path / "shades" / name).mkdir(parents=True)
        for number in range(60):
            pixels = rng.integers(level, level + 128, (20, 30, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "shades" / name / f"{number}.png")
    recipe = Recipe(epochs=3, batch_size=10)
    summary = run(TrainOptions("lenet5", "folder:shades", recipe=recipe))
    assert summary["data"] == "folder:shades"
    assert summary["test_accuracy"] == 1
    model = keras.models.load_model(Path(summary["out"]) / "model.keras")
    assert model.output_shape == (None, 2)


def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, str, str]:
    """Train by the command, in this process, whose TensorFlow has started already."""
    with monkeypatch.context() as patch:
        patch.setattr("kerazoo.training.command._start", lambda debug: None)
        return answer(capsys, "train", *arguments)


@pytest.mark.parametrize(
    ("arguments", "least"),
    [
        (
            [
                "--model",
                tiny.NAME,
                "--epochs",
                "3",
                "--batch-size",
                "20",
                "--learning-rate",
                "0.02",
            ],
            0.93,
        ),
        pytest.param(["--model", "mnist_cnn"], 0.95, marks=pytest.mark.full),
    ],
)
def test_the_command_reaches_the_accuracy_on_digits(
    arguments: list[str],
    least: float,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = [*arguments, "--data", "digits", "--out", "run"]
    code, out, err = command(monkeypatch, capsys, *arguments)
    assert (code, error_in(err)) == (0, "")
    summary = json.loads(out)
    assert summary["test_accuracy"] >= least
    assert summary["out"] == "run"
    assert summary == json.loads(Path("run/summary.json").read_text())

    before = files(Path("run"))
    code, _, err = command(monkeypatch, capsys, *arguments)
    assert code == 2
    assert "has a run: name another directory or give --overwrite" in err
    assert files(Path("run")) == before


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (tiny.NAME, ["--batch-size", "10", "--learning-rate", "0.02"]),
        pytest.param("mnist_cnn", [], marks=pytest.mark.full),
    ],
)
def test_the_fast_recipe_learns_digits_in_two_epochs(
    model: str,
    options: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["--model", model, "--data", "digits", "--out", "run", "--recipe", "fast", *options]
    code, out, err = command(monkeypatch, capsys, *arguments)
    assert code == 0, err
    summary = json.loads(out)
    assert summary["epochs"] == FAST.epochs == 2
    assert summary["test_accuracy"] >= 0.9


@pytest.mark.full
@pytest.mark.parametrize(
    ("options", "epochs", "least"),
    [
        (["--epochs", "1"], 1, 0.975),  # what the documents reach in one epoch: 0.9751
        (["--recipe", "fast"], 2, 0.9879),  # in ten
    ],
)
def test_it_reaches_the_documents_accuracy_on_mnist(
    options: list[str],
    epochs: int,
    least: float,
    mnist_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = [*options, "--mnist-dir", str(mnist_dir), "--out", "run"]
    code, out, err = command(monkeypatch, capsys, "--model", "mnist_cnn", *options)
    assert code == 0, err
    summary = json.loads(out)
    assert (summary["data"], summary["epochs"], summary["test_images"]) == ("mnist", epochs, 10_000)
    assert summary["test_accuracy"] >= least


def test_an_interrupt_in_mid_epoch_keeps_what_there_is() -> None:
    endless = ["train", *TINY, "--data", "digits", "--epochs", "100000", "--out"]
    running = {
        number: Process(tiny.command, *endless, number.name)
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    for number, process in running.items():
        out = number.name
        process.read_until("epoch ")
        process.send(number)
        ended = process.ended()
        assert ended.code == 130
        assert ended.error.startswith("kerazoo: interrupted in epoch ")
        assert f"the model so far is in '{out}', and --resume '{out}' continues" in ended.error
        assert ended.error.count("\n") == 1
        left = RUN_FILES - {"summary.json"} | {"checkpoints"}
        assert {path.name for path in Path(out).iterdir()} == left
        assert len(weights(out)) == 7


def test_a_run_ends_well_when_nobody_reads_its_output() -> None:
    options = ["--data", "digits", "--epochs", "2", "--out", "run"]
    ended = Process(tiny.command, "train", *TINY, *options, nobody_reads=True).ended()
    assert (ended.code, ended.error) == (0, "")
    assert {path.name for path in Path("run").iterdir()} == RUN_FILES


def with_files_of_10_kb_alone(*arguments: str) -> int:
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
    return tiny.command(*arguments)


def test_a_write_that_fails_is_reported_and_leaves_no_half_file() -> None:
    options = ["--data", "digits", "--epochs", "1", "--out", "run"]
    ended = Process(with_files_of_10_kb_alone, "train", *TINY, *options).ended()
    assert ended.code == 1
    assert ended.error == (
        "kerazoo: a file could not be read or written: [Errno 27] File too large\n"
    )
    assert {path.name for path in Path("run").iterdir()} == {"config.json", "metrics.csv"}


def test_a_loss_that_is_not_finite_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--data", "digits", "--learning-rate", "1e38", "--out", "run"]
    code, _, err = command(monkeypatch, capsys, *TINY, *options)
    assert code == 1
    assert "lower the learning rate, which is 1e+38" in err
    assert not Path("run").exists()


def test_weights_that_are_not_finite_are_reported_though_the_loss_is(
    first_run: FirstRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A ReLU and a maximum drop them: after two steps, the logits are the biases."""
    shutil.copytree(first_run.out, "run")
    before = files(Path("run"))
    options = ["--data", "digits", "--limit", "200", "--epochs", "1", "--learning-rate", "1e20"]
    options += ["--model", "mnist_cnn", "--out", "run", "--overwrite"]
    code, out, err = command(monkeypatch, capsys, *options)
    assert (code, out) == (1, "")
    assert "not all weights are finite numbers in epoch 1: lower the learning rate" in err
    assert files(Path("run")) == before


def with_a_full_standard_output(*arguments: str) -> int:
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
    return tiny.command(*arguments)


def test_a_result_that_cannot_be_printed_is_in_a_file() -> None:
    options = ["--data", "digits", "--limit", "100", "--epochs", "1", "--out", "run"]
    for arguments in ([*TINY, *options], ["--resume", "run"]):
        ended = Process(with_a_full_standard_output, "train", *arguments).ended()
        assert ended.code == 1
        assert ended.error == (
            "kerazoo: the result cannot be printed, because of 'No space left on device': "
            "it is in 'run/summary.json'\n"
        )
        assert Path("run/summary.json").exists()


@pytest.mark.parametrize("dry_run", [False, True])
def test_data_that_prove_damaged_are_reported(
    dry_run: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a record of TFDS whose checksum is wrong."""

    def fail(*_: object) -> None:
        raise tf.errors.DataLossError(None, None, "corrupted record at 6186")

    monkeypatch.setattr(Steps, "train", fail)
    with pytest.raises(CorruptFileError, match="the data set digits is damaged: remove its files"):
        run(digits(dry_run=dry_run))
    assert not list(Path().glob("runs/*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((None,), "options is None, not TrainOptions"),
        (("mnist_cnn",), "options is 'mnist_cnn', not TrainOptions"),
        ((digits(), [5]), "callbacks has 5, which is not a Keras callback"),
        ((digits(), None), "callbacks is None, not a list of Keras callbacks"),
        ((digits(), keras.callbacks.History()), "not a list of Keras callbacks"),
    ],
)
def test_what_is_no_training_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        train(*arguments)
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("run", [None, 5])
def test_what_is_no_run_is_not_resumed(run: Any) -> None:
    with pytest.raises(UsageError, match=f"run is {run}, not a path"):
        resume(run)
    with pytest.raises(UsageError, match="there is no run in 'nowhere'"):
        resume("nowhere")  # type: ignore[arg-type] # so users do
    with pytest.raises(UsageError, match="callbacks has 5"):
        resume(Path("nowhere"), callbacks=[5])


def test_bad_data_loses_no_earlier_run(
    first_run: FirstRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(first_run.out, "run")
    before = files(Path("run"))
    Path("idx").mkdir()
    for name in idx.FILES:
        Path("idx", name).write_bytes(b"of something else")
    for options, expected, message in (
        (["--mnist-dir", "idx"], 4, "-ubyte.gz' is damaged: it is not an IDX file"),
        (["--data", "folder:idx"], 3, ""),
        (["--data", "digits", "--learning-rate", "1e38"], 1, "lower the learning rate"),
    ):
        code, _, err = command(monkeypatch, capsys, *TINY, *options, "--out", "run", "--overwrite")
        assert code == expected
        assert message in err
        assert files(Path("run")) == before


def test_no_network_means_digits_in_one_line() -> None:
    """It is also the one training by train.py in a new process, which is silent but for that."""
    nowhere = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    environment = {**os.environ, **nowhere, "TFDS_DATA_DIR": "none"}
    for name in ("KERAZOO_MNIST_DIR", "no_proxy", "NO_PROXY", "TF_CPP_MIN_LOG_LEVEL"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, ROOT / "train.py", "--model", "mnist_cnn", "--dry-run"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    first, second, third = done.stderr.splitlines()
    assert first.startswith(f"kerazoo {kerazoo.__version__}, TensorFlow 2.")
    assert second.startswith("training on scikit-learn's digits instead of MNIST, because mnist is")
    assert third.startswith("mnist_cnn on digits: ")
    assert json.loads(done.stdout)["data"] == "digits"
