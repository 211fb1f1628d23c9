"""The docstrings of the package: examples run as doctests, and first lines are of one style."""

import ast
import doctest
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

import kerazoo.accounting
import kerazoo.models

ROOT = Path(__file__).parents[1]
PUBLIC = {
    name: getattr(module, name) for module in (kerazoo, kerazoo.models) for name in module.__all__
}
MODULES = {
    module.name: importlib.import_module(module.name)
    for module in pkgutil.iter_modules(kerazoo.accounting.__path__, "kerazoo.accounting.")
}
EXAMPLES = [
    example
    for name, value in {**PUBLIC, **MODULES}.items()
    for example in doctest.DocTestFinder(recurse=False).find(value, name)
    if example.examples
]
NO_IMPERATIVE = re.compile(r"(This|It|A|An|The) |\w+[^s]s ")  # "The x", "Returns x"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_has_the_result_that_it_shows(
    example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    example.globs = {**PUBLIC, "keras": keras, "np": np}
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    assert runner.run(example).failed == 0


def test_the_public_functions_have_examples() -> None:
    functions = {name for name in kerazoo.__all__ if name != "__version__"}
    assert functions <= {example.name for example in EXAMPLES}


def first_lines() -> Iterator[tuple[str, str, bool]]:
    """Yield place and first line of each docstring, and whether it is of a function."""
    for path in [*ROOT.glob("kerazoo/**/*.py"), *ROOT.glob("legacy_tf1/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
                line = str(ast.get_docstring(node)).partition("\n")[0]
                is_property = any("property" in ast.unparse(each) for each in node.decorator_list)
                is_function = isinstance(node, ast.FunctionDef) and not is_property
                yield f"{path.relative_to(ROOT)}:{node.lineno}", line, is_function


def test_docstrings_begin_with_an_imperative_or_a_noun_phrase() -> None:
    lines = list(first_lines())
    assert len(lines) > 500
    for place, line, is_function in lines:
        assert re.match(r'[A-Z"`].*\.$', line), f"{place}: {line}"
        assert not (is_function and NO_IMPERATIVE.match(line)), f"{place}: {line}"
        assert not line.startswith(("This ", "It ")), f"{place}: {line}"
