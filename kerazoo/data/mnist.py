"""MNIST in the order of its four original files, split as in the study notes.

Sources: LeCun, Cortes and Burges, "The MNIST database of handwritten digits" (1998),
http://yann.lecun.com/exdb/mnist/; `cnn-notes`, line 299, which keeps the first 5,000 training
images for validation.
"""

import hashlib
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from kerazoo.data.images import ArraySplit, ImageData, ImageShape, fingerprint
from kerazoo.data.tfds_sets import arrays, open_builder, prepare
from kerazoo.errors import CorruptFileError, DataMissingError

VALIDATION = 5_000
# sha256 of the pixels and labels in the four files without their headers, train before test
FINGERPRINT = "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"


def load(image_shape: ImageShape, mnist_dir: Path | None) -> ImageData:
    """Return MNIST: 55,000 images to train on, 5,000 to validate, 10,000 to test.

    Args:
        image_shape: What the 28x28x1 images are resized and converted to.
        mnist_dir: Folder with the four IDX files, from which tensorflow-datasets (TFDS) prepares
            the set; None if the set is prepared already or can be downloaded.

    Raises:
        DataMissingError: MNIST is not available.
        CorruptFileError: One of the four files, or the prepared set, is not the original.
    """
    builder = open_builder("mnist")
    if mnist_dir is not None:
        if not mnist_dir.is_dir():
            raise DataMissingError(f"there is no directory '{mnist_dir}' with MNIST's four files")
        _check_files(builder, mnist_dir, all_needed=not builder.is_prepared())
    try:
        prepare(builder, mnist_dir)
    except DataMissingError as error:
        if mnist_dir is not None:
            raise
        hint = "or set --mnist-dir or KERAZOO_MNIST_DIR to a folder with the four IDX files"
        raise DataMissingError(f"{error}; {hint}") from error
    (images, labels), test = (_in_file_order(builder, split) for split in ("train", "test"))
    digest = fingerprint([images, labels, *test])
    if digest != FINGERPRINT:
        raise CorruptFileError(
            f"the set in {builder.data_dir} is not MNIST (sha256 {digest}); remove it and run again"
        )
    return ImageData(
        "mnist",
        tuple(builder.info.features["label"].names),
        image_shape,
        train=ArraySplit(images[VALIDATION:], labels[VALIDATION:], image_shape),
        validation=ArraySplit(images[:VALIDATION], labels[:VALIDATION], image_shape),
        test=ArraySplit(*test, image_shape),
        fingerprint=digest,
        source_shape=builder.info.features["image"].shape,
    )


def _check_files(builder: tfds.core.DatasetBuilder, folder: Path, all_needed: bool) -> None:
    """Compare the four files with the sha256 that TFDS has registered."""
    for expected in builder.url_infos.values():
        path = folder / expected.filename
        if path.is_file():
            checksum = hashlib.sha256(path.read_bytes()).hexdigest()
            if checksum != expected.checksum:
                raise CorruptFileError(
                    f"'{path}' is damaged or altered: its sha256 is {checksum}, "
                    f"not {expected.checksum}; replace it with the original file"
                )
        elif all_needed:
            raise DataMissingError(f"'{path}' does not exist; put MNIST's four files there")


def _in_file_order(builder: tfds.core.DatasetBuilder, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return images and labels in file order; TFDS sorts by the md5 of split name and position."""
    images, labels = arrays(builder, split, "image", "label")
    stored = sorted(range(len(labels)), key=lambda i: hashlib.md5(f"{split}{i}".encode()).digest())
    position = np.argsort(stored)
    return images[position], labels[position].astype(np.uint8)
