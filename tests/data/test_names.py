from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from kerazoo.data import names
from kerazoo.data.tfds_sets import image_and_label
from kerazoo.errors import UsageError

HOMES = ("tensorflow_datasets.image_classification", "tensorflow_datasets.datasets")


@pytest.mark.parametrize(
    "name", ["auto", "mnist", "digits", "cifar10", "emnist/letters", "mnist:3.0.1", "folder:x"]
)
def test_known_names_pass(name: str) -> None:
    names.check(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mnits", "unknown data set 'mnits' .did you mean 'mnist'?"),
        ("cifar11", "did you mean 'cifar10'?"),
        ("nothing-like-it", "unknown data set 'nothing-like-it'; known are auto, mnist, digits"),
        ("", "unknown data set ''"),
        ("/", "unknown data set '/'"),
        ("folder:", "lacks its path"),
    ],
)
def test_unknown_names_are_told_the_nearest(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        names.check(name)


def test_a_folder_without_its_prefix_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"did you mean 'folder:{tmp_path}'"):
        names.check(str(tmp_path))


def test_what_is_prepared_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    (tmp_path / "my_own_set").mkdir()
    names.check("my_own_set")


def is_image_set(name: str, data_dir: Path) -> bool:
    if not tfds.builder_cls(name).__module__.startswith(HOMES):
        return False
    try:
        image_and_label(tfds.builder(name, data_dir=data_dir))
    except Exception:  # not an image set, or one that lacks an optional package
        return False
    return True


def test_the_listed_sets_are_those_that_tensorflow_datasets_has(tmp_path: Path) -> None:
    text = resources.files("kerazoo.data").joinpath(names.LIST).read_text()
    listed = names.tfds_image_sets()
    known = tfds.list_builders(with_community_datasets=False)
    assert set(listed) <= set(known)
    if f"tensorflow-datasets {tfds.__version__}:" in text:
        assert listed == [name for name in known if is_image_set(name, tmp_path)]
