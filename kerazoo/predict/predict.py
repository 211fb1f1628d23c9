"""Classes and probabilities of picture files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kerazoo.data.images import to_shape
from kerazoo.models import create_model
from kerazoo.predict import handwriting
from kerazoo.weights import shipped

Ranked = list[tuple[str, float]]


def predict(model: str, weights: str, paths: Sequence[Path]) -> list[tuple[str, Ranked]]:
    """Return each picture's name with the classes and their probabilities, the likeliest first.

    Args:
        model: Name of a model of the zoo.
        weights: Name of weights that ship for it, trained on handwritten digits.
        paths: BMP, GIF, JPEG or PNG files.

    Raises:
        UsageError: A file is not there, or blank.
        CorruptFileError: One is no picture.
    """
    (card,) = (card for card in shipped.cards(weights) if card["model"] == model)
    digits = np.stack([handwriting.read(path) for path in paths])
    net = create_model(model, weights=weights)
    as_read = np.rint(digits * 255).astype(np.uint8)  # like the images of the training
    scores = net(to_shape(as_read, net.input_shape[1:]), training=False).numpy()
    classes = card["data"]["classes"]
    return [
        (str(path), [(classes[place], float(row[place])) for place in np.argsort(-row)])
        for path, row in zip(paths, scores, strict=True)
    ]
