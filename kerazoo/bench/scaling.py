"""A model of the time that a step takes on many workers; what it gives is not measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class StepCost:
    """What a step costs where workers sum their gradients by a ring all-reduce.

    On n workers a step of b images takes

        step + image * b / n + 2 (n - 1) * latency * exchanges + 2 (n - 1) / n * size / bandwidth

    seconds: what each worker computes, the 2 (n - 1) hops of each all-reduce, and the part
    of the gradients that each worker sends (Patarasuk and Yuan 2009, section 3,
    https://doi.org/10.1016/j.jpdc.2008.09.002).

    Attributes:
        step: Seconds of each step whatever its images, such as the optimizer's.
        image: Seconds of an image on one worker.
        exchanges: Number of all-reduces of a step.
        latency: Seconds of a hop.
        size: Bytes of the gradients.
        bandwidth: Bytes a second from one worker to the next.
    """

    step: float
    image: float
    exchanges: int
    latency: float
    size: int
    bandwidth: float

    def seconds(self, workers: int, batch_size: float) -> float:
        """Return the seconds of a step."""
        hops = 2 * (workers - 1)
        sent = hops / workers * self.size
        compute = self.step + self.image * batch_size / workers
        return compute + hops * self.latency * self.exchanges + sent / self.bandwidth


def fit(
    rows: Sequence[int],
    seconds: Sequence[float],
    exchanges: int,
    size: int,
    latency_seconds: float,
    gradient_seconds: float,
) -> StepCost:
    """Return the cost that fits what was measured.

    Args:
        rows: Images of steps on one worker, at least two different numbers.
        seconds: What those steps took.
        exchanges: Number of all-reduces of a step.
        size: Bytes of the gradients.
        latency_seconds: What an all-reduce of a single number takes on two workers.
        gradient_seconds: What an all-reduce of the gradients takes on two workers.
    """
    image, step = np.polyfit(rows, seconds, 1)
    bandwidth = size / max(gradient_seconds - latency_seconds, 1e-9)
    return StepCost(
        max(float(step), 0), float(image), exchanges, latency_seconds / 2, size, bandwidth
    )
