"""Time programs in turn, so that other work of the machine slows down all of them."""

import contextlib
import gc
import logging
import time
import timeit
from collections.abc import Callable, Iterator, Mapping
from statistics import median
from typing import Any

import numpy as np
from tqdm import tqdm

from kerazoo.lazy import tf
from kerazoo.progress import progress_bar

logger = logging.getLogger("kerazoo")

ROUNDS = 5
CLASSES = 10
MATRIX_SIZE = 2048
MIN_SPEEDUP = 1.2  # less may be the noise of a measurement
Row = dict[str, Any]
Run = Callable[[], object]
Seconds = Mapping[str, list[float]]


def rounds_bar(rounds: int) -> tqdm:
    """Return a bar with the time left."""
    return progress_bar(total=rounds, unit=" rounds", mininterval=0)


def time_in_turn(
    programs: Mapping[str, Run], rounds: int = ROUNDS, bar: tqdm | None = None
) -> Iterator[Seconds]:
    """Yield after every round the seconds of each program in all rounds so far.

    Every program runs once before the clock starts, then once a round. A given bar may show the
    rounds of other programs as well.
    """
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    with contextlib.nullcontext(bar) if bar is not None else rounds_bar(rounds) as shown:
        for run in programs.values():
            run()
        shown.unpause()
        for number in range(1, rounds + 1):
            for name, run in programs.items():
                gc.collect()
                start = time.perf_counter()
                run()
                seconds[name].append(time.perf_counter() - start)
            shown.update()
            if shown.disable:
                logger.info("round %d of %d", number, rounds)
            yield seconds


def random_images(image_shape: tuple[int, int, int], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images, uint8 [size, height, width, channels], and labels [size] of `CLASSES`."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (size, *image_shape), np.uint8)
    return images, rng.integers(0, CLASSES, size)


def speeds(seconds: Seconds, images: int, limits: Mapping[str, float]) -> list[Row]:
    """Return a benchmark's rows: speeds in the median and the fastest of rounds of `images` images.

    Ratios are to the first program; `limits` are rows too.
    """
    rates = {name: (images / median(each), images / min(each)) for name, each in seconds.items()}
    rates |= {f"matmul, {dtype}": (limit, limit) for dtype, limit in limits.items()}
    first, first_fastest = next(iter(rates.values()))
    return [
        {
            "program": program,
            "images_per_second": usual,
            "ratio": usual / first,
            "fastest": fastest,
            "ratio_of_fastest": fastest / first_fastest,
        }
        for program, (usual, fastest) in rates.items()
    ]


def limits(macs: int) -> dict[str, float]:
    """Return how many images of so many MACs this machine could compute per second, by dtype."""
    return {dtype: macs_per_second(dtype) / macs for dtype in ("float32", "bfloat16")}


def bfloat16_pays(machine: Mapping[str, float]) -> bool:
    """Return whether a machine of these `limits` is faster in bfloat16; log it if not."""
    pays = machine["bfloat16"] > MIN_SPEEDUP * machine["float32"]
    if not pays:
        logger.info("mixed_bfloat16 is left out: this machine is hardly faster in bfloat16")
    return pays


def macs_per_second(dtype: str) -> float:
    """Return the multiply-accumulates per second of multiplying large matrices."""
    matrix = tf.cast(tf.random.stateless_normal([MATRIX_SIZE, MATRIX_SIZE], [1, 2]), dtype)
    multiply = tf.function(lambda: tf.linalg.matmul(matrix, matrix)[0, 0])
    return MATRIX_SIZE**3 / min(timeit.repeat(lambda: float(multiply()), number=1, repeat=10))
