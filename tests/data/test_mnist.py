from __future__ import annotations

import gzip
import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from kerazoo.data import mnist
from kerazoo.data.images import Split
from kerazoo.errors import CorruptFileError, DataMissingError

FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


@pytest.fixture
def copy(mnist_dir: Path, tmp_path: Path) -> Path:
    for name in FILES:
        shutil.copy(mnist_dir / name, tmp_path)
    return tmp_path


def read_idx(path: Path) -> np.ndarray:
    """Read a file of the format that MNIST's page describes, by hand."""
    content = gzip.decompress(path.read_bytes())
    dimensions = content[3]
    shape = np.frombuffer(content, ">i4", dimensions, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def whole(split: Split) -> tuple[np.ndarray, np.ndarray]:
    images, labels = next(iter(split.batches(split.size)))
    return np.rint(images.numpy()[..., 0] * 255).astype(np.uint8), labels.numpy()


def test_the_split_is_that_of_the_documents_reader(mnist_dir: Path) -> None:
    data = mnist.load((28, 28, 1), mnist_dir)
    images, labels, test_images, test_labels = (read_idx(mnist_dir / name) for name in FILES)
    expected = {
        "train": (images[5000:], labels[5000:]),
        "validation": (images[:5000], labels[:5000]),
        "test": (test_images, test_labels),
    }
    for part, (pixels, numbers) in expected.items():
        found_pixels, found_numbers = whole(getattr(data, part))
        np.testing.assert_array_equal(found_pixels, pixels)
        np.testing.assert_array_equal(found_numbers, numbers)
    assert (data.train.size, data.validation.size, data.test.size) == (55_000, 5_000, 10_000)
    assert data.class_names == tuple("0123456789")


def test_the_fingerprint_is_of_the_four_files(mnist_dir: Path) -> None:
    content = b"".join(read_idx(mnist_dir / name).tobytes() for name in FILES)
    assert hashlib.sha256(content).hexdigest() == mnist.FINGERPRINT


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_told_with_its_sha256(copy: Path, name: str) -> None:
    path = copy / name
    path.write_bytes(path.read_bytes()[:-100])
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(
        CorruptFileError, match=rf"{name}' is damaged or altered.*sha256 is {found}"
    ):
        mnist.load((28, 28, 1), copy)


def test_an_altered_file_is_told_even_where_mnist_is_prepared(copy: Path, mnist_dir: Path) -> None:
    mnist.load((28, 28, 1), mnist_dir)
    labels = bytearray(gzip.decompress((copy / FILES[1]).read_bytes()))
    labels[100] = (labels[100] + 1) % 10
    (copy / FILES[1]).write_bytes(gzip.compress(bytes(labels)))
    with pytest.raises(CorruptFileError, match=FILES[1]):
        mnist.load((28, 28, 1), copy)


def test_a_missing_file_is_named(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "empty"))
    (copy / FILES[2]).unlink()
    with pytest.raises(DataMissingError, match=f"{FILES[2]}' is not there"):
        mnist.load((28, 28, 1), copy)


def test_a_prepared_set_that_is_not_mnist_is_told(
    mnist_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mnist, "FINGERPRINT", "0" * 64)
    with pytest.raises(CorruptFileError, match="is not the original one"):
        mnist.load((28, 28, 1), mnist_dir)
