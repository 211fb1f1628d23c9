import os
import shutil
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerazoo.data import folder
from kerazoo.data.images import Shuffle, Split
from kerazoo.errors import CorruptFileError, DataMissingError
from tests.helpers.splits import of_two_workers

SHAPE = (8, 8, 1)


def paint(path: Path, level: int, size: tuple[int, int] = (8, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, level).save(path)


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Return a folder of 40 dark cats and 20 bright dogs, each of another gray level."""
    for number in range(40):
        paint(tmp_path / "pets" / "cat" / f"{number}.png", number)
    for number in range(20):
        paint(tmp_path / "pets" / "dog" / f"{number}.png", 200 + number)
    return tmp_path / "pets"


def levels(split: Split, shuffle: Shuffle | None = None) -> list[tuple[int, int]]:
    rows = []
    for images, labels in split.batches(7, shuffle):
        grays = np.rint(images.numpy()[:, 0, 0, 0] * 255).astype(int)
        rows += list(zip(grays.tolist(), labels.numpy().tolist(), strict=True))
    return rows


def test_one_tree_is_split_by_class_in_proportion(pets: Path) -> None:
    data = folder.load(pets, SHAPE, seed=0)
    parts = {part: levels(getattr(data, part)) for part in ("train", "validation", "test")}
    assert data.name == f"folder:{pets}"
    assert data.class_names == ("cat", "dog")
    counts = [np.bincount([label for _, label in part]).tolist() for part in parts.values()]
    assert counts == [[32, 16], [4, 2], [4, 2]]
    everything = sorted(chain(*parts.values()))
    assert everything == [(n, 0) for n in range(40)] + [(200 + n, 1) for n in range(20)]


def test_the_split_depends_on_the_seed(pets: Path) -> None:
    first = levels(folder.load(pets, SHAPE, seed=3).test)
    assert levels(folder.load(pets, SHAPE, seed=3).test) == first
    assert levels(folder.load(pets, SHAPE, seed=4).test) != first


def test_folders_of_splits_are_kept_apart(pets: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(pets, root / "train")
    paint(root / "test" / "dog" / "a.bmp", 100)
    paint(root / "test" / "cat" / "b.GIF", 90)
    data = folder.load(root, SHAPE, seed=0)
    assert sorted(levels(data.test)) == [(90, 0), (100, 1)]
    assert (data.train.size, data.validation.size) == (54, 6)
    paint(root / "validation" / "dog" / "c.png", 80)
    paint(root / "validation" / "cat" / "d.jpeg", 70)
    data = folder.load(root, SHAPE, seed=0)
    assert sorted(levels(data.validation)) == [(70, 0), (80, 1)]
    assert data.train.size == 60


def test_images_of_every_format_are_resized_to_one_shape(tmp_path: Path) -> None:
    for suffix in ("bmp", "gif", "jpg", "jpeg", "png", "PNG"):
        paint(tmp_path / "a" / f"one.{suffix}", 120, (5, 9))
        paint(tmp_path / "b" / "deeper" / f"two.{suffix}", 60, (30, 20))
    Image.new("RGBA", (4, 4), (60, 60, 60, 255)).save(tmp_path / "b" / "color.png")
    (tmp_path / "b" / "notes.txt").write_text("not an image")
    (tmp_path / ".hidden").mkdir()
    data = folder.load(tmp_path, (8, 10, 3), seed=0)
    rows = []
    for images, labels in data.train.batches(50):
        assert images.shape[1:] == (8, 10, 3)
        rows += list(zip(images.numpy().mean(axis=(1, 2, 3)) * 255, labels.numpy(), strict=True))
    assert all(abs(level - (120, 60)[label]) < 2 for level, label in rows)
    assert data.train.size + data.validation.size + data.test.size == 13


def test_hidden_files_and_other_entries_are_ignored(pets: Path) -> None:
    before = folder.load(pets, SHAPE, seed=0).fingerprint
    paint(pets / "cat" / ".thumbs" / "small.png", 1)
    paint(pets / "cat" / ".hidden.png", 1)
    (pets / "cat" / "folder.png").mkdir()
    os.mkfifo(pets / "cat" / "pipe.png")
    (pets / "cat" / "dangling.png").symlink_to("nothing")
    assert folder.load(pets, SHAPE, seed=0).fingerprint == before


def test_a_rare_class_is_in_every_split(pets: Path) -> None:
    for number in range(3):
        paint(pets / "fish" / f"{number}.png", 100 + number)
    data = folder.load(pets, SHAPE, seed=0)
    for split in (data.train, data.validation, data.test):
        assert [label for _, label in levels(split)].count(2) == 1


def test_file_names_may_have_any_bytes(pets: Path) -> None:
    name = os.fsdecode(b"\xff\xfe caf\xc3\xa9.png")
    (pets / "cat" / "1.png").rename(pets / "cat" / name)
    data = folder.load(pets, SHAPE, seed=0)
    assert sum(split.size for split in (data.train, data.validation, data.test)) == 60
    everything = [
        row for split in (data.train, data.validation, data.test) for row in levels(split)
    ]
    assert (1, 0) in everything


def test_a_class_may_be_absent_from_the_test_folder(pets: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(pets, root / "train")
    paint(root / "test" / "dog" / "a.png", 100)
    assert levels(folder.load(root, SHAPE, seed=0).test) == [(100, 1)]


@pytest.mark.parametrize("memory", [0, 2**30])
def test_batches_keep_the_order_of_seed_and_epoch(
    pets: Path, memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kerazoo.data.images.MEMORY", memory)
    train = folder.load(pets, SHAPE, seed=0).train
    first = levels(train, shuffle=(1, 2))
    assert first == levels(train, shuffle=(1, 2))
    assert first != levels(train, shuffle=(1, 3))
    assert sorted(first) == sorted(levels(train))
    skipped = [label for _, labels in train.batches(7, (1, 2), skip=2) for label in labels.numpy()]
    assert skipped == [label for _, label in first[14:]]


@pytest.mark.parametrize("memory", [0, 2**30])
def test_two_workers_split_every_batch(
    pets: Path, memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kerazoo.data.images.MEMORY", memory)
    train = folder.load(pets, SHAPE, seed=0).train
    whole = [images for images, _ in train.batches(7, (1, 2), 1).as_numpy_iterator()]
    for joined, batch in zip(of_two_workers(train, 7, (1, 2)), whole, strict=True):
        np.testing.assert_array_equal(joined, batch)


@pytest.mark.parametrize("memory", [0, 2**30])
def test_a_limit_keeps_the_classes_in_proportion(
    pets: Path, memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kerazoo.data.images.MEMORY", memory)
    shutil.copytree(pets, pets / "test")
    shutil.copytree(pets / "test", pets / "train")
    limited = folder.load(pets, SHAPE, seed=0).test.limited(6)
    assert [label for _, label in levels(limited)] == [0, 0, 0, 0, 1, 1]


def test_the_fingerprint_is_of_names_and_contents(pets: Path) -> None:
    first = folder.load(pets, SHAPE, seed=0).fingerprint
    assert folder.load(pets, SHAPE, seed=1).fingerprint == first
    paint(pets / "cat" / "0.png", 77)
    assert folder.load(pets, SHAPE, seed=0).fingerprint != first


@pytest.mark.parametrize("damage", ["truncated", "empty", "text"])
def test_a_damaged_image_is_reported(pets: Path, damage: str) -> None:
    path = pets / "cat" / "11.png"
    whole = path.read_bytes()
    path.write_bytes({"truncated": whole[:-30], "empty": b"", "text": b"not an image"}[damage])
    with pytest.raises(CorruptFileError, match=r"cat/11.png' cannot be read as an image"):
        folder.load(pets, SHAPE, seed=0)
    (pets / "dog" / "5.png").write_bytes(b"")
    with pytest.raises(CorruptFileError, match=r"cat/11.png' \(and 1 more\)"):
        folder.load(pets, SHAPE, seed=0)


def test_a_bmp_with_a_color_palette_is_refused(pets: Path) -> None:
    Image.new("P", (8, 8)).save(pets / "cat" / "palette.bmp")
    folder.load(pets, SHAPE, seed=0)
    ramp = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))
    ramp.convert("RGB").quantize(4).save(pets / "cat" / "palette.bmp")
    with pytest.raises(CorruptFileError, match=r"cat/palette.bmp' cannot be read as an image"):
        folder.load(pets, SHAPE, seed=0)


def test_folders_that_cannot_be_trained_on(pets: Path, tmp_path: Path) -> None:
    def assert_missing(root: Path, message: str) -> None:
        with pytest.raises(DataMissingError, match=message):
            folder.load(root, SHAPE, seed=0)

    assert_missing(tmp_path / "nowhere", "there is no folder")
    assert_missing(pets / "cat", "needs at least two class folders and has 0")
    (pets / "fish").mkdir()
    assert_missing(pets, "fish' has no images .*png")
    paint(pets / "fish" / "only.png", 3)
    assert_missing(
        pets, r"only.png' is the last image of its class.* give each class at least three"
    )
    shutil.rmtree(pets / "fish")
    shutil.copytree(pets, tmp_path / "root" / "train")
    paint(tmp_path / "root" / "test" / "bird" / "x.png", 3)
    assert_missing(tmp_path / "root", "the class '.*bird' has no training images")
    shutil.rmtree(tmp_path / "root" / "test")
    for unused in ("Test", "val"):
        paint(tmp_path / "root" / unused / "cat" / "x.png", 3)
        assert_missing(tmp_path / "root", f"{unused}' looks like a split")
        shutil.rmtree(tmp_path / "root" / unused)
    (tmp_path / "root" / "train").rename(tmp_path / "root" / "Train")
    assert_missing(tmp_path / "root", "Train' looks like a split")


def test_many_images_are_read_when_needed(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kerazoo.data.images.MEMORY", 60 * 8 * 8 * 4 - 1)
    train = folder.load(pets, SHAPE, seed=0).train
    shutil.rmtree(pets)
    with pytest.raises(tf.errors.NotFoundError):
        next(iter(train.batches(7)))


def test_images_in_memory_equal_those_read_from_disk(
    pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 17, 31, 3), np.uint8)
    for number, pixels in enumerate(noise):
        Image.fromarray(pixels).save(pets / "cat" / f"noise{number}.png")
    held = folder.load(pets, (5, 7, 3), seed=0)
    monkeypatch.setattr("kerazoo.data.images.MEMORY", 0)
    read = folder.load(pets, (5, 7, 3), seed=0)
    assert held.fingerprint == read.fingerprint
    for part in ("train", "validation", "test"):
        in_memory, from_disk = (getattr(data, part).batches(7, (1, 2)) for data in (held, read))
        for one, other in zip(in_memory, from_disk, strict=True):
            np.testing.assert_array_equal(one[0], other[0])
            np.testing.assert_array_equal(one[1], other[1])
    shutil.rmtree(pets)
    assert len(levels(held.train)) == held.train.size
