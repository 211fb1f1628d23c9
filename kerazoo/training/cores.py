"""How the cores of a machine without GPU share the batches of a little network."""

from __future__ import annotations

import os

import tensorflow as tf

from kerazoo.registry import ModelInfo

PART = 25  # images at the least: fewer cost more in calls than is gained by the cores


def count() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parts(info: ModelInfo, batch_size: int) -> int:
    """Return into how many parts a batch is best cut: 1 on a GPU and for a large network.

    Two parts a core even out what the operations take; each part's maps also stay nearer to the
    core, and TensorFlow's convolutions are at their best on a single thread.
    """
    if not info.micro_batches or tf.config.list_physical_devices("GPU"):
        return 1
    return max(1, min(2 * count(), batch_size // PART))


def share_out(parts: int) -> None:
    """Give each part of a batch its threads, before TensorFlow computes anything.

    Without parts TensorFlow's own way is left, which is to give each operation all cores.
    """
    if parts > 1:
        tf.config.threading.set_intra_op_parallelism_threads(max(1, count() // parts))
        tf.config.threading.set_inter_op_parallelism_threads(count())
