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
STRATEGIES = (*OF_ONE_MACHINE, "multiworker", "auto")
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
    """Return the cluster in TF_CONFIG; a single worker where the strategy needs none.

    Raises:
        UsageError: TF_CONFIG is missing where it is needed, or says something else than workers.
    """
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
