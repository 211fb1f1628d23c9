"""Start TensorFlow without its log, and describe what it computes on."""

import contextlib
import ctypes.util
import gc
import importlib.util
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from kerazoo.errors import KerazooError
from kerazoo.interruption import SIGNALS
from kerazoo.text import BYTES, in_units

# Lines of TensorFlow's log that its user does not need: infos, warnings, and the error that a
# machine has no NVIDIA driver.
LOG = (
    r"WARNING: All log messages before absl::InitializeLog"
    r"|[IW]\d{4} "
    r"|\d{4}-\d\d-\d\d [\d:.]+: [IW] "
    r"|.*failed call to cuInit"
    r"|INFO: Created TensorFlow Lite"
)
FILTER = """
import re, sys
for line in sys.stdin:
    if not re.match(sys.argv[1], line):
        print(line, end="", file=sys.stderr, flush=True)
"""
ADDRESS_SPACE = 4 * 10**9  # bytes: with less, TensorFlow aborts or hangs as it starts
EXTRAS = ("matplotlib", "sklearn")  # of Keras, for galleries of images and pipelines
CUDA_LIBRARIES = ("cuda", "cudart", "cublas", "cudnn", "cufft", "cusolver", "cusparse")


def start_tensorflow(deterministic: bool = True) -> None:
    """Import TensorFlow for the command.

    Call it before Keras is imported, in a process of its own: it sets Keras to TensorFlow, float32
    and channels last, whatever keras.json says, and by default makes operations deterministic.

    Raises:
        KerazooError: The limit of the address space is too small for TensorFlow.
    """
    if (limit := address_space()) < ADDRESS_SPACE:
        raise KerazooError(
            f"the address space is limited to {in_units(limit, BYTES)}, and TensorFlow needs at "
            f"least {in_units(ADDRESS_SPACE, BYTES)}: raise the limit with `ulimit -v unlimited`"
        )
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["MPLBACKEND"] = "agg"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # its errors come as exceptions too
    with keeping_signals(), without_log(), _without_garbage_collection(), _without_extras():
        import keras
        import tensorflow as tf

        tf.config.list_physical_devices("GPU")
    logging.getLogger("absl").setLevel(logging.ERROR)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")


def start_keras() -> None:
    """Import Keras for a command that only counts, with the backend that starts fastest.

    That is JAX, where it is installed. Call it as `start_tensorflow`.
    """
    if "keras" in sys.modules or not importlib.util.find_spec("jax"):
        start_tensorflow()
        return
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["MPLBACKEND"] = "agg"
    with keeping_signals(), _without_garbage_collection(), _without_extras():
        import keras
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")


@contextlib.contextmanager
def _without_extras() -> Iterator[None]:
    """Let Keras not find what it imports for features that no command uses.

    They take as long to import as Keras itself. After the `with` block they can be imported.
    """
    hidden = [name for name in EXTRAS if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type] # None is no module
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def address_space() -> int:
    """Return the bytes that this process may map."""
    try:
        import resource
    except ImportError:  # Windows lacks it
        return sys.maxsize
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return sys.maxsize if limit == resource.RLIM_INFINITY else limit


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe_device() -> str:
    """Return the version of TensorFlow and what it computes on."""
    import tensorflow as tf

    if gpus := tf.config.list_physical_devices("GPU"):
        details = tf.config.experimental.get_device_details(gpus[0])
        return f"TensorFlow {tf.__version__} on GPU {details.get('device_name', '')}"
    return f"TensorFlow {tf.__version__} on CPU ({cores()} cores)"


def unused_gpu() -> str:
    """Return a warning where the machine has a GPU that TensorFlow cannot use, else ""."""
    import tensorflow as tf

    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") == ""
    if tf.config.list_physical_devices("GPU") or hidden or not _has_gpu():
        return ""
    return gpu_warning(tf.test.is_built_with_cuda(), _missing_libraries())


def gpu_warning(built_with_cuda: bool, missing: Iterable[str]) -> str:
    """Return one sentence on why a GPU that is present cannot be used."""
    if not built_with_cuda:
        reason = "this TensorFlow is built without CUDA"
    elif missing := list(missing):
        reason = f"{', '.join(f'lib{name}' for name in missing)} cannot be found"
    else:
        reason = "its CUDA libraries or the driver do not fit it (TF_CPP_MIN_LOG_LEVEL=0 shows why)"
    return (
        f"this machine has an NVIDIA GPU and TensorFlow cannot use it, because {reason}: "
        "pip install 'tensorflow[and-cuda]' installs everything except the driver"
    )


def _has_gpu() -> bool:
    return any(Path("/dev").glob("nvidia[0-9]*")) or Path("/usr/lib/wsl/lib/libcuda.so.1").exists()


def _missing_libraries() -> list[str]:
    folders = [Path(folder) / "nvidia" for folder in sys.path]
    return [
        name
        for name in CUDA_LIBRARIES
        if not ctypes.util.find_library(name)
        and not any(any(folder.glob(f"*/lib/lib{name}.so*")) for folder in folders)
    ]


@contextlib.contextmanager
def keeping_signals() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM interrupt at the end of a `with` block of imports, later ones at once.

    Python drops exceptions, with a traceback, in the clean-up of the import system, and modules in
    C++ abort where one is raised as they are imported.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    handlers: dict[signal.Signals, Any] = {each: signal.getsignal(each) for each in SIGNALS}

    def take(number: int, frame: FrameType | None) -> None:
        try:
            handlers[signal.Signals(number)](number, frame)
        except KeyboardInterrupt:
            received.append(number)
            if len(received) > 1:
                raise

    changed = [each for each in SIGNALS if callable(handlers[each])]
    for each in changed:
        signal.signal(each, take)
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for each in changed:
            signal.signal(each, handlers[each])
    if received:
        raise KeyboardInterrupt


@contextlib.contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Exclude what is imported within a `with` block from garbage collection.

    Otherwise it would search TensorFlow's 700,000 objects again and again, also at the end of the
    process: more than a third of the time that importing TensorFlow takes.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextlib.contextmanager
def without_log() -> Iterator[None]:
    """Drop the lines of TensorFlow's log from standard error within a `with` block.

    TensorFlow writes its first lines before it reads TF_CPP_MIN_LOG_LEVEL. They pass through
    another process, which outlives this one, so that the message of a crash is not lost.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    command = [sys.executable, "-c", FILTER, LOG]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as passing:
        assert passing.stdin
        try:
            os.dup2(passing.stdin.fileno(), 2)
            yield
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
