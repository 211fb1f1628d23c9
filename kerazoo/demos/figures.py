"""The figures of `kerazoo demo`: what convolution and pooling make of a photo."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from kerazoo.data.photos import sample_photos
from kerazoo.ports.filter_demo import learned_filter, line_filter, line_filters
from kerazoo.ports.max_pool import max_pool as max_pool_model


def filter_demo() -> Figure:
    """Return the line filters, an untrained filter, and their feature maps of a photo."""
    photos, filters, learned = sample_photos()[:1], line_filters(), learned_filter()
    lines = line_filter()(photos).numpy()
    return _panels(
        {
            "vertical filter": filters[:, :, 0, 0],
            "horizontal filter": filters[:, :, 0, 1],
            "initial filter": learned.get_weights()[0][:, :, 0, 0],
            "vertical lines": lines[0, :, :, 0],
            "horizontal lines": lines[0, :, :, 1],
            "before learning": learned(photos).numpy()[0, :, :, 0],
        },
        rows=2,
    )


def max_pool() -> Figure:
    """Return a photo before and after 2x2 max pooling."""
    photo = sample_photos()[0]
    pooled = max_pool_model()(photo[None]).numpy()[0].astype(np.uint8)
    height, width = pooled.shape[:2]
    return _panels(
        {"photo, 427x640": photo.astype(np.uint8), f"after the pool, {height}x{width}": pooled},
        rows=1,
    )


def _panels(images: Mapping[str, np.ndarray], rows: int) -> Figure:
    """Draw images by title, [height, width] in gray or [height, width, 3], row by row."""
    figure = Figure(figsize=(12, 3 * rows), facecolor="lightgrey", layout="constrained")
    panels = figure.subplots(rows, len(images) // rows).flat
    for panel, (title, image) in zip(panels, images.items(), strict=True):
        panel.imshow(image, cmap="gray", interpolation="nearest")
        panel.set_title(title)
        panel.set_axis_off()
    return figure
