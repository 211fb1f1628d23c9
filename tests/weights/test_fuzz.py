"""Readers of weights with mutated files: a sentence, soon and in little memory, or weights."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.weights import checkpoint_index, h5
from kerazoo.weights.checkpoint import Checkpoint
from kerazoo.weights.keras_file import load_model
from legacy_tf1.program import tf1
from tests.helpers import fuzz, tables

PARTS = ("config.json", "model.weights.h5", "kerazoo.json")


@pytest.fixture
def small() -> keras.Model:
    inputs = keras.Input((4, 4, 1))
    x = keras.layers.Conv2D(2, 3, name="conv")(inputs)
    x = keras.layers.Flatten()(keras.layers.BatchNormalization(name="bn")(x))
    return keras.Model(inputs, keras.layers.Dense(2, activation="softmax", name="d")(x))


def in_file(path: Path, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Return a reader of content, which it puts into a file."""

    def run(content: bytes) -> object:
        path.write_bytes(content)
        return read(path)

    return run


@pytest.mark.parametrize("count", fuzz.COUNTS)
@pytest.mark.parametrize("name", ["a.weights.h5", "a.h5"])
def test_mutated_h5_files(name: str, count: int, small: keras.Model, tmp_path: Path) -> None:
    path = tmp_path / name
    (small.save if name == "a.h5" else small.save_weights)(path)
    originals = [path.read_bytes()]
    with h5py.File(path, "a") as file:  # compressed too
        first = []
        file.visititems(lambda key, item: first.append(key) if hasattr(item, "shape") else None)
        value = np.array(file[first[0]])
        del file[first[0]]
        file.create_dataset(first[0], data=value, chunks=value.shape, compression="gzip")
    originals.append(path.read_bytes())
    fuzz.check(in_file(path, h5.read), originals, count)


@pytest.mark.parametrize("count", fuzz.COUNTS)
def test_mutated_keras_files(count: int, small: keras.Model, tmp_path: Path) -> None:
    path = tmp_path / "a.keras"
    small.save(path)
    fuzz.check(in_file(path, load_model), [path.read_bytes()], count)


@pytest.mark.parametrize("count", fuzz.COUNTS)
@pytest.mark.parametrize("part", PARTS)
def test_mutated_members_of_keras_files(
    part: str, count: int, small: keras.Model, tmp_path: Path
) -> None:
    path = tmp_path / "a.keras"
    note: dict[str, object] = {"preprocessing": "unit"}
    if part == "kerazoo.json":
        options = {"include_top": False, "input_shape": (4, 4, 1)}
        small = kerazoo.create_model("mnist_cnn", **options)
        note["model"] = {"name": "mnist_cnn", "options": options}
    small.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["kerazoo.json"] = json.dumps(note).encode()

    def read(content: bytes) -> object:
        with zipfile.ZipFile(path, "w") as archive:
            for name, original in members.items():
                archive.writestr(name, content if name == part else original)
        return load_model(path)

    fuzz.check(read, [members[part]], count)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Return the prefix of a checkpoint with tensors of several kinds, one of them in slices."""
    with tf.Graph().as_default(), tf1.Session() as session:
        tf1.set_random_seed(0)
        half = tf1.fixed_size_partitioner(2)
        tf1.get_variable("sliced/weights", (6, 4), partitioner=half)
        tf1.get_variable("conv1/kernel", (3, 3, 1, 2))
        tf1.get_variable("conv1/bias", (2,), tf.bfloat16)
        tf1.get_variable("text", initializer="abc")
        tf1.get_variable("global_step", initializer=np.int64(3))
        session.run(tf1.global_variables_initializer())
        tf1.train.Saver().save(session, str(tmp_path / "x"))
        whole = [each for each in tf1.global_variables() if each.op.name == "conv1/kernel"]
        saver = tf1.train.Saver(whole, write_version=tf1.train.SaverDef.V1)
        saver.save(session, str(tmp_path / "old"))
    return tmp_path / "x"


def read_all(path: Path) -> None:
    """Read what `load_weights` may read of a checkpoint."""
    file = Checkpoint(path)
    file.slots()
    for name in file.keys() - {*file.others()}:
        file[name]


@pytest.mark.parametrize("count", fuzz.COUNTS)
@pytest.mark.parametrize("part", ["x.index", "x.data-00000-of-00001", "old"])
def test_mutated_parts_of_checkpoints(part: str, count: int, saved: Path) -> None:
    path = saved.with_name(part)
    fuzz.check(in_file(path, read_all), [path.read_bytes()], count)


@pytest.mark.parametrize("count", fuzz.COUNTS)
@pytest.mark.parametrize("name", ["x.index", "old"])
def test_mutated_entries_with_right_checksums(name: str, count: int, saved: Path) -> None:
    """TensorFlow ends the process where it trusts the checksum of an entry."""
    path = saved.with_name(name)
    entries = tables.entries(path.read_bytes())
    original = tables.joined(entries)
    assert tables.entries(tables.table(entries)) == entries

    def read(content: bytes) -> None:
        path.write_bytes(tables.table(tables.split(content)))
        read_all(path)

    fuzz.check(read, [original], count)


def test_the_index_is_read_as_tensorflow_reads_it(saved: Path) -> None:
    declared, sizes = checkpoint_index.read(Path(f"{saved}.index").read_bytes())
    reader = tf.train.load_checkpoint(str(saved))
    shapes, kinds = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    assert {name: list(shape) for name, (_, shape) in declared.items()} == shapes
    assert {name: kind for name, (kind, _) in declared.items()} == kinds
    assert sizes == [Path(f"{saved}.data-00000-of-00001").stat().st_size]
