"""How fast this machine multiplies matrices: the limit of all that these networks do."""

from __future__ import annotations

import statistics
import time

import pandas as pd
import tensorflow as tf

SIZE, TIMES, ROUNDS = 2048, 4, 5


def macs_per_second(dtype: str) -> float:
    """Return the multiply-accumulates a second of products of square matrices."""
    matrix = tf.cast(tf.random.stateless_normal([SIZE, SIZE], [1, 2]), dtype)

    @tf.function
    def multiply() -> tf.Tensor:
        product = matrix
        for _ in range(TIMES):
            product = tf.linalg.matmul(product, matrix) / SIZE
        return tf.cast(product[0, 0], tf.float32)

    float(multiply())
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        float(multiply())
        times.append(time.perf_counter() - start)
    return TIMES * SIZE**3 / statistics.median(times)


def with_limits(speeds: pd.Series, macs: int) -> pd.DataFrame:
    """Return the table of a benchmark, with what the machine could do at the most as last rows.

    Args:
        speeds: Images a second by program.
        macs: Multiply-accumulates of an image.

    Returns:
        The columns `program`, `images_per_second` and `ratio`: to the first program.
    """
    limits = {
        f"matrix multiplications, {dtype}": macs_per_second(dtype) / macs
        for dtype in ("float32", "bfloat16")
    }
    speeds = pd.concat([speeds, pd.Series(limits)])
    table = pd.DataFrame({"program": speeds.index, "images_per_second": speeds.to_numpy()})
    return table.assign(ratio=table.images_per_second / table.images_per_second[0])
