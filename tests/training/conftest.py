"""What the tests of trainings share: a tiny network in the zoo, processes that start at once."""

from collections.abc import Iterator

import pytest

from kerazoo.training import curves
from tests.helpers import processes, tiny


@pytest.fixture(scope="package", autouse=True)
def server() -> Iterator[None]:
    """Have TensorFlow imported for other processes while the first tests run."""
    processes.start_server()
    yield
    processes.stop_server()


@pytest.fixture(scope="module", autouse=True)
def tiny_network() -> Iterator[None]:
    """Have the tiny network among the models of the zoo."""
    with tiny.entered():
        yield


@pytest.fixture(autouse=True)
def no_process_outlives_its_test() -> Iterator[None]:
    yield
    processes.kill_all()


@pytest.fixture
def curves_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a file in the place of the curves that needs no drawing."""
    monkeypatch.setattr(curves, "draw", lambda results, title, file: file.write(title.encode()))
