"""Any data set by the name that `--data` takes."""

from __future__ import annotations

import logging
from pathlib import Path

from kerazoo.data import digits, folder, mnist, names, tfds_sets
from kerazoo.data.images import ImageData, ImageShape
from kerazoo.errors import DataMissingError

logger = logging.getLogger("kerazoo")


def load(
    name: str,
    image_shape: ImageShape,
    seed: int,
    mnist_dir: Path | None = None,
) -> ImageData:
    """Return a data set with images resized and converted to `image_shape`.

    Args:
        name: "mnist", "digits", "folder:PATH", the name of a tensorflow-datasets set, or "auto":
            MNIST where it is available, otherwise the digits.
        image_shape: (height, width, channels).
        seed: Draws what a folder without a test or validation split holds out.
        mnist_dir: Folder with the four IDX files of MNIST.

    Raises:
        UsageError: There is no data set of that name.
        DataMissingError: It is not available.
        CorruptFileError: One of its files is damaged.
    """
    names.check(name)
    if name == "auto":
        return _mnist_or_digits(image_shape, mnist_dir)
    if name == "mnist":
        return mnist.load(image_shape, mnist_dir)
    if name == "digits":
        return digits.load(image_shape)
    if name.startswith(names.FOLDER):
        return folder.load(names.folder_path(name), image_shape, seed)
    return tfds_sets.load(name, image_shape)


def _mnist_or_digits(image_shape: ImageShape, mnist_dir: Path | None) -> ImageData:
    try:
        return mnist.load(image_shape, mnist_dir)
    except DataMissingError as error:
        if mnist_dir is not None:
            raise
        logger.info("training on scikit-learn's digits instead of MNIST, because %s", error)
        return digits.load(image_shape)
