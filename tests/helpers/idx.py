"""MNIST's four IDX files, and small ones of scikit-learn's digits that stand in for them."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from tensorflow_datasets.core.download.checksums import UrlInfo
from tensorflow_datasets.image_classification import mnist as tfds_mnist

from kerazoo.data import digits, mnist
from kerazoo.data.images import ArraySplit
from kerazoo.data.names import tfds_folder
from legacy_tf1 import mnist_data

FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
TRAIN, VALIDATION, TEST = 500, 50, 100


def read(path: Path) -> np.ndarray:
    """Read a file of the format that MNIST's page describes, by hand."""
    content = gzip.decompress(path.read_bytes())
    dimensions = content[3]
    shape = np.frombuffer(content, ">i4", dimensions, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def write(path: Path, values: np.ndarray) -> None:
    """Write bytes of any shape as such a file."""
    header = struct.pack(f">2xBB{values.ndim}I", 8, values.ndim, *values.shape)
    path.write_bytes(gzip.compress(header + values.astype(np.uint8).tobytes()))


def digest(folder: Path) -> str:
    """Return the sha256 of the pixels and labels of the four files."""
    return hashlib.sha256(b"".join(read(folder / name).tobytes() for name in FILES)).hexdigest()


def write_digits(folder: Path) -> Path:
    """Write digits of scikit-learn as MNIST's four files."""
    data = digits.load((28, 28, 1))
    for split, count, names in ((data.train, TRAIN, FILES[:2]), (data.test, TEST, FILES[2:])):
        assert isinstance(split, ArraySplit)
        write(folder / names[0], split.images.numpy()[:count, :, :, 0])
        write(folder / names[1], split.labels.numpy()[:count])
    return folder


def take_for_mnist(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Have every reader of MNIST take the digits in a folder for the original files."""
    infos = tfds_mnist.MNIST.url_infos.items()
    patch.setattr(tfds_mnist.MNIST, "url_infos", {url: _info(folder, was) for url, was in infos})
    patch.setattr(tfds_mnist, "_TRAIN_EXAMPLES", TRAIN)
    patch.setattr(tfds_mnist, "_TEST_EXAMPLES", TEST)
    digests = {
        name: hashlib.sha256(read(folder / f"{name}.gz").tobytes()).hexdigest()
        for name in mnist.FILES
    }
    patch.setattr(mnist, "FILES", digests)
    patch.setattr(mnist, "FINGERPRINT", digest(folder))
    patch.setattr(mnist, "VALIDATION", VALIDATION)
    patch.setattr(mnist_data, "VALIDATION", VALIDATION)


def prepare(folder: Path) -> None:
    """Have TFDS prepare MNIST from the four files in a folder."""
    config = tfds.download.DownloadConfig(manual_dir=folder)
    tfds.builder("mnist", data_dir=tfds_folder()).download_and_prepare(download_config=config)


def _info(folder: Path, original: UrlInfo) -> UrlInfo:
    content = (folder / original.filename).read_bytes()
    checksum = hashlib.sha256(content).hexdigest()
    return UrlInfo(size=len(content), checksum=checksum, filename=original.filename)
