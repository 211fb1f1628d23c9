"""The examples in the docstrings of the package, as doctests."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import keras

import kerazoo.accounting


def test_every_example_has_the_result_that_it_shows() -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    names = set()
    for module in pkgutil.iter_modules(kerazoo.accounting.__path__, "kerazoo.accounting."):
        for example in doctest.DocTestFinder().find(importlib.import_module(module.name)):
            if example.examples:
                names.add(example.name.removeprefix("kerazoo.accounting."))
                example.globs["keras"] = keras
                runner.run(example)
    assert runner.failures == 0
    assert names >= {
        "receptive_field",
        "receptive_field.receptive_field",
        "table.cpr",
        "table.summary",
    }
