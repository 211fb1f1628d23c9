"""Hostile `.h5` files, alone and in a `.keras` file, are refused before their data are read."""

import os
import shutil
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.weights import h5, load_weights
from kerazoo.weights.keras_file import load_model
from tests.helpers.checkpoints import assert_refused

KERNEL, FC1 = "layers/conv2d/vars/0", "layers/dense/vars/0"
SHAPE = (3, 3, 1, 32)


@pytest.fixture
def model() -> keras.Model:
    return kerazoo.create_model("mnist_cnn")


@pytest.fixture
def file(model: keras.Model, tmp_path: Path) -> Path:
    model.save_weights(tmp_path / "a.weights.h5")
    return tmp_path / "a.weights.h5"


def external(file: h5py.File, secret: Path) -> None:
    del file[KERNEL]
    parts = [(str(secret), 0, 4 * 288)]
    file.create_dataset(KERNEL, SHAPE, np.float32, external=parts)


def virtual(file: h5py.File, secret: Path) -> None:
    del file[KERNEL]
    layout = h5py.VirtualLayout(SHAPE, np.float32)
    layout[:] = h5py.VirtualSource(str(secret), "x", SHAPE)
    file.create_virtual_dataset(KERNEL, layout)


def external_link(file: h5py.File, secret: Path) -> None:
    del file[KERNEL]
    file[KERNEL] = h5py.ExternalLink(str(secret), "/x")


def soft_link(file: h5py.File, _: Path) -> None:
    del file[KERNEL]
    file[KERNEL] = h5py.SoftLink("/layers/conv2d_1/vars/0")


def loop(file: h5py.File, _: Path) -> None:
    file["layers/conv2d/layers"] = file["layers"]


def twice(file: h5py.File, _: Path) -> None:
    for number in range(1000):
        file[f"layers/conv2d/vars/{number + 2}"] = file["layers/dense/vars/0"]


def strings(file: h5py.File, _: Path) -> None:
    file["layers/conv2d/note"] = "some text"


def huge(file: h5py.File, _: Path) -> None:
    del file[KERNEL]
    file.create_dataset(KERNEL, (10**6, 10**6), np.float32, chunks=(100, 100))


def compressed(file: h5py.File, _: Path) -> None:
    del file[KERNEL]
    shape, chunks = (10**4, 10**5), (100, 100)
    file.create_dataset(KERNEL, shape, np.int8, compression="gzip", chunks=chunks)[0] = 1


def many(file: h5py.File, _: Path) -> None:
    for number in range(20_000):
        file.create_group(f"other{number}")


def deep(file: h5py.File, _: Path) -> None:
    file.create_group("/".join("a" * 1000))


HOSTILE: dict[Callable[[h5py.File, Path], None], str] = {
    external: "has its data in another file, which is not read",
    virtual: "has its data in another file, which is not read",
    external_link: "is a link, which is not read",
    soft_link: "is a link, which is not read",
    loop: "'/layers/conv2d/layers' in .* is linked twice, which is not read",
    twice: "is linked twice, which is not read",
    strings: "'/layers/conv2d/note' in .* has elements that are not numbers",
    huge: "declares more data than the file has",
    compressed: "would unpack .* bytes to 1,000,.*, which is too many to be read",
    many: "has over 20,000 groups and data sets, or groups nested more than 100 deep",
    deep: "has over 20,000 groups and data sets, or groups nested more than 100 deep",
}


@pytest.mark.parametrize("change", HOSTILE)
def test_data_elsewhere_loops_and_bombs_are_refused(
    change: Callable[[h5py.File, Path], None], file: Path, model: keras.Model, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"\x3f" * 4 * 288)
    with h5py.File(file, "a") as content:
        change(content, secret)
    match = HOSTILE[change]
    tracemalloc.start()
    assert_refused(model, lambda: load_weights(model, file), CorruptFileError, match)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()
    in_archive = tmp_path / "a.keras"
    model.save(in_archive)
    replace(in_archive, "model.weights.h5", file.read_bytes())
    assert_refused(model, lambda: load_weights(model, in_archive), CorruptFileError, match)


def replace(archive: Path, name: str, content: bytes) -> None:
    """Replace a member of an archive."""
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(archive.with_suffix(".new"), "w") as new:
        for member in old.namelist():
            new.writestr(member, content if member == name else old.read(member))
    shutil.move(archive.with_suffix(".new"), archive)


def test_compressed_weights_are_read(model: keras.Model, file: Path) -> None:
    with h5py.File(file, "a") as content:
        kernel, zeros = content[KERNEL][()], np.zeros((3136, 64), np.float32)
        for name, value, chunks in ((KERNEL, kernel, (3, 3, 1, 8)), (FC1, zeros, True)):
            del content[name]
            content.create_dataset(name, data=value, compression="gzip", chunks=chunks)
        assert content[FC1].id.get_storage_size() < zeros.nbytes / 100
    again = kerazoo.create_model("mnist_cnn", weights=file)
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])
    assert not again.get_layer("fc1").kernel.numpy().any()


@pytest.mark.parametrize("name", ["a.h5", "a.weights.h5", "a.keras"])
def test_a_pipe_hangs_nothing(name: str, model: keras.Model, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    match = f"{name}' is a pipe or a device, not a file"
    assert_refused(model, lambda: load_weights(model, tmp_path / name), UsageError, match)


@pytest.mark.parametrize("name", ["a.h5", "a.weights.h5", "a.keras", "a.ckpt"])
def test_what_may_not_be_read_is_not_damaged(
    name: str, model: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(b"x")

    def refuse(path: Path, *_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr("tensorflow.train.load_checkpoint", refuse)
    with pytest.raises(PermissionError):
        load_weights(model, tmp_path / name)


@pytest.mark.parametrize("name", ["a.weights.h5", "a.keras", "a.ckpt.index"])
def test_no_memory_is_not_damage(
    name: str, model: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    path = tmp_path / name
    if name == "a.ckpt.index":
        kerazoo.export_weights(model, tmp_path / "a.ckpt", "tf1")
    else:
        (model.save if name == "a.keras" else model.save_weights)(path)

    def fail(*_: Any, **__: Any) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    monkeypatch.setattr("keras.models.load_model", fail)
    monkeypatch.setattr("tensorflow.train.load_checkpoint", fail)
    monkeypatch.setattr(h5, "_keras_3", fail)
    with pytest.raises(tf.errors.ResourceExhaustedError):
        load_weights(model, path)


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("text", ["conv1", "ß" * 300])
def test_texts_are_read_from_headers_of_both_versions(
    libver: str, text: str, tmp_path: Path
) -> None:
    with h5py.File(tmp_path / "a.h5", "w", libver=libver) as file:
        group = file.create_group("layers/dense/vars")
        for number in range(5):  # more than fit in the first block of the header
            group.attrs[f"other {number}"] = "x" * 200
        group.attrs["name"] = text
        group["0"] = np.arange(6, dtype=np.float32).reshape(2, 3)
        group["1"] = np.zeros(3, np.float32)
    weights, _ = h5.read(tmp_path / "a.h5")
    assert list(weights) == [f"{text}/kernel", f"{text}/bias"]


def test_an_archive_that_is_intact_is_loaded(model: keras.Model, tmp_path: Path) -> None:
    model.save(tmp_path / "a.keras")
    replace(tmp_path / "a.keras", "none", b"")
    for one, other in zip(load_model(tmp_path / "a.keras").weights, model.weights, strict=True):
        np.testing.assert_array_equal(one, other)
