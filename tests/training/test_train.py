"""Whole runs: what they leave, what they say, how they fail."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tensorflow.python.framework.config import is_op_determinism_enabled  # it has no public name

from kerazoo.data.images import ImageData, Split
from kerazoo.device import determinism
from kerazoo.errors import UsageError
from kerazoo.training.checkpoints import State
from kerazoo.training.loop import Training
from kerazoo.training.options import Recipe, TrainOptions
from kerazoo.training.steps import Steps
from kerazoo.training.train import train

ROOT = Path(__file__).parents[2]
SHORT = Recipe(epochs=2)
RUN_FILES = {"config.json", "curves.png", "metrics.csv", "model.keras", "summary.json"}


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def digits(recipe: Recipe = SHORT, **options: Any) -> TrainOptions:
    return TrainOptions("mnist_cnn", "digits", recipe=recipe, **options)


def run(options: TrainOptions, *callbacks: keras.callbacks.Callback) -> dict[str, Any]:
    return train(options, "a test", callbacks, say=lambda _: None)


def weights(out: str) -> list[np.ndarray]:
    return keras.models.load_model(Path(out) / "model.keras").get_weights()


def share_right(model: keras.Model, split: Split) -> float:
    images, labels = next(iter(split.batches(split.size)))
    return float(np.mean(model.predict(images, verbose=0).argmax(axis=1) == labels.numpy()))


def test_a_run_leaves_its_folder() -> None:
    from kerazoo.data.load import load

    lines: list[str] = []
    options = digits()
    summary = train(options, "a test", say=lines.append)
    out = Path(summary["out"])
    assert {path.name for path in out.iterdir()} == RUN_FILES
    assert json.loads((out / "summary.json").read_text()) == summary

    config = json.loads((out / "config.json").read_text())
    data = load("digits", (28, 28, 1), seed=0)
    assert config["dataset"]["fingerprint"] == data.fingerprint
    assert config["device"] == "a test"
    assert config["versions"]["keras"] == keras.__version__
    assert (config["seed"], config["epochs"], config["batch_size"]) == (1, 2, 100)
    assert config["optimizer"]["epsilon"] == 1e-8
    assert config["optimizer"]["learning_rate"] == pytest.approx(0.001)

    table = pd.read_csv(out / "metrics.csv")
    assert table["epoch"].tolist() == [1, 2]
    assert set(table["data"]) == {"digits"}
    model = keras.models.load_model(out / "model.keras")
    for part in ("validation", "test"):
        accuracy = share_right(model, getattr(data, part))
        assert summary[f"{part}_accuracy"] == pytest.approx(accuracy)
        assert table[f"{part}_accuracy"].iloc[-1] == pytest.approx(accuracy)
    probabilities = model(np.zeros((1, 28, 28, 1))).numpy()
    assert probabilities.sum() == pytest.approx(1)
    with Image.open(out / "curves.png") as picture:
        assert picture.size == (1200, 480)

    assert lines[0] == (
        "mnist_cnn on digits: 1,347 images to train on, 150 to validate, 300 to test"
    )
    assert [line[:30] for line in lines[1:]] == [
        "epoch 1/2, accuracy on digits:",
        "epoch 2/2, accuracy on digits:",
    ]


def test_one_seed_gives_equal_weights_and_another_does_not() -> None:
    first, second = (weights(run(digits())["out"]) for _ in range(2))
    other = weights(run(digits(Recipe(epochs=2, seed=2)))["out"])
    for a, b, c in zip(first, second, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a != c).any()


def test_the_seed_is_also_that_of_the_initial_weights() -> None:
    recipes = (Recipe(epochs=1, learning_rate=1e-30, seed=seed) for seed in (1, 2))
    first, second = (weights(run(digits(recipe))["out"]) for recipe in recipes)
    assert (first[0] != second[0]).any()


def test_what_loading_draws_at_random_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """TFDS draws from Python's generator when it prepares a set."""
    from kerazoo.data import digits as data

    first = weights(run(digits())["out"])
    load = data.load

    def load_and_draw(*arguments: Any) -> ImageData:
        random.random()
        np.random.random()
        return load(*arguments)

    monkeypatch.setattr(data, "load", load_and_draw)
    np.testing.assert_array_equal(first[0], weights(run(digits())["out"])[0])


def test_an_earlier_run_is_not_replaced_without_leave() -> None:
    run(digits(out=Path("run")))
    with pytest.raises(UsageError, match="holds a run"):
        run(digits(out=Path("run")))


def test_many_steps_are_taken_between_the_calls_of_callbacks() -> None:
    calls: list[int] = []
    counter = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: calls.append(batch)
    )
    run(digits(), counter)
    assert calls == [13, 13]  # all 14 steps of each of the two epochs


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
    assert list(Path().iterdir()) == []


def test_a_limit_holds_for_every_split() -> None:
    summary = run(digits(limit=120))
    assert [summary[f"{part}_images"] for part in ("train", "validation", "test")] == [120] * 3
    assert json.loads((Path(summary["out"]) / "config.json").read_text())["limit"] == 120


def test_tensorboard_events_are_written() -> None:
    out = Path(run(digits(tensorboard=True))["out"])
    assert list((out / "tensorboard").rglob("*tfevents*"))


def test_half_the_width_trains_too() -> None:
    summary = run(digits(Recipe(epochs=4, precision="mixed_bfloat16")))
    assert summary["test_accuracy"] > 0.9
    assert keras.config.dtype_policy().name == "float32"
    from kerazoo.data.load import load

    model = keras.models.load_model(Path(summary["out"]) / "model.keras")
    for part in ("validation", "test"):
        accuracy = share_right(model, getattr(load("digits", (28, 28, 1), seed=0), part))
        assert summary[f"{part}_accuracy"] == pytest.approx(accuracy)
    exact = weights(run(digits(Recipe(epochs=4)))["out"])
    assert all(weight.dtype == np.float32 for weight in weights(summary["out"]))
    assert (weights(summary["out"])[0] != exact[0]).any()


def test_float16_scales_the_loss_and_trains() -> None:
    summary = run(digits(Recipe(epochs=4, precision="mixed_float16")))
    assert summary["test_accuracy"] > 0.9
    config = json.loads((Path(summary["out"]) / "config.json").read_text())
    assert config["optimizer"]["name"] == "loss_scale_optimizer"
    assert all(weight.dtype == np.float32 for weight in weights(summary["out"]))


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("before", [False, True])
def test_operations_are_deterministic_for_the_run_alone(
    jit: bool, before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    whole = Training.epochs

    def epochs(self: Training, *between: Any) -> Any:
        seen.append(is_op_determinism_enabled())
        return whole(self, *between)

    monkeypatch.setattr(Training, "epochs", epochs)
    with determinism(before):
        run(digits(Recipe(epochs=1, jit=jit), limit=100))
        assert is_op_determinism_enabled() is before
    assert seen == [not jit]


def test_xla_trains_the_same_net() -> None:
    plain, compiled = (
        weights(run(digits(Recipe(epochs=1, jit=jit), limit=200))["out"]) for jit in (False, True)
    )
    for mine, theirs in zip(compiled, plain, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-4)
    assert any((mine != theirs).any() for mine, theirs in zip(compiled, plain, strict=True))


def test_the_summary_is_of_the_weights_that_are_saved() -> None:
    """EarlyStopping puts earlier weights back after the last epoch."""
    from kerazoo.data.load import load

    stopper = keras.callbacks.EarlyStopping(
        "val_accuracy", mode="min", patience=1, restore_best_weights=True
    )
    summary = run(digits(Recipe(epochs=5)), stopper)
    assert summary["epochs"] == 2
    model = keras.models.load_model(Path(summary["out"]) / "model.keras")
    test = load("digits", (28, 28, 1), seed=0).test
    assert summary["test_accuracy"] == pytest.approx(share_right(model, test))
    table = pd.read_csv(Path(summary["out"]) / "metrics.csv")
    assert summary["test_accuracy"] == pytest.approx(table["test_accuracy"].iloc[0])
    assert summary["test_accuracy"] != pytest.approx(table["test_accuracy"].iloc[1])


class StopsAt(keras.callbacks.Callback):
    """Ends the training in mid-epoch."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.model.stop_training = batch == 1


def test_the_summary_is_of_the_last_batch_that_was_trained_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kerazoo.training.train.MAX_STEPS_PER_CALL", 1)
    batches: list[int] = []
    whole = Steps.batches

    def counted(self: Steps, *arguments: Any) -> Any:
        if len(arguments) > 3:
            batches.append(arguments[3])
        return whole(self, *arguments)

    monkeypatch.setattr(Steps, "batches", counted)
    summary = run(digits(Recipe(epochs=5), limit=400), StopsAt())
    assert batches == [0, 1, 1]  # to train, to evaluate, and again for the summary
    table = pd.read_csv(Path(summary["out"]) / "metrics.csv")
    assert summary["train_accuracy"] == pytest.approx(table["train_accuracy"].iloc[-1])


def test_a_state_is_taken_once_for_each_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kerazoo.training.train.MAX_STEPS_PER_CALL", 1)
    taken: list[int] = []
    whole = Training.state

    def state(self: Training) -> State:
        taken.append(self.steps_taken)
        return whole(self)

    monkeypatch.setattr(Training, "state", state)
    run(digits(Recipe(epochs=2), limit=400, save_every=2))
    assert taken == [2, 4, 4, 6, 8, 8]  # at an epoch's end before and after its evaluation


def test_a_folder_of_pictures_trains(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, level in (("dark", 0), ("bright", 128)):
        (tmp_path / "shades" / name).mkdir(parents=True)
        for number in range(60):
            pixels = rng.integers(level, level + 128, (20, 30, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "shades" / name / f"{number}.png")
    summary = run(
        TrainOptions("mnist_cnn", "folder:shades", recipe=Recipe(epochs=5, batch_size=10))
    )
    assert summary["data"] == "folder:shades"
    assert summary["test_accuracy"] == 1
    assert weights(summary["out"])[-1].shape == (2,)


def command(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "train.py", "--model", "mnist_cnn", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        **options,
    )


def test_the_command_reaches_95_percent_on_digits() -> None:
    done = command("--data", "digits", "--out", "run")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    first, *_, last = done.stdout.splitlines()
    assert first.startswith("kerazoo 0.1.0, TensorFlow 2.")
    summary = json.loads(last)
    assert summary["test_accuracy"] >= 0.95
    assert summary["out"] == "run"
    assert summary == json.loads(Path("run/summary.json").read_text())

    again = command("--data", "digits", "--out", "run")
    assert again.returncode == 2
    assert "holds a run: name another folder or give --overwrite" in again.stderr
    assert summary == json.loads(Path("run/summary.json").read_text())


def test_the_fast_recipe_on_mnist(mnist_dir: Path) -> None:
    done = command("--mnist-dir", str(mnist_dir), "--out", "run", "--recipe", "fast")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["epochs"] == 2
    assert summary["test_accuracy"] >= 0.9879, "what ten epochs of the documents' recipe reach"


def test_ten_epochs_on_mnist(mnist_dir: Path) -> None:
    done = command("--mnist-dir", str(mnist_dir), "--out", "run")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert (summary["data"], summary["epochs"], summary["test_images"]) == ("mnist", 10, 10_000)
    assert summary["test_accuracy"] >= 0.985


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_in_mid_epoch_keeps_what_there_is(number: signal.Signals) -> None:
    options = ["--data", "digits", "--epochs", "100000", "--out", "run"]
    running = subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), "--model", "mnist_cnn", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert running.stdout
    for line in running.stdout:
        if line.startswith("epoch "):
            break
    running.send_signal(number)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert err.startswith("kerazoo: interrupted in epoch ")
    assert "the model as it was then is in 'run'" in err
    assert err.count("\n") == 1
    assert "and --resume 'run' goes on from there" in err
    left = RUN_FILES - {"summary.json"} | {"checkpoints"}
    assert {path.name for path in Path("run").iterdir()} == left
    assert len(weights("run")) == 8


def test_a_run_goes_on_when_nobody_reads_its_output() -> None:
    line = f"'{sys.executable}' '{ROOT / 'train.py'}' --model mnist_cnn --data digits --epochs 2"
    done = subprocess.run(
        ["bash", "-c", f"{line} --out run | head -1; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in Path("run").iterdir()} == RUN_FILES


def test_a_write_that_fails_is_told_and_leaves_no_half_file() -> None:
    def allow_100_kb_a_file() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    done = command(
        "--data", "digits", "--epochs", "1", "--out", "run", preexec_fn=allow_100_kb_a_file
    )
    assert done.returncode == 1
    assert done.stderr == (
        "kerazoo: a file could not be read or written: [Errno 27] File too large\n"
    )
    assert {path.name for path in Path("run").iterdir()} == {"config.json", "metrics.csv"}


def test_a_loss_that_is_no_number_is_told() -> None:
    done = command("--data", "digits", "--learning-rate", "1e10", "--out", "run")
    assert done.returncode == 1
    assert "lower the learning rate, which is 10000000000.0" in done.stderr
    assert not Path("run").exists()


def test_bad_data_loses_no_earlier_run(mnist_dir: Path) -> None:
    run(digits(Recipe(epochs=1), out=Path("run")))
    before = {path.name: path.read_bytes() for path in Path("run").iterdir()}
    shutil.copytree(mnist_dir, "idx")
    labels = Path("idx/t10k-labels-idx1-ubyte.gz")
    labels.chmod(0o644)
    labels.write_bytes(labels.read_bytes()[:-1])
    done = command("--mnist-dir", "idx", "--out", "run", "--overwrite")
    assert done.returncode == 4
    assert "t10k-labels-idx1-ubyte.gz' is damaged or altered: its sha256 is" in done.stderr
    done = command("--data", "folder:idx", "--out", "run", "--overwrite")
    assert done.returncode == 3
    done = command("--data", "digits", "--learning-rate", "1e10", "--out", "run", "--overwrite")
    assert done.returncode == 1
    assert {path.name: path.read_bytes() for path in Path("run").iterdir()} == before


def test_no_network_means_digits_in_one_line() -> None:
    nowhere = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    environment = {**os.environ, **nowhere, "TFDS_DATA_DIR": "none"}
    for name in ("KERAZOO_MNIST_DIR", "no_proxy", "NO_PROXY"):
        environment.pop(name, None)
    done = command("--dry-run", env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[1].startswith("training on scikit-learn's digits instead of MNIST, as mnist is")
    assert json.loads(lines[-1])["data"] == "digits"
    assert len(lines) == 4
