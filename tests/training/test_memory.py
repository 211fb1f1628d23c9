"""What fits into the memory of a machine, and what is reported where it does not."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

import kerazoo
from kerazoo.device import ADDRESS_SPACE
from kerazoo.errors import KerazooError, explain
from kerazoo.recipe import Recipe
from kerazoo.training import machine, memory
from kerazoo.training.memory import Memory
from kerazoo.training.options import TrainOptions
from kerazoo.training.steps import Steps
from kerazoo.training.train import train
from tests.helpers import tiny


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
