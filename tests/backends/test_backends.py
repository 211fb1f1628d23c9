"""Every model and layer on the other backends of Keras, where they are installed."""

from __future__ import annotations

import functools
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.backends import forward

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=["jax", "torch"])
def elsewhere(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, np.ndarray]:
    """Return all outputs on another backend, which needs a process of its own."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    folder = tmp_path_factory.mktemp(request.param)
    subprocess.run(
        [sys.executable, "-m", "tests.backends.forward", folder],
        check=True,
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": request.param, "CUDA_VISIBLE_DEVICES": ""},
    )
    return {path.stem: np.load(path) for path in folder.iterdir()}


@functools.cache
def here(name: str) -> np.ndarray:
    """Return the outputs on TensorFlow."""
    return forward.forward(name)


@pytest.mark.parametrize("name", forward.names())
def test_outputs_are_tensorflows(name: str, elsewhere: dict[str, np.ndarray]) -> None:
    expected = here(name)
    assert np.isfinite(expected).all()
    assert expected.std() > 0
    assert elsewhere[name].shape == expected.shape
    assert np.abs(elsewhere[name] - expected).max() <= 1e-4 * np.abs(expected).max()
