"""Every model and layer on the other backends of Keras, where they are installed."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import kerazoo
from tests.backends.forward import SMALL, forward

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=["jax", "torch"])
def backend(request: pytest.FixtureRequest) -> str:
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return request.param


@pytest.fixture(scope="module")
def small(backend: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    # most of the time would go into optimizing what runs once
    quickly = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    return elsewhere(backend, SMALL, tmp_path_factory.mktemp(backend), **quickly)


@pytest.fixture(scope="module")
def full(backend: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return elsewhere(backend, kerazoo.list_models(), tmp_path_factory.mktemp(backend))


def elsewhere(backend: str, names: Sequence[str], folder: Path, **variables: str) -> Path:
    """Save outputs on another backend, which needs a process of its own."""
    subprocess.run(
        [sys.executable, "-m", "tests.backends.forward", folder, *names],
        check=True,
        cwd=ROOT,
        env={**os.environ, **variables, "KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": ""},
    )
    return folder


def assert_as_on_tensorflow(name: str, folder: Path) -> None:
    expected, found = forward(name), np.load(folder / f"{name}.npy")
    assert np.isfinite(expected).all()
    assert expected.std() > 0
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("name", SMALL)
def test_a_layer_or_block_computes_as_on_tensorflow(name: str, small: Path) -> None:
    assert_as_on_tensorflow(name, small)


@pytest.mark.full
@pytest.mark.parametrize("name", kerazoo.list_models())
def test_a_model_computes_as_on_tensorflow(name: str, full: Path) -> None:
    assert_as_on_tensorflow(name, full)
