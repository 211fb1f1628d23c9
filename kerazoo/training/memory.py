"""What a training needs of memory, by the accounting, and what there is."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import keras
import tensorflow as tf
from tensorflow.python.client import device_lib  # TensorFlow has no public name for it

from kerazoo.accounting.table import summary
from kerazoo.errors import KerazooError, is_out_of_memory

CGROUPS = Path("/sys/fs/cgroup")
CGROUP_OF_PROCESS = Path("/proc/self/cgroup")


def needed(model: keras.Model, batch_size: int) -> int:
    """Return the bytes that must live at once to train on a batch: the least it can do with."""
    return summary(model, batch_size=batch_size).attrs["training_bytes"]["total"]


def present() -> int:
    """Return the bytes that this process could have, on its GPUs where it has some."""
    if tf.config.list_physical_devices("GPU"):
        devices = device_lib.list_local_devices()
        return min(each.memory_limit for each in devices if each.device_type == "GPU")
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *_limits()])


def _limits() -> list[int]:
    """Return the limits of the control groups that this process is in: a container's, a job's."""
    if not CGROUP_OF_PROCESS.exists():
        return []
    *_, name = CGROUP_OF_PROCESS.read_text().strip().rpartition("::")
    group = CGROUPS / name.lstrip("/")
    folders = (each for each in (group, *group.parents) if each.is_relative_to(CGROUPS))
    files = (folder / "memory.max" for folder in folders)
    found = (file.read_text().strip() for file in files if file.exists())
    return [int(limit) for limit in found if limit != "max"]


def fitting_batch_size(model: keras.Model, memory: int) -> int:
    """Return the largest batch size that so many bytes are enough for; 0 where one is too many."""
    one = needed(model, 1)
    an_image = needed(model, 2) - one
    return max(0, (memory - one) // an_image + 1)


def shortage(model: keras.Model, batch_size: int, replicas: int) -> str:
    """Return what to do where the machine has not even the least; "" where it may be enough.

    A process that takes more is killed without a word; of a GPU TensorFlow says it.
    """
    if tf.config.list_physical_devices("GPU"):
        return ""
    too_little = needed(model, _share(batch_size, replicas)) > present()
    return advice(model, batch_size, replicas) if too_little else ""


def advice(model: keras.Model, batch_size: int, replicas: int) -> str:
    """Return what to do where a batch does not fit, of which each replica has its share."""
    memory, share = present(), _share(batch_size, replicas)
    least = needed(model, share)
    each = f" for each of {replicas} replicas" if replicas > 1 else ""
    told = (
        f"--batch-size {batch_size} needs {_told(least)} at the least{each}, by kerazoo's own "
        f"count, and there are {_told(memory)}"
    )
    if least <= memory:  # TensorFlow's own needs, and what else the machine does, are not counted
        fitting, how = batch_size // 2, "try --batch-size {}"
    else:
        fitting, how = replicas * fitting_batch_size(model, memory), "--batch-size {} would fit"
    if fitting == 0:
        return f"{told}: not even a single image would fit, take a machine with more memory"
    return f"{told}: {how.format(fitting)}"


@contextlib.contextmanager
def advising(model: keras.Model, batch_size: int, replicas: int) -> Iterator[None]:
    """Say what to do where memory does not suffice to train meanwhile.

    Raises:
        KerazooError: It does not.
    """
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        if not is_out_of_memory(error):
            raise
        told = f"out of memory: {advice(model, batch_size, replicas)}"
        raise KerazooError(told) from error


def _share(batch_size: int, replicas: int) -> int:
    return -(-batch_size // replicas)


def _told(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
