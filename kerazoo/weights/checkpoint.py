"""TensorFlow's checkpoints, read by the names of their tensors."""

from __future__ import annotations

import contextlib
import math
import re
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.files import read_bytes
from kerazoo.lazy import tf
from kerazoo.weights import checkpoint_index
from kerazoo.weights.checkpoint_files import (
    check_data_files,
    index_of,
    plain_prefix,
    prefix_of,
)
from kerazoo.weights.damage import check_expansion, reported_as
from kerazoo.weights.selection import AVERAGE, suffixes

MEAN = re.compile(r"(.*/)?mean_rgb")  # which slim subtracts from an image
OBJECTS = "/.ATTRIBUTES/VARIABLE_VALUE"  # ends the names in a checkpoint of objects
MAX_INDEX = 10**7  # bytes


class Checkpoint(Mapping[str, np.ndarray]):
    """The tensors of a checkpoint by their names; each is read when it is needed.

    Args:
        path: Its prefix, one of its files, or a directory of which it is the latest.

    Raises:
        UsageError: There is none, or it has no names of layers.
        CorruptFileError: It cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.name = f"'{path}'"  # in messages
        self._problem = f"{self.name} cannot be read as a TensorFlow checkpoint"
        prefix = prefix_of(path)
        self._is_old = not index_of(prefix).exists()
        if not self._is_old:
            self._declared = self._checked(_declared_by_index, prefix)
            self._reader = self._open(prefix)
        else:  # a single file, as TensorFlow 0.x wrote
            self._problem = f"{self.name} is neither a .keras nor an .h5 file nor a checkpoint"
            self._reader = self._open(prefix)
            self._declared = self._checked(_declared_by_reader, self._reader, prefix)
        if any(name.endswith(OBJECTS) for name in self):
            raise UsageError(
                f"{self.name} was saved by tf.train.Checkpoint, which has no names of layers: "
                "restore it with that class, and save the model's weights as a .weights.h5 file"
            )

    def _open(self, prefix: Path) -> Any:
        """Return TensorFlow's reader, which opens the data files when it is used."""
        stack = contextlib.ExitStack()
        weakref.finalize(self, stack.close)
        return self._checked(tf.train.load_checkpoint, stack.enter_context(plain_prefix(prefix)))

    def __getitem__(self, name: str) -> np.ndarray:
        """Return the elements of a tensor, or raise a CorruptFileError."""
        return np.asarray(self._checked(self._reader.get_tensor, name))

    def __contains__(self, name: object) -> bool:
        return name in self._declared  # without reading it

    def __iter__(self) -> Iterator[str]:
        return iter(self._declared)

    def __len__(self) -> int:
        return len(self._declared)

    def others(self) -> list[str]:
        """Return the names of what is no weight: scalars, texts, and the mean of the images."""
        return [
            name
            for name, (kind, shape) in sorted(self._declared.items())
            if not shape or kind == tf.string or MEAN.fullmatch(name)
        ]

    def slots(self) -> list[str]:
        """Return the names of the state of an optimizer.

        A slot has the shape of a weight, and its name followed by the name of the slot.
        """
        return [name for name in sorted(self) if self._is_slot(name)]

    def _is_slot(self, name: str) -> bool:
        scope, _, _ = AVERAGE.sub("", name).rpartition("/")  # there are averages of slots, too
        return any(
            weight in self and self._declared[weight][1] == self._declared[name][1]
            for weight in suffixes(scope)
        )

    def _checked(self, read: Callable[..., Any], *arguments: Any) -> Any:
        try:
            with reported_as(self._problem):
                return read(*arguments)
        except MemoryError as error:
            if not self._is_old:
                raise
            # which TensorFlow raises for sizes in the file, too, before it checks them
            raise CorruptFileError(f"{self._problem}, or memory does not suffice") from error


def _declared_by_index(prefix: Path) -> checkpoint_index.Tensors:
    """Return the types and shapes of the tensors, whose data files are there and large enough."""
    tensors, sizes = checkpoint_index.read(read_bytes(index_of(prefix), MAX_INDEX))
    check_data_files(prefix, sizes)
    return tensors


def _declared_by_reader(reader: Any, prefix: Path) -> checkpoint_index.Tensors:
    """Return the types and shapes of the tensors in the single file of an old checkpoint."""
    kinds = reader.get_variable_to_dtype_map()
    tensors = {
        name: (kinds[name], tuple(shape))
        for name, shape in reader.get_variable_to_shape_map().items()
    }
    declared = sum(math.prod(shape) * kind.size for kind, shape in tensors.values())
    check_expansion(f"'{prefix}'", declared, prefix.stat().st_size)
    return tensors
