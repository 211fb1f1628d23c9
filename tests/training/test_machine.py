"""The micro-batches and threads for a machine, and the memory that it has."""

import resource
from pathlib import Path
from types import SimpleNamespace

import keras
import pytest
import tensorflow as tf
from tensorflow.python.client import device_lib

import kerazoo
from kerazoo import registry
from kerazoo.training import machine
from kerazoo.training.collectives import batch_normalizations
from tests.helpers.processes import Process


def test_the_machine_has_memory() -> None:
    assert 2**28 < machine.available() < 2**44


def test_the_limit_of_a_container_holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "CGROUPS", tmp_path)
    monkeypatch.setattr(machine, "CGROUP_OF_PROCESS", tmp_path / "own")
    whole = machine.available()
    (tmp_path / "own").write_text("4:memory:/other\n0::/job/step\n")
    (tmp_path / "job/step").mkdir(parents=True)
    for folder, limit, expected in (
        ("job/step", "max", whole),
        (".", "223456789", 223456789),
        ("job", "123456789", 123456789),
        ("job/step", "323456789", 123456789),
        ("job/step", "23456789", 23456789),
    ):
        (tmp_path / folder / "memory.max").write_text(f"{limit}\n")
        assert machine.available() == expected


def test_of_gpus_the_smallest_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    devices = [("CPU", 2**28), ("GPU", 2**35), ("GPU", 2**34)]
    found = [SimpleNamespace(device_type=kind, memory_limit=limit) for kind, limit in devices]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: found)
    monkeypatch.setattr(device_lib, "list_local_devices", lambda: found)
    assert machine.available() == 2**34


def test_a_limit_of_the_address_space_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (5 * 10**9, resource.RLIM_INFINITY))
    assert machine.available() == 10**9  # without what TensorFlow itself takes


@pytest.mark.parametrize(
    ("name", "batch_size", "count", "expected"),
    [
        ("mnist_cnn", 100, 2, 4),
        ("lenet5", 100, 2, 4),
        ("mnist_cnn", 100, 1, 2),
        ("mnist_cnn", 100, 16, 4),
        ("mnist_cnn", 60, 2, 2),
        ("mnist_cnn", 49, 2, 1),
        ("mnist_cnn", 1, 2, 1),
        ("mnist_cnn", 10_000, 2, 4),
        ("vgg16", 100, 2, 1),
        ("resnet18", 100, 2, 1),
    ],
)
def test_small_networks_get_two_micro_batches_a_core(
    name: str, batch_size: int, count: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "cores", lambda: count)
    assert machine.micro_batches(registry.find(name), batch_size) == expected


def test_a_gpu_needs_no_micro_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: ["a GPU"])
    assert machine.micro_batches(registry.find("mnist_cnn"), 100) == 1


def print_threads(parts: int) -> None:
    pytest.MonkeyPatch().setattr(machine, "cores", lambda: 8)
    machine.set_threads(parts)
    tf.constant(1.0)
    print(tf.config.threading.get_intra_op_parallelism_threads())
    print(tf.config.threading.get_inter_op_parallelism_threads())


@pytest.mark.parametrize(
    ("parts", "intra", "inter"), [(1, 0, 0), (2, 4, 8), (4, 2, 8), (8, 1, 8), (16, 1, 8)]
)
def test_micro_batches_have_the_threads(parts: int, intra: int, inter: int) -> None:
    ended = Process(print_threads, parts).ended()
    assert ended.code == 0, ended.err
    assert list(map(int, ended.out.split())) == [intra, inter]


def test_models_with_micro_batches_have_no_batch_normalization_and_few_weights() -> None:
    names = [name for name in registry.names() if registry.find(name).micro_batches]
    assert names == ["lenet5", "mnist_cnn"]
    for name in names:
        model: keras.Model = kerazoo.create_model(name)
        assert not batch_normalizations(model)
        assert model.count_params() < 1e6
