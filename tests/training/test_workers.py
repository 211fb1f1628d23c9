"""Two workers on this machine against one: equal losses, and the same end where one is killed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kerazoo.errors import UsageError
from kerazoo.training.cluster import Cluster, of_environment
from tests.kill_and_resume import weights

ROOT = Path(__file__).parents[2]
LOSSES = """
import json, sys
import keras
import tensorflow as tf
from kerazoo.data.load import load
from kerazoo.models.mnist_cnn import mnist_cnn
from kerazoo.training.cluster import of_environment
from kerazoo.training.replicas import Replicas
from kerazoo.training.steps import Steps

replicas = Replicas("auto", of_environment("auto"))
data = load("digits", (28, 28, 1), seed=0)
found = {"replicas": replicas.count}
adam = lambda: keras.optimizers.Adam(0.001, epsilon=1e-8)
sgd = keras.optimizers.SGD
for name, optimizer, dtype, count in (
    ("adam", adam, "float32", 10),
    ("sgd", lambda: sgd(0.003), "float32", 50),
    ("sgd float64", lambda: sgd(0.05), "float64", 50),
):
    keras.utils.set_random_seed(4)
    keras.config.set_dtype_policy(dtype)
    with replicas.strategy.scope():
        model = mnist_cnn(classifier_activation=None)
        model.compile(optimizer())
    steps = Steps(model, replicas.strategy)
    losses = []
    for epoch in range(4):
        batches = steps.batches(data.train, 101, (1, epoch))  # 14 of them, the last of 34 rows
        losses += [float(steps.train(batches, tf.constant(1))) / 101 for _ in range(14)]
    found[name] = losses[:count]
print(json.dumps(found))
"""
SLOW = """
import sys, time
from kerazoo.cli import main
from kerazoo.training import curves

draw = curves.draw

def draw_slowly(*arguments):
    time.sleep(5)
    draw(*arguments)

curves.draw = draw_slowly
sys.exit(main(["train", *sys.argv[1:]]))
"""
TRAIN = ["--model", "mnist_cnn", "--data", "digits", "--epochs", "4", "--save-every", "5"]


def ports(count: int) -> list[int]:
    """Return free ports; they may be taken again only by chance."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("localhost", 0))
    numbers = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return numbers


def as_users_have(**variables: str) -> dict[str, str]:
    """Return the environment without what packages imported by other tests have put into it."""
    environment = {**os.environ, **variables}
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    return environment


def start(*arguments: str | Path, workers: int = 2) -> list[subprocess.Popen[str]]:
    """Start workers with the same arguments, the chief first."""
    return start_each([arguments] * workers)


def start_each(arguments: Sequence[Sequence[str | Path]]) -> list[subprocess.Popen[str]]:
    """Start a worker with each of the arguments, the chief first."""
    cluster = {"worker": [f"localhost:{port}" for port in ports(len(arguments))]}
    started = []
    for index, own in enumerate(arguments):
        config = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
        process = subprocess.Popen(
            [sys.executable, *own],
            cwd=ROOT,
            env=as_users_have(TF_CONFIG=config) if len(arguments) > 1 else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
    return started


def ends(processes: list[subprocess.Popen[str]]) -> list[tuple[int, str, str]]:
    """Return the exit code, the output and the errors of each process."""
    found = []
    for process in processes:
        out, err = process.communicate(timeout=300)
        found.append((process.returncode, out, err))
    return found


def test_two_workers_have_the_losses_of_one() -> None:
    ((code, alone, err),) = ends(start("-c", LOSSES, workers=1))
    assert code == 0, err
    expected = json.loads(alone)
    assert expected.pop("replicas") == 1
    for losses in expected.values():
        assert losses[-1] < losses[0]
    for code, out, err in ends(start("-c", LOSSES)):
        assert code == 0, err
        found = json.loads(out)
        assert found.pop("replicas") == 2
        assert found.keys() == expected.keys()
        for name, losses in expected.items():
            np.testing.assert_allclose(found[name], losses, rtol=0, atol=1e-5, err_msg=name)


def test_a_killed_worker_ends_the_other_and_all_go_on(tmp_path: Path) -> None:
    command: list[str | Path] = [ROOT / "train.py", *TRAIN, "--strategy", "multiworker"]
    (code, out, err), other = ends(start(*command, "--out", tmp_path / "whole"))
    assert code == 0, err
    assert "2 replicas of the model, each with its rows of every batch" in out
    assert other[0] == 0, other[2]
    assert len(other[1].splitlines()) == 2, "only the chief tells how it goes"

    chief, worker = start(*command, "--out", tmp_path / "run")
    assert chief.stdout
    for line in chief.stdout:
        if line.startswith("epoch 1/"):
            break
    worker.kill()
    worker.communicate()
    _, err = chief.communicate(timeout=120)
    assert chief.returncode == 1
    assert err == (
        "kerazoo: another worker has ended or cannot be reached: see what it said, "
        "then start all of them again with --resume\n"
    )
    assert not (tmp_path / "run/summary.json").exists()

    resumed = ends(start(ROOT / "train.py", "--resume", tmp_path / "run"))
    for code, _, err in resumed:
        assert code == 0, err
    assert weights(tmp_path / "run") == weights(tmp_path / "whole")
    again = ends(start(ROOT / "train.py", "--resume", tmp_path / "run"))
    assert [code for code, *_ in again] == [0, 0]
    assert "is already finished" in again[0][1]
    tables = [pd.read_csv(tmp_path / name / "metrics.csv") for name in ("run", "whole")]
    mine, theirs = (table.drop(columns=["seconds", "images_per_second"]) for table in tables)
    pd.testing.assert_frame_equal(mine, theirs)


def test_no_worker_ends_before_the_chief_has_saved(tmp_path: Path) -> None:
    data = ["--model", "mnist_cnn", "--data", "digits", "--epochs", "1000"]
    chief, worker = start("-c", SLOW, *data, "--out", tmp_path / "run")
    assert chief.stdout
    for line in chief.stdout:
        if line.startswith("epoch "):
            break
    worker.terminate()
    _, err = worker.communicate(timeout=120)
    assert (tmp_path / "run/curves.png").exists()
    assert worker.returncode == 130, err
    _, err = chief.communicate(timeout=120)
    assert chief.returncode == 130, err
    assert err.startswith("kerazoo: interrupted in epoch ")


def test_workers_of_different_trainings_are_refused() -> None:
    command: list[str | Path] = [ROOT / "train.py", "--model", "mnist_cnn", "--data", "digits"]
    chief, other = ends(
        start_each([[*command, "--dry-run", "--epochs", epochs] for epochs in "34"])
    )
    assert other[0] == 2
    assert "the workers were started with other options or other data than the chief" in other[2]
    assert chief[0] == 1
    assert "another worker has ended" in chief[2]


def test_a_worker_that_waits_in_vain_says_so() -> None:
    waiting = (
        "import time; from kerazoo.training.replicas import _ended_in\n"
        "with _ended_in({}): {}\nprint('done')"
    )
    late, in_time = (
        subprocess.run(
            [sys.executable, "-c", waiting.format(seconds, do)], capture_output=True, text=True
        )
        for seconds, do in ((0.6, "time.sleep(600)"), (600, "pass"))
    )
    assert (late.returncode, late.stdout) == (1, "")
    assert late.stderr.endswith(
        "kerazoo: not all workers were there within 0.01 minutes: "
        "see what it said, then start all of them again\n"
    )
    assert (in_time.returncode, in_time.stdout) == (0, "done\n")
    assert "not all workers" not in in_time.stderr


def configuration(kind: str, index: object, **jobs: list[str]) -> dict[str, str]:
    config = {"cluster": jobs, "task": {"type": kind, "index": index}}
    return {"TF_CONFIG": json.dumps(config)}


@pytest.mark.parametrize(
    ("strategy", "environment", "expected"),
    [
        ("auto", {}, Cluster()),
        ("none", configuration("worker", 1, worker=["a:1", "b:1"]), Cluster()),
        ("auto", configuration("worker", 0, worker=["a:1", "b:1"]), Cluster(2, True)),
        ("multiworker", configuration("worker", "1", worker=["a:1", "b:1"]), Cluster(2, False)),
        ("auto", configuration("chief", 0, chief=["a:1"], worker=["b:1"]), Cluster(2, True)),
        ("auto", configuration("worker", 0, chief=["a:1"], worker=["b:1"]), Cluster(2, False)),
        ("auto", configuration("worker", 0, worker=["a:1"]), Cluster(1, True)),
    ],
)
def test_the_cluster_is_that_of_tf_config(
    strategy: str, environment: dict[str, str], expected: Cluster
) -> None:
    assert of_environment(strategy, environment) == expected


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "--strategy multiworker needs TF_CONFIG, such as"),
        ({"TF_CONFIG": "{"}, "TF_CONFIG must be such as"),
        ({"TF_CONFIG": "[]"}, "TF_CONFIG must be such as"),
        ({"TF_CONFIG": '{"cluster": {}}'}, "TF_CONFIG must be such as"),
        ({"TF_CONFIG": '{"cluster": [], "task": 1}'}, "TF_CONFIG must be such as"),
        (
            {"TF_CONFIG": '{"cluster": {"worker": "a:1"}, "task": {"type": "worker", "index": 0}}'},
            "TF_CONFIG must be such as",
        ),
        (configuration("worker", 2, worker=["a:1", "b:1"]), "must name this task among"),
        (configuration("worker", "x", worker=["a:1"]), "TF_CONFIG must be such as"),
        (configuration("ps", 0, ps=["a:1"], worker=["b:1"]), "must name this task among"),
        (configuration("evaluator", 0, worker=["b:1"]), "TF_CONFIG must be such as"),
    ],
)
def test_a_tf_config_that_cannot_be_right_is_told(
    environment: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        of_environment("multiworker", environment)
