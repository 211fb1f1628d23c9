"""The threads and the memory that a training needs, and what this machine has of them."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from kerazoo.compat import gpu_memory
from kerazoo.device import ADDRESS_SPACE, address_space, cores
from kerazoo.lazy import tf
from kerazoo.registry import ModelInfo

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
