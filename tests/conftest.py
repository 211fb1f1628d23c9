"""What the tests share: the two tiers, data sets, networks thin or at full width, freed memory."""

import contextlib
import ctypes
import gc
import os
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.two_processes import Scheduling

# Otherwise TensorFlow never gives back the memory that a large model took.
os.environ.setdefault("TF_ONEDNN_USE_SYSTEM_ALLOCATOR", "1")
# Only on some processors is it the default; without it, no convolution has the channels first.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

LEFT_OUT = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="run the tests of full size too")
    text = "with --full, of the tests of full size one in N, drawn by --seed"
    parser.addoption("--one-in", type=int, default=1, metavar="N", help=text)
    parser.addoption("--seed", default="", help="a word that draws them")
    parser.addoption("--overwrite", action="store_true", help="renew golden files, not compare")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Run the whole suite in two processes; a part of it starts sooner in one."""
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return min(2, os.cpu_count() or 1) if whole and not config.option.keyword else 0


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    return Scheduling(config, log)


@pytest.hookimpl(trylast=True)  # after -k and -m
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests of full size to --full, where the largest come last."""
    items.sort(key=is_largest)
    one_in = config.getoption("--one-in") if config.getoption("--full") else 0
    seed = config.getoption("--seed")
    left_out = [
        item
        for item in items
        if item.get_closest_marker("full") and not is_drawn(item.nodeid, one_in, seed)
    ]
    items[:] = [item for item in items if item not in set(left_out)]
    config.hook.pytest_deselected(items=left_out)
    config.stash[LEFT_OUT] = len(left_out)


def is_drawn(name: str, one_in: int, seed: str) -> bool:
    """Return whether a test of full size runs: one in so many, none if that is 0."""
    return one_in > 0 and zlib.crc32(f"{seed} {name}".encode()) % one_in == 0


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
        terminalreporter.write_line(f"tests of full size left to --full: {count}")


def is_largest(item: pytest.Item) -> bool:
    """Return whether a test takes the most memory; at a thin width it does not."""
    return all(item.get_closest_marker(name) for name in ("full", "largest"))


@pytest.fixture(scope="session", autouse=True)
def private_tfds_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the tests from using or filling the user's own prepared data sets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFDS_DATA_DIR", str(tmp_path_factory.mktemp("tfds")))
        yield


@pytest.fixture
def tensorflow_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have commands run in this process, whose TensorFlow has started."""
    monkeypatch.setattr("kerazoo.device.start_tensorflow", lambda deterministic=True: None)


@pytest.fixture(scope="session")
def mnist_dir() -> Path:
    """Return the folder with MNIST's four IDX files."""
    folder = os.environ.get("KERAZOO_MNIST_DIR")
    if not folder:
        pytest.skip("KERAZOO_MNIST_DIR names no folder with MNIST's four IDX files")
    from tests.helpers.idx import FILES

    if not all((Path(folder) / name).is_file() for name in FILES):
        pytest.fail(f"KERAZOO_MNIST_DIR: '{folder}' has not MNIST's four IDX files", pytrace=False)
    return Path(folder).resolve()


@pytest.fixture(scope="session")
def digit_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with digits of scikit-learn as MNIST's four files."""
    from tests.helpers import idx

    return idx.write_digits(tmp_path_factory.mktemp("digits"))


@pytest.fixture(params=["digits", pytest.param("original", marks=pytest.mark.full)])
def mnist_files(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with MNIST's four files, small ones and by --full the original ones."""
    from tests.helpers import idx

    if request.param == "original":
        return request.getfixturevalue("mnist_dir")
    folder: Path = request.getfixturevalue("digit_files")
    monkeypatch.setenv("TFDS_DATA_DIR", str(folder / "tfds"))
    idx.take_for_mnist(folder, monkeypatch)
    return folder


@pytest.fixture
def thin_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make networks thin; see `thin.make_thin`, which says which."""
    from tests.helpers import thin

    thin.make_thin(monkeypatch)


@pytest.fixture(params=["thin", pytest.param("full", marks=pytest.mark.full)])
def width(request: pytest.FixtureRequest) -> str:
    """Run a test on thin networks, and by --full at full width too."""
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
    # glibc keeps most of what is freed; another C library has no malloc_trim.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def free_models() -> None:
    """Free the models that no test holds any more, which are made of reference cycles.

    TensorFlow keeps a gradient function of every model that was trained in a registry, and with it
    the model's variables: it is taken out there.
    """
    if ops := sys.modules.get("tensorflow.python.framework.ops"):
        gradients = ops.gradient_registry._registry
        for name in [name for name in gradients if name.startswith("CustomGradient-")]:
            del gradients[name]
    for _ in range(2):  # the second frees the variables of functions that the first has freed
        gc.collect()
