"""How far a training is, as checkpoints record it in JSON."""

import dataclasses
import sys
from collections.abc import Mapping
from typing import Any

from kerazoo.errors import CorruptFileError
from kerazoo.training.result import EpochResult

INCOMPLETE = "the checkpoint is incomplete"
INCOMPATIBLE = "the checkpoint is damaged or was written by an incompatible version of kerazoo"
RECORDED = {"position", "results", "callbacks", "random", "stop_training"}


@dataclasses.dataclass
class Position:
    """How far a training is, between two calls.

    Attributes:
        epoch: That of the next step, from 0.
        step: Position of the next step in its epoch.
        loss: Sum of the losses of the epoch's images so far.
        hits: How many of the epoch's images so far were classified correctly.
        seconds: Wall time of the epoch's steps so far.
    """

    epoch: int = 0
    step: int = 0
    loss: float = 0.0
    hits: int = 0
    seconds: float = 0.0


def read(record: Mapping[str, Any]) -> tuple[Position, list[EpochResult]]:
    """Return position and results in the record of a checkpoint.

    Raises:
        CorruptFileError: They, or other parts, are missing, of other types or impossible.
    """
    if not record.keys() >= RECORDED:
        raise CorruptFileError(INCOMPLETE)
    position, results = record["position"], record["results"]
    if not (
        _is_of(Position, position)
        and isinstance(results, list)
        and all(_is_of(EpochResult, each) for each in results)
        and isinstance(record["stop_training"], bool)
    ):
        raise CorruptFileError(INCOMPATIBLE)
    return Position(**position), [EpochResult(**each) for each in results]


def types_of(content: Any) -> dict[str, type] | None:
    """Return the types of the values in a dict that was read from JSON, None for anything else."""
    return {name: type(content[name]) for name in content} if isinstance(content, dict) else None


def _is_of(kind: type[Position] | type[EpochResult], content: Any) -> bool:
    """Return whether a dataclass can be made of what was read from JSON.

    None of its numbers is negative, and no accuracy is above 1.
    """
    if types_of(content) != {field.name: field.type for field in dataclasses.fields(kind)}:
        return False
    return all(
        0 <= value <= (1 if name.endswith("accuracy") else sys.float_info.max)
        for name, value in content.items()
        if not isinstance(value, str)
    )
