"""The benchmarks run and put each time where it belongs; how long they take is not tested."""

import importlib
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

import keras
import pandas as pd
import pytest

from kerazoo import device
from kerazoo.bench import accounting, infer, start, timing, train
from kerazoo.compat import shapes_only
from tests.helpers.command import answer

WAYS = ("tf.function", "predict")
FASTER_IN_BFLOAT16 = {"float32": 1.0, "bfloat16": 2.0}


class Here:
    """Stands in for `TimedProcess`: the program runs in this process."""

    running = 0

    def __init__(self, function: str, *arguments: Any) -> None:
        module, _, name = function.partition(":")
        self._run = getattr(importlib.import_module(module), name)(*arguments)

    def __enter__(self) -> Callable[[], object]:
        Here.running += 1
        return self._run

    def __exit__(self, *_: object) -> None:
        Here.running -= 1


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time programs in this process."""
    monkeypatch.setattr(train, "TimedProcess", Here)
    for module in (device, train):
        monkeypatch.setattr(module, "start_tensorflow", lambda *_, **__: None)


@pytest.fixture(params=["here", pytest.param("apart", marks=pytest.mark.full)])
def way(request: pytest.FixtureRequest) -> str:
    """Time programs in this process, and by --full in separate processes."""
    if request.param == "here":
        request.getfixturevalue("here")
    return request.param


def last(tables: Iterable[list[timing.Row]]) -> pd.DataFrame:
    """Return the last table that a benchmark yields."""
    *_, rows = tables
    return pd.DataFrame(rows)


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModuleType], None]:
    """Have the programs of a benchmark run once, with medians of 2, 3, 4 ... seconds."""

    def fake(programs: Mapping[str, timing.Run], rounds: int = 3) -> Iterator[timing.Seconds]:
        for run in programs.values():
            run()
        yield {name: [time / 2, time, 4 * time] for time, name in enumerate(programs, start=2)}

    return lambda module: monkeypatch.setattr(module, "time_in_turn", fake)


@pytest.mark.usefixtures("way")
def test_the_table_of_training(
    monkeypatch: pytest.MonkeyPatch, timed: Callable[[ModuleType], None]
) -> None:
    timed(train)
    monkeypatch.setattr(train, "MACS_A_ROUND", 1)
    monkeypatch.setattr(
        timing,
        "macs_per_second",
        lambda dtype: 3 * 4_039_808 * {"float32": 7, "bfloat16": 9}[dtype],
    )
    table = last(train.bench(batch_size=6)).set_index("program")
    assert [name for name in table.index if name != "PyTorch"] == [
        "TF1 program, feed_dict",
        "kerazoo, float32",
        "kerazoo, mixed_bfloat16",
        "Keras fit, tf.data",
        "Keras fit, arrays",
        "matmul, float32",
        "matmul, bfloat16",
    ]
    speeds = table.images_per_second
    assert speeds.iloc[:3].tolist() == [12 / 2, 12 / 3, 12 / 4]  # two steps of six
    assert speeds.iloc[-2:].tolist() == pytest.approx([7, 9])
    assert table.ratio.tolist() == pytest.approx((speeds / 6).tolist())
    assert table.fastest.iloc[:3].tolist() == [12, 8, 6]
    assert table.fastest.iloc[-2:].tolist() == pytest.approx([7, 9])
    assert table.ratio_of_fastest.iloc[:3].tolist() == pytest.approx([1, 2 / 3, 1 / 2])


@pytest.mark.usefixtures("here")
def test_the_table_of_augmented_training(
    monkeypatch: pytest.MonkeyPatch, timed: Callable[[ModuleType], None]
) -> None:
    timed(train)
    monkeypatch.setattr(train, "MACS_A_ROUND", 1)
    monkeypatch.setattr(timing, "macs_per_second", FASTER_IN_BFLOAT16.get)
    table = last(train.bench("mnist_cnn", 6, "standard", (32, 32))).set_index("program")
    assert list(table.index[:-2]) == [
        "kerazoo",
        "Keras fit, layers in tf.data",
        "Keras fit, layers in the model",
    ]
    assert table.images_per_second.iloc[:3].tolist() == [12 / 2, 12 / 3, 12 / 4]


def test_a_model_without_a_tf1_program_is_compared_with_keras_and_ends_its_processes(
    monkeypatch: pytest.MonkeyPatch, timed: Callable[[ModuleType], None]
) -> None:
    monkeypatch.setattr(train, "TimedProcess", lambda *_: Here("functools:partial", str))
    timed(train)
    monkeypatch.setattr(timing, "macs_per_second", FASTER_IN_BFLOAT16.get)
    tables = train.bench("lenet5", batch_size=2)
    programs = [row["program"] for row in next(tables)]
    assert programs[:4] == [
        "kerazoo, float32",
        "kerazoo, mixed_bfloat16",
        "Keras fit, tf.data",
        "Keras fit, arrays",
    ]
    assert len(programs) == 6
    assert Here.running == 4
    tables.close()  # type: ignore[attr-defined] # what an interrupted command does
    assert Here.running == 0


def test_steps_are_called_fifty_at_a_time() -> None:
    assert list(train.calls(1001, 10)) == [50, 50, 1]
    assert list(train.calls(1000, 10)) == [50, 50]


def test_the_table_of_inference(
    monkeypatch: pytest.MonkeyPatch, timed: Callable[[ModuleType], None]
) -> None:
    timed(infer)
    monkeypatch.setattr(infer, "MACS_A_ROUND", 1)
    monkeypatch.setattr(timing, "macs_per_second", FASTER_IN_BFLOAT16.get)
    table = last(infer.bench("lenet5", batch_size=6))
    assert table.images_per_second[:3].tolist() == [6 / 2, 6 / 3, 6 / 4]
    assert table.ratio[0] == 1
    made: list[tuple[str, dict[str, str]]] = []

    def create(name: str, **options: str) -> keras.Model:
        made.append((name, options))
        inputs = keras.Input((224, 224, 3))
        return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))

    monkeypatch.setattr(infer, "create_model", create)
    applications = {"vgg16": lambda weights: create("application", weights=weights)}
    monkeypatch.setattr(infer, "APPLICATIONS", applications)
    monkeypatch.setattr(timing, "macs_per_second", lambda dtype: 1.0)
    assert not last(infer.bench(batch_size=1)).program.str.contains("mixed").any()
    assert made == [("vgg16", {}), ("vgg16", {"head": "dense"}), ("application", {"weights": None})]
    made.clear()
    monkeypatch.setattr(timing, "macs_per_second", FASTER_IN_BFLOAT16.get)
    programs = last(infer.bench(batch_size=1)).program.tolist()
    models = ["kerazoo", "kerazoo, mixed_bfloat16", "kerazoo, head='dense'", "keras.applications"]
    assert programs[:-2] == [f"{name}, {how}" for name in models for how in WAYS]
    assert made == [
        ("vgg16", {}),
        ("vgg16", {}),
        ("vgg16", {"head": "dense"}),
        ("application", {"weights": None}),
    ]


def test_the_applications_are_models_of_kerazoo() -> None:
    assert infer.APPLICATIONS["resnet152"] is keras.applications.ResNet152
    assert list(infer.APPLICATIONS) == ["vgg16", "vgg19", "resnet50", "resnet101", "resnet152"]


def test_the_table_of_starting(
    way: str,
    timed: Callable[[ModuleType], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(option: str, what: str, *verb: str) -> None:
        assert option == "-m" or what in ("import tensorflow", "import torch")
        assert option == "-c" or (what, answer(capsys, *verb)[0]) == ("kerazoo", 0)

    if way == "here":
        monkeypatch.setattr(start, "_run", run)
    timed(start)
    table = last(start.bench()).set_index("program")
    assert table.index[0] == "import tensorflow"
    assert {"kerazoo --help", "kerazoo list", "kerazoo summary mnist_cnn"} <= set(table.index)
    assert table.seconds.tolist()[:2] == [2, 3]
    assert table.ratio.iloc[1] == 1.5


def test_a_process_that_fails_is_no_time() -> None:
    start._run("-c", "pass")
    with pytest.raises(subprocess.CalledProcessError):
        start._run("-c", "raise SystemExit(1)")


def test_the_table_of_the_accounting(
    monkeypatch: pytest.MonkeyPatch, timed: Callable[[ModuleType], None]
) -> None:
    monkeypatch.setattr(accounting, "LENGTHS", (5, 10))
    timed(accounting)
    with shapes_only():
        table = last(accounting.bench())
    assert table.model.tolist() == ["vgg16"] * 3 + ["chain of 5", "chain of 10"]
    assert table.layers.tolist() == [26, 26, 26, 6, 11]
    assert table.milliseconds.tolist() == [2000, 3000, 4000, 5000, 6000]
    assert table.microseconds_a_layer[3] == pytest.approx(5e6 / 6)
    assert table.ratio.tolist() == [1, 1.5, 2, 1, 1.2]
