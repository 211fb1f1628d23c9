"""The workers in TF_CONFIG; nothing heavy is imported here."""

import contextlib
import json
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from kerazoo.errors import UsageError
from kerazoo.values import is_integer

OF_ONE_MACHINE = ("none", "mirrored")
STRATEGIES = (*OF_ONE_MACHINE, "multiworker", "slurm", "auto")
SLURM = ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_STEP_NODELIST")
ADDRESS = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9._-]*):([0-9]{1,5})")
EXAMPLE = (
    '{"cluster": {"worker": ["host1:12345", "host2:12345"]}, '
    '"task": {"type": "worker", "index": 0}}'
)


@dataclass(frozen=True)
class Cluster:
    """The workers, and which of them this process is."""

    workers: int = 1  # processes that train together
    number: int = 1  # of this process, from 1, the chief first
    address: str = ""  # of this process

    @property
    def is_chief(self) -> bool:
        """Whether this is the one that writes the run directory."""
        return self.number == 1

    @property
    def name(self) -> str:
        """Name of this process in messages."""
        return f"worker {self.number} of {self.workers}"


def of_environment(strategy: str, environment: Mapping[str, str] = os.environ) -> Cluster:
    """Return the cluster in TF_CONFIG or of a SLURM job, or a single worker if none is needed.

    Raises:
        UsageError: TF_CONFIG is missing where it is needed, or says something else than workers; or
            this is no task of a SLURM job.
    """
    if strategy == "slurm":
        return _of_slurm(environment)
    text = environment.get("TF_CONFIG", "")
    if strategy not in ("multiworker", "auto") or (strategy == "auto" and not text):
        return Cluster()
    if not text:
        raise UsageError(f"--strategy multiworker needs TF_CONFIG, such as {EXAMPLE}")
    try:
        config = json.loads(text)
        jobs, kind = config["cluster"], config["task"]["type"]
        index, valid = _index(config["task"]["index"]), config.get("rpc_layer", "grpc") == "grpc"
        in_place = 0 <= index < len(jobs[kind])
        addresses = [address for job in jobs.values() for address in job]
        valid &= all(isinstance(job, list) for job in jobs.values())
        valid &= all(map(_is_address, addresses)) and len(set(addresses)) == len(addresses)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        valid = False
    if not valid:
        raise UsageError(f"TF_CONFIG must look like {EXAMPLE}")
    if not in_place or not {"worker"} <= jobs.keys() <= {"chief", "worker"}:
        raise UsageError(f"TF_CONFIG must name this task among its workers, such as {EXAMPLE}")
    if len(chiefs := jobs.get("chief", ())) > 1:
        raise UsageError(f"TF_CONFIG has {len(chiefs)} chiefs: name one, the others as workers")
    before = len(chiefs) if kind == "worker" else 0
    return Cluster(len(addresses), before + index + 1, jobs[kind][index])


def _of_slurm(environment: Mapping[str, str]) -> Cluster:
    """Return the tasks of the step of a SLURM job."""
    try:
        number, workers = (int(environment[name]) for name in SLURM[:2])
        nodes = environment[SLURM[2]]
    except (KeyError, ValueError):
        number, workers, nodes = 0, 0, ""
    if not 0 <= number < workers:
        raise UsageError(
            f"--strategy slurm needs {', '.join(SLURM)}: start kerazoo by srun, a task on each node"
        )
    return Cluster(workers, number + 1, nodes)


def slurm_port(environment: Mapping[str, str] = os.environ) -> int:
    """Return the first port of the workers of a SLURM job, which other jobs rarely use."""
    digits = re.sub(r"\D", "", environment.get("SLURM_JOB_ID", ""))
    return 12_000 + int(digits or 0) % 20_000


def _index(value: object) -> int:
    """Return the index of a task, which scripts also write as a text."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    if not is_integer(value):
        raise ValueError("not an index")
    return value


def _is_address(text: str) -> bool:
    match = ADDRESS.fullmatch(text)
    return match is not None and 0 < int(match[1]) < 2**16


def on_this_machine(workers: int) -> list[dict[str, str]]:
    """Return TF_CONFIG, in an environment, for each of several workers that all run here."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(workers)]
        for each in sockets:
            each.bind(("localhost", 0))  # a free port, which another process may take first
        addresses = [f"localhost:{each.getsockname()[1]}" for each in sockets]
    return [
        {
            "TF_CONFIG": json.dumps(
                {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            )
        }
        for index in range(workers)
    ]
