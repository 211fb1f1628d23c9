from __future__ import annotations

import logging
from pathlib import Path

import pytest

from kerazoo.data import mnist
from kerazoo.data.load import load
from kerazoo.errors import CorruptFileError, DataMissingError, UsageError

SHAPE = (28, 28, 1)


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(url: str, timeout: float) -> None:
        raise OSError("no network")

    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", refuse)


def test_auto_is_mnist_where_it_is_available(
    mnist_files: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert load("auto", SHAPE, 0, mnist_files).name == "mnist"
    assert load("auto", SHAPE, 0, None).name == "mnist"  # prepared by now
    assert not caplog.messages


@pytest.mark.usefixtures("offline")
def test_auto_is_the_digits_without_a_network_and_says_how_to_get_mnist(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    assert load("auto", SHAPE, 0).name == "digits"
    (line,) = caplog.messages
    assert "digits instead of MNIST" in line
    assert "--mnist-dir" in line


@pytest.mark.usefixtures("offline")
def test_mnist_by_name_fails_without_a_network() -> None:
    with pytest.raises(DataMissingError, match="does not answer: give a folder with the four IDX"):
        load("mnist", SHAPE, 0)


@pytest.mark.usefixtures("offline")
def test_a_folder_that_was_named_is_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(DataMissingError, match="must hold the four original MNIST files"):
        load("auto", SHAPE, 0, tmp_path)


def test_prepared_mnist_needs_no_files(mnist_files: Path, tmp_path: Path) -> None:
    load("mnist", SHAPE, 0, mnist_files)
    assert load("auto", SHAPE, 0, tmp_path).name == "mnist"


def test_a_damaged_mnist_is_not_passed_over(
    mnist_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mnist, "FINGERPRINT", "")
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
