"""Classes and probabilities of image files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kerazoo.data.image_io import to_shape
from kerazoo.inference import handwriting
from kerazoo.models import create_model
from kerazoo.weights import shipped

Ranking = list[tuple[str, float]]


def predict(model: str, weights: str, paths: Sequence[Path]) -> list[tuple[str, Ranking]]:
    """Return the path of each image with all classes and probabilities, the most probable first.

    Args:
        model: Name of a model.
        weights: Name of weights that come with kerazoo, trained on handwritten digits.
        paths: BMP, GIF, JPEG or PNG files.

    Raises:
        UsageError: An image is blank.
        CorruptFileError: A file cannot be read as an image.
    """
    (card,) = (card for card in shipped.cards(weights) if card["model"] == model)
    classes = card["data"]["classes"]
    digits = np.stack([handwriting.read(path) for path in paths])
    network = create_model(model, weights=weights)
    pixels = np.rint(digits * 255).astype(np.uint8)  # like the training images
    scores = network(to_shape(pixels, network.input_shape[1:]), training=False).numpy()
    return [
        (str(path), [(classes[label], float(row[label])) for label in np.argsort(-row)])
        for path, row in zip(paths, scores, strict=True)
    ]
