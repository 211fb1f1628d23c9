"""Which package or module imports which: no arrow runs back up, and there is no circle."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "kerazoo"
LEGACY = PACKAGE.with_name("legacy_tf1")

# Packages and modules by level: each imports lower levels, and its own level without a circle.
LEVELS: tuple[tuple[str, ...], ...] = (
    (
        "_version",
        "errors",
        "figure_files",
        "files",
        "interruption",
        "lazy",
        "text",
        "compat",
        "precision",
        "difference",
        "device",
        "fonts",
        "progress",
        "values",
        "options",
    ),
    ("recipe",),
    ("registry",),
    ("layers", "weights", "models", "data", "ports"),
    ("accounting", "training", "inference", "parity", "convert", "documents", "demos", "bench"),
    ("__init__",),
    ("arguments", "command.py", "reporting", "cli", "__main__", "examples"),
)
# What begins with "_" and is documented: methods of named tuples, and the type in argparse.
PUBLIC = ("_replace", "_fields", "_ArgumentGroup", "_ActionsContainer")
# What runs on any backend of Keras does not import TensorFlow at its top.
ANY_BACKEND = ("layers", "models", "ports", "accounting")
# What is imported where Keras's backend is TensorFlow.
ON_TENSORFLOW = {PACKAGE / "accounting" / "tensorflow_graph.py"}


def imported(path: Path) -> Iterator[str]:
    """Yield the dotted names that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def unit(path: Path) -> str:
    """Return what a file of kerazoo belongs to: a package, or itself at the root."""
    if path.name == "command.py":
        return path.name
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def units(path: Path) -> Iterator[str]:
    """Yield what of kerazoo a file imports, by its unit."""
    for name in imported(path):
        first, *rest = name.split(".")
        if first != "kerazoo":
            continue
        if rest[1:2] == ["command"]:
            yield "command.py"
        elif rest and any((PACKAGE / name).exists() for name in (rest[0], f"{rest[0]}.py")):
            yield rest[0]
        else:
            yield "__init__"


FILES = sorted(PACKAGE.rglob("*.py"))
ARROWS = {(unit(path), other) for path in FILES for other in units(path) if other != unit(path)}


def level(name: str) -> int:
    return next(number for number, names in enumerate(LEVELS) if name in names)


def test_every_package_and_root_file_has_a_level() -> None:
    assert {unit(path) for path in FILES} == {name for names in LEVELS for name in names}


def test_no_arrow_runs_back_up() -> None:
    assert {(a, b) for a, b in ARROWS if level(b) > level(a)} == set()


def test_there_is_no_circle() -> None:
    left = {name for names in LEVELS for name in names}
    while leaves := {a for a in left if not any(b in left for start, b in ARROWS if start == a)}:
        left -= leaves
    assert left == set()


def test_the_registry_is_a_leaf() -> None:
    assert {other for name, other in ARROWS if name == "registry"} == {"errors", "recipe"}


@pytest.mark.parametrize("package", ANY_BACKEND)
def test_a_package_for_any_backend_imports_no_tensorflow(package: str) -> None:
    for path in {*(PACKAGE / package).rglob("*.py")} - ON_TENSORFLOW:
        names = set(imported(path))
        assert not {name for name in names if name.startswith("tensorflow")}, path
        assert "kerazoo.lazy.tf" not in names, path


def private_names(path: Path) -> Iterator[str]:
    """Yield what a file uses of the private parts of Keras, TensorFlow and other objects."""
    for name in imported(path):
        if name.startswith(("keras.src", "tensorflow.python")):
            yield name
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            owner, name = ast.unparse(node.value), node.attr
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "hasattr"):
            owner, name = ast.unparse(node.args[0]), ast.unparse(node.args[1]).strip("'")
        else:
            continue
        if re.match("_[a-z]", name) and owner not in ("self", "cls") and name not in PUBLIC:
            yield name


def test_private_names_of_keras_and_tensorflow_are_used_in_compat_alone() -> None:
    others = [path for path in FILES if unit(path) != "compat"]
    assert {name for path in others for name in private_names(path)} == set()
    assert len(set(private_names(PACKAGE / "compat.py"))) > 8


def test_the_tf1_programs_know_nothing_of_kerazoo() -> None:
    for path in LEGACY.glob("*.py"):
        assert not {name for name in imported(path) if name.startswith("kerazoo")}, path


def test_only_parity_and_convert_know_the_tf1_programs() -> None:
    users = {unit(path) for path in FILES for name in imported(path) if "legacy_tf1" in name}
    assert users == {"parity", "convert"}


def test_tests_share_helpers_and_not_one_another() -> None:
    tests = list(Path(__file__).parent.rglob("test_*.py"))
    assert len(tests) > 60
    for path in tests:
        for name in imported(path):
            assert ".test_" not in name, path
