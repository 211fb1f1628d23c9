"""Programs in separate processes."""

import os
from collections.abc import Callable

import pytest

from kerazoo.bench.timed_process import TimedProcess
from kerazoo.errors import KerazooError


def variable(name: str) -> Callable[[], str]:
    return lambda: os.environ[name]


def test_a_process_takes_and_returns_what_json_can_hold() -> None:
    with TimedProcess("operator:methodcaller", "split", ",") as split:
        assert split("a,b") == ["a", "b"]
        split.send("c,d,e")
        assert split.receive() == ["c", "d", "e"]
    assert split._process.returncode is not None
    with TimedProcess("unittest.mock:Mock") as mock:
        assert mock() is None


def test_a_process_has_variables_besides_those_of_this_one() -> None:
    with TimedProcess(f"{__name__}:variable", "WORD", WORD="new") as run:
        assert run() == "new"
    assert "WORD" not in os.environ


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        ("kerazoo.registry:find", ("vgg99",), "kerazoo.registry:find failed: unknown model"),
        ("os:getpid", (), "os:getpid failed: 'int' object is not callable"),
    ],
)
def test_what_fails_in_a_process_is_reported(
    function: str, arguments: tuple[str, ...], message: str
) -> None:
    with TimedProcess(function, *arguments) as run, pytest.raises(KerazooError, match=message):
        run()


def test_a_process_that_has_ended_is_reported() -> None:
    with TimedProcess("operator:methodcaller", "strip") as run:
        assert run(" a ") == "a"
        run._process.kill()
        run._process.wait()
        with pytest.raises(KerazooError, match="methodcaller failed: its process ended"):
            run("b")
