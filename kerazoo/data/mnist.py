"""MNIST in the order of its four original files, split as in the study notes.

Sources: LeCun, Cortes and Burges, "The MNIST database of handwritten digits" (1998),
http://yann.lecun.com/exdb/mnist/; `cnn-notes`, line 299, which keeps the first 5,000 training
images for validation.
"""

import contextlib
import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from kerazoo import files, text
from kerazoo.data import idx
from kerazoo.data.image_io import ImageShape
from kerazoo.data.images import ArraySplit, ImageData, fingerprint
from kerazoo.data.names import tfds_folder
from kerazoo.errors import CorruptFileError, DataMissingError, KerazooError

VALIDATION = 5_000
# The original files with the sha256 of their elements: training images and labels, then test.
FILES = {
    "train-images-idx3-ubyte": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "train-labels-idx1-ubyte": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "t10k-images-idx3-ubyte": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "t10k-labels-idx1-ubyte": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}
# sha256 of the elements of all four
FINGERPRINT = "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"

Arrays = list[np.ndarray]


def load(image_shape: ImageShape, mnist_dir: Path | None) -> ImageData:
    """Return MNIST: 55,000 images to train on, 5,000 to validate, 10,000 to test.

    Args:
        image_shape: What the 28x28x1 images are resized and converted to.
        mnist_dir: Folder with the four IDX files, compressed by gzip or not; None to let
            tensorflow-datasets (TFDS) prepare the set from a download.

    Raises:
        DataMissingError: MNIST is not available.
        CorruptFileError: One of the four files, or the prepared set, is not the original.
    """
    arrays = _kept_or_of_tfds() if mnist_dir is None else _of_folder(mnist_dir)
    images, labels, test_images, test_labels = arrays
    return ImageData(
        "mnist",
        tuple("0123456789"),
        image_shape,
        train=ArraySplit(images[VALIDATION:], labels[VALIDATION:], image_shape),
        validation=ArraySplit(images[:VALIDATION], labels[:VALIDATION], image_shape),
        test=ArraySplit(test_images, test_labels, image_shape),
        fingerprint=fingerprint(arrays),
        source_shape=(28, 28, 1),
    )


def _of_folder(folder: Path) -> Arrays:
    return [_read(folder, name) for name in FILES]


def _kept_or_of_tfds() -> Arrays:
    """Return what TFDS has prepared, from files that open at once where they are there.

    They are the four files, beside what TFDS keeps. Reading its 70,000 images takes longer, and so
    does importing it.
    """
    kept = tfds_folder() / "mnist" / "idx"
    if kept.is_symlink():
        return _of_tfds()
    with contextlib.suppress(KerazooError, OSError):  # not there, or damaged
        return _of_folder(kept)
    arrays = _of_tfds()
    with contextlib.suppress(OSError):  # the next training waits, too
        kept.mkdir(exist_ok=True)
        for name, elements in zip(FILES, arrays, strict=True):
            with files.replacing(kept / name) as new:
                idx.write(new, elements[..., 0] if elements.ndim == 4 else elements)
    return arrays


def _read(folder: Path, name: str) -> np.ndarray:
    """Return images [size, 28, 28, 1] or labels [size] from one of the four files."""
    paths = [path for path in (folder / f"{name}.gz", folder / name) if path.exists()]
    if not paths:
        raise DataMissingError(f"'{folder / name}.gz' does not exist: put MNIST's four files there")
    elements = idx.read(paths[0])
    if elements.shape[1:] not in ((), (28, 28)):
        raise CorruptFileError(
            f"'{paths[0]}' is damaged or altered: its elements are {text.shape(elements.shape)}, "
            "not 28x28 for each image; replace it with the original file"
        )
    if (digest := fingerprint([elements])) != FILES[name]:
        raise CorruptFileError(
            f"'{paths[0]}' is damaged or altered: the sha256 of its elements is {digest}, "
            f"not {FILES[name]}; replace it with the original file"
        )
    return elements[..., None] if elements.ndim == 3 else elements


def _of_tfds() -> Arrays:
    """Return the elements of the four files from the set that TFDS has prepared, or downloads."""
    from kerazoo.data.tfds_sets import open_builder, prepare  # importing TFDS takes seconds

    builder = open_builder("mnist")
    try:
        prepare(builder)
    except DataMissingError as error:
        hint = "or set --mnist-dir or KERAZOO_MNIST_DIR to a folder with the four IDX files"
        raise DataMissingError(f"{error}; {hint}") from error
    arrays = [array for split in ("train", "test") for array in _in_file_order(builder, split)]
    if (digest := fingerprint(arrays)) != FINGERPRINT:
        raise CorruptFileError(
            f"the set in {builder.data_dir} is not MNIST (sha256 {digest}); remove it and run again"
        )
    return arrays


def _in_file_order(builder: Any, split: str) -> Arrays:
    """Return images and labels in file order; TFDS sorts by the md5 of split name and position."""
    from kerazoo.data.tfds_sets import arrays

    images, labels = arrays(builder, split, "image", "label")
    stored = sorted(range(len(labels)), key=lambda i: hashlib.md5(f"{split}{i}".encode()).digest())
    position = np.argsort(stored)
    return [images[position], labels[position].astype(np.uint8)]
