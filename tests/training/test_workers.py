"""Two workers on this machine against one: equal losses, and the same end where one is killed."""

import contextlib
import dataclasses
import itertools
import json
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager import context

from kerazoo.data.load import load
from kerazoo.models.mnist_cnn import mnist_cnn
from kerazoo.training import curves
from kerazoo.training.cluster import Cluster, of_environment, on_this_machine
from kerazoo.training.replicas import Replicas
from kerazoo.training.steps import Steps
from tests.helpers import tiny
from tests.helpers.kills import command_that_ends_at, hang, kill, stop
from tests.helpers.processes import Ended, Process
from tests.helpers.runs import metrics, weights
from tests.helpers.small import convolution, normalized, random_split

Worker = Callable[..., int | None]
TRAIN = ["train", "--model", tiny.NAME, "--data", "digits", "--limit", "60", "--batch-size", "20"]
TWO_EPOCHS = ["--epochs", "2", "--save-every", "2", "--strategy", "multiworker"]


def start(call: Worker, *arguments: object) -> list[Process]:
    """Start two workers with the same arguments, the chief first."""
    return start_each([call, *arguments], [call, *arguments])


def start_each(*calls: list[Any]) -> list[Process]:
    """Start a worker for each function and its arguments, the chief first."""
    pairs = zip(calls, on_this_machine(len(calls)), strict=True)
    return [Process(*call, environment=environment) for call, environment in pairs]


def ends(*processes: Process) -> list[Ended]:
    return [process.ended() for process in processes]


def small_net() -> keras.Model:
    inputs = keras.Input((28, 28, 1))
    x = keras.layers.Conv2D(4, 5, strides=3, activation="relu")(inputs)
    x = keras.layers.MaxPooling2D(2)(x)
    return keras.Model(inputs, keras.layers.Dense(10)(keras.layers.Flatten()(x)))


def full_net() -> keras.Model:
    return mnist_cnn(classifier_activation=None)


OPTIMIZERS = {
    "adam": (lambda: keras.optimizers.Adam(0.001, epsilon=1e-8), "float32"),
    "sgd": (lambda: keras.optimizers.SGD(0.003), "float32"),
    "sgd float64": (lambda: keras.optimizers.SGD(0.05), "float64"),
}


def losses(
    replicas: Replicas,
    build: Callable[[], keras.Model],
    limit: int,
    batch_size: int,
    steps: dict[str, int],
) -> dict[str, list[float]]:
    """Return the losses of so many steps of each kind, over epochs whose last batch is smaller."""
    train = load("digits", (28, 28, 1), seed=0).train.limited(limit)
    per_epoch = -(-limit // batch_size)
    found: dict[str, list[float]] = {}
    for name, count in steps.items():
        optimizer, dtype = OPTIMIZERS[name]
        keras.utils.set_random_seed(4)
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(dtype)
        with replicas.strategy.scope():
            model = build()
            model.compile(optimizer())
        keras.config.set_dtype_policy(before)
        trained = Steps(model, replicas.strategy)
        found[name] = []
        for step in range(count):
            if step % per_epoch == 0:
                batches = trained.batches(train, batch_size, (1, step // per_epoch))
            found[name].append(trained.train(batches, 1)[0] / batch_size)
    return found


def print_losses(*arguments: Any) -> None:
    with Replicas("auto", of_environment("auto")) as replicas:
        assert replicas.count == 2
        print(json.dumps(losses(replicas, *arguments)))


@pytest.mark.parametrize(
    ("build", "limit", "batch_size", "steps"),
    [
        # four steps an epoch, the last of 27 images
        (small_net, 150, 41, {"adam": 10, "sgd float64": 10}),
        pytest.param(
            full_net,
            1347,
            101,
            {"adam": 10, "sgd": 50, "sgd float64": 50},
            marks=pytest.mark.full,
        ),
    ],
)
def test_two_workers_have_the_losses_of_one(
    build: Callable[[], keras.Model], limit: int, batch_size: int, steps: dict[str, int]
) -> None:
    arguments = build, limit, batch_size, steps
    workers = start(print_losses, *arguments)
    expected = losses(Replicas("none", Cluster()), *arguments)
    for alone in expected.values():
        assert alone[-1] < alone[0]
    for worker in ends(*workers):
        assert worker.code == 0, worker.err
        found = json.loads(worker.out)
        assert found.keys() == expected.keys()
        for name, alone in expected.items():
            np.testing.assert_allclose(found[name], alone, rtol=0, atol=1e-5, err_msg=name)


def print_collectives() -> None:
    """Print for two models how often the workers exchange something in a step, and a call."""
    replicas, split, found = Replicas("auto", of_environment("auto")), random_split(8), []
    for build in (convolution, normalized):
        with replicas.strategy.scope():
            model = build()
        replicas.synchronize(model, 8, 8)
        steps = Steps(model, replicas.strategy)
        batches, one = steps.batches(split, 8, (0, 0)), tf.constant(1)
        for call in (steps._train, steps._evaluate):
            graph = call.get_concrete_function(batches, one).graph.as_graph_def()
            nodes = [graph.node, *(function.node_def for function in graph.library.function)]
            kinds = [node.op for node in itertools.chain(*nodes)]
            found.append(sum(kind.startswith("Collective") for kind in kinds))
    print(json.dumps(found))


def test_workers_exchange_their_gradients_at_once_and_each_normalization_both_ways() -> None:
    for worker in ends(*start(print_collectives)):
        assert worker.code == 0, worker.err
        assert json.loads(worker.out) == [1, 0, 1 + 2, 0]


def with_short_heartbeats(call: Worker, *arguments: object) -> int | None:
    """Have TensorFlow find in two seconds that a worker has gone, and not in ten or more."""
    whole = context.Context.configure_coordination_service

    def configure(self: Any, *given: Any, **options: Any) -> None:
        whole(self, *given, **{**options, "heartbeat_timeout_in_ms": 2000})

    context.Context.configure_coordination_service = configure
    return call(*arguments)


@dataclasses.dataclass(frozen=True)
class TwoWorkersRun:
    """A run of two workers that tests look at and do not change."""

    out: Path
    chief: Ended
    other: Ended


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> TwoWorkersRun:
    """Return a run that was never stopped."""
    out = tmp_path_factory.mktemp("whole") / "run"
    return TwoWorkersRun(out, *ends(*start(tiny.command, *TRAIN, *TWO_EPOCHS, "--out", str(out))))


def test_only_the_chief_logs_how_it_goes(whole: TwoWorkersRun) -> None:
    assert whole.chief.code == 0, whole.chief.err
    assert "2 replicas of the model, with a shard of every batch each" in whole.chief.err
    assert json.loads(whole.chief.out)["epochs"] == 2
    assert whole.other.code == 0, whole.other.err
    assert len(whole.other.err.splitlines()) == 2
    assert whole.other.out == ""


WORKER_LOST = "another worker has ended or cannot be reached while worker {} of 2 waited for"
ACTIVITY = "the evaluation of epoch 2 (its input data or another worker)"
ADVICE = "see the messages of the other workers, then start all of them again with --resume"


@dataclasses.dataclass(frozen=True)
class End:
    """How the second worker comes no further than into the second epoch, and what it says then."""

    end: Callable[[Callable[[], Any]], Any]
    place: str
    calls: int
    code: int
    message: str


IN_EVALUATION = "kerazoo.training.steps:Steps.evaluate", 3  # two calls an epoch
AT_ITS_BEGIN = "kerazoo.training.watchdog:Watchdog.begin", 10
ENDS = {
    "killed": End(kill, *IN_EVALUATION, -signal.SIGKILL, ""),
    "stopped": End(stop, *IN_EVALUATION, 1, WORKER_LOST.format(2)),
    "hanging": End(hang, *AT_ITS_BEGIN, 1, "worker 2 of 2 has waited 10 minutes for"),
}


@pytest.fixture(
    scope="module",
    params=["killed", "stopped", pytest.param("hanging", marks=pytest.mark.full)],
)
def end(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def ended(end: str, tmp_path_factory: pytest.TempPathFactory) -> TwoWorkersRun:
    """Return a run whose second worker came no further than into the second epoch."""
    out, how = tmp_path_factory.mktemp("ended") / "run", ENDS[end]
    command = [*TRAIN, *TWO_EPOCHS, "--out", str(out)]
    debug = ["--debug"] if end == "hanging" else []
    chief, other = start_each(
        [with_short_heartbeats, tiny.command, *command],
        [
            *[with_short_heartbeats, command_that_ends_at, how.end, how.place, how.calls],
            *[*command, *debug],
        ],
    )
    first = chief.ended()
    with contextlib.suppress(ProcessLookupError):  # it has ended
        other.send(signal.SIGCONT)
    return TwoWorkersRun(out, first, other.ended())


def test_a_worker_that_comes_no_further_ends_all(end: str, ended: TwoWorkersRun) -> None:
    assert ended.chief.code == 1
    assert "epoch 1/2" in ended.chief.err
    assert "epoch 2/2" not in ended.chief.err
    assert ended.chief.error == f"kerazoo: {WORKER_LOST.format(1)} {ACTIVITY}: {ADVICE}\n"
    assert not (ended.out / "summary.json").exists()
    sentence, _, stacks = ended.other.error.partition("\n")
    message = ENDS[end].message
    expected = f"kerazoo: {message} {ACTIVITY}: {ADVICE}" if message else ""
    assert (ended.other.code, sentence) == (ENDS[end].code, expected)
    assert (" in hang\n" in stacks) == (end == "hanging")


def test_all_continue_after_it(whole: TwoWorkersRun, ended: TwoWorkersRun, tmp_path: Path) -> None:
    run = shutil.copytree(ended.out, tmp_path / "run")
    for worker in ends(*start(tiny.command, "train", "--resume", str(run))):
        assert worker.code == 0, worker.err
    assert weights(run) == weights(whole.out)
    assert metrics(run) == metrics(whole.out)


@pytest.mark.parametrize("epochs", [3, pytest.param(30, marks=pytest.mark.full)])
def test_two_workers_come_to_the_end_of_many_epochs(epochs: int, tmp_path: Path) -> None:
    out = tmp_path / "run"
    for worker in ends(*start(tiny.command, *TRAIN, "--epochs", str(epochs), "--out", str(out))):
        assert worker.code == 0, worker.err
    assert len(metrics(out)) == epochs


def test_workers_learn_that_a_run_is_finished(whole: TwoWorkersRun, tmp_path: Path) -> None:
    run = shutil.copytree(whole.out, tmp_path / "run")
    chief, other = ends(*start(tiny.command, "train", "--resume", str(run)))
    for worker in (chief, other):
        assert worker.code == 0, worker.err
    assert "is already finished" in chief.err


def command_that_waits_before_it_draws(*arguments: str) -> int:
    def draw(*_: object) -> None:
        Path("drawing").touch()
        while not Path("go").exists():
            time.sleep(0.01)

    curves.draw = draw  # type: ignore[assignment] # it draws nothing
    return tiny.command(*arguments)


@pytest.mark.parametrize("interrupted", [True, False])
def test_no_worker_ends_before_the_chief_has_saved(
    interrupted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = ["--epochs", "1000" if interrupted else "1", "--out", "run"]
    chief, worker = start(command_that_waits_before_it_draws, *TRAIN, *options)
    if interrupted:
        chief.read_until("epoch ")
        worker.send(signal.SIGTERM)
    while not Path("drawing").exists():
        assert chief.is_running_after(0.01), chief.ended().err
    assert worker.is_running_after(0.5), worker.ended().err
    Path("go").touch()
    code, message = (130, "kerazoo: interrupted in epoch ") if interrupted else (0, "")
    assert (ended := worker.ended()).code == code, ended.err
    assert Path("run/curves.png").exists()
    assert (ended := chief.ended()).code == code, ended.err
    assert ended.error.startswith(message)


def test_sigterm_to_all_processes_interrupts_all_workers(tmp_path: Path) -> None:
    workers = start(tiny.command, *TRAIN, "--epochs", "1000", "--out", str(tmp_path / "run"))
    workers[0].read_until("epoch ")
    for worker in workers:
        for child in worker.children():
            os.kill(child, signal.SIGTERM)
        worker.send(signal.SIGTERM)
    for ended in ends(*workers):
        assert ended.code == 130, ended.err
        assert ended.error.startswith("kerazoo: interrupted in epoch ")


def test_workers_of_different_trainings_are_refused() -> None:
    command = [with_short_heartbeats, tiny.command, *TRAIN, "--dry-run"]
    workers = ([*command, "--epochs", epochs] for epochs in "34")
    chief, other = ends(*start_each(*workers))
    assert other.code == 2
    assert "the workers were started with other options or other data than the chief" in other.err
    assert chief.code == 1
    assert "another worker has ended" in chief.err


def test_a_port_in_use_is_reported(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("", 0))
        other.listen()
        port = other.getsockname()[1]
        task = {"type": "worker", "index": 0}
        cluster = {"worker": [f"localhost:{port}", "localhost:1"]}
        environment = {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}
        out = str(tmp_path / "run")
        worker = Process(tiny.command, *TRAIN, "--out", out, environment=environment)
        ended = worker.ended()
    assert ended.code == 2
    assert ended.error == (
        "kerazoo: worker 1 of 2 cannot listen on its port, of "
        f"localhost:{port}: choose one in TF_CONFIG that no other program uses\n"
    )
    assert not (tmp_path / "run").exists()


def test_the_tasks_of_a_slurm_job_train_together(tmp_path: Path) -> None:
    """Their losses are those of one process, but for the masks of dropout."""
    one, two = tmp_path / "one", tmp_path / "two"
    options = ["--epochs", "1", "--optimizer", "sgd", "--lr", "0.1"]
    environment = {
        "SLURM_JOB_ID": str(os.getpid()),
        "SLURM_STEP_NUM_TASKS": "2",
        "SLURM_STEP_NODELIST": "localhost",
        "SLURM_STEP_TASKS_PER_NODE": "2",
    }
    tasks = [
        Process(
            tiny.command,
            *[*TRAIN, *options, "--strategy", "slurm", "--out", str(two)],
            environment={**environment, "SLURM_PROCID": str(number)},
        )
        for number in range(2)
    ]
    for ended in ends(*tasks):
        assert ended.code == 0, ended.err
    assert Process(tiny.command, *TRAIN, *options, "--out", str(one)).ended().code == 0
    first, second = (metrics(run)[-1] for run in (one, two))
    assert first["epoch"] == second["epoch"] == "1"
    assert float(second["test_loss"]) == pytest.approx(float(first["test_loss"]), rel=0.05)
