import logging
from pathlib import Path

import pytest

from kerazoo.data import mnist
from kerazoo.data.load import load
from kerazoo.errors import CorruptFileError, DataMissingError, UsageError
from tests.helpers import idx

SHAPE = (28, 28, 1)


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(url: str, timeout: float) -> None:
        raise OSError("no network")

    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", refuse)


def test_auto_is_mnist_if_it_is_available(
    mnist_files: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert load("auto", SHAPE, 0, mnist_files).name == "mnist"
    idx.prepare(mnist_files)
    assert load("auto", SHAPE, 0, None).name == "mnist"
    assert "digits instead of MNIST" not in caplog.text


@pytest.mark.usefixtures("offline")
def test_auto_is_the_digits_without_a_network_and_says_how_to_get_mnist(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    assert load("auto", SHAPE, 0).name == "digits"
    (line,) = (record.message for record in caplog.records if record.name == "kerazoo")
    assert "digits instead of MNIST" in line
    assert "--mnist-dir" in line


@pytest.mark.usefixtures("offline")
def test_mnist_by_name_fails_without_a_network() -> None:
    with pytest.raises(DataMissingError, match=r"does not answer; .* a folder with the four IDX"):
        load("mnist", SHAPE, 0)


@pytest.mark.usefixtures("offline")
def test_a_given_folder_without_mnist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataMissingError, match="put MNIST's four files there"):
        load("auto", SHAPE, 0, tmp_path)


def test_a_damaged_mnist_is_an_error(mnist_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "FILES", dict.fromkeys(mnist.FILES, ""))
    with pytest.raises(CorruptFileError):
        load("auto", SHAPE, 0, mnist_files)


def test_an_unknown_name() -> None:
    with pytest.raises(UsageError, match="did you mean 'digits'"):
        load("digit", SHAPE, 0)


@pytest.mark.usefixtures("offline")
def test_auto_needs_no_folder_for_prepared_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "file"))
    assert load("auto", SHAPE, 0).name == "digits"
