"""Into how many parts the batches of little networks are cut, and the threads that they get."""

from __future__ import annotations

import keras
import pytest
import tensorflow as tf

import kerazoo
from kerazoo import registry
from kerazoo.training import cores
from kerazoo.training.batch_norm import batch_normalizations
from tests.helpers.processes import Process


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
def test_little_networks_get_two_parts_a_core(
    name: str, batch_size: int, count: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "count", lambda: count)
    assert cores.parts(registry.find(name), batch_size) == expected


def test_a_gpu_takes_batches_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: ["a GPU"])
    assert cores.parts(registry.find("mnist_cnn"), 100) == 1


def print_threads(parts: int) -> None:
    cores.count = lambda: 8
    cores.share_out(parts)
    tf.constant(1.0)
    print(tf.config.threading.get_intra_op_parallelism_threads())
    print(tf.config.threading.get_inter_op_parallelism_threads())


@pytest.mark.parametrize(
    ("parts", "intra", "inter"), [(1, 0, 0), (2, 4, 8), (4, 2, 8), (8, 1, 8), (16, 1, 8)]
)
def test_the_parts_share_the_threads(parts: int, intra: int, inter: int) -> None:
    ended = Process(print_threads, parts).ended()
    assert ended.code == 0, ended.err
    assert list(map(int, ended.out.split())) == [intra, inter]


def test_what_is_divisible_has_no_batch_normalisation_and_few_weights() -> None:
    divisible = [name for name in registry.names() if registry.find(name).micro_batches]
    assert divisible == ["lenet5", "mnist_cnn"]
    for name in divisible:
        model: keras.Model = kerazoo.create_model(name)
        assert not batch_normalizations(model)
        assert model.count_params() < 1e6
