"""The benchmarks run, and put each time where it belongs; how long they take is not tested."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from types import ModuleType

import keras
import pandas as pd
import pytest

import kerazoo
from kerazoo.bench import accounting, infer, machine, rounds, start, train
from kerazoo.bench.apart import Apart
from kerazoo.cli import main
from kerazoo.errors import KerazooError

WAYS = ("tf.function", "predict")


def ends() -> Callable[[], None]:
    """Return what ends its process once it has run."""
    return lambda: threading.Timer(0.1, os._exit, [1]).start()


def test_programs_run_in_turn_and_once_before_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0, 1, 0, 10, 0, 3, 0, 30, 0, 2, 0, 20])  # two programs, three rounds
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    order: list[str] = []
    lines: list[str] = []
    programs = {"fast": lambda: order.append("fast"), "slow": lambda: order.append("slow")}
    times = rounds.time_in_turn(programs, lines.append, rounds=3)
    assert times.to_dict("index") == {
        "fast": {"median": 2, "least": 1},
        "slow": {"median": 20, "least": 10},
    }
    assert order == ["fast", "slow"] * 4
    assert lines[-1] == "round 3 of 3"


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModuleType], None]:
    """Have the programs of a benchmark run once and take 2, 3, 4 ... seconds."""

    def fake(
        programs: Mapping[str, Callable[[], object]], say: object, rounds: int = 1
    ) -> pd.DataFrame:
        for run in programs.values():
            run()
        medians = pd.Series({name: float(time) for time, name in enumerate(programs, start=2)})
        return pd.DataFrame({"median": medians, "least": medians / 2})

    return lambda module: monkeypatch.setattr(module, "time_in_turn", fake)


def test_the_table_of_training(
    monkeypatch: pytest.MonkeyPatch, timed: Callable[[ModuleType], None]
) -> None:
    timed(train)
    monkeypatch.setattr(train, "MACS_A_ROUND", 1)
    monkeypatch.setattr(machine, "macs_per_second", lambda dtype: 3 * 4_039_808 * len(dtype))
    table = train.bench(print, batch_size=6).set_index("program")
    ours = [name for name in table.index if name != "PyTorch"]
    assert ours == [
        "TF1 program, feed_dict",
        "kerazoo, float32",
        "kerazoo, mixed_bfloat16",
        "Keras fit, tf.data",
        "Keras fit, arrays",
        "matrix products, float32",
        "matrix products, bfloat16",
    ]
    speeds = table.images_per_second
    assert speeds.iloc[:3].tolist() == [12 / 2, 12 / 3, 12 / 4]  # two steps of six
    assert speeds.iloc[-2:].tolist() == pytest.approx([7, 8])
    assert table.ratio.tolist() == pytest.approx((speeds / 6).tolist())
    assert table.fastest.iloc[:3].tolist() == [12, 8, 6]
    assert table.ratio_of_fastest.iloc[:3].tolist() == pytest.approx([1, 2 / 3, 1 / 2])
    other = train.bench(print, "lenet5", batch_size=2)
    assert other.program[0] == "kerazoo, float32"


def test_a_program_that_fails_apart_is_told() -> None:
    message = r"kerazoo.registry:find failed: unknown model 'vgg99'"
    with pytest.raises(KerazooError, match=message), Apart("kerazoo.registry:find", "vgg99"):
        pass
    with Apart("os:getpid") as run, pytest.raises(KerazooError, match="not callable"):
        run()
    with Apart("tests.bench.test_bench:ends") as run:
        run()
        run._process.wait()
        with pytest.raises(KerazooError, match="ends failed: its process ended"):
            run()


def test_the_table_of_inference(
    monkeypatch: pytest.MonkeyPatch, timed: Callable[[ModuleType], None]
) -> None:
    timed(infer)
    monkeypatch.setattr(infer, "MACS_A_ROUND", 1)
    monkeypatch.setattr(machine, "macs_per_second", lambda dtype: 1.0)
    table = infer.bench(print, "lenet5", batch_size=6)
    assert table.images_per_second[:3].tolist() == [6 / 2, 6 / 3, 6 / 4]
    assert table.ratio[0] == 1
    made: list[tuple[str, dict[str, str]]] = []

    def create(name: str, **options: str) -> keras.Model:
        made.append((name, options))
        inputs = keras.Input((224, 224, 3))
        return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))

    monkeypatch.setattr(kerazoo, "create_model", create)
    theirs = {"vgg16": lambda weights: create("theirs", weights=weights)}
    monkeypatch.setattr(infer, "APPLICATIONS", theirs)
    programs = infer.bench(print, batch_size=1).program.tolist()
    models = ["kerazoo", "kerazoo, mixed_bfloat16", "kerazoo, head='dense'", "keras.applications"]
    assert programs[:-2] == [f"{name}, {how}" for name in models for how in WAYS]
    assert made == [
        ("vgg16", {}),
        ("vgg16", {}),
        ("vgg16", {"head": "dense"}),
        ("theirs", {"weights": None}),
    ]


def test_the_table_of_starting(timed: Callable[[ModuleType], None]) -> None:
    timed(start)
    table = start.bench(print).set_index("program")
    assert table.index[0] == "import tensorflow"
    assert {"kerazoo --help", "kerazoo list", "kerazoo summary mnist_cnn"} <= set(table.index)
    assert table.ratio.iloc[1] == 1.5


def test_the_machine_multiplies_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "SIZE", 64)
    assert machine.macs_per_second("float32") > 1e6


def test_options_of_other_benchmarks_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "start", "--model", "vgg16"]) == 2
    assert "start takes neither --model nor --batch-size" in capsys.readouterr().err
    assert main(["bench", "train", "--model", "vgg99"]) == 2


def test_the_table_of_the_accounting(
    monkeypatch: pytest.MonkeyPatch, timed: Callable[[ModuleType], None]
) -> None:
    monkeypatch.setattr(accounting, "LENGTHS", (5, 10))
    timed(accounting)
    table = accounting.bench(print)
    assert table.layers.tolist() == [26, 26, 26, 6, 11]
    assert table.milliseconds.tolist() == [2000, 3000, 4000, 5000, 6000]
    assert table.ratio.tolist() == [1, 1.5, 2, 1, 1.2]
