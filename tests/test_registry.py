from __future__ import annotations

import subprocess
import sys

import pytest

import kerazoo
from kerazoo import registry
from kerazoo.errors import UsageError


def test_names_are_sorted_and_match_a_pattern() -> None:
    names = kerazoo.list_models()
    assert names == sorted(names)
    assert "mnist_cnn" in names
    assert kerazoo.list_models("mnist_*") == ["mnist_cnn"]
    assert kerazoo.list_models("no_*") == []


def test_a_wrong_name_is_told_the_nearest() -> None:
    with pytest.raises(
        UsageError, match=r"unknown model 'mnist_cn' \(did you mean 'mnist_cnn'\?\)"
    ):
        kerazoo.create_model("mnist_cn")


def test_a_name_is_given_once() -> None:
    kerazoo.list_models()
    again = registry.register(
        "mnist_cnn", source="", year=0, input_shape=(1, 1, 1), params=0, macs=0
    )
    with pytest.raises(ValueError, match="two models are registered as 'mnist_cnn'"):
        again(lambda: None)


def test_naming_the_models_loads_no_framework() -> None:
    code = (
        "import sys, kerazoo; kerazoo.list_models();"
        "print(sorted({'keras', 'tensorflow', 'numpy', 'pandas'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_public_names_are_listed_and_found() -> None:
    assert set(kerazoo.__all__) <= set(dir(kerazoo))
    assert all(getattr(kerazoo, name) for name in kerazoo.__all__)
    with pytest.raises(AttributeError, match="no attribute 'sumary'"):
        _ = kerazoo.sumary
