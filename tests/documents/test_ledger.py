"""The ledger itself: every row but the training, and that a fault anywhere makes rows fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from keras.src.backend.common.stateless_scope import in_stateless_scope

from kerazoo.accounting import axis_map, cost, rules, table
from kerazoo.accounting.axis_map import AxisMap
from kerazoo.accounting.cost import Cost
from kerazoo.cli import main
from kerazoo.documents import accuracy, claim, d003_fields, d003_flops, d003_pooling
from kerazoo.documents import ledger as ledgers
from kerazoo.documents.claim import Claim, check
from kerazoo.documents.live import Live
from kerazoo.documents.render import as_csv, as_markdown, as_text
from kerazoo.errors import DataMissingError

LENGTHS = {"000": 404, "001": 66, "002": 161, "003": 1145, "004": 109}


@pytest.fixture(scope="module")
def made_up() -> list[str]:
    """Names of the weights that have no values and that a claim has computed with all the same."""
    return []


@pytest.fixture(scope="module")
def ledger(made_up: list[str]) -> Iterator[pd.DataFrame]:
    read = keras.Variable.value.fget

    def value(weight: keras.Variable) -> Any:
        if weight._value is None and not in_stateless_scope():
            made_up.append(weight.path)
        return read(weight)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Variable, "value", property(value))
        yield ledgers.ledger(lambda line: None)


def test_no_claim_computes_with_a_model_that_has_shapes_alone(
    ledger: pd.DataFrame, made_up: list[str]
) -> None:
    assert made_up == []
    np.asarray(Live().model("mnist_cnn")(np.zeros((1, 28, 28, 1))))
    assert "conv1/kernel" in made_up


def test_every_row_holds(ledger: pd.DataFrame) -> None:
    failed = ledger[ledger.verdict == "FAILED"]
    assert failed.empty, failed.to_string()


def test_it_is_complete_and_says_each_thing_once_a_place(ledger: pd.DataFrame) -> None:
    assert len(ledger) > 500
    assert not ledger.duplicated(["document", "line", "claim"]).any()
    for document, length in LENGTHS.items():
        lines = ledger.line[ledger.document.str.startswith(document)]
        assert len(lines) > 30
        assert lines.between(1, length).all()


def test_errata_and_roundings_have_their_reason(ledger: pd.DataFrame) -> None:
    assert (ledger.verdict == "erratum").sum() >= 30
    assert (ledger.note[ledger.verdict != "confirmed"] != "").all()


@pytest.mark.parametrize(
    ("document", "line", "stated"),
    [
        ("000", 341, "(224-2)/2 = 112"),
        ("001", 42, "24M"),
        ("002", 142, "3*3*64 = 576"),
        ("002", 144, "224*224*64*3*3*64"),
        ("003", 513, "window = ceil(in/out), stride = floor(in/out)"),
        ("003", 1043, "I*O + 1"),
        ("003", 1089, "4M"),
        ("004", 22, "26"),
    ],
)
def test_known_errata_are_found(
    ledger: pd.DataFrame, document: str, line: int, stated: str
) -> None:
    rows = ledger[ledger.document.str.startswith(document) & (ledger.line == line)]
    assert rows.verdict[rows.stated == stated].tolist() == ["erratum"]


def failing(claims: list[Claim]) -> set[int]:
    """Return the lines whose claims do not hold."""
    live = Live()
    found = [check("document", claim, live) for claim in claims]
    return {finding.line for finding in found if finding.verdict == "FAILED"}


def replaced(kind: str, count: Callable[..., Cost | None]) -> dict[str, Any]:
    return {**rules.LAYERS, kind: rules.LAYERS[kind]._replace(cost=count)}


def test_a_fault_in_the_operations_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cost.PER_ELEMENT, "relu", 2)
    assert {968, 1008, 1010} <= failing(d003_flops.claims())
    monkeypatch.undo()
    monkeypatch.setattr(rules, "LAYERS", replaced("MaxPooling2D", cost.reduce))
    assert failing(d003_flops.claims()) == {960}


def test_biases_among_the_weights_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(weights: Any) -> dict[str, int]:
        number = sum(weight.shape.num_elements() for weight in weights)
        return {"params": number, "weight_params": number}

    monkeypatch.setattr(table, "_weight_counts", careless)
    assert 636 in failing(d003_pooling.claims())


def test_a_forgotten_dilation_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    window = axis_map.window

    def careless(axis: int, kernel: int, stride: int, dilation: int, before: int) -> AxisMap:
        return window(axis, kernel, stride, 1, before)

    monkeypatch.setattr(axis_map, "window", careless)
    assert failing(d003_fields.claims()) == {422}


def test_the_table_for_people_and_programs(ledger: pd.DataFrame) -> None:
    text = as_text(ledger, 80)
    assert max(map(len, text.splitlines())) <= 80
    assert sum(" erratum " in line for line in text.splitlines()) == sum(
        ledger.verdict == "erratum"
    )
    assert f"{len(ledger)} rows: " in text
    assert "errata:" in text
    assert len(as_csv(ledger).splitlines()) == len(ledger) + 1
    assert as_markdown(ledger).count("\n") == len(ledger) + 3


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the ledger have one claim."""
    holds = Claim(1, "a claim", 1, lambda live: 1)
    monkeypatch.setattr(ledgers, "PARTS", (("000_x", lambda: [holds]),))


@pytest.mark.usefixtures("short")
def test_the_command_exits_0_where_all_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["documents", "--no-training"]) == 0
    assert "1 rows: 1 confirmed" in capsys.readouterr().out
    assert main(["documents", "--no-training", "--csv"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "000_x,1,a claim,1,1,confirmed,"


def test_the_command_exits_1_where_a_row_does_not_hold(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = claim.Claim(1, "a claim", 1, lambda live: 2)
    monkeypatch.setattr(ledgers, "PARTS", (("000_x", lambda: [wrong]),))
    assert main(["documents", "--no-training"]) == 1
    captured = capsys.readouterr()
    assert "FAILED" in captured.out
    assert "1 of 1 rows do not hold" in captured.err


@pytest.mark.usefixtures("short")
def test_without_mnist_the_table_of_accuracies_is_left_out_and_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(*arguments: object) -> None:
        raise DataMissingError("MNIST cannot be had")

    monkeypatch.setattr(accuracy, "trained", missing)
    monkeypatch.delenv("KERAZOO_MNIST_DIR", raising=False)
    assert main(["documents"]) == 0
    assert "the accuracy table is not checked, as MNIST cannot be had" in capsys.readouterr().err
    assert main(["documents", "--mnist-dir", "nowhere"]) == 3
