"""Sets of tensorflow-datasets: small ones that are made here, because tests use no network."""

import errno
import threading
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import tensorflow_datasets as tfds

from kerazoo.data import tfds_sets
from kerazoo.data.images import ArraySplit, Split, StreamSplit
from kerazoo.errors import CorruptFileError, DataMissingError, UsageError
from tests.helpers.splits import of_two_workers

COUNTS = {"train": 100, "validation": 10, "test": 20}


class NumberedSquares(tfds.core.GeneratorBasedBuilder):
    """Images of one size, in which every pixel is the number of the image in the split."""

    VERSION = tfds.core.Version("1.0.0")
    PARTS: tuple[str, ...] = ("train", "validation", "test")
    SHAPE: tuple[int | None, int | None, int] = (6, 6, 1)

    def _info(self) -> tfds.core.DatasetInfo:
        features = tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=self.SHAPE),
                "label": tfds.features.ClassLabel(names=["even", "odd"]),
            }
        )
        return self.dataset_info_from_configs(features=features, supervised_keys=("image", "label"))

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[tuple[int, Any]]]:
        return {part: self._generate_examples(part) for part in self.PARTS}

    def _generate_examples(self, part: str) -> Iterator[tuple[int, dict[str, Any]]]:
        for number in range(COUNTS[part]):
            side = 6 if self.SHAPE[0] else 6 + number % 3
            pixels = np.full((side, side, self.SHAPE[2]), number, np.uint8)
            yield number, {"image": pixels, "label": self.label(number, part)}

    def label(self, number: int, part: str) -> int:
        return number % 2


class SquaresOfManySizes(NumberedSquares):
    """Color images of several sizes, which are read from disk when needed."""

    PARTS = ("train", "test")
    SHAPE = (None, None, 3)


class SquaresToTrainOn(NumberedSquares):
    PARTS = ("train",)


class SquaresToTestOn(NumberedSquares):
    """A set that TFDS has for evaluation alone."""

    PARTS = ("test",)


class SquaresUnlabeledInTest(NumberedSquares):
    def label(self, number: int, part: str) -> int:
        return -1 if part == "test" else number % 2


def contents(split: Split, **options: Any) -> list[tuple[int, int]]:
    """Return (number, label) of every image in the order of its batches."""
    rows = []
    for images, labels in split.batches(7, **options):
        numbers = np.rint(images.numpy()[:, 0, 0, 0] * 255).astype(int)
        rows += list(zip(numbers.tolist(), labels.numpy().tolist(), strict=True))
    return rows


def assert_contains(split: Split, numbers: range) -> None:
    assert sorted(contents(split)) == [(number, number % 2) for number in numbers]


def test_splits_are_those_that_the_set_has() -> None:
    data = tfds_sets.load("numbered_squares", (6, 6, 1))
    assert data.class_names == ("even", "odd")
    assert data.name == "numbered_squares"
    assert len(data.fingerprint) == 64
    assert_contains(data.train, range(100))
    assert_contains(data.validation, range(10))
    assert_contains(data.test, range(20))


def test_images_are_resized_and_converted() -> None:
    data = tfds_sets.load("numbered_squares", (12, 9, 3))
    images, _ = next(iter(data.train.batches(4)))
    assert images.shape == (4, 12, 9, 3)
    assert_contains(data.train, range(100))


def test_a_single_train_split_is_split_in_three() -> None:
    data = tfds_sets.load("squares_to_train_on", (6, 6, 1))
    parts = [contents(split) for split in (data.train, data.validation, data.test)]
    assert [len(part) for part in parts] == [80, 10, 10]
    assert sorted(chain(*parts)) == [(number, number % 2) for number in range(100)]


def test_a_set_without_a_train_split_trains_on_another() -> None:
    data = tfds_sets.load("squares_to_test_on", (6, 6, 1))
    parts = [contents(split) for split in (data.train, data.validation, data.test)]
    assert [len(part) for part in parts] == [16, 2, 2]
    assert sorted(chain(*parts)) == [(number, number % 2) for number in range(20)]


def test_a_test_split_without_labels_is_not_used() -> None:
    data = tfds_sets.load("squares_unlabeled_in_test", (6, 6, 1))
    assert_contains(data.test, range(10))
    assert (data.train.size, data.validation.size) == (90, 10)


class TestStream:
    """Sets with images of many sizes, or too many for memory."""

    @pytest.fixture(params=["one file", "eight files"])
    def split(
        self, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Split:
        if request.param == "eight files":
            monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
            config = tfds.download.DownloadConfig(num_shards=8)
            builder = tfds_sets.open_builder("squares_of_many_sizes")
            builder.download_and_prepare(download_config=config)
            assert len(list(tmp_path.rglob("*train.tfrecord*"))) == 8
        data = tfds_sets.load("squares_of_many_sizes", (6, 6, 3))
        assert isinstance(data.train, StreamSplit)
        assert (data.train.size, data.validation.size, data.test.size) == (90, 10, 20)
        return data.train

    def test_yields_every_image_once(self, split: Split) -> None:
        assert len(set(contents(split))) == 90
        assert all(number % 2 == label for number, label in contents(split))

    def test_order_depends_on_seed_and_epoch(self, split: Split) -> None:
        first, stored = contents(split, shuffle=(5, 1)), contents(split)
        assert first == contents(split, shuffle=(5, 1))
        assert sorted(first) == sorted(stored)
        assert first != contents(split, shuffle=(5, 2))
        assert first != contents(split, shuffle=(6, 1))
        assert first != stored

    def test_skips_batches(self, split: Split) -> None:
        assert contents(split, shuffle=(0, 0), skip=10) == contents(split, shuffle=(0, 0))[70:]

    def test_two_workers_split_every_batch(self, split: Split) -> None:
        whole = [images for images, _ in split.batches(7, (1, 2), 1).as_numpy_iterator()]
        for joined, batch in zip(of_two_workers(split, 7, (1, 2)), whole, strict=True):
            np.testing.assert_array_equal(joined, batch)

    def test_limited(self, split: Split) -> None:
        limited, first = split.limited(15), contents(split)[:15]
        assert limited.size == 15
        assert contents(limited) == first
        assert sorted(contents(limited, shuffle=(0, 3))) == sorted(first)

    def test_a_set_over_the_memory_bound(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("kerazoo.data.images.MEMORY", 1000)
        data = tfds_sets.load("numbered_squares", (6, 6, 1))
        assert isinstance(data.train, StreamSplit)
        assert isinstance(data.validation, ArraySplit)
        assert_contains(data.train, range(100))


def test_a_set_of_other_things_is_refused() -> None:
    with pytest.raises(UsageError, match="'iris' is not for image classification: its examples"):
        tfds_sets.load("iris", (28, 28, 1))


@pytest.mark.parametrize("name", ["emnist/nothing", "mnist:9.9.9", "no_such_set"])
def test_a_set_that_tfds_does_not_know(name: str) -> None:
    with pytest.raises(UsageError, match="tensorflow-datasets has no"):
        tfds_sets.load(name, (28, 28, 1))


def test_a_server_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def never_answer(*_: Any, **__: Any) -> None:
        release.wait(60)
        raise OSError

    monkeypatch.setattr("urllib.request.urlopen", never_answer)
    monkeypatch.setattr(tfds_sets, "PROBE_SECONDS", 0.1)
    with pytest.raises(DataMissingError, match=r"cifar10 is not prepared in .* does not answer"):
        tfds_sets.load("cifar10", (32, 32, 3))
    release.set()


def test_a_download_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    builder = tfds_sets.open_builder("cifar10")
    monkeypatch.setattr(tfds_sets, "_check_server", lambda _: None)

    def fail(**_: Any) -> None:
        raise tfds.download.DownloadError("status 500")

    monkeypatch.setattr(builder, "download_and_prepare", fail)
    with pytest.raises(DataMissingError, match="cifar10 cannot be prepared: status 500"):
        tfds_sets.prepare(builder)


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.EMFILE, "", "a")])
def test_what_this_machine_lacks_is_no_missing_data(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = tfds_sets.open_builder("cifar10")
    monkeypatch.setattr(tfds_sets, "_check_server", lambda _: None)
    monkeypatch.setattr(builder, "download_and_prepare", Mock(side_effect=error))
    with pytest.raises(type(error)):
        tfds_sets.prepare(builder)


def test_a_set_for_manual_download_is_reported() -> None:
    with pytest.raises(DataMissingError, match=r"imagenet2012 cannot be prepared.*manual"):
        tfds_sets.load("imagenet2012", (224, 224, 3))


def without_a_builder(folder: Path) -> Path:
    """Prepare a set as another program would have done, of which TFDS has the files alone."""
    tfds_sets.load("numbered_squares", (6, 6, 1))
    other = folder / "foreign_squares/1.0.0"
    other.mkdir(parents=True)
    for path in (folder / "numbered_squares/1.0.0").iterdir():
        content = path.read_bytes().replace(b"numbered_squares", b"foreign_squares")
        (other / path.name.replace("numbered", "foreign")).write_bytes(content)
    return other


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]


DAMAGES = {
    "missing": None,
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "flipped": flipped,
    "other": lambda content: b"{}",
    "deep": lambda content: b"[" * 100_000,
}


@pytest.mark.parametrize(
    ("name", "harmless"),
    [
        ("dataset_info.json", ()),
        ("features.json", ()),
        # TFDS has numbers for names then, or takes any text for a name
        ("label.labels.txt", ("missing", "empty", "flipped")),
        *((f"foreign_squares-{part}.tfrecord-00000-of-00001", ()) for part in COUNTS),
    ],
)
def test_a_damaged_file_is_reported(
    name: str, harmless: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    path = without_a_builder(tmp_path) / name
    assert_contains(tfds_sets.load("foreign_squares", (6, 6, 1)).test, range(20))
    whole = path.read_bytes()
    for damage in DAMAGES.keys() - harmless:
        path.unlink()
        if change := DAMAGES[damage]:
            path.write_bytes(change(whole))
        with pytest.raises(CorruptFileError, match="remove that folder and run again"):
            tfds_sets.load("foreign_squares", (6, 6, 1))
        path.write_bytes(whole)


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut"])
def test_files_of_a_stream_are_compared_with_their_size(
    part: str, damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    tfds_sets.load("squares_of_many_sizes", (6, 6, 3))
    (path,) = tmp_path.rglob(f"*{part}.tfrecord*")
    whole = path.read_bytes()
    path.unlink()
    if change := DAMAGES[damage]:
        path.write_bytes(change(whole))
    with pytest.raises(CorruptFileError, match="remove that folder and run again"):
        tfds_sets.load("squares_of_many_sizes", (6, 6, 3))


@pytest.mark.parametrize("name", ["foreign_squares:2.0.0", "foreign_squares/config"])
def test_another_version_of_a_prepared_set_is_not_damaged(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    without_a_builder(tmp_path)
    with pytest.raises(UsageError, match="tensorflow-datasets has no"):
        tfds_sets.load(name, (6, 6, 1))


def test_a_damaged_record_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    tfds_sets.load("numbered_squares", (6, 6, 1))
    (record,) = tmp_path.rglob("*train.tfrecord*")
    (info,) = tmp_path.rglob("dataset_info.json")

    def assert_is_reported() -> None:
        with pytest.raises(CorruptFileError, match="remove that folder and run again"):
            tfds_sets.load("numbered_squares", (6, 6, 1))

    record.write_bytes(flipped(record.read_bytes()))
    assert_is_reported()
    record.unlink()
    assert_is_reported()
    info.write_text("{")
    assert_is_reported()
    info.unlink()
    assert_is_reported()


def test_a_folder_that_cannot_be_written_to_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "file"))
    with pytest.raises(DataMissingError, match="set TFDS_DATA_DIR to another folder"):
        tfds_sets.load("numbered_squares", (6, 6, 1))


def test_a_server_has_little_time_to_answer() -> None:
    assert tfds_sets.PROBE_SECONDS <= 8  # of the 15 that "auto" may take, with TensorFlow's start


def test_the_fingerprint_is_of_the_images_and_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tfds_sets.load("numbered_squares", (6, 6, 1)).fingerprint
    assert tfds_sets.load("numbered_squares", (9, 9, 3)).fingerprint == first
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(NumberedSquares, "label", lambda self, number, part: 1 - number % 2)
    assert tfds_sets.load("numbered_squares", (6, 6, 1)).fingerprint != first
