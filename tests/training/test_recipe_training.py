"""What a recipe does to a training: freezing, averages, the best epoch, plateaus, its end."""

import dataclasses
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.data.augment import Augmentation
from kerazoo.data.image_io import ImageShape
from kerazoo.errors import InterruptedRunError, UsageError
from kerazoo.recipe import Recipe
from kerazoo.training import callbacks, trainer
from kerazoo.training.callbacks import StopOnSignal
from kerazoo.training.checkpoints import Checkpoints
from kerazoo.training.freezing import layers_to_freeze
from kerazoo.training.options import TrainOptions
from kerazoo.training.recipe_callbacks import BestEpoch, recipe_callbacks
from kerazoo.training.train import resume, train
from tests.helpers import tiny
from tests.helpers.everything import EVERYTHING
from tests.helpers.runs import metrics, weights

QUICK = Recipe(epochs=4, batch_size=10, learning_rate=0.02)
WITH_EVERYTHING = QUICK.changed(**EVERYTHING)


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, curves_at_once: None) -> None:
    monkeypatch.chdir(tmp_path)


def run(recipe: Recipe, out: str, *more: keras.callbacks.Callback, **options: Any) -> Any:
    options = {"limit": 40, "out": Path(out), "save_every": 3, **options}
    return train(TrainOptions(tiny.NAME, "digits", recipe=recipe, **options), more)


class Weights(keras.callbacks.Callback):
    """Keeps the model's weights after each epoch, by layer."""

    def __init__(self) -> None:
        super().__init__()
        self.after: list[dict[str, list[np.ndarray]]] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self.keep()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.keep()

    def keep(self) -> None:
        layers = {layer.name: layer.get_weights() for layer in self.model.layers}
        self.after.append({name: each for name, each in layers.items() if each})


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {
        name
        for name in before
        if any(not np.array_equal(a, b) for a, b in zip(before[name], after[name], strict=True))
    }


@pytest.mark.parametrize("patterns", [("features",), ("conv*",), ("conv", "*_bn")])
def test_patterns_name_layers(patterns: tuple[str, ...]) -> None:
    model = kerazoo.create_model(tiny.NAME)
    assert [layer.name for layer in layers_to_freeze(model, patterns)] == ["conv", "conv_bn"]


@pytest.mark.filterwarnings("ignore:.*after.*:UserWarning")
def test_frozen_layers_are_bit_identical_until_they_are_trained() -> None:
    seen = Weights()
    run(QUICK.changed(freeze=("features",), unfreeze_after=2), "run", seen)
    first, *_, last = seen.after
    assert changed(first, seen.after[2]) == {"classifier"}
    assert changed(seen.after[2], last) == {"conv", "conv_bn", "classifier"}
    frozen = Weights()
    run(QUICK.changed(epochs=2, freeze=("features",)), "frozen", frozen)
    assert changed(frozen.after[0], frozen.after[-1]) == {"classifier"}
    state = Checkpoints(Path("frozen/checkpoints")).newest()
    assert state
    assert {each.shape for key, each in state.arrays.items() if key.startswith("optimizer/")} == {
        (),
        (98, 10),
        (10,),
    }


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (("classifer",), r"fits no layer of 'tiny_cnn' \(did you mean 'classifier'\?\)"),
        (("nothing",), "fits no layer of 'tiny_cnn': `kerazoo summary tiny_cnn` lists its layers"),
        (("*",), "freeze leaves no layer of 'tiny_cnn' to train"),
    ],
)
def test_patterns_that_freeze_nothing_or_all(patterns: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        layers_to_freeze(kerazoo.create_model(tiny.NAME), patterns)


def test_averages_are_evaluated_and_saved() -> None:
    """Those of a decay that forgets at once are the weights; others are not."""
    plain, same = run(QUICK, "plain"), run(QUICK.changed(ema=1e-9), "same")
    assert same["test_loss"] == pytest.approx(plain["test_loss"], rel=1e-5)
    averaged = run(QUICK.changed(ema=0.999), "averaged")
    assert averaged["train_accuracy"] == plain["train_accuracy"]
    assert averaged["test_loss"] != pytest.approx(plain["test_loss"], rel=1e-3)
    evaluated = metrics(Path("averaged"))
    assert float(evaluated[-1]["test_loss"]) == averaged["test_loss"]


def test_the_best_epoch_is_saved_and_reported(caplog: pytest.LogCaptureFixture) -> None:
    recipe = QUICK.changed(epochs=8, learning_rate=0.3)
    with caplog.at_level("INFO", "kerazoo"):
        last, best = run(recipe, "last"), run(recipe.changed(keep="best"), "best")
    rows = metrics(Path("best"))
    accuracies = [float(row["validation_accuracy"]) for row in rows]
    assert rows == metrics(Path("last"))
    assert best["saved_epoch"] == 1 + int(np.argmax(accuracies)) < 8 == last["saved_epoch"]
    assert best["validation_accuracy"] == max(accuracies)
    assert last["validation_accuracy"] == accuracies[-1]
    number = best["saved_epoch"]
    assert (
        f"epoch 8 are saved, the last one; --keep best saves those of epoch {number}" in caplog.text
    )
    assert f"epoch {number} are saved, the one with the best validation accuracy" in caplog.text


def test_it_ends_after_so_many_epochs_without_a_higher_accuracy() -> None:
    summary = run(QUICK.changed(epochs=20, learning_rate=1e-9, early_stopping=2), "run")
    assert summary["epochs"] == 3


def rates_of(accuracies: list[float], recipe: Recipe) -> list[float]:
    """Return the learning rate after each epoch with such a validation accuracy."""
    (plateau,) = recipe_callbacks(recipe)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(recipe.learning_rate), "mse", metrics=["accuracy"])
    model.evaluate(np.zeros((1, 1)), np.zeros((1, 1)), verbose=0)
    plateau.set_model(model)
    plateau.on_train_begin()
    rates = []
    for epoch, accuracy in enumerate(accuracies):
        plateau.on_epoch_end(epoch, {"val_accuracy": accuracy})
        rates.append(float(model.optimizer.learning_rate))
    return rates


def test_a_plateau_divides_the_rate_by_ten_at_most_so_often() -> None:
    recipe = Recipe(schedule="plateau", learning_rate=0.1, patience=2, drops=2)
    accuracies = [0.1, 0.2, 0.2, 0.1, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3]
    expected = [0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.001, 0.001, 0.001, 0.001]
    assert rates_of(accuracies, recipe) == pytest.approx(expected, rel=1e-6)


def test_with_everything_on_it_resumes_bit_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is stopped in an epoch, in an evaluation, after an epoch, and when all is trained."""
    hooks = ("on_train_batch_end", "on_test_batch_end", "on_epoch_end", "on_train_batch_end")
    run(WITH_EVERYTHING, "whole")
    with monkeypatch.context() as patch:
        for hook in hooks:
            patch.setattr(callbacks, "StopOnSignal", stopping_in(hook))
            with pytest.raises(InterruptedRunError):
                resume(Path("run")) if Path("run").exists() else run(WITH_EVERYTHING, "run")
    assert len(metrics(Path("run"))) == 2
    resume(Path("run"))
    assert weights(Path("run")) == weights(Path("whole"))
    assert metrics(Path("run")) == metrics(Path("whole"))


def test_the_curvatures_of_lenet5_are_those_of_an_uninterrupted_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trainer, "EVERY", 3)  # the first stop is between two estimates
    recipe = Recipe(epochs=2, batch_size=10, optimizer="sdlm", learning_rate=0.0005)
    options = TrainOptions("lenet5", "digits", recipe=recipe, limit=40, save_every=1)
    train(dataclasses.replace(options, out=Path("whole")))
    with monkeypatch.context() as patch:
        patch.setattr(callbacks, "StopOnSignal", stopping_in("on_train_batch_end"))
        with pytest.raises(InterruptedRunError):
            train(dataclasses.replace(options, out=Path("run")))
        patch.setattr(callbacks, "StopOnSignal", stopping_in("on_train_batch_end"))
        with pytest.raises(InterruptedRunError):
            resume(Path("run"))
    resume(Path("run"))
    assert weights(Path("run")) == weights(Path("whole"))
    assert metrics(Path("run")) == metrics(Path("whole"))


def stopping_in(hook: str) -> type[StopOnSignal]:
    """Return a callback to which a signal comes in the second call of a hook."""

    class Stops(StopOnSignal):
        calls = 0

    def stop(self: Stops, *_: Any, **__: Any) -> None:
        Stops.calls += 1
        self.requested = Stops.calls == 2
        StopOnSignal.on_train_batch_end(self, 0)

    setattr(Stops, hook, stop)
    return Stops


def test_a_prolonged_run_is_one_that_began_so_long(capsys: pytest.CaptureFixture[str]) -> None:
    """From another directory, too; the first end is as if it had not been."""
    recipe = dataclasses.replace(WITH_EVERYTHING, early_stopping=None)
    run(recipe, "run")
    whole = run(recipe.changed(epochs=6), "whole")
    summary = resume(Path("run").absolute(), epochs=6)
    assert summary["epochs"] == whole["epochs"] == 6
    assert weights(Path("run")) == weights(Path("whole"))
    assert metrics(Path("run")) == metrics(Path("whole"))
    given: dict[str, Any]
    for given, message in (
        ({"epochs": 5}, "'run' has 6 epochs: --epochs 5 cannot prolong it"),
        ({"epochs": "20"}, "epochs must be an integer"),
        ({"data": 5}, "data is 5, not a name"),
    ):
        with pytest.raises(UsageError, match=message):
            resume(Path("run"), **given)
    assert resume(Path("run"), epochs=6) == {**summary, "out": "run"}


def test_best_epochs_have_their_first_weights_again() -> None:
    best = BestEpoch()
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    best.set_model(model)
    for epoch, accuracy in enumerate([0.2, 0.5, 0.5, 0.1]):
        model.set_weights([np.full((1, 1), epoch)])
        best.on_epoch_begin(epoch)
        best.on_test_end({"val_accuracy": accuracy})
    best.on_train_end()
    assert (best.epoch, best.accuracy) == (2, 0.5)
    assert model.get_weights()[0][0, 0] == 1


@pytest.mark.parametrize(
    ("name", "side", "options"),
    [
        (tiny.NAME, 28, {}),
        pytest.param("googlenet", 65, {"alpha": 0.125}, marks=pytest.mark.full),
    ],
)
def test_auxiliary_heads_train_and_are_left_out(
    name: str, side: int, options: dict[str, Any]
) -> None:
    given: dict[str, Any] = {"model_options": options, "input_shape": (side, side), "limit": 6}
    summary = kerazoo.train(name, "digits", epochs=1, batch_size=3, auxiliary_weight=0.3, **given)
    state = Checkpoints(Path(summary["out"]) / "checkpoints").newest()
    model = kerazoo.load(summary["out"])
    heads = kerazoo.create_model(
        name, input_shape=model.input_shape[1:], classes=10, auxiliary_heads=True, **options
    )
    assert state
    assert sum(key.startswith("model/") for key in state.arrays) >= len(heads.weights)
    assert len(model.weights) < len(heads.weights)
    assert model.output_shape == (None, 10)
    assert model.kerazoo_card.recipe["auxiliary_weight"] == 0.3


def test_images_of_several_sizes_train(monkeypatch: pytest.MonkeyPatch) -> None:
    sides, original = [], Augmentation.result_shape

    def recorded(self: Augmentation, shape: ImageShape) -> ImageShape:
        sides.append(original(self, shape)[0])
        return original(self, shape)

    monkeypatch.setattr(Augmentation, "result_shape", recorded)
    options: dict[str, Any] = {
        "model_options": {"alpha": 0.0625},
        "input_shape": (32, 32),
        "limit": 6,
    }
    summary = kerazoo.train("sppnet", "digits", epochs=2, batch_size=3, sizes=(32, 24), **options)
    model = kerazoo.load(summary["out"])
    assert model.input_shape == (None, None, None, 3)
    assert model.kerazoo_card.image_shape == (32, 32, 3)
    assert list(dict.fromkeys(sides)) == [32, 24]
    again = kerazoo.train(model, "digits", dry_run=True, limit=6, batch_size=3)
    assert again["train_images"] == 3
