"""TF_CONFIG, as clusters set it and as they should not."""

import json
import math
from typing import Any

import pytest

from kerazoo.errors import UsageError
from kerazoo.training.cluster import Cluster, of_environment, slurm_port
from tests.helpers import fuzz

MUST_LOOK = "TF_CONFIG must look like"
MUST_NAME = "TF_CONFIG must name this task among its workers"


def config(kind: Any, index: Any, **jobs: list[Any]) -> str:
    return json.dumps({"cluster": jobs, "task": {"type": kind, "index": index}})


ALONE = config("worker", 0, worker=["a:1"])
TWO = config("worker", 0, worker=["a:1", "b:1"])


@pytest.mark.parametrize(
    ("strategy", "text", "expected"),
    [
        ("auto", "", Cluster()),
        ("none", TWO, Cluster()),
        ("auto", TWO, Cluster(2, 1, "a:1")),
        ("multiworker", config("worker", "1", worker=["a:1", "b:1"]), Cluster(2, 2, "b:1")),
        ("auto", config("chief", 0, chief=["a:1"], worker=["b:1"]), Cluster(2, 1, "a:1")),
        ("auto", config("worker", 0, chief=["a:1"], worker=["b:1"]), Cluster(2, 2, "b:1")),
        ("auto", ALONE, Cluster(1, 1, "a:1")),
        ("auto", config("worker", 0, worker=["[::1]:1"]), Cluster(1, 1, "[::1]:1")),
        ("auto", config("worker", 0, worker=["a-1.b_c:65535"]), Cluster(1, 1, "a-1.b_c:65535")),
    ],
)
def test_the_cluster_is_that_of_tf_config(strategy: str, text: str, expected: Cluster) -> None:
    assert of_environment(strategy, {"TF_CONFIG": text}) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--strategy multiworker needs TF_CONFIG, such as"),
        ("{", MUST_LOOK),
        ("[]", MUST_LOOK),
        ("[" * 100_000, MUST_LOOK),
        ('{"cluster": {}}', MUST_LOOK),
        ('{"cluster": [], "task": 1}', MUST_LOOK),
        ('{"cluster": {"worker": "a:1"}, "task": {"type": "worker", "index": 0}}', MUST_LOOK),
        (ALONE.replace("0", "1e400"), MUST_LOOK),
        (ALONE[:-1] + ', "rpc_layer": 5}', MUST_LOOK),
        (config("evaluator", 0, worker=["b:1"]), MUST_LOOK),
        (config({}, 0, worker=["b:1"]), MUST_LOOK),
        (config("worker", 2, worker=["a:1", "b:1"]), MUST_NAME),
        (config("worker", -1, worker=["a:1", "b:1"]), MUST_NAME),
        (config("ps", 0, ps=["a:1"], worker=["b:1"]), MUST_NAME),
        (config("chief", 0, chief=["a:1", "b:1"], worker=["c:1"]), "has 2 chiefs: name one"),
    ],
)
def test_an_invalid_tf_config_is_reported(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        of_environment("multiworker", {"TF_CONFIG": text})


@pytest.mark.parametrize(
    "index", [math.inf, math.nan, True, 0.0, None, [], "x", "1.0", "-1", "\u0661", "", "1" * 5000]
)
def test_what_is_no_index_is_reported(index: Any) -> None:
    with pytest.raises(UsageError, match=MUST_LOOK):
        of_environment("auto", {"TF_CONFIG": config("worker", index, worker=["a:1", "b:1"])})


@pytest.mark.parametrize(
    "address",
    [
        *("a:0", "a:65536", "a:99999", f"a:{10**30}", f"a:{'1' * 5000}", "a:\u0661", "a:-1"),
        *("a", "a:", ":1", "a b:1", "a\n:1", "http://a:1", "-a:1", "a:1:1", "é:1", "b:1"),
        *(5, None, ["a:1"], {"a:1": 1}),
    ],
)
def test_what_is_no_address_is_reported(address: Any) -> None:
    with pytest.raises(UsageError, match=MUST_LOOK):
        of_environment("auto", {"TF_CONFIG": config("worker", 0, worker=[address, "b:1"])})


@pytest.mark.parametrize("count", fuzz.COUNTS)
def test_mutated_tf_configs(count: int) -> None:
    originals = [TWO, config("chief", "0", chief=["[::1]:1"], worker=["b.c:65535"])]

    def read(content: bytes) -> None:
        cluster = of_environment("multiworker", {"TF_CONFIG": content.decode(errors="replace")})
        assert 1 <= cluster.number <= cluster.workers
        assert 0 < int(cluster.address.rpartition(":")[2]) < 2**16

    fuzz.check(read, [original.encode() for original in originals], count)


SLURM_TASK = {
    "SLURM_PROCID": "1",
    "SLURM_STEP_NUM_TASKS": "3",
    "SLURM_STEP_NODELIST": "node[1-3]",
    "TF_CONFIG": TWO,
}


def test_the_cluster_is_that_of_a_slurm_job() -> None:
    assert of_environment("slurm", SLURM_TASK) == Cluster(3, 2, "node[1-3]")
    assert slurm_port({"SLURM_JOB_ID": "1234567"}) == 12_000 + 14_567
    assert slurm_port({}) == 12_000


@pytest.mark.parametrize("change", [{"SLURM_PROCID": "3"}, {"SLURM_PROCID": "x"}, None])
def test_what_is_no_task_of_a_slurm_job(change: dict[str, str] | None) -> None:
    environment = {} if change is None else {**SLURM_TASK, **change}
    with pytest.raises(UsageError, match=r"^--strategy slurm needs SLURM_PROCID, .* by srun"):
        of_environment("slurm", environment)
