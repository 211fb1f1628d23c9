import os
import signal
import subprocess
import sys

import pytest

from kerazoo import device

LOG = """WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795213095.665720    2656 port.cc:153] oneDNN custom operations are on.
W0000 00:00:1795213095.666534    2656 cudart_stub.cc:31] Could not find cuda drivers
E0000 00:00:1795213100.576970    2656 cuda_platform.cc:52] failed call to cuInit: INTERNAL: 303
2026-11-20 10:00:00.123456: I tensorflow/core/util/port.cc:113] oneDNN custom operations are on.
"""
ERRORS = """E0000 00:00:1795213100.576970    2656 something.cc:52] the device is on fire
2026-11-20 10:00:00.123456: E tensorflow/core/x.cc:113] so is the other one
a plain line
"""


def test_cores_are_those_that_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5})
    assert device.cores() == 3
    assert device.describe_device().endswith("on CPU (3 cores)")


def test_the_log_is_dropped_and_errors_pass(capfd: pytest.CaptureFixture[str]) -> None:
    with device.without_log():
        os.write(2, (LOG + ERRORS).encode())
    assert capfd.readouterr().err == ERRORS


def test_everything_but_the_log_passes_where_the_start_fails(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def fail() -> None:
        os.write(2, ERRORS.encode())
        raise ImportError("no TensorFlow")

    with pytest.raises(ImportError), device.without_log():
        fail()
    assert capfd.readouterr().err == ERRORS


def test_the_last_words_of_a_crash_pass() -> None:
    code = (
        "import os; from kerazoo import device\n"
        "with device.without_log(): os.write(2, b'F0000 the end\\n'); os.abort()"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode < 0
    assert run.stderr == "F0000 the end\n"


def test_an_address_space_too_small_for_tensorflow_is_reported() -> None:
    code = (
        "import resource; from kerazoo.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2 * 10**9, resource.RLIM_INFINITY))\n"
        "print(main(['train', '--model', 'mnist_cnn', '--data', 'digits', '--dry-run']))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (0, "1\n")
    assert run.stderr == (
        "kerazoo: the address space is limited to 2.00 GB, and TensorFlow needs at least 4.00 GB: "
        "raise the limit with `ulimit -v unlimited`\n"
    )


def fake_gpus(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    import tensorflow as tf

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: names)
    monkeypatch.setattr(
        tf.config.experimental, "get_device_details", lambda gpu: {"device_name": gpu}
    )


def test_a_gpu_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_gpus(monkeypatch, "NVIDIA H100")
    device.start_tensorflow()
    assert device.describe_device().endswith(" on GPU NVIDIA H100")
    assert device.unused_gpu() == ""


def test_a_gpu_that_is_not_used_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_gpus(monkeypatch)
    monkeypatch.setattr(device, "_has_gpu", lambda: True)
    device.start_tensorflow()
    assert " on CPU (" in device.describe_device()
    assert "TensorFlow cannot use it" in device.unused_gpu()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert device.unused_gpu() == ""


def test_tensorflow_starts_in_silence_and_deterministic() -> None:
    code = (
        "from kerazoo.device import describe_device, start_tensorflow; start_tensorflow();"
        "print(describe_device());"
        "import tensorflow as tf; tf.zeros(1) + 1;"
        "from tensorflow.python.framework import config;"
        "assert config.is_op_determinism_enabled();"
        "import gc; assert gc.isenabled() and gc.get_freeze_count() > 100_000"
    )
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert run.stderr == ""
    assert run.stdout.startswith("TensorFlow 2.")


def test_a_program_that_imports_kerazoo_sees_its_results_and_warnings_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)  # JAX, in other tests, sets it
    code = (
        "import importlib, pkgutil, pydoc, kerazoo, kerazoo.models; import numpy as np\n"
        "for each in pkgutil.walk_packages(kerazoo.__path__, 'kerazoo.'):\n"
        "    if each.name not in ('kerazoo.__main__', 'kerazoo.bench.torch_mnist_cnn'):\n"
        "        importlib.import_module(each.name)\n"
        "public = [getattr(kerazoo, name) for name in kerazoo.__all__ if name[0] != '_']\n"
        "for each in (kerazoo, kerazoo.models, kerazoo.models.VGG16, *public):\n"
        "    pydoc.render_doc(each)\n"
        "model = kerazoo.create_model('mnist_cnn', weights='mnist', include_top=False)\n"
        "images = kerazoo.preprocess(model, np.full((1, 28, 28, 1), 0.5))\n"
        "print(model(images).shape, kerazoo.summary(model, (28, 28, 1)).params.sum())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout == "(1, 7, 7, 64) 18816\n"
    skipped, values = run.stderr.splitlines()
    assert skipped.endswith("skipped fc1/kernel, fc1/bias, output/kernel, output/bias")
    assert values == "these images seem to be in [0, 1]; the model expects [0, 255]"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_an_import_interrupts_at_its_end_and_a_second_one_at_once(
    number: signal.Signals,
) -> None:
    """Python would drop it here; a module in C++ would abort."""
    code = (
        "import os, signal; from kerazoo.device import keeping_signals\n"
        "usual, both = signal.default_int_handler, (signal.SIGINT, signal.SIGTERM)\n"
        "for each in both: signal.signal(each, usual)\n"
        "class Dropped:\n"
        f"    def __del__(self): os.kill(os.getpid(), {int(number)}); [0 for _ in range(9999)]\n"
        "try:\n"
        "    with keeping_signals(): dropped = Dropped(); del dropped; print('imported')\n"
        "except KeyboardInterrupt: print('interrupted')\n"
        "try:\n"
        f"    with keeping_signals(): os.kill(os.getpid(), {int(number)}); print('imported'); "
        f"os.kill(os.getpid(), {int(number)}); print('not reached')\n"
        "except KeyboardInterrupt: print('interrupted')\n"
        "assert [signal.getsignal(each) for each in both] == [usual, usual]"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("imported\ninterrupted\n" * 2, "")


@pytest.mark.parametrize(
    ("built", "missing", "reason"),
    [
        (False, [], "this TensorFlow is built without CUDA"),
        (True, ["cudnn", "cublas"], "libcudnn, libcublas cannot be found"),
        (True, [], "do not fit it"),
    ],
)
def test_a_gpu_that_cannot_be_used_is_reported(
    built: bool, missing: list[str], reason: str
) -> None:
    warning = device.gpu_warning(built, missing)
    assert reason in warning
    assert "tensorflow[and-cuda]" in warning
