"""Where a checkpoint is, which part of it is missing, and what is none."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.errors import CorruptFileError, KerazooError, UsageError
from kerazoo.weights import checkpoint_files, checkpoint_writer, export_weights, load_weights
from kerazoo.weights.checkpoint import Checkpoint
from legacy_tf1.program import tf1
from tests.helpers.checkpoints import assert_refused, assert_same_weights

DATA = "data-00000-of-00001"


@pytest.fixture
def model() -> keras.Model:
    return kerazoo.create_model("mnist_cnn")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a directory with two checkpoints, `a` and `b`."""
    folder = tmp_path / "run"
    folder.mkdir()
    for name in "ab":
        export_weights(kerazoo.create_model("mnist_cnn"), folder / name, "tf1")
    return folder


def loaded(path: Path) -> keras.Model:
    return kerazoo.create_model("mnist_cnn", weights=path)


def refuse(model: keras.Model, path: Path, error: type[KerazooError], match: str) -> None:
    assert_refused(model, lambda: load_weights(model, path), error, match)


def test_the_latest_of_a_directory_that_was_moved_is_found(folder: Path, tmp_path: Path) -> None:
    names = [str(folder / name) for name in "ba"]
    tf1.train.update_checkpoint_state(str(folder), names[1], names)
    moved = folder.rename(tmp_path / "moved")
    assert str(folder) in (moved / "checkpoint").read_text()
    assert_same_weights(loaded(moved), loaded(moved / "a"))


NAMES = ["n[1].ckpt", "a\\b*?.ckpt", "l" * 230, "x[1]/y.ckpt"]


@pytest.mark.parametrize("name", NAMES)
def test_a_checkpoint_may_have_any_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    for seed in range(3):  # with one data file, with two, and with one
        keras.utils.set_random_seed(seed)
        source = kerazoo.create_model("mnist_cnn")
        export_weights(source, path, "tf1")
        assert_same_weights(loaded(path), source)
    assert len(list(path.parent.iterdir())) == 2  # nothing is left of the earlier ones


def test_a_name_that_is_too_long_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file can have the path"):
        export_weights(kerazoo.create_model("mnist_cnn"), tmp_path / ("l" * 240), "tf1")


def test_a_directory_beside_a_checkpoint_is_left(tmp_path: Path) -> None:
    (tmp_path / "a.data-00007-of-00009").mkdir()
    source = kerazoo.create_model("mnist_cnn")
    for _ in range(2):
        export_weights(source, tmp_path / "a", "tf1")
    assert_same_weights(loaded(tmp_path / "a"), source)


def test_a_name_in_another_writing_is_found(folder: Path) -> None:
    for part in ("index", DATA):
        (folder / f"b.{part}").rename(folder / f"ß.{part}")
    tf1.train.update_checkpoint_state(str(folder), str(folder / "ß"))
    assert_same_weights(loaded(folder), loaded(folder / "ß"))


STATES = [
    b"",
    b"\x00\xff\x80 model_checkpoint_path",
    b'model_checkpoint_path: "/etc/passwd"\n',
    b'model_checkpoint_path: "../outside/c"\n',
    b'model_checkpoint_path: ".."\n',
    b'model_checkpoint_path: "/x/a\\000b"\n',
    b'model_checkpoint_path: "' + b"x" * 10**6 + b'"\n',
    b'model_checkpoint_path: "' + b"x" * 5000 + b'"\n',
    None,
]


@pytest.mark.parametrize("state", STATES, ids=range(len(STATES)))
def test_a_state_that_names_no_checkpoint_here_is_not_followed(
    state: bytes | None,
    folder: Path,
    tmp_path: Path,
    model: keras.Model,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "outside").mkdir()
    export_weights(model, tmp_path / "outside" / "c", "tf1")
    if state is not None:
        (folder / "checkpoint").write_bytes(state)
    names = f"'{folder}/a', '{folder}/b'"
    refuse(model, folder, UsageError, f"'{folder}' has several checkpoints: name one of {names}$")
    for part in ("index", DATA):
        (folder / f"b.{part}").unlink()
    caplog.clear()
    assert_same_weights(loaded(folder), loaded(folder / "a"))
    named = caplog.messages[0].endswith(f"which is not there; '{folder}/a' is read")
    assert named == (state in (STATES[2], STATES[3], STATES[7]))


def test_the_directory_that_a_program_is_in_has_its_latest(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tf1.train.update_checkpoint_state(str(folder), str(folder / "b"))
    monkeypatch.chdir(folder)
    assert checkpoint_files.exists(Path())
    assert not checkpoint_files.exists(Path("none"))
    assert_same_weights(loaded(Path()), loaded(folder / "b"))


def test_a_data_file_that_may_not_be_read_is_not_damaged(
    folder: Path, monkeypatch: pytest.MonkeyPatch, model: keras.Model
) -> None:
    read: Callable[..., Any] = Path.open

    def refuse(path: Path, *arguments: Any, **options: Any) -> Any:
        if ".data-" in path.name:
            raise PermissionError(13, "Permission denied", str(path))
        return read(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(PermissionError):
        load_weights(model, folder / "a")


def test_a_state_that_is_a_pipe_hangs_nothing(folder: Path, model: keras.Model) -> None:
    os.mkfifo(folder / "checkpoint")
    refuse(model, folder, UsageError, "has several checkpoints")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda folder: (folder / "a.index").unlink(), r"a.index' is missing: it belongs to .*a.d"),
        (
            lambda folder: (folder / f"a.{DATA}").unlink(),
            f"/a.{DATA}' is missing: it belongs to '.*a.index'$",
        ),
        (lambda folder: make_pipe(folder / f"a.{DATA}"), f"a.{DATA}' is a pipe or a device"),
        (lambda folder: make_pipe(folder / "a.index"), "a.index' is a pipe or a device"),
    ],
)
def test_the_part_that_is_missing_is_named(
    change: Callable[[Path], object], match: str, folder: Path, model: keras.Model
) -> None:
    change(folder)
    refuse(model, folder / "a", UsageError, match)


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def test_a_missing_shard_is_named(folder: Path, model: keras.Model) -> None:
    parts = [str(folder / name) for name in "ab"]
    for name, part in zip(("conv1/kernel", "fc1/bias"), parts, strict=True):
        checkpoint_writer.write(Path(part), {name: np.ones(3, np.float32)})
    tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=parts, destination_prefix=str(folder / "c"))
    (folder / "c.data-00001-of-00002").unlink()
    refuse(model, folder / "c", UsageError, "/c.data-00001-of-00002' is missing: it bel")


def test_another_programs_files_are_named_for_what_they_are(
    tmp_path: Path, model: keras.Model
) -> None:
    tf.saved_model.save(tf.Module(), str(tmp_path / "saved"))
    refuse(model, tmp_path / "saved", UsageError, "saved' is a SavedModel, .* save its weights as")
    objects = tf.train.Checkpoint(model=model).save(str(tmp_path / "objects"))
    match = r"was saved by tf.train.Checkpoint, .* save the model's weights as a .weights.h5 file$"
    refuse(model, Path(objects), UsageError, match)
    for name, kind in (
        ("frozen.pb", "a graph of TensorFlow"),
        ("x.tflite", "a model of TensorFlow Lite"),
        ("x.pth", "a file of PyTorch"),
        ("x.npz", "a file of NumPy"),
        ("x.weights.json", "a JSON file"),
    ):
        (tmp_path / name).write_bytes(b"content")
        refuse(model, tmp_path / name, UsageError, f"{name}' is {kind}, which kerazoo does not r")


def test_a_checkpoint_of_one_file_is_not_taken_for_another(tmp_path: Path) -> None:
    for value, name in enumerate(("old[1].ckpt", "old1.ckpt")):
        with tf.Graph().as_default(), tf1.Session() as session:
            tf1.get_variable("a/b", (2,), initializer=tf1.constant_initializer(value))
            session.run(tf1.global_variables_initializer())
            saver = tf1.train.Saver(write_version=tf1.train.SaverDef.V1)
            saver.save(session, str(tmp_path / "v1"))
        (tmp_path / "v1").rename(tmp_path / name)
    for value, name in enumerate(("old[1].ckpt", "old1.ckpt")):
        np.testing.assert_array_equal(Checkpoint(tmp_path / name)["a/b"], value)


def test_a_checkpoint_of_one_file_that_declares_too_much_is_corrupt(
    tmp_path: Path, model: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tf.Graph().as_default(), tf1.Session() as session:
        tf1.get_variable("conv1/kernel", (300, 300), initializer=tf1.zeros_initializer())
        session.run(tf1.global_variables_initializer())
        saver = tf1.train.Saver(write_version=tf1.train.SaverDef.V1)
        saver.save(session, str(tmp_path / "v1"))
    checkpoint = Checkpoint(tmp_path / "v1")
    assert checkpoint["conv1/kernel"].shape == (300, 300)

    class Reader:
        def get_tensor(self, name: str) -> None:
            raise MemoryError("std::bad_alloc")

    checkpoint._reader = Reader()
    with pytest.raises(CorruptFileError, match=r"nor a checkpoint, or memory does not suffice$"):
        checkpoint["conv1/kernel"]
    monkeypatch.setattr("kerazoo.weights.damage.MAX_EXPANSION", 0.1)
    monkeypatch.setattr("kerazoo.weights.damage.ALWAYS_ALLOWED", 0)
    match = "v1' would unpack .* bytes to 360,000, which is too many to be read$"
    refuse(model, tmp_path / "v1", CorruptFileError, match)


def test_a_file_is_read_by_its_content_not_its_name(tmp_path: Path, model: keras.Model) -> None:
    model.save_weights(tmp_path / "a.weights.h5")
    for name in ("a.bin", "a.keras", "a"):
        path = (tmp_path / "a.weights.h5").rename(tmp_path / name)
        assert_same_weights(loaded(path), model)
        path.rename(tmp_path / "a.weights.h5")
    model.save(tmp_path / "b.keras")
    (tmp_path / "b.keras").rename(tmp_path / "b.h5")
    refuse(model, tmp_path / "b.h5", UsageError, "b.h5' is a .keras file: rename it so that its")
    (tmp_path / "c.bin").write_bytes(b"content")
    match = "c.bin' is neither a .keras nor an .h5 file nor a checkpoint$"
    refuse(model, tmp_path / "c.bin", CorruptFileError, match)
