"""MNIST in the order of its four original files, split as the study documents' reader split it.

Sources: LeCun, Cortes and Burges, the MNIST database; the reader of document
000_edc3730cabfc8e8e, line 299, kept the first 5,000 training images for validation.
"""

from __future__ import annotations

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
        image_shape: What the 28x28x1 images are brought to.
        mnist_dir: Folder with the four IDX files, from which TFDS prepares the set; None for one
            that is prepared already or can be downloaded.

    Raises:
        DataMissingError: MNIST is not to be had.
        CorruptFileError: One of the four files, or the prepared set, is not the original.
    """
    builder = open_builder("mnist")
    if mnist_dir is not None:
        _check_files(builder, mnist_dir, all_needed=not builder.is_prepared())
    try:
        prepare(builder, mnist_dir)
    except DataMissingError as error:
        if mnist_dir is not None:
            raise
        raise DataMissingError(
            f"{error}: give a folder with the four IDX files by --mnist-dir or KERAZOO_MNIST_DIR"
        ) from error
    images, labels = _in_file_order(builder, "train")
    test = _in_file_order(builder, "test")
    digest = fingerprint([images, labels, *test])
    if digest != FINGERPRINT:
        raise CorruptFileError(
            f"the mnist prepared in {builder.data_dir} is not the original one (sha256 {digest}): "
            "remove that folder and run again"
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
        if not path.is_file():
            if not all_needed:
                continue
            raise DataMissingError(
                f"'{path}' is not there: the folder must hold the four original MNIST files"
            )
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != expected.checksum:
            raise CorruptFileError(
                f"'{path}' is damaged or altered: its sha256 is {found}, "
                f"the original's is {expected.checksum}"
            )


def _in_file_order(builder: tfds.core.DatasetBuilder, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return images and labels as the IDX files have them.

    TFDS stores the examples by the md5 of the split's name and the position in the file.
    """
    images, labels = arrays(builder, split, "image", "label")
    stored = sorted(range(len(labels)), key=lambda i: hashlib.md5(f"{split}{i}".encode()).digest())
    position = np.argsort(stored)
    return images[position], labels[position].astype(np.uint8)
