"""A training that is stopped anywhere and resumed ends as if it had never stopped."""

import dataclasses
import json
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from kerazoo.data.images import ImageData
from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.recipe import Recipe
from kerazoo.training.callback_states import Arrays, CallbackStates
from kerazoo.training.checkpoints import Checkpoints, State
from kerazoo.training.record import Position
from kerazoo.training.trainer import Trainer
from tests.helpers import fuzz
from tests.helpers.checkpoints import assert_same_weights
from tests.helpers.runs import TIMES
from tests.helpers.small import CLASSES, random_data

RECIPE = Recipe(epochs=4, batch_size=5, seed=9)
ENDS_AFTER = 3  # by EarlyStopping
SMALL, LARGE = 16, 33  # images to train on: 4 and 7 steps an epoch


class Draws(keras.callbacks.Callback):
    """Draws from every common generator, and remembers what."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: dict[int, tuple[float, float]] = {}
        self.best = np.zeros(2)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.drawn[len(self.drawn)] = (random.random(), float(np.random.random()))
        self.best = self.best + np.random.random(2)


class Clears(keras.callbacks.Callback):
    """Sets what it clears when the first call of an epoch ends."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = False
        self.seen = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.waits = True

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.seen += not self.waits
        self.waits = False


@pytest.fixture(scope="module")
def data() -> ImageData:
    return random_data(SMALL)


def dropout_and_batch_norm(data: ImageData, *, loss_scale: bool = False) -> keras.Model:
    """Return a model with every kind of state; its noise comes of Keras's common generator."""
    keras.utils.set_random_seed(RECIPE.seed)
    x = inputs = keras.Input(data.image_shape)
    x = keras.layers.Conv2D(4, 3)(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Dropout(0.3)(keras.layers.Flatten()(x))
    x = keras.layers.GaussianNoise(0.1)(x)
    x = Noise()(x)
    model = keras.Model(inputs, keras.layers.Dense(CLASSES)(x))
    optimizer = keras.optimizers.Adam(0.01)
    if loss_scale:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, dynamic_growth_steps=3)
    model.compile(
        optimizer,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


class Noise(keras.layers.Layer):
    def call(self, x: Any, training: bool = False) -> Any:
        return x + keras.random.normal((CLASSES, 1, 1))[0, 0, 0] * 0.01 if training else x


def callbacks() -> list[keras.callbacks.Callback]:
    return [
        keras.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=0, min_delta=1.0),
        Draws(),
        Clears(),
    ]


class AfterCalls(keras.callbacks.Callback):
    """Calls a function after each call of steps and each epoch but the last."""

    def __init__(self, trainer: Trainer, function: Callable[[], object]) -> None:
        super().__init__()
        self._trainer, self._function = trainer, function

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._function()

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self._function()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if not self._trainer.finished:
            self._function()


def begin(data: ImageData, **options: Any) -> Trainer:
    model = dropout_and_batch_norm(data, **options)
    return Trainer(model, data, RECIPE, callbacks(), steps_per_call=2, save_every=3)


def fit(trainer: Trainer, after_call: Callable[[], object]) -> Trainer:
    trainer.fit([AfterCalls(trainer, after_call)])
    return trainer


def ending(trainer: Trainer) -> dict[str, Any]:
    """Return all that must be equal at the end, bit for bit."""
    arrays = {name: array.tobytes() for name, array in trainer.state().arrays.items()}
    record = json.loads(json.dumps(trainer.state().record))
    for times in (record["position"], *record["results"]):
        for name in TIMES:
            times.pop(name, None)
    return {"arrays": arrays, "record": record}


@pytest.fixture(scope="module")
def undisturbed(data: ImageData) -> tuple[Trainer, list[int]]:
    """Return a training that has ended, and the steps after which it could be saved.

    It may not be changed.
    """
    trainer, ends = begin(data), []
    return fit(trainer, lambda: ends.append(trainer.steps_taken)), ends


def assert_the_same_from(each: int, folder: Path, new: Callable[[], Trainer]) -> Trainer:
    """Resume a training at every `each`-th checkpoint; return the one that was never stopped."""
    whole = new()
    known: list[int] = []

    def save() -> None:
        Checkpoints(folder / str(len(known))).save(0, 0, whole.state())
        known.append(len(whole.results))

    fit(whole, save)
    assert [result.epoch for result in whole.results] == list(range(1, whole.position.epoch + 1))
    expected = ending(whole)
    for number, count in list(enumerate(known))[::each]:
        random.seed(count)  # whatever a new process begins with
        again = new()
        taken = Checkpoints(folder / str(number)).newest()
        assert taken
        again.resume(taken)
        again.fit()
        assert ending(again) == expected, number
    return whole


@pytest.mark.parametrize(
    ("images", "loss_scale", "each"),
    [
        (SMALL, False, 8),  # in mid-epoch, before and in an evaluation
        (SMALL, True, 7),  # in mid-epoch
        pytest.param(LARGE, False, 1, marks=pytest.mark.full),
        pytest.param(LARGE, True, 1, marks=pytest.mark.full),
    ],
)
def test_resumed_anywhere_it_ends_the_same(
    tmp_path: Path, images: int, loss_scale: bool, each: int
) -> None:
    data = random_data(images)
    whole = assert_the_same_from(each, tmp_path, lambda: begin(data, loss_scale=loss_scale))
    assert whole.position.epoch > 2


def test_taking_the_state_disturbs_nothing(
    data: ImageData, undisturbed: tuple[Trainer, list[int]]
) -> None:
    taking = begin(data)
    assert ending(fit(taking, taking.state)) == ending(undisturbed[0])


@pytest.mark.parametrize(
    ("images", "last_call", "each"),
    [(SMALL, 3, 3), pytest.param(LARGE, 7, 1, marks=pytest.mark.full)],
)
def test_a_training_that_a_callback_stopped_in_mid_epoch_remains_stopped(
    tmp_path: Path, images: int, last_call: int, each: int
) -> None:
    class Stop(keras.callbacks.Callback):
        calls = 0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.calls += 1
            self.model.stop_training = self.calls == last_call

    def new() -> Trainer:
        data = random_data(images)
        return Trainer(dropout_and_batch_norm(data), data, RECIPE, [Stop()], steps_per_call=2)

    whole = assert_the_same_from(each, tmp_path, new)
    assert whole.position.epoch == 2
    assert whole.finished


def test_a_state_between_two_epochs_is_that_of_the_end_of_the_first(
    data: ImageData, undisturbed: tuple[Trainer, list[int]]
) -> None:
    first, states = begin(data), []
    fit(first, lambda: states.append(first.state()))
    taken = next(each for each in states if each.record["position"]["epoch"] == 2)
    second = begin(data)
    second.resume(taken)
    assert (second.position.epoch, second.position.step) == (2, 0)
    second.fit()
    assert ending(second) == ending(undisturbed[0])


def test_a_position_of_another_version_is_refused(data: ImageData) -> None:
    trainer = begin(data)
    taken = trainer.state()
    position = {**taken.record["position"], "more": 1}
    with pytest.raises(CorruptFileError, match="written by an incompatible version of kerazoo"):
        trainer.resume(State(taken.arrays, {**taken.record, "position": position}))


def test_an_impossible_epoch_is_refused_at_once(data: ImageData) -> None:
    trainer = begin(data)
    trainer._recipe = dataclasses.replace(RECIPE, epochs=2**31 - 1)
    taken = trainer.state()
    position = {**taken.record["position"], "epoch": 2**31 - 1}
    tracemalloc.start()
    with pytest.raises(CorruptFileError, match="belongs to another training"):
        trainer.resume(State(taken.arrays, {**taken.record, "position": position}))
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("images", "each"), [(SMALL, 11), pytest.param(LARGE, 5, marks=pytest.mark.full)]
)
def test_a_learning_rate_of_the_epoch_holds_from_its_beginning(
    tmp_path: Path, images: int, each: int
) -> None:
    """Of the checkpoints resumed from, at least one lies between two epochs."""

    def new() -> Trainer:
        data = random_data(images)
        schedule = keras.callbacks.LearningRateScheduler(lambda epoch: 0.01 / (1 + epoch))
        return Trainer(dropout_and_batch_norm(data), data, RECIPE, [schedule], steps_per_call=2)

    assert_the_same_from(each, tmp_path, new)


def test_a_finished_training_has_nothing_left(
    data: ImageData, undisturbed: tuple[Trainer, list[int]]
) -> None:
    first, _ = undisturbed
    assert first.results[-1].epoch == first.position.epoch == ENDS_AFTER
    second = begin(data)
    second.resume(first.state())
    assert second.finished
    second.fit([NotCalled()])
    assert_same_weights(second.model, first.model)


class NotCalled(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        raise AssertionError


def test_calls_end_with_every_multiple_of_save_every(
    undisturbed: tuple[Trainer, list[int]],
) -> None:
    trainer, ends = undisturbed
    assert trainer.steps_per_epoch == 4
    saved = [step for step in dict.fromkeys(ends) if step % 3 == 0]
    assert saved == list(range(3, trainer.steps_taken + 1, 3))


def test_the_state_of_another_model_is_refused(
    data: ImageData, undisturbed: tuple[Trainer, list[int]]
) -> None:
    trainer, taken = begin(data), undisturbed[0].state()
    arrays = {**taken.arrays}
    before = trainer.model.get_weights()
    for wrong in ({**arrays, "model/0": np.zeros((1, 2))}, {**arrays, "model/99": np.zeros(1)}):
        with pytest.raises(CorruptFileError, match="to another model"):
            trainer.resume(State(wrong, taken.record))
    for weight, wanted in zip(trainer.model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, wanted)


@pytest.mark.parametrize("count", fuzz.COUNTS)
def test_mutated_records(data: ImageData, count: int) -> None:
    """Their sha256 may be right; the arrays are whole."""
    states: list[State] = []
    first = begin(data)
    fit(first, lambda: states.append(first.state()))
    taken = next(each for each in states if each.record["position"]["epoch"] == 2)
    trainer = begin(data)
    for callback in trainer._callbacks:
        callback.set_model(trainer.model)
        callback.on_train_begin()
    trainer._callback_states = CallbackStates(trainer._callbacks)

    def read(content: bytes) -> None:
        try:
            record = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise CorruptFileError from error  # as `Checkpoints.newest`
        if isinstance(record, dict):
            trainer.resume(State(taken.arrays, record))
            trainer._restore()

    fuzz.check(read, [json.dumps(taken.record).encode()], count)


def test_the_history_of_a_resumed_training_is_whole(
    data: ImageData, undisturbed: tuple[Trainer, list[int]]
) -> None:
    states: list[State] = []
    first = begin(data)
    fit(first, lambda: states.append(first.state()))
    second = begin(data)
    second.resume(next(each for each in states if each.record["position"]["epoch"] == 2))
    second.fit()
    assert second.model.history.epoch == [0, 1, 2]
    assert second.model.history.history == undisturbed[0].model.history.history


def test_callbacks_of_keras_have_nothing_that_is_left_out(
    data: ImageData, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = dropout_and_batch_norm(data)
    of_keras = [
        *callbacks(),
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", save_best_only=True),
        keras.callbacks.TensorBoard(tmp_path),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        keras.callbacks.TerminateOnNaN(),
    ]
    trainer = Trainer(model, data, RECIPE, of_keras, steps_per_call=2)
    fit(trainer, trainer.state)
    assert not caplog.messages


def test_the_state_of_other_callbacks_is_refused(data: ImageData) -> None:
    first = begin(data)
    first.fit()
    record = first.state().record
    unfinished = {"position": dataclasses.asdict(Position()), "results": []}
    second = Trainer(dropout_and_batch_norm(data), data, RECIPE, callbacks()[1:])
    with pytest.raises(UsageError, match=r"of the callbacks .*'EarlyStopping'.* resume in Python"):
        second.resume(State(first.state().arrays, {**record, **unfinished}))


class TestCallbackStates:
    def through_json(self, callback: keras.callbacks.Callback) -> dict[str, Any]:
        """Return the attributes of a new callback after it has taken over what changed."""
        new = self.new()
        states = CallbackStates([new])
        arrays: Arrays = {}
        taken = json.loads(json.dumps(self.states.take(arrays)))
        states.restore(taken, arrays)
        return vars(new)

    def new(self) -> keras.callbacks.Callback:
        callback = keras.callbacks.Callback()
        callback.value = None
        callback.log_dir = "here"
        callback.phase = "first"
        return callback

    @pytest.fixture
    def callback(self) -> keras.callbacks.Callback:
        callback = self.new()
        self.states = CallbackStates([callback])
        return callback

    @pytest.mark.parametrize(
        "value",
        [
            None,
            True,
            3,
            0.1,
            float("inf"),
            "x",
            [1, [2.5, "y"]],
            (1, (2,)),
            {"a": [1], 2: {"b": None}},
            {(1, 2): 3},
            keras.ops.greater,
        ],
    )
    def test_plain_values_come_back(self, callback: keras.callbacks.Callback, value: Any) -> None:
        callback.value = value
        found = self.through_json(callback)["value"]
        assert found == value
        assert type(found) is type(value)

    def test_arrays_come_back(self, callback: keras.callbacks.Callback) -> None:
        callback.value = [np.arange(6.0).reshape(2, 3), np.array([1], np.int32)]
        first, second = self.through_json(callback)["value"]
        np.testing.assert_array_equal(first, np.arange(6.0).reshape(2, 3))
        assert second.dtype == np.int32

    def test_a_text_is_left_to_the_new_callback(self, callback: keras.callbacks.Callback) -> None:
        """It may be a path: a run that was moved logs into its new folder."""
        callback.log_dir, callback.phase = "elsewhere", "second"
        assert self.states.take({}) == [{"class": "Callback", "attributes": {}}]

    @pytest.mark.parametrize(
        "value",
        [
            [1, object()],
            np.less,
            "a/path",
            ["C:\\path"],
            {"best": "~/x"},
            ("..",),
            2**63,
            [[2**63]],
        ],
    )
    def test_other_values_are_left_alone(
        self, callback: keras.callbacks.Callback, value: Any
    ) -> None:
        callback.value = value
        assert self.states.take({}) == [{"class": "Callback", "attributes": {}}]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("unknown", 1),  # which it did not have when the training began
            ("unknown", [np.zeros(2)]),
            ("count", None),
            ("count", [1]),
            ("count", np.zeros(2)),  # which has no truth value
            ("phase", "second"),
            ("phase", 1),
        ],
    )
    def test_what_is_left_out_is_named_once(
        self, name: str, value: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Mine(keras.callbacks.Callback):
            count = 0

        callback, arrays = Mine(), Arrays()
        callback.phase = "first"
        states = CallbackStates([callback])
        setattr(callback, name, value)
        for _ in range(2):
            assert states.take(arrays) == [{"class": "Mine", "attributes": {}}]
        assert not arrays
        (message,) = caplog.messages
        assert f"leave out the attribute '{name}' of the callback Mine" in message

    def test_what_is_no_longer_plain_is_named(self, caplog: pytest.LogCaptureFixture) -> None:
        class Mine(keras.callbacks.Callback):
            value: set[int] | None = None

        callback = Mine()
        states = CallbackStates([callback])
        callback.value = {1, 2}
        states.take(Arrays())
        (message,) = caplog.messages
        assert "leave out the attribute 'value' of the callback Mine" in message

    def test_an_array_is_saved_where_it_has_changed(self) -> None:
        callback, arrays = self.new(), Arrays()
        callback.data, callback.best = np.full(2, 3.0), np.zeros(2)
        states = CallbackStates([callback])
        callback.best += 1
        callback.value = callback.best
        (change,) = states.take(arrays)
        assert list(change["attributes"]) == ["value", "best"]
        assert len(arrays) == 1
        callback.data[:] = 5  # as a hook does at the beginning of an epoch
        callback.best, callback.value = np.zeros(2), None
        states.restore([change], arrays)
        np.testing.assert_array_equal(callback.data, np.full(2, 3.0))
        callback.best += 1  # an array of its own
        np.testing.assert_array_equal(callback.value, np.ones(2))

    def test_a_list_in_itself_is_left_alone(self, callback: keras.callbacks.Callback) -> None:
        callback.value = []
        callback.value.append(callback.value)
        assert self.states.take({}) == [{"class": "Callback", "attributes": {}}]

    def test_what_a_class_has_is_known(self) -> None:
        class Counts(keras.callbacks.Callback):
            count = 0

        first, second = Counts(), Counts()
        states = CallbackStates([first])
        first.count += 1
        CallbackStates([second]).restore(states.take({}), {})
        assert second.count == 1

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("log_dir", "elsewhere"),
            ("unknown", 1),
            ("on_epoch_end", 1),
            ("params", None),
            ("__class__", 1),
            ("value", "/etc/passwd"),
            ("value", {}),
            ("value", {"list": 5}),
            ("value", {"list": [{"dict": [[{"list": []}, 1]]}]}),
            ("value", {"array": "none"}),
            ("value", {"array": "texts"}),
            ("value", {"array": []}),
            ("value", {"comparison": "eval"}),
            ("value", {"set": []}),
            ("value", 10**30),
            ("count", "1"),
            ("count", None),
            ("count", {"list": [1]}),
        ],
    )
    def test_what_no_training_saved_is_refused_and_nothing_is_set(
        self, callback: keras.callbacks.Callback, name: str, value: Any
    ) -> None:
        callback.count = 0
        states, before = CallbackStates([callback]), {**vars(callback)}
        arrays = {"texts": np.array(["a/path"])}
        changes = [{"class": "Callback", "attributes": {"value": 1, name: value}}]
        with pytest.raises(CorruptFileError, match=f"an invalid value of '{name}'"):
            states.restore(changes, arrays)
        assert vars(callback) == before

    def test_a_history_that_no_epoch_can_be_appended_to_is_refused(self) -> None:
        history = keras.callbacks.History()
        changes = [{"class": "History", "attributes": {"history": {"dict": [["loss", 5]]}}}]
        with pytest.raises(CorruptFileError, match="an invalid value of 'history'"):
            CallbackStates([history]).restore(changes, {})

    @pytest.mark.parametrize(
        "changes",
        [None, 5, {}, [5], [{}], [{"class": 5, "attributes": {}}], [{"class": "Callback"}]],
    )
    def test_changes_of_another_form_are_refused(
        self, callback: keras.callbacks.Callback, changes: Any
    ) -> None:
        with pytest.raises(CorruptFileError, match="the checkpoint is damaged"):
            self.states.restore(changes, {})

    def test_values_that_are_too_deep_are_refused(self, callback: keras.callbacks.Callback) -> None:
        deep: Any = 1
        for _ in range(5000):
            deep = {"list": [deep]}
        with pytest.raises(CorruptFileError, match="an invalid value of 'value'"):
            self.states.restore([{"class": "Callback", "attributes": {"value": deep}}], {})
