"""The table of results: a whole row for each network, with the figures stated elsewhere."""

import csv

import pytest

from kerazoo import cli, registry
from kerazoo.weights import shipped
from tests.results import COLUMNS, FILE, train_command

with FILE.open(encoding="utf-8", newline="") as _file:
    ROWS = {row["model"]: row for row in csv.DictReader(_file)}
CARDS = {card["model"]: card for card in shipped.cards("mnist")}


def test_every_network_has_a_whole_row() -> None:
    assert [*ROWS] == [*registry.names()]
    for row in ROWS.values():
        assert row.keys() == {*COLUMNS}
        assert all(row.values())


@pytest.mark.parametrize("name", ROWS)
def test_its_figures_are_those_of_the_network(name: str) -> None:
    row, info = ROWS[name], registry.find(name)
    assert (int(row["parameters"]), int(row["macs"])) == (info.params, info.macs)
    assert float(row["latency_ms"]) > 0
    if name in CARDS:
        assert float(row["accuracy"]) == CARDS[name]["test_accuracy"]
        assert row["accuracy_command"] == CARDS[name]["command"]
    else:
        assert row["data"] == "digits"
        assert row["accuracy_command"] == train_command(name)
        assert 0.8 <= float(row["accuracy"]) <= 1


@pytest.mark.parametrize("name", ROWS)
def test_its_commands_are_commands(name: str) -> None:
    for command in ("accuracy_command", "cost_command"):
        program, *arguments = ROWS[name][command].split()
        assert program == "kerazoo"
        assert name in arguments
        assert cli._parse(arguments).run
