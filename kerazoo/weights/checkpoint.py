"""TensorFlow's checkpoint files, read and written by the names of their tensors."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kerazoo.errors import CorruptFileError, UsageError, reason
from kerazoo.lazy import tf

# What a checkpoint has besides weights: the step, TF2's object graph, the mean that slim subtracts,
# and Adam's powers.
NO_WEIGHTS = re.compile(r"(.*/)?(global_step|_CHECKPOINTABLE_OBJECT_GRAPH|mean_rgb|beta[12]_power)")
PARTS = re.compile(r"\.(index|meta|data-\d+-of-\d+)$")


class Checkpoint:
    """A checkpoint, whose tensors are read one by one.

    Args:
        path: Its prefix, one of its files, or a directory of which it is the latest.

    Raises:
        UsageError: There is none.
        CorruptFileError: It cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.name = f"'{path}'"  # in messages
        prefix = PARTS.sub("", str(path))
        if path.is_dir():
            prefix = tf.train.latest_checkpoint(str(path))
        if prefix is None or not (Path(prefix).is_file() or Path(f"{prefix}.index").is_file()):
            raise UsageError(f"weights={self.name}: there is no such checkpoint")
        self.prefix: str = prefix
        self._reader = self._read(tf.train.load_checkpoint, prefix)
        self._shapes: dict[str, list[int]] = self._reader.get_variable_to_shape_map()
        self.names = set(self._shapes)

    def tensor(self, name: str) -> np.ndarray:
        """Return the values of a tensor, or raise a CorruptFileError."""
        return np.asarray(self._read(self._reader.get_tensor, name))

    def weights(self) -> tuple[list[str], list[str]]:
        """Return the names of the weights, and of what else there is, optimizer slots counted.

        A slot has the shape of a weight, and its name followed by the name of the slot.

        Raises:
            CorruptFileError: What else there is cannot be read, as in a truncated file.
        """
        rest = sorted(name for name in self.names if not NO_WEIGHTS.fullmatch(name))
        slots = [name for name in rest if self._is_slot(name)]
        others = sorted(self.names - set(rest))
        for name in [*others, *slots]:
            self.tensor(name)
        counts = Counter(name.rpartition("/")[2] for name in slots)
        counted = [f"{number} slots {slot}" for slot, number in counts.items()]
        return sorted(set(rest) - set(slots)), [*others, *counted]

    def _is_slot(self, name: str) -> bool:
        parts = name.split("/")[:-1]
        weights = ("/".join(parts[start:]) for start in range(len(parts)))
        return any(self._shapes.get(weight) == self._shapes[name] for weight in weights)

    def _read(self, read: Any, argument: str) -> Any:
        try:
            return read(argument)
        except MemoryError:
            raise
        except Exception as error:  # TensorFlow raises kinds of its own, and RuntimeError
            message = f"{self.name} cannot be read as a TensorFlow checkpoint: {reason(error)}"
            raise CorruptFileError(message) from error


def write(path: Path, tensors: Mapping[str, np.ndarray]) -> None:
    """Write a checkpoint with the prefix `path`.

    Raises:
        OSError: It cannot be written.
    """
    names, values = list(tensors), list(tensors.values())
    slices = [""] * len(names)
    tf.raw_ops.SaveV2(prefix=str(path), tensor_names=names, shape_and_slices=slices, tensors=values)
