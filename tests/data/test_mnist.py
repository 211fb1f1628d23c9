import gzip
import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from kerazoo.data import idx as idx_files
from kerazoo.data import mnist
from kerazoo.data.images import Split
from kerazoo.errors import CorruptFileError, DataMissingError
from tests.helpers import idx
from tests.helpers.idx import FILES


@pytest.fixture
def copy(mnist_files: Path, tmp_path: Path) -> Path:
    for name in FILES:
        shutil.copy(mnist_files / name, tmp_path)
    return tmp_path


def content(split: Split) -> tuple[np.ndarray, np.ndarray]:
    images, labels = next(iter(split.batches(split.size)))
    return np.rint(images.numpy()[..., 0] * 255).astype(np.uint8), labels.numpy()


def test_the_split_is_that_of_the_study_notes(mnist_files: Path) -> None:
    data = mnist.load((28, 28, 1), mnist_files)
    images, labels, test_images, test_labels = (idx.read(mnist_files / name) for name in FILES)
    kept = mnist.VALIDATION
    expected = {
        "train": (images[kept:], labels[kept:]),
        "validation": (images[:kept], labels[:kept]),
        "test": (test_images, test_labels),
    }
    for part, (pixels, numbers) in expected.items():
        split_images, split_labels = content(getattr(data, part))
        np.testing.assert_array_equal(split_images, pixels)
        np.testing.assert_array_equal(split_labels, numbers)
    assert data.class_names == tuple("0123456789")


def test_the_first_5000_are_kept_for_validation() -> None:
    assert mnist.VALIDATION == 5_000


@pytest.mark.full
def test_the_original_has_70000_images(mnist_dir: Path) -> None:
    data = mnist.load((28, 28, 1), mnist_dir)
    assert (data.train.size, data.validation.size, data.test.size) == (55_000, 5_000, 10_000)


def test_the_fingerprint_is_of_the_four_files(mnist_files: Path) -> None:
    assert idx.digest(mnist_files) == mnist.FINGERPRINT
    assert mnist.load((28, 28, 1), mnist_files).fingerprint == mnist.FINGERPRINT


def test_what_tfds_prepares_is_the_same(mnist_files: Path) -> None:
    idx.prepare(mnist_files)
    prepared, read = mnist.load((28, 28, 1), None), mnist.load((28, 28, 1), mnist_files)
    assert prepared.fingerprint == read.fingerprint
    for part in ("train", "validation", "test"):
        splits = (content(getattr(data, part)) for data in (prepared, read))
        for one, other in zip(*splits, strict=True):
            np.testing.assert_array_equal(one, other)


def test_what_tfds_has_prepared_is_decoded_once(
    mnist_files: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    idx.prepare(mnist_files)
    decoded = mnist.load((28, 28, 1), None).fingerprint
    of_tfds = mnist._of_tfds
    kept = tmp_path / "mnist" / "idx"

    def not_again() -> mnist.Arrays:
        raise AssertionError

    monkeypatch.setattr(mnist, "_of_tfds", not_again)
    assert mnist.load((28, 28, 1), None).fingerprint == decoded
    for name in mnist.FILES:
        np.testing.assert_array_equal(
            idx_files.read(kept / name), idx.read(mnist_files / f"{name}.gz")
        )
    monkeypatch.setattr(mnist, "_of_tfds", of_tfds)
    for damage in (b"", b"\0\0\x08\x01", (kept / name).read_bytes()[:-1] + b"\xff"):
        (kept / name).write_bytes(damage)
        assert mnist.load((28, 28, 1), None).fingerprint == decoded
        assert mnist.load((28, 28, 1), tmp_path / "mnist" / "idx").fingerprint == decoded
    kept.rename(tmp_path / "elsewhere")
    kept.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / name).unlink()
    assert mnist.load((28, 28, 1), None).fingerprint == decoded
    assert not (tmp_path / "elsewhere" / name).exists()


def test_unpacked_files_are_the_same(copy: Path, mnist_files: Path) -> None:
    for name in FILES[:3]:
        packed = (copy / name).read_bytes()
        (copy / name.removesuffix(".gz")).write_bytes(gzip.decompress(packed))
        (copy / name).unlink()
    fingerprint = mnist.load((28, 28, 1), copy).fingerprint
    assert fingerprint == mnist.load((28, 28, 1), mnist_files).fingerprint


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_reported(copy: Path, name: str) -> None:
    path = copy / name
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CorruptFileError, match=rf"{name}' is damaged: it is not an IDX file"):
        mnist.load((28, 28, 1), copy)


@pytest.mark.parametrize("name", FILES)
def test_an_altered_file_is_reported_with_its_sha256(copy: Path, name: str) -> None:
    elements = idx.read(copy / name).copy()
    elements.reshape(-1)[50] += 1
    idx.write(copy / name, elements)
    digest = hashlib.sha256(elements.tobytes()).hexdigest()
    with pytest.raises(CorruptFileError, match=rf"{name}' is damaged or altered: .* is {digest}"):
        mnist.load((28, 28, 1), copy)


def test_the_same_elements_in_another_shape_are_reported(copy: Path) -> None:
    elements = idx.read(copy / FILES[0])
    idx.write(copy / FILES[0], elements.reshape(len(elements), 56, 14))
    match = rf"{FILES[0]}' is damaged or altered: its elements are .*x56x14, not 28x28"
    with pytest.raises(CorruptFileError, match=match):
        mnist.load((28, 28, 1), copy)


def test_a_missing_file_is_reported_even_if_mnist_is_prepared(
    copy: Path, mnist_files: Path
) -> None:
    idx.prepare(mnist_files)
    (copy / FILES[2]).unlink()
    with pytest.raises(DataMissingError, match=f"{FILES[2]}' does not exist"):
        mnist.load((28, 28, 1), copy)


def test_a_prepared_set_that_is_not_mnist_is_reported(
    mnist_files: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    idx.prepare(mnist_files)
    monkeypatch.setattr(mnist, "FINGERPRINT", "0" * 64)
    with pytest.raises(CorruptFileError, match="is not MNIST"):
        mnist.load((28, 28, 1), None)
