"""Which room imports which: no arrow runs back up."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "kerazoo"
LEGACY = PACKAGE.with_name("legacy_tf1")
UPPER = ("training", "parity", "documents", "demos", "bench", "predict")
# What a room does not import; a command's own file is a part of the command.
FORBIDDEN = {
    "data": (*UPPER, "accounting", "models", "weights"),
    "layers": (*UPPER, "accounting", "models", "weights", "data", "tensorflow"),
    "models": (*UPPER, "accounting", "data", "tensorflow"),
    "weights": (*UPPER, "accounting", "models", "data"),
    "accounting": (*UPPER, "models", "data", "tensorflow"),
    "training": ("parity", "documents", "demos", "bench", "predict", "models"),
    "demos": ("training", "parity", "documents", "bench", "predict"),
    "predict": ("training", "parity", "documents", "demos", "bench"),
    "parity": ("training", "documents", "bench", "predict"),
    "bench": ("documents", "demos", "predict", "legacy_tf1"),
}


def imported(path: Path) -> Iterator[str]:
    """Yield the dotted names that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def packages(path: Path) -> Iterator[str]:
    """Yield what a file imports: packages of kerazoo by their names, others by theirs."""
    for name in imported(path):
        first, *rest = name.split(".")
        yield rest[0] if first == "kerazoo" and rest else first


@pytest.mark.parametrize("room", FORBIDDEN)
def test_a_room_imports_nothing_above_it(room: str) -> None:
    files = [path for path in (PACKAGE / room).glob("*.py") if path.name != "command.py"]
    assert files
    found = {(path.name, name) for path in files for name in packages(path)}
    assert {(file, name) for file, name in found if name in FORBIDDEN[room]} == set()


def test_the_tf1_programs_know_nothing_of_kerazoo_and_parity_alone_knows_them() -> None:
    for path in LEGACY.glob("*.py"):
        assert "kerazoo" not in set(packages(path)), path
    for path in PACKAGE.rglob("*.py"):
        assert "legacy_tf1" not in set(packages(path)) or path.parent.name == "parity", path


def test_tests_share_helpers_and_not_one_another() -> None:
    tests = list(Path(__file__).parent.rglob("test_*.py"))
    assert len(tests) > 60
    for path in tests:
        for name in imported(path):
            assert ".test_" not in name, path
