"""Any data set by the name that `--data` takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kerazoo.data import digits, folder, mnist, names, tfds_sets
from kerazoo.data.images import ImageData, ImageShape
from kerazoo.errors import DataMissingError


def load(
    name: str,
    image_shape: ImageShape,
    seed: int,
    mnist_dir: Path | None = None,
    say: Callable[[str], None] = print,
) -> ImageData:
    """Return a data set whose images are brought to `image_shape`.

    Args:
        name: "mnist", "digits", "folder:PATH", the name of a tensorflow-datasets set, or "auto":
            MNIST where it is prepared or can be had, otherwise the digits.
        image_shape: (height, width, channels).
        seed: Draws what a folder without a test or validation split holds out.
        mnist_dir: Folder with the four IDX files of MNIST.
        say: Takes the line that tells why "auto" is the digits.

    Raises:
        UsageError: There is no data set of that name.
        DataMissingError: It is not here and cannot be had.
        CorruptFileError: One of its files is damaged.
    """
    names.check(name)
    if name == "auto":
        return _mnist_or_digits(image_shape, mnist_dir, say)
    if name == "mnist":
        return mnist.load(image_shape, mnist_dir)
    if name == "digits":
        return digits.load(image_shape)
    if name.startswith(names.FOLDER):
        return folder.load(names.folder_path(name), image_shape, seed)
    return tfds_sets.load(name, image_shape)


def _mnist_or_digits(
    image_shape: ImageShape, mnist_dir: Path | None, say: Callable[[str], None]
) -> ImageData:
    try:
        return mnist.load(image_shape, mnist_dir)
    except DataMissingError as error:
        if mnist_dir is not None:
            raise
        say(f"training on scikit-learn's digits instead of MNIST, as {error}")
        return digits.load(image_shape)
