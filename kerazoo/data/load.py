"""Any data set by the name that `--data` takes."""

import logging
from pathlib import Path

from kerazoo.data import digits, folder, mnist, names
from kerazoo.data.image_io import ImageShape
from kerazoo.data.images import ImageData
from kerazoo.errors import DataMissingError

logger = logging.getLogger("kerazoo")


def load(
    name: str,
    image_shape: ImageShape,
    seed: int,
    mnist_dir: Path | None = None,
    skip_broken: bool = False,
    to_crop: bool = False,
) -> ImageData:
    """Return a data set with images resized and converted to `image_shape`.

    Args:
        name: "mnist", "digits", "folder:PATH", the name of a tensorflow-datasets set, or "auto":
            MNIST if it is available, otherwise the digits.
        image_shape: (height, width, channels).
        seed: Determines the images that a folder without a test or validation split holds out.
        mnist_dir: Folder with the four IDX files of MNIST.
        skip_broken: Whether to leave out images of a folder that cannot be read.
        to_crop: Whether random crops of the images will be needed, as sharp as the originals.

    Raises:
        UsageError: No data set has this name.
        DataMissingError: The data set is not available.
        CorruptFileError: One of its files is damaged.
    """
    names.check(name)
    if name in ("auto", "mnist"):
        try:
            return mnist.load(image_shape, mnist_dir)
        except DataMissingError as error:
            if name == "mnist" or mnist_dir is not None:
                raise
            logger.info("training on scikit-learn's digits instead of MNIST, because %s", error)
            return digits.load(image_shape)
    if name == "digits":
        return digits.load(image_shape)
    if name.startswith(names.FOLDER):
        return folder.load(names.folder_path(name), image_shape, seed, skip_broken, to_crop)
    from kerazoo.data import tfds_sets  # importing tensorflow-datasets takes seconds

    return tfds_sets.load(name, image_shape)
