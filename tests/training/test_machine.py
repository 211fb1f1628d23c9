"""The micro-batches and threads for a machine, and what fits into its memory."""

import errno
import os
import resource
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import pytest
import tensorflow as tf
from tensorflow.python.client import device_lib

import kerazoo
from kerazoo import registry
from kerazoo.device import ADDRESS_SPACE
from kerazoo.errors import KerazooError, explain
from kerazoo.recipe import Recipe
from kerazoo.training import machine, memory
from kerazoo.training.collectives import batch_normalizations
from kerazoo.training.memory import Memory
from kerazoo.training.options import TrainOptions
from kerazoo.training.steps import Steps
from kerazoo.training.train import train
from tests.helpers import tiny
from tests.helpers.processes import Process


@pytest.mark.parametrize("batch_size", [1, 2, 7, 100])
def test_a_batch_size_fits_into_what_it_needs_and_not_into_a_byte_less(batch_size: int) -> None:
    model = kerazoo.create_model("lenet5")
    each = Memory(model)
    needed = each.needed(batch_size)
    assert each.fitting_batch_size(needed) == batch_size
    assert each.fitting_batch_size(needed - 1) == batch_size - 1


def test_what_is_needed_is_weights_moments_gradients_and_activations() -> None:
    """The figures of mnist_cnn by hand, in float32: four copies of the weights at least."""
    model = kerazoo.create_model("mnist_cnn")
    weights = 4 * 220_234
    maps = 4 * (28 * 28 * 32 + 14 * 14 * 64 + 7 * 7 * 64 + 64 + 10)
    assert Memory(model).needed(100) >= 4 * weights + 100 * maps


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


def failing(message: str) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, message)

    return fail


def options(model: str = "mnist_cnn", **given: Any) -> TrainOptions:
    return TrainOptions(model, "digits", recipe=Recipe(epochs=1), **given)


@pytest.mark.parametrize(
    ("available", "message"),
    [
        (
            2**23,
            r"^out of memory: --batch-size 100 needs at least [\d.]+ MB, as kerazoo estimates, "
            r"and 8.39 MB are available: --batch-size \d\d would fit$",
        ),
        (2**34, r"and 17.2 GB are available: try --batch-size 50$"),
        (2**20, r"not even a single image would fit, use a machine with more memory"),
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_out_of_memory_reports_what_would_fit(
    dry_run: bool, available: int, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(machine, "available", lambda: available)
    monkeypatch.setattr(Steps, "train", failing("OOM when allocating tensor"))
    with pytest.raises(KerazooError, match=message):
        train(options(dry_run=dry_run))
    assert not list(Path().glob("runs/*"))


@pytest.mark.parametrize(("batch_size", "limit"), [(1, 20), (100, 1)])
def test_no_smaller_batch_than_one_image_is_advised(
    batch_size: int, limit: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(machine, "available", lambda: 2**34)
    monkeypatch.setattr(Steps, "train", failing("OOM when allocating tensor"))
    recipe = Recipe(epochs=1, batch_size=batch_size)
    with pytest.raises(KerazooError, match="available: end other programs, or use a machine with"):
        train(TrainOptions("mnist_cnn", "digits", recipe=recipe, limit=limit))


def test_a_limit_of_the_address_space_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (5 * 10**9, resource.RLIM_INFINITY))
    assert machine.available() == 10**9  # without what TensorFlow itself takes


def test_a_batch_larger_than_the_address_space_is_refused_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """TensorFlow would crash."""
    monkeypatch.chdir(tmp_path)
    for module in (machine, memory):
        monkeypatch.setattr(module, "address_space", lambda: ADDRESS_SPACE + 2**23)
    train(options(dry_run=True))
    whole = Memory.needed
    monkeypatch.setattr(Memory, "needed", lambda *given: 2**10 * whole(*given))
    with pytest.raises(KerazooError, match=r"out of memory: .* 8.39 MB are available: not even"):
        train(options())
    assert not list(Path().glob("runs/*"))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EMFILE])
def test_a_full_disk_is_not_reported_as_memory(
    number: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """TensorFlow raises the same error for both."""
    monkeypatch.chdir(tmp_path)
    message = f"{'a/long/path' * 40}: {os.strerror(number)}"
    monkeypatch.setattr(Steps, "train", failing(message))
    with pytest.raises(tf.errors.ResourceExhaustedError) as caught:
        train(options())
    message, code = explain(caught.value)
    assert code == 1
    assert "memory" not in message
    assert message.startswith("the disk is full") == (number == errno.ENOSPC)


def test_each_replica_needs_memory_for_its_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    model = kerazoo.create_model("lenet5")
    monkeypatch.setattr(machine, "available", lambda: Memory(model).needed(10))
    each = Memory(model, replicas=4)
    assert each.shortage(40) == ""
    message = each.shortage(41)
    assert message.startswith("--batch-size 41 needs at least ")
    assert " for each of 4 replicas" in message
    assert message.endswith("--batch-size 40 would fit")


def test_too_little_memory_is_reported_before(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def warnings() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.name == "kerazoo"]

    train(options(tiny.NAME, dry_run=True))
    assert not warnings()
    monkeypatch.setattr(machine, "available", lambda: 2**18)
    train(options(tiny.NAME, dry_run=True))
    (warning,) = warnings()
    assert warning.endswith("would fit")


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
