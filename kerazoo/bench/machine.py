"""How fast this machine multiplies matrices: the limit of all that these networks do."""

from __future__ import annotations

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
    return TIMES * SIZE**3 / min(times)


def with_limits(times: pd.DataFrame, images: int, macs: int) -> pd.DataFrame:
    """Return the table of a benchmark, with what the machine could do at the most as last rows.

    Args:
        times: What `kerazoo.bench.rounds.time_in_turn` returns.
        images: Number of images of a round.
        macs: Multiply-accumulates of an image.

    Returns:
        The columns `program`, `images_per_second` of the median round and `ratio` to the first
        program's, `fastest`, of the fastest round, and `ratio_of_fastest`.
    """
    speeds = images / times
    for dtype in ("float32", "bfloat16"):
        limit = macs_per_second(dtype) / macs
        speeds.loc[f"matrix products, {dtype}"] = [limit, limit]
    return pd.DataFrame(
        {
            "program": speeds.index,
            "images_per_second": speeds["median"].to_numpy(),
            "ratio": (speeds["median"] / speeds["median"].iloc[0]).to_numpy(),
            "fastest": speeds["minimum"].to_numpy(),
            "ratio_of_fastest": (speeds["minimum"] / speeds["minimum"].iloc[0]).to_numpy(),
        }
    )
