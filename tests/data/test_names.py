from importlib import resources
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from kerazoo.data import names
from kerazoo.data.tfds_sets import image_and_label
from kerazoo.errors import DataMissingError, UsageError

HOMES = ("tensorflow_datasets.image_classification", "tensorflow_datasets.datasets")


@pytest.mark.parametrize(
    "name", ["auto", "mnist", "digits", "cifar10", "emnist/letters", "cifar10:3.0.2", "folder:/"]
)
def test_known_names_pass(name: str) -> None:
    names.check(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mnits", "unknown data set 'mnits' .did you mean 'mnist'?"),
        ("cifar11", "did you mean 'cifar10'?"),
        ("nothing-like-it", "unknown data set 'nothing-like-it'; use auto, mnist, digits"),
        ("CIFAR10", "did you mean 'cifar10'?"),
        ("", "unknown data set ''"),
        (".", "did you mean 'folder:.'?"),
        ("no/such", "unknown data set 'no/such'"),
        ("digits/foo", "unknown data set 'digits/foo'"),
        ("auto:x", "unknown data set 'auto:x'"),
        ("mnist:3.0.1", "there is one version of mnist"),
        ("folder:", "lacks a path"),
        ("x" * 5000, "no file can have the path 'xxx"),
    ],
)
def test_an_unknown_name_gets_the_nearest_name(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        names.check(name)


def test_a_missing_folder() -> None:
    with pytest.raises(DataMissingError, match="there is no folder '/nowhere'"):
        names.check("folder:/nowhere")


def test_the_home_folder_may_be_written_as_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert names.folder_path("folder:~/photos") == Path("/home/me/photos")


def test_a_folder_without_its_prefix_gets_a_hint(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"did you mean 'folder:{tmp_path}'"):
        names.check(str(tmp_path))


def test_a_prepared_set_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    (tmp_path / "my_own_set" / "1.0.0").mkdir(parents=True)
    with pytest.raises(UsageError):
        names.check("my_own_set")
    (tmp_path / "my_own_set" / "1.0.0" / "dataset_info.json").touch()
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
    known = sorted({*tfds.list_builders(with_community_datasets=False)})  # some come twice
    assert len(listed) > 70
    if f"tensorflow-datasets {tfds.__version__}:" in text:
        assert listed == [name for name in known if is_image_set(name, tmp_path)]
