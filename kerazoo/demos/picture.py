"""Images side by side."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure


def panels(images: Mapping[str, np.ndarray], rows: int) -> Figure:
    """Draw images by their titles, [height, width] in grey or [height, width, 3], row by row."""
    figure = Figure(figsize=(12, 3 * rows), facecolor="lightgrey", layout="constrained")
    for axis, (title, image) in zip(
        figure.subplots(rows, len(images) // rows).flat, images.items(), strict=True
    ):
        axis.imshow(image, cmap="gray", interpolation="nearest")
        axis.set_title(title)
        axis.set_axis_off()
    return figure
