import errno
import os
import shutil
import unicodedata
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerazoo.data import folder
from kerazoo.data.images import ArraySplit, ImageData, Shuffle, Split
from kerazoo.errors import CorruptFileError, DataMissingError, UsageError, raised_in_graph
from tests.helpers import image_forms
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


def load(root: Path, **options: bool) -> ImageData:
    return folder.load(root, SHAPE, seed=0, **options)


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
    for suffix in ("bmp", "gif", "jfif", "jpg", "jpeg", "png", "PNG", "tif", "tiff", "webp"):
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
    assert data.train.size + data.validation.size + data.test.size == 21


def test_what_systems_put_among_files_is_ignored(
    pets: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = load(pets).fingerprint
    for name in ("cat/.thumbs/small.png", "cat/.hidden.png", "__MACOSX/cat/1.png"):
        paint(pets / name, 1)
    paint(pets / "cat" / "@eaDir" / "1.png" / "thumb.png", 1)
    for name in ("Thumbs.db", "cat/Thumbs.db", "cat/desktop.ini", ".DS_Store"):
        (pets / name).write_text("x")
    data = load(pets)
    assert (data.fingerprint, data.class_names) == (before, ("cat", "dog"))
    assert not caplog.messages


def test_files_that_are_not_used_are_counted(pets: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = load(pets).fingerprint
    for name in ("a.heic", "b.HEIC", "c.txt", "noending"):
        (pets / "cat" / name).write_text("x")
    paint(pets / "lost.png", 1)
    (pets / "cat" / "folder.png").mkdir()
    os.mkfifo(pets / "cat" / "pipe.png")
    (pets / "dog" / "dangling.png").symlink_to("nothing")
    assert load(pets).fingerprint == before
    assert caplog.messages == [
        f"'{pets}' has files or folders that are not used: .heic: 2, .txt: 1, links to nothing: 1, "
        "outside of class folders: 1, pipes or devices: 1, without an ending: 1 (images end with "
        ".bmp, .gif, .jfif, .jpe, .jpeg, .jpg, .png, .tif, .tiff, .webp)"
    ]


def test_links_are_followed_once(pets: Path, tmp_path: Path) -> None:
    paint(tmp_path / "more" / "deep" / "x.png", 99)
    (pets / "cat" / "more").symlink_to(tmp_path / "more")
    (pets / "cat" / "again").symlink_to(tmp_path / "more" / "deep")
    (tmp_path / "more" / "back").symlink_to(pets / "cat")
    (pets / "cat" / "one.png").symlink_to(tmp_path / "more" / "deep" / "x.png")
    shutil.copytree(pets / "dog", tmp_path / "birds")
    (pets / "bird").symlink_to(tmp_path / "birds")
    data = load(pets)
    assert data.class_names == ("bird", "cat", "dog")
    assert sum(split.size for split in (data.train, data.validation, data.test)) == 60 + 2 + 20


def test_a_class_that_links_to_another_is_an_error(pets: Path) -> None:
    (pets / "bird").symlink_to("dog")
    with pytest.raises(DataMissingError, match=r"'(bird|dog)' and '(bird|dog)' are one folder"):
        load(pets)


def test_a_link_upwards_gives_a_class_no_images_of_others(
    pets: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = load(pets).fingerprint
    for target in ("..", "../dog"):
        (pets / "cat" / "up").symlink_to(target)
        assert load(pets).fingerprint == before
        (pets / "cat" / "up").unlink()
    assert "links to folders that are read already: 1" in caplog.text


def test_a_folder_that_may_not_be_read_is_an_error(
    pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint(pets / "cat" / "closed" / "x.png", 9)
    scandir = os.scandir

    def refuse(path: str | Path) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(PermissionError, match="closed"):
        load(pets)


def test_a_split_without_classes_is_reported(
    pets: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = tmp_path / "root"
    shutil.copytree(pets, root / "train")
    paint(root / "test" / "1.png", 100)
    data = load(root)
    assert (data.train.size, data.test.size) == (48, 6)
    assert f"'{root / 'test'}' has no class folders and is not used: training images" in caplog.text


def test_classes_are_compared_in_one_unicode_form(pets: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(pets, root / "train")
    (root / "train" / "cat").rename(root / "train" / "caf\u00e9")
    paint(root / "train" / "cafe\u0301" / "x.png", 98)
    paint(root / "test" / "cafe\u0301" / "y.png", 97)
    data = load(root)
    assert data.class_names == ("caf\u00e9", "dog")
    assert levels(data.test) == [(97, 0)]
    assert (98, 0) in levels(data.train) + levels(data.validation)


def test_a_set_is_the_same_in_either_unicode_form(pets: Path, tmp_path: Path) -> None:
    sets = []
    for form in ("NFC", "NFD"):
        root = tmp_path / form
        shutil.copytree(pets, root)
        for number, name in enumerate(("caf\u00e9", "cafz")):
            for end in ("a\u00e9", "az", "b"):
                name, end = (unicodedata.normalize(form, text) for text in (name, end))
                paint(root / name / f"{end}.png", 50 + number)
        sets.append(load(root))
    one, other = sets
    assert one.fingerprint == other.fingerprint
    assert one.class_names == other.class_names
    assert levels(one.train) == levels(other.train)


def test_classes_with_few_images_are_reported(pets: Path, caplog: pytest.LogCaptureFixture) -> None:
    load(pets)
    assert not caplog.messages
    for name, count in (("fish", 3), ("bird", 11), ("ant", 12)):
        for number in range(count):
            paint(pets / name / f"{number}.png", number)
    load(pets)
    assert caplog.messages == ["classes with few training images: bird: 9, fish: 1"]


def test_lists_in_messages_are_short(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(30):
        for name in "abc":
            paint(tmp_path / f"class{number:02}" / f"{name}.png", number)
        (tmp_path / "class00" / f"x.{number}").touch()
    load(tmp_path)
    unused, small = caplog.messages
    assert ".10: 1, .11: 1, .12: 1, .13: 1 and 24 more (images" in unused
    assert small.endswith(
        ": class00: 1, class01: 1, class02: 1, class03: 1, class04: 1, class05: 1 and 24 more"
    )
    for number in range(30):
        (tmp_path / f"class{number:02}" / "a.png").unlink()
    with pytest.raises(DataMissingError, match="class05: 2 and 24 more; give each at least 3"):
        load(tmp_path)


def test_depths_that_differ_are_reported(pets: Path, caplog: pytest.LogCaptureFixture) -> None:
    tops = (200, 300, 4000, 5000)
    for number, top in enumerate(tops):
        Image.fromarray(np.full((8, 8), top, np.uint16)).save(pets / "dog" / f"deep{number}.png")
        load(pets)
        assert len(caplog.messages) == max(0, number)
    assert "as each needs (8 bits: 1, 12 bits: 2, 16 bits: 1): save them with 8" in caplog.text


@pytest.mark.parametrize("memory", [0, 2**30])
def test_a_drawing_in_every_form_is_one_image(
    tmp_path: Path, memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kerazoo.data.images.MEMORY", memory)
    forms = image_forms.forms()
    for split in ("train", "test"):
        for name, save in forms.items():
            (tmp_path / split / name).mkdir(parents=True)
            save(tmp_path / split / name / name)
            if split == "train":  # one for the validation split
                save(tmp_path / split / name / f"more_{name}")
    data = folder.load(tmp_path, (*image_forms.drawing().shape, 1), seed=0)
    for part in (data.train, data.validation, data.test):
        ((images, labels),) = part.batches(100)
        assert len(labels) == len(forms)
        for pixels, label in zip(images.numpy(), labels.numpy(), strict=True):
            difference = np.abs(pixels[..., 0] * 255 - image_forms.drawing()).max()
            assert difference <= image_forms.bound(data.class_names[label]) + 1e-4


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
def test_all_broken_images_are_named_at_once(
    pets: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    for path in (pets / "cat" / "11.png", pets / "dog" / "5.png"):
        whole = path.read_bytes()
        path.write_bytes({"truncated": whole[:-30], "empty": b"", "text": b"no image"}[damage])
    match = rf"2 of 60 images in '{pets}' cannot be read: .* leave them out with --skip-broken"
    with pytest.raises(CorruptFileError, match=match):
        load(pets)
    assert [message.partition("' is ")[0] for message in caplog.messages] == [
        f"'{pets / 'cat' / '11.png'}",
        f"'{pets / 'dog' / '5.png'}",
    ]


def test_broken_images_can_be_left_out(pets: Path, caplog: pytest.LogCaptureFixture) -> None:
    shutil.copytree(pets, pets.with_name("good"))
    (pets.with_name("good") / "cat" / "11.png").unlink()
    (pets / "cat" / "11.png").write_bytes(b"")
    skipped, good = load(pets, skip_broken=True), load(pets.with_name("good"))
    assert skipped.fingerprint == good.fingerprint
    for part in ("train", "validation", "test"):
        assert levels(getattr(skipped, part)) == levels(getattr(good, part))
    assert caplog.messages[1] == f"1 of 60 images in '{pets}' are left out"


def test_a_class_of_which_no_image_can_be_read_is_reported(pets: Path) -> None:
    paint(pets / "fish" / "1.png", 3)
    (pets / "fish" / "1.png").write_bytes(b"")
    with pytest.raises(DataMissingError, match="too few readable images: fish: 0; give"):
        load(pets, skip_broken=True)


def test_a_split_of_which_no_image_can_be_read_is_reported(pets: Path, tmp_path: Path) -> None:
    shutil.copytree(pets, tmp_path / "root" / "train")
    paint(tmp_path / "root" / "test" / "dog" / "a.png", 100)
    (tmp_path / "root" / "test" / "dog" / "a.png").write_bytes(b"")
    with pytest.raises(DataMissingError, match="no image of the split 'test' can be read; add"):
        load(tmp_path / "root", skip_broken=True)


def test_folders_that_cannot_be_trained_on(pets: Path, tmp_path: Path) -> None:
    def assert_missing(root: Path, message: str) -> None:
        with pytest.raises(DataMissingError, match=message):
            folder.load(root, SHAPE, seed=0)

    assert_missing(pets / "cat", "cat' has 0 class folders: put the images of each class into a")
    (pets / "fish").mkdir()
    assert_missing(pets, "fish' has no images .*png")
    paint(pets / "fish" / "only.png", 3)
    paint(pets / "fish" / "second.png", 3)
    assert_missing(pets, "classes with too few readable images: fish: 2; give each at least 3")
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
    monkeypatch.setattr("kerazoo.data.images.MEMORY", 60 * 8 * 8 - 1)
    train = folder.load(pets, SHAPE, seed=0).train
    shutil.rmtree(pets)
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        next(iter(train.batches(7)))
    error = raised_in_graph(caught.value)
    assert isinstance(error, UsageError)
    assert str(error).startswith("there is no file '")


def test_images_to_crop_are_read_from_their_files(pets: Path) -> None:
    resized, to_crop = (folder.load(pets, SHAPE, 0, to_crop=crop) for crop in (False, True))
    assert isinstance(resized.train, ArraySplit)
    assert isinstance(to_crop.train, folder.FileSplit)
    assert resized.fingerprint == to_crop.fingerprint


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
