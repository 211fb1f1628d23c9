"""How far a training is, as checkpoints record it in JSON."""

import dataclasses
import math
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
        CorruptFileError: They, or other parts, are missing, of other types or not finite.
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


def _is_of(kind: type[Position] | type[EpochResult], content: Any) -> bool:
    """Return whether a dataclass can be made of what was read from JSON."""
    types = {field.name: field.type for field in dataclasses.fields(kind)}
    if not isinstance(content, dict) or {name: type(content[name]) for name in content} != types:
        return False
    return all(math.isfinite(each) for each in content.values() if isinstance(each, float))
