"""What every test shares: a private folder for prepared data sets, MNIST where it is to be had."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


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


def pytest_collection_finish() -> None:
    """Keep the garbage collector from going through all that the tests have imported each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def room_for_the_next_model() -> Iterator[None]:
    """Free a test's models, which are made of cycles and of up to half a gigabyte each.

    For every model that Keras's optimizer trained, TensorFlow keeps the custom gradient of an
    all-reduce in a registry for ever, and with it the function and all its variables.
    """
    yield
    if ops := sys.modules.get("tensorflow.python.framework.ops"):
        gradients = ops.gradient_registry._registry
        for name in [name for name in gradients if name.startswith("CustomGradient-")]:
            del gradients[name]
    gc.collect()
