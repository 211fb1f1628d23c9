"""What every test shares: the two tiers, a private folder for data sets, room for large models."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.two_processes import Scheduling

# Otherwise TensorFlow keeps for ever what a large model once took.
os.environ.setdefault("TF_ONEDNN_USE_SYSTEM_ALLOCATOR", "1")

LEFT_OUT = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="run the tests of full size too")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Run the whole suite in two processes; a part of it starts sooner in one."""
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return min(2, os.cpu_count() or 1) if whole and not config.option.keyword else 0


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    return Scheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests of full size to --full, where the largest come last."""
    items.sort(key=lambda item: all(map(item.get_closest_marker, ("full", "largest"))))
    if config.getoption("--full"):
        return
    full = [item for item in items if item.get_closest_marker("full")]
    items[:] = [item for item in items if not item.get_closest_marker("full")]
    config.hook.pytest_deselected(items=full)
    config.stash[LEFT_OUT] = len(full)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that started this one how many tests were left out."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash.get(LEFT_OUT, 0)


def pytest_testnodedown(node: Any) -> None:
    count = getattr(node, "workeroutput", {}).get("left_out", 0)  # none of a process that crashed
    node.config.stash[LEFT_OUT] = max(count, node.config.stash.get(LEFT_OUT, 0))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if count := config.stash.get(LEFT_OUT, 0):
        terminalreporter.write_line(f"{count} tests of full size were left to --full")


@pytest.fixture(scope="session", autouse=True)
def private_tfds_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the tests from using or filling the user's own prepared data sets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFDS_DATA_DIR", str(tmp_path_factory.mktemp("tfds")))
        yield


@pytest.fixture(scope="session")
def mnist_dir() -> Path:
    """Return the folder with MNIST's four IDX files."""
    folder = os.environ.get("KERAZOO_MNIST_DIR")
    if not folder:
        pytest.skip("KERAZOO_MNIST_DIR names no folder with MNIST's four IDX files")
    return Path(folder).resolve()


@pytest.fixture
def thin_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every network thin: of kerazoo, of keras.applications, of tf-slim."""
    from tests.helpers import thin

    thin.make_thin(monkeypatch)


@pytest.fixture(params=["thin", pytest.param("full", marks=pytest.mark.full)])
def width(request: pytest.FixtureRequest) -> str:
    """Run a test on thin networks, and by --full on those of full width too."""
    if request.param == "thin":
        request.getfixturevalue("thin_networks")
    return request.param


def pytest_collection_finish() -> None:
    """Keep the garbage collector from going through all that the tests have imported each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def free_models_of_a_module() -> Iterator[None]:
    yield
    free_models()


@pytest.fixture(autouse=True)
def free_memory(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if request.node.get_closest_marker("full"):
        free_models()
    with contextlib.suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # it keeps most of what is freed


def free_models() -> None:
    """Free the models that no test holds any more; they are made of cycles.

    For every model that Keras's optimizer trained, TensorFlow keeps the custom gradient of an
    all-reduce in a registry for ever, and with it the function and all its variables.
    """
    if ops := sys.modules.get("tensorflow.python.framework.ops"):
        gradients = ops.gradient_registry._registry
        for name in [name for name in gradients if name.startswith("CustomGradient-")]:
            del gradients[name]
    for _ in range(2):  # what the first frees, such as a function, lets go of variables
        gc.collect()
