"""The memory that a training needs, and what to do where the machine has less."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from kerazoo.accounting.table import summary
from kerazoo.data.image_io import ImageShape
from kerazoo.device import address_space
from kerazoo.errors import KerazooError, is_out_of_memory
from kerazoo.lazy import keras, tf
from kerazoo.text import BYTES, in_units
from kerazoo.training import machine


@dataclass(frozen=True)
class Memory:
    """The memory to train a model, of whose batches each replica computes a shard.

    Attributes:
        model: The model.
        image_shape: (height, width, channels) of its images; None for that of its input.
        replicas: Number of replicas.
    """

    model: keras.Model
    image_shape: ImageShape | None = None
    replicas: int = 1

    def needed(self, batch_size: int) -> int:
        """Return the minimum of bytes that a replica needs for a batch."""
        shape = self.image_shape if None in self.model.input_shape[1:] else None
        shard = -(-batch_size // self.replicas)
        return summary(self.model, shape, shard).attrs["training_bytes"]["total"]

    def fitting_batch_size(self, memory: int) -> int:
        """Return the largest batch size that fits into `memory` bytes; 0 if no image does."""
        one = self.needed(1)
        per_image = self.needed(self.replicas + 1) - one
        return self.replicas * max(0, (memory - one) // per_image + 1)

    def shortage(self, batch_size: int) -> str:
        """Return what to do if the machine has less than the minimum, else "".

        A process that uses more is killed without a message; on a GPU TensorFlow reports it.

        Raises:
            KerazooError: The process can have no more addresses, without which TensorFlow crashes.
        """
        if tf.config.list_physical_devices("GPU"):
            return ""
        minimum = self.needed(batch_size)
        if minimum > address_space():
            raise KerazooError(f"out of memory: {self.advice(batch_size)}")
        return self.advice(batch_size) if minimum > machine.available() else ""

    def advice(self, batch_size: int) -> str:
        """Return what to do if a batch does not fit."""
        available, minimum = machine.available(), self.needed(batch_size)
        each = f" for each of {self.replicas} replicas" if self.replicas > 1 else ""
        message = (
            f"--batch-size {batch_size} needs at least {in_units(minimum, BYTES)}{each}, as "
            f"kerazoo estimates, and {in_units(available, BYTES)} are available"
        )
        if minimum > available:
            if fitting := self.fitting_batch_size(available):
                return f"{message}: --batch-size {fitting} would fit"
            return f"{message}: not even a single image would fit, use a machine with more memory"
        # TensorFlow's own needs, and other processes, are not counted.
        if batch_size > 1:
            return f"{message}: try --batch-size {batch_size // 2}"
        return f"{message}: end other programs, or use a machine with more memory"

    @contextlib.contextmanager
    def advising(self, batch_size: int) -> Iterator[None]:
        """Add advice to an error where memory runs out.

        Raises:
            KerazooError: It does.
        """
        try:
            yield
        except tf.errors.ResourceExhaustedError as error:
            if not is_out_of_memory(error):
                raise
            raise KerazooError(f"out of memory: {self.advice(batch_size)}") from error
