"""The command `kerazoo parity`."""

import csv

import pandas as pd
import pytest

from kerazoo.cli import main
from kerazoo.parity import compare
from kerazoo.parity.command import NAMES
from kerazoo.parity.pairs import PAIRS

pytestmark = pytest.mark.usefixtures("tensorflow_started")


def test_parity_prints_a_table_that_fits_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parity", "max_pool", "conv_layer"]) == 0
    out, err = capsys.readouterr()
    assert "max_pool, cnn-notes, lines 180-203" in out
    assert max(map(len, out.splitlines())) <= 80
    assert err.endswith("every difference is within its tolerance\n")
    assert err.splitlines()[1] == "max_pool in float32 ..."


def test_parity_prints_one_table_in_other_formats(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parity", "max_pool", "conv_layer", "--format", "csv"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert {row["pair"] for row in rows} == {"max_pool", "conv_layer"}
    assert {row["verdict"] for row in rows} == {"ok"}


def test_parity_exits_with_1_if_a_port_differs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = ("max_pool", "float32", "forward", 1.0, 0.5, "rel 1e-05", False)
    columns = ["pair", "precision", "quantity", "absolute", "relative", "tolerance", "passed"]
    table = pd.DataFrame([row, (*row[:-1], True)], columns=columns)
    monkeypatch.setattr(compare, "compare", lambda name: table)
    assert main(["parity", "max_pool"]) == 1
    out, err = capsys.readouterr()
    assert "FAILED" in out
    assert err.endswith(
        "\nkerazoo: the port differs from the TF1 program: max_pool in 1 of 2 comparisons\n"
    )


def test_the_command_has_the_names_of_all_pairs() -> None:
    assert tuple(PAIRS) == NAMES


def test_parity_of_an_unknown_pair_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parity", "max_pol"]) == 2
    err = capsys.readouterr().err
    assert "'max_pol' (did you mean 'max_pool'?) is not one of conv_layer, filter_demo, " in err
