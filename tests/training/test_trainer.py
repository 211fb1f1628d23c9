from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from kerazoo.data.images import ImageData
from kerazoo.errors import KerazooError
from kerazoo.recipe import Recipe
from kerazoo.training.result import EpochResult
from kerazoo.training.trainer import Trainer
from tests.helpers.checkpoints import assert_same_weights
from tests.helpers.small import SHAPE, random_data, softmax_regression

RECIPE = Recipe(epochs=3, batch_size=5, seed=9)
MESSAGE = "not all weights are finite numbers in epoch 2: lower the learning rate, which is 0.001"


@pytest.fixture(scope="module")
def data() -> ImageData:
    return random_data(23)


def run(
    data: ImageData, recipe: Recipe = RECIPE, steps_per_call: int = 2, *callbacks: Any
) -> tuple[keras.Model, list[EpochResult]]:
    keras.utils.set_random_seed(recipe.seed)
    model = softmax_regression()
    trainer = Trainer(model, data, recipe, callbacks, steps_per_call=steps_per_call)
    trainer.fit()
    return model, trainer.results


@pytest.fixture(scope="module")
def usual(data: ImageData) -> tuple[keras.Model, list[EpochResult]]:
    """Return what `run` does, not to be changed."""
    return run(data)


class Recorder(keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, int | None]] = []
        self.logs: list[dict[str, float]] = []
        self.losses: list[float] = []
        self.accuracies: list[float] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self.calls.append(("train begins", None))

    def on_train_end(self, logs: Any = None) -> None:
        self.calls.append(("train ends", None))

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.calls.append(("epoch begins", epoch))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.calls.append(("epoch ends", epoch))
        self.logs.append(dict(logs))

    def on_test_begin(self, logs: Any = None) -> None:
        self.calls.append(("test begins", None))

    def on_test_end(self, logs: Any = None) -> None:
        self.calls.append(("test ends", None))

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.calls.append(("test batch begins", batch))

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self.calls.append(("test batch ends", batch))

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.calls.append(("batch begins", batch))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.calls.append(("batch ends", batch))
        self.losses.append(logs["loss"])
        self.accuracies.append(logs["accuracy"])


def test_the_results_are_those_of_an_independent_loop(
    data: ImageData, usual: tuple[keras.Model, list[EpochResult]]
) -> None:
    model, results = usual
    keras.utils.set_random_seed(RECIPE.seed)
    other = softmax_regression()
    for result in results:
        shuffle = (RECIPE.seed, result.epoch - 1)
        losses, hits = 0.0, 0
        for images, labels in data.train.batches(5, shuffle):
            logits = other(images).numpy().astype(np.float64)
            chosen = logits[np.arange(len(labels)), labels]
            losses += (np.log(np.exp(logits).sum(axis=1)) - chosen).sum()
            hits += (logits.argmax(axis=1) == labels.numpy()).sum()
            other.train_on_batch(images, labels)
        assert result.loss == pytest.approx(losses / 23, rel=1e-4)
        assert result.train_accuracy == hits / 23
        for part in ("validation", "test"):
            images, labels = next(iter(getattr(data, part).batches(100)))
            other.reset_metrics()
            loss, accuracy = other.test_on_batch(images, labels)
            assert getattr(result, f"{part}_accuracy") == pytest.approx(float(accuracy))
            assert getattr(result, f"{part}_loss") == pytest.approx(float(loss), rel=1e-4)
    for weight, wanted in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(weight, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("steps_per_call", [1, 3, 50])
def test_the_steps_of_a_call_change_nothing(
    data: ImageData, usual: tuple[keras.Model, list[EpochResult]], steps_per_call: int
) -> None:
    model, results = run(data, RECIPE, steps_per_call)
    other, expected = usual
    assert_same_weights(model, other)
    assert [result.loss for result in results] == pytest.approx([r.loss for r in expected])


def test_callbacks_are_called_as_keras_calls_them(data: ImageData) -> None:
    recorder = Recorder()
    model, results = run(data, RECIPE, 2, recorder)
    batches = [
        (f"batch {when}", batch)
        for begin, end in ((0, 1), (2, 3), (4, 4))
        for when, batch in (("begins", begin), ("ends", end))
    ]
    # two batches to validate, in one call, and three to test, in two
    test_batches = [
        (f"test batch {when}", batch)
        for begin, end in ((0, 1), (0, 1), (2, 2))
        for when, batch in (("begins", begin), ("ends", end))
    ]
    tests = [("test begins", None), *test_batches, ("test ends", None)]
    epochs = [
        call
        for epoch in range(3)
        for call in (("epoch begins", epoch), *batches, *tests, ("epoch ends", epoch))
    ]
    assert recorder.calls == [("train begins", None), *epochs, ("train ends", None)]
    assert recorder.params == {"epochs": 3, "steps": 5, "verbose": 0}
    assert recorder.logs == [result.logs() for result in results]
    assert recorder.losses[2::3] == [result.loss for result in results]
    assert recorder.accuracies[2::3] == [result.train_accuracy for result in results]
    assert model.history.history["val_accuracy"] == [r.validation_accuracy for r in results]


def test_early_stopping_stops_and_restores_the_best_weights(data: ImageData) -> None:
    stopper = keras.callbacks.EarlyStopping(
        "val_loss", mode="max", patience=1, restore_best_weights=True
    )
    recipe = Recipe(epochs=20, batch_size=23, learning_rate=0.001, seed=9)
    constant = ImageData("one", data.class_names, SHAPE, data.train, data.train, data.test, "")
    model, results = run(constant, recipe, 1, stopper)
    assert [result.epoch for result in results] == [1, 2]
    best, _ = run(constant, Recipe(epochs=1, batch_size=23, seed=9), 1)
    np.testing.assert_array_equal(model.get_weights()[0], best.get_weights()[0])


class Stop(keras.callbacks.Callback):
    """Ends the training when `method` is called."""

    def __init__(self, method: str) -> None:
        super().__init__()
        setattr(self, method, self._stop)

    def _stop(self, *_: object, logs: object = None) -> None:
        self.model.stop_training = True


@pytest.mark.parametrize("method", ["on_train_batch_end", "on_epoch_begin", "on_train_batch_begin"])
def test_a_callback_can_stop_in_mid_epoch(data: ImageData, method: str) -> None:
    model, results = run(data, RECIPE, 2, Stop(method))
    assert len(results) == 1
    other = softmax_regression()
    other.compile(other.optimizer, other.loss, steps_per_execution=2)
    batches = data.train.batches(5)
    other.fit(batches, epochs=3, callbacks=[Stop(method)], verbose=0, shuffle=False)
    assert int(model.optimizer.iterations) == int(other.optimizer.iterations) == 2


def test_a_schedule_changes_the_learning_rate(data: ImageData) -> None:
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.0 if epoch else rate)
    model, results = run(data, RECIPE, 2, schedule)
    once, _ = run(data, Recipe(epochs=1, batch_size=5, seed=9))
    np.testing.assert_array_equal(model.get_weights()[0], once.get_weights()[0])
    assert results[1].test_loss == results[2].test_loss


def test_tensorboard_and_checkpoints_write_their_files(data: ImageData, tmp_path: Path) -> None:
    run(
        data,
        RECIPE,
        2,
        keras.callbacks.TensorBoard(tmp_path / "events"),
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="val_accuracy"),
    )
    assert list((tmp_path / "events").rglob("*tfevents*"))
    assert keras.models.load_model(tmp_path / "best.keras").optimizer.iterations == 15


def test_a_loss_that_is_no_number_ends_the_run(data: ImageData) -> None:
    model = softmax_regression()
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    with pytest.raises(KerazooError, match=r"no longer a number in epoch 1: lower the learning"):
        Trainer(model, data, RECIPE).fit()


class Unused(keras.layers.Layer):
    """Has weights that no loss depends on."""

    def build(self, _: Any) -> None:
        for name, trainable in (("gain", True), ("mean", False)):
            weight = self.add_weight(shape=(2,), name=name, trainable=trainable)
            setattr(self, name, weight)

    def call(self, x: Any) -> Any:
        return x


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
@pytest.mark.parametrize("name", ["gain", "mean"])
@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_a_weight_that_is_no_number_ends_the_run_before_anything_is_saved(
    data: ImageData, name: str, value: float
) -> None:
    class Spoils(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 4 and len(trainer.results) == 1:
                getattr(layer, name).assign([1, value])
                with pytest.raises(KerazooError, match=MESSAGE):
                    trainer.state()

    class Ended(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            ended.append(epoch)

    ended: list[int] = []
    layer, inputs = Unused(), keras.Input(SHAPE)
    model = keras.Model(inputs, softmax_regression()(layer(inputs)))
    model.compile(keras.optimizers.SGD(0.5), softmax_regression().loss)
    trainer = Trainer(model, data, RECIPE, [Spoils(), Ended()])
    with pytest.raises(KerazooError, match=MESSAGE):
        trainer.fit()
    assert ended == [0]
