"""Classes and probabilities of image files."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from kerazoo.data.image_io import to_shape
from kerazoo.device import cores
from kerazoo.errors import KerazooError
from kerazoo.inference import handwriting
from kerazoo.lazy import keras
from kerazoo.models import create_model
from kerazoo.weights import shipped

BATCH_SIZE = 256
Ranking = list[tuple[str, float]]


def predict(
    model: str, weights: str, paths: Sequence[Path]
) -> Iterator[tuple[Path, Ranking | KerazooError]]:
    """Yield each path with all classes and probabilities of its image, the most probable first.

    In their place is the error of an image that is blank, or whose file cannot be read.

    Args:
        model: Name of a model.
        weights: Name of weights that come with kerazoo, trained on handwritten digits.
        paths: Files that `kerazoo.data.image_io.read_image` reads.
    """
    (card,) = (card for card in shipped.cards(weights) if card["model"] == model)
    classes = card["data"]["classes"]
    network = create_model(model, weights=weights)
    with ThreadPoolExecutor(cores()) as pool:
        for first in range(0, len(paths), BATCH_SIZE):
            batch = paths[first : first + BATCH_SIZE]
            digits = list(pool.map(_read, batch))
            readable = [digit for digit in digits if isinstance(digit, np.ndarray)]
            scores = iter(_scores(network, readable) if readable else ())
            for path, digit in zip(batch, digits, strict=True):
                if isinstance(digit, KerazooError):
                    yield path, digit
                else:
                    row = next(scores)
                    yield path, [(classes[label], float(row[label])) for label in np.argsort(-row)]


def _scores(network: keras.Model, digits: Sequence[np.ndarray]) -> np.ndarray:
    """Return the scores [batch, classes] of digits that are rounded as the training images are."""
    pixels = np.rint(np.stack(digits) * 255).astype(np.uint8)
    return network(to_shape(pixels, network.input_shape[1:]), training=False).numpy()


def _read(path: Path) -> np.ndarray | KerazooError:
    try:
        return handwriting.read(path)
    except KerazooError as error:
        return error
