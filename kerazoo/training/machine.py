"""The threads and the memory that a training needs, and what this machine has of them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from kerazoo.accounting.table import summary
from kerazoo.compat import gpu_memory
from kerazoo.data.image_io import ImageShape
from kerazoo.device import ADDRESS_SPACE, address_space, cores
from kerazoo.errors import KerazooError, is_out_of_memory
from kerazoo.lazy import keras, tf
from kerazoo.registry import ModelInfo
from kerazoo.text import BYTES, in_units

MICRO_BATCH = 25  # images at least: fewer cost more in calls than the cores gain
CGROUPS = Path("/sys/fs/cgroup")
CGROUP_OF_PROCESS = Path("/proc/self/cgroup")


def micro_batches(info: ModelInfo, batch_size: int) -> int:
    """Return into how many micro-batches to cut a batch: 1 on a GPU and for a large model.

    Two for each core balance what operations take; the feature maps of each also stay in the core's
    caches, and TensorFlow's convolutions are most efficient on a single thread.
    """
    if not info.micro_batches or tf.config.list_physical_devices("GPU"):
        return 1
    return max(1, min(2 * cores(), batch_size // MICRO_BATCH))


def set_threads(micro_batches: int | None) -> None:
    """Give each micro-batch its threads, unless TensorFlow has started.

    With a single one, TensorFlow's default stays: all cores for each operation.
    """
    if micro_batches is not None and micro_batches > 1:
        with contextlib.suppress(RuntimeError):  # it has started
            tf.config.threading.set_intra_op_parallelism_threads(max(1, cores() // micro_batches))
            tf.config.threading.set_inter_op_parallelism_threads(cores())


def needed(model: keras.Model, batch_size: int, image_shape: ImageShape | None = None) -> int:
    """Return the minimum of bytes to train on a batch, of images of a shape if any would do."""
    shape = image_shape if None in model.input_shape[1:] else None
    return summary(model, shape, batch_size).attrs["training_bytes"]["total"]


def available() -> int:
    """Return the bytes that this process could use, of its GPUs if it has any."""
    if tf.config.list_physical_devices("GPU"):
        return gpu_memory()
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *_limits()])


def _limits() -> list[int]:
    """Return the limits of this process's address space and of its control groups.

    A control group is a container's or a job's.
    """
    limits = [address_space() - ADDRESS_SPACE]
    if not CGROUP_OF_PROCESS.exists():
        return limits
    *_, name = CGROUP_OF_PROCESS.read_text().strip().rpartition("::")
    group = CGROUPS / name.lstrip("/")
    folders = (each for each in (group, *group.parents) if each.is_relative_to(CGROUPS))
    files = (folder / "memory.max" for folder in folders)
    texts = (file.read_text().strip() for file in files if file.exists())
    return [*limits, *(int(text) for text in texts if text != "max")]


def fitting_batch_size(
    model: keras.Model, memory: int, image_shape: ImageShape | None = None
) -> int:
    """Return the largest batch size that fits into `memory` bytes; 0 if a single image does not."""
    one = needed(model, 1, image_shape)
    per_image = needed(model, 2, image_shape) - one
    return max(0, (memory - one) // per_image + 1)


def shortage(
    model: keras.Model, batch_size: int, replicas: int, image_shape: ImageShape | None = None
) -> str:
    """Return what to do if the machine has less than the minimum, else "".

    A process that uses more is killed without a message; on a GPU TensorFlow reports it.

    Raises:
        KerazooError: The process can have no more addresses, without which TensorFlow crashes.
    """
    if tf.config.list_physical_devices("GPU"):
        return ""
    minimum = needed(model, _shard(batch_size, replicas), image_shape)
    if minimum > address_space():
        raise KerazooError(f"out of memory: {advice(model, batch_size, replicas, image_shape)}")
    return advice(model, batch_size, replicas, image_shape) if minimum > available() else ""


def advice(
    model: keras.Model, batch_size: int, replicas: int, image_shape: ImageShape | None = None
) -> str:
    """Return what to do if a batch, of which each replica computes a shard, does not fit."""
    memory, shard = available(), _shard(batch_size, replicas)
    minimum = needed(model, shard, image_shape)
    each = f" for each of {replicas} replicas" if replicas > 1 else ""
    message = (
        f"--batch-size {batch_size} needs at least {in_units(minimum, BYTES)}{each}, as kerazoo "
        f"estimates, and {in_units(memory, BYTES)} are available"
    )
    if minimum > memory:
        fitting = replicas * fitting_batch_size(model, memory, image_shape)
        if fitting == 0:
            return f"{message}: not even a single image would fit, use a machine with more memory"
        return f"{message}: --batch-size {fitting} would fit"
    # TensorFlow's own needs, and other processes, are not counted.
    if batch_size > 1:
        return f"{message}: try --batch-size {batch_size // 2}"
    return f"{message}: end other programs, or use a machine with more memory"


@contextlib.contextmanager
def advising(
    model: keras.Model, batch_size: int, replicas: int, image_shape: ImageShape | None = None
) -> Iterator[None]:
    """Add advice to an error where memory runs out.

    Raises:
        KerazooError: It does.
    """
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        if not is_out_of_memory(error):
            raise
        message = f"out of memory: {advice(model, batch_size, replicas, image_shape)}"
        raise KerazooError(message) from error


def _shard(batch_size: int, replicas: int) -> int:
    return -(-batch_size // replicas)
