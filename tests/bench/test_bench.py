"""The benchmarks run, and put each time where it belongs; how long they take is not tested."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import logging
import subprocess
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType, SimpleNamespace

import keras
import pandas as pd
import pytest

from kerazoo import device
from kerazoo.bench import accounting, infer, machine, rounds, start, train
from kerazoo.bench.timed_process import TimedProcess
from kerazoo.cli import main
from kerazoo.compat import shapes_only
from kerazoo.errors import KerazooError
from tests.helpers.command import answer

WAYS = ("tf.function", "predict")


class Here:
    """Stands in for `TimedProcess`: the program runs in this process."""

    def __init__(self, function: str, *arguments: str | int) -> None:
        module, _, name = function.partition(":")
        self._run = getattr(importlib.import_module(module), name)(*arguments)

    def __enter__(self) -> Callable[[], object]:
        return self._run

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture(params=["here", pytest.param("apart", marks=pytest.mark.full)])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Time programs in this process, and by --full in processes of their own."""
    if request.param == "here":
        monkeypatch.setattr(train, "TimedProcess", Here)
        for module in (device, train):
            monkeypatch.setattr(module, "start_tensorflow", lambda *_, **__: None)
    return request.param


def set_clock(patch: pytest.MonkeyPatch, module: ModuleType, times: Iterable[float]) -> None:
    """Have a module read these times from its clock."""
    clock = iter(times)
    patch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: next(clock)))


def test_programs_run_in_turn_and_once_before_the_clock(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # two programs, three rounds
    set_clock(monkeypatch, rounds, [0, 1, 0, 10, 0, 3, 0, 30, 0, 2, 0, 20])
    order: list[str] = []
    caplog.set_level(logging.INFO)
    programs = {"fast": lambda: order.append("fast"), "slow": lambda: order.append("slow")}
    times = rounds.time_in_turn(programs, rounds=3)
    assert times.to_dict("index") == {
        "fast": {"median": 2, "minimum": 1},
        "slow": {"median": 20, "minimum": 10},
    }
    assert order == ["fast", "slow"] * 4
    assert caplog.messages[-1] == "round 3 of 3"


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModuleType], None]:
    """Have the programs of a benchmark run once and take 2, 3, 4 ... seconds."""

    def fake(programs: Mapping[str, Callable[[], object]], rounds: int = 1) -> pd.DataFrame:
        for run in programs.values():
            run()
        medians = pd.Series({name: float(time) for time, name in enumerate(programs, start=2)})
        return pd.DataFrame({"median": medians, "minimum": medians / 2})

    return lambda module: monkeypatch.setattr(module, "time_in_turn", fake)


@pytest.mark.usefixtures("way")
def test_the_table_of_training(
    monkeypatch: pytest.MonkeyPatch, timed: Callable[[ModuleType], None]
) -> None:
    timed(train)
    monkeypatch.setattr(train, "MACS_A_ROUND", 1)
    monkeypatch.setattr(machine, "macs_per_second", lambda dtype: 3 * 4_039_808 * len(dtype))
    table = train.bench(batch_size=6).set_index("program")
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


def test_of_a_model_without_a_tf1_program_kerazoo_is_the_first(
    monkeypatch: pytest.MonkeyPatch, timed: Callable[[ModuleType], None]
) -> None:
    monkeypatch.setattr(train, "TimedProcess", lambda *_: contextlib.nullcontext(lambda: None))
    timed(train)
    monkeypatch.setattr(machine, "macs_per_second", lambda dtype: 1.0)
    assert train.bench("lenet5", batch_size=2).program[0] == "kerazoo, float32"


def test_a_program_that_fails_apart_is_told() -> None:
    message = r"kerazoo.registry:find failed: unknown model 'vgg99'"
    with pytest.raises(KerazooError, match=message), TimedProcess("kerazoo.registry:find", "vgg99"):
        pass
    with TimedProcess("os:getpid") as run, pytest.raises(KerazooError, match="not callable"):
        run()
    with TimedProcess("unittest.mock:Mock") as run:
        assert run() is None  # what JSON cannot hold
        run._process.kill()
        run._process.wait()
        with pytest.raises(KerazooError, match="Mock failed: its process ended"):
            run()


def test_the_table_of_inference(
    monkeypatch: pytest.MonkeyPatch, timed: Callable[[ModuleType], None]
) -> None:
    timed(infer)
    monkeypatch.setattr(infer, "MACS_A_ROUND", 1)
    monkeypatch.setattr(machine, "macs_per_second", lambda dtype: 1.0)
    table = infer.bench("lenet5", batch_size=6)
    assert table.images_per_second[:3].tolist() == [6 / 2, 6 / 3, 6 / 4]
    assert table.ratio[0] == 1
    made: list[tuple[str, dict[str, str]]] = []

    def create(name: str, **options: str) -> keras.Model:
        made.append((name, options))
        inputs = keras.Input((224, 224, 3))
        return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))

    monkeypatch.setattr(infer, "create_model", create)
    theirs = {"vgg16": lambda weights: create("theirs", weights=weights)}
    monkeypatch.setattr(infer, "APPLICATIONS", theirs)
    programs = infer.bench(batch_size=1).program.tolist()
    models = ["kerazoo", "kerazoo, mixed_bfloat16", "kerazoo, head='dense'", "keras.applications"]
    assert programs[:-2] == [f"{name}, {how}" for name in models for how in WAYS]
    assert made == [
        ("vgg16", {}),
        ("vgg16", {}),
        ("vgg16", {"head": "dense"}),
        ("theirs", {"weights": None}),
    ]


def test_the_table_of_starting(
    way: str,
    timed: Callable[[ModuleType], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(arguments: list[str]) -> None:
        option, what, *verb = arguments
        assert option == "-m" or what in ("import tensorflow", "import torch")
        assert option == "-c" or (what, answer(capsys, *verb)[0]) == ("kerazoo", 0)

    if way == "here":
        monkeypatch.setattr(start, "_run", run)
    timed(start)
    table = start.bench().set_index("program")
    assert table.index[0] == "import tensorflow"
    assert {"kerazoo --help", "kerazoo list", "kerazoo summary mnist_cnn"} <= set(table.index)
    assert table.ratio.iloc[1] == 1.5


def test_a_process_that_fails_is_no_time() -> None:
    start._run(["-c", "pass"])
    with pytest.raises(subprocess.CalledProcessError):
        start._run(["-c", "raise SystemExit(1)"])


def test_the_machine_multiplies_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "SIZE", 64)
    set_clock(monkeypatch, machine, itertools.count(step=0.5))
    assert machine.macs_per_second("float32") == machine.TIMES * 64**3 / 0.5


def test_options_of_other_benchmarks_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "start", "--model", "vgg16"]) == 2
    assert "start takes neither --model nor --batch-size" in capsys.readouterr().err
    assert main(["bench", "train", "--model", "vgg99"]) == 2


def test_the_table_of_the_accounting(
    monkeypatch: pytest.MonkeyPatch, timed: Callable[[ModuleType], None]
) -> None:
    monkeypatch.setattr(accounting, "LENGTHS", (5, 10))
    timed(accounting)
    with shapes_only():
        table = accounting.bench()
    assert table.layers.tolist() == [26, 26, 26, 6, 11]
    assert table.milliseconds.tolist() == [2000, 3000, 4000, 5000, 6000]
    assert table.ratio.tolist() == [1, 1.5, 2, 1, 1.2]


def test_a_program_apart_takes_and_returns_what_json_can_hold() -> None:
    with TimedProcess("operator:methodcaller", "split", ",") as split:
        assert split("a,b") == ["a", "b"]
        split.send("c,d,e")
        assert split.receive() == ["c", "d", "e"]
