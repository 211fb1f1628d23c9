"""A model of the time that a step takes on many machines; what it gives is not measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class StepCost:
    """What a step costs where workers exchange their sums in a ring.

    On n workers a step of b images takes

        step + image * b / n + 2 (n - 1) * latency * exchanges + 2 (n - 1) / n * size / bandwidth

    seconds: what each worker computes, the n - 1 hops of each exchange there and back, and the part
    of the gradients that each worker sends (Patarasuk and Yuan 2009, section 3,
    https://doi.org/10.1016/j.jpdc.2008.09.002).

    Attributes:
        step: Seconds of each step whatever its images, such as the optimizer's.
        image: Seconds of an image on one worker.
        exchanges: Number of exchanges of a step.
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

    def seconds(self, workers: int, batch_size: int) -> float:
        """Return the seconds of a step."""
        hops = 2 * (workers - 1)
        sent = hops / workers * self.size
        compute = self.step + self.image * batch_size / workers
        return compute + hops * self.latency * self.exchanges + sent / self.bandwidth


def fitted(
    rows: Sequence[int],
    seconds: Sequence[float],
    exchanges: int,
    size: int,
    least: float,
    whole: float,
) -> StepCost:
    """Return the cost that fits what was measured.

    Args:
        rows: Images of steps on one worker, two numbers at the least.
        seconds: What those steps took.
        exchanges: Number of exchanges of a step.
        size: Bytes of the gradients.
        least: Seconds in which two workers exchange a single number.
        whole: Seconds in which they exchange the gradients.
    """
    image, step = np.polyfit(rows, seconds, 1)
    bandwidth = size / max(whole - least, 1e-9)
    return StepCost(max(float(step), 0), float(image), exchanges, least / 2, size, bandwidth)
