"""Splits of a data set as the workers of one training see them."""

import numpy as np

from kerazoo.data.images import Shard, Shuffle, Split


def of_two_workers(split: Split, batch_size: int, shuffle: Shuffle) -> list[np.ndarray]:
    """Return the images of every batch, put together from those of two workers."""
    workers = [split.batches(batch_size, shuffle, 1, Shard(first, 1, 2)) for first in range(2)]
    assert not any(batches.options().autotune.enabled for batches in workers)
    return [
        np.concatenate([images for images, _ in parts])
        for parts in zip(*(batches.as_numpy_iterator() for batches in workers), strict=True)
    ]
