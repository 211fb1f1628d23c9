"""The ledger itself: every row but the training, and that a fault anywhere makes rows fail."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from keras.src.backend.common.stateless_scope import in_stateless_scope

from kerazoo.accounting import axis_map, cost, nonlinear, rules, table
from kerazoo.accounting.axis_map import AxisMap
from kerazoo.accounting.cost import Cost
from kerazoo.documents import ledger as ledgers
from kerazoo.documents import probes
from kerazoo.documents.claim import Sections, check
from kerazoo.documents.cnn_study import fields, flops
from kerazoo.documents.cnn_study import pooling as pools
from kerazoo.documents.render import formatted
from tests.helpers import golden

LENGTHS = {
    "cnn-notes": 404, "vgg-walkthrough": 66, "counting": 161, "cnn-study": 1145, "slim-vgg": 109,
}  # fmt: skip


def forget() -> None:
    """Drop what the probes have cached, such that the next claims are recomputed."""
    for probe in (probes.model, probes.runnable, probes.table):
        probe.cache_clear()


@pytest.fixture
def forgetful() -> Iterator[None]:
    """Let no result of a test be another's."""
    forget()
    yield
    forget()


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
        forget()
        yield ledgers.table(ledgers.rows())
    forget()


def test_no_claim_computes_with_a_model_that_has_shapes_alone(
    ledger: pd.DataFrame, made_up: list[str]
) -> None:
    assert made_up == []
    np.asarray(probes.model("mnist_cnn")(np.zeros((1, 28, 28, 1))))
    assert "conv1/kernel" in made_up
    forget()


def test_every_row_holds(ledger: pd.DataFrame) -> None:
    failed = ledger[ledger.verdict == "FAILED"]
    assert failed.empty, failed.to_string()


def test_the_committed_ledger_is_what_comes_out(
    ledger: pd.DataFrame, request: pytest.FixtureRequest
) -> None:
    overwrite = request.config.getoption("--overwrite")
    golden.check(ledgers.COMMITTED, f"{formatted(ledger, 'csv')}\n", overwrite)
    assert len(ledgers.COMMITTED.read_text().splitlines()) == 1 + len(ledger)


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_the_terminal_and_cuts_nothing(ledger: pd.DataFrame, width: int) -> None:
    text = formatted(ledger, "table", width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text


def test_it_is_complete_and_has_no_duplicates(ledger: pd.DataFrame) -> None:
    assert len(ledger) > 500
    assert not ledger.duplicated(["document", "line", "claim"]).any()
    assert list(ledger.document.unique()) == list(LENGTHS)
    for document, length in LENGTHS.items():
        lines = ledger.line[ledger.document == document]
        assert len(lines) > 30
        assert lines.between(1, length).all()
        assert lines.is_monotonic_increasing


def test_how_many_rows_have_which_verdict(ledger: pd.DataFrame) -> None:
    counts = Counter(ledger.verdict)
    assert (counts["erratum"], counts["rounded"]) == (35, 23)
    assert set(counts) == {"confirmed", "setting", "rounded", "erratum"}


def test_errata_and_roundings_have_their_reason(ledger: pd.DataFrame) -> None:
    explained = ledger.verdict.isin(["erratum", "rounded"])
    assert (ledger.note[explained] != "").all()
    assert (ledger.note[~explained] == "").all()


@pytest.mark.parametrize(
    ("document", "line", "stated"),
    [
        ("cnn-notes", 341, "(224-2)/2 = 112"),
        ("vgg-walkthrough", 42, "24M"),
        ("counting", 142, "3*3*64 = 576"),
        ("counting", 144, "224*224*64*3*3*64"),
        ("cnn-study", 513, "window = ceil(in/out), stride = floor(in/out)"),
        ("cnn-study", 1043, "I*O + 1"),
        ("cnn-study", 1089, "4M"),
        ("slim-vgg", 22, "26"),
    ],
)
def test_known_errata_are_found(
    ledger: pd.DataFrame, document: str, line: int, stated: str
) -> None:
    rows = ledger[(ledger.document == document) & (ledger.line == line)]
    assert rows.verdict[rows.stated.astype(str) == stated].tolist() == ["erratum"]


def failing(sections: Sections) -> set[int]:
    """Return the lines whose claims do not hold."""
    rows = (check("document", claim) for section in sections for claim in section())
    return {row.line for row in rows if row.verdict == "FAILED"}


def replaced(kind: str, count: Callable[..., Cost]) -> dict[str, Any]:
    return {**rules.LAYERS, kind: rules.LAYERS[kind]._replace(cost=count)}


@pytest.mark.usefixtures("forgetful")
def test_a_fault_in_the_operations_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cost.PER_ELEMENT, "relu", 2)
    assert {968, 1008, 1010} <= failing(flops.SECTIONS)
    monkeypatch.undo()
    monkeypatch.setattr(rules, "LAYERS", replaced("MaxPooling2D", nonlinear.reduce))
    assert failing(flops.SECTIONS) == {960}


@pytest.mark.usefixtures("forgetful")
def test_biases_among_the_weights_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(weights: Any) -> dict[str, int]:
        number = sum(weight.shape.num_elements() for weight in weights)
        return {"params": number, "weight_params": number}

    monkeypatch.setattr(table, "_weight_counts", careless)
    assert 636 in failing(pools.SECTIONS)


@pytest.mark.usefixtures("forgetful")
def test_a_forgotten_dilation_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    window = axis_map.window

    def careless(axis: int, kernel: int, stride: int, dilation: int, before: int) -> AxisMap:
        return window(axis, kernel, stride, 1, before)

    monkeypatch.setattr(axis_map, "window", careless)
    assert failing(fields.SECTIONS) == {422}


def test_the_table_for_people_and_programs(ledger: pd.DataFrame) -> None:
    text = formatted(ledger, "table", 80)
    assert max(map(len, text.splitlines())) <= 80
    assert sum(" erratum " in line for line in text.splitlines()) == sum(
        ledger.verdict == "erratum"
    )
    assert f"{len(ledger)} rows: " in text
    assert "errata:" in text
    assert len(formatted(ledger, "csv").splitlines()) == len(ledger) + 1
    assert formatted(ledger, "markdown").count("\n") == len(ledger) + 3


def test_the_files_of_the_notes_are_named_in_the_readme_alone() -> None:
    package = ledgers.COMMITTED.parent
    readme = (package / "README.md").read_text(encoding="utf-8")
    files = dict(re.findall(r"^\| `([a-z-]+)` \| `(00\d_\w+)` \|", readme, re.MULTILINE))
    assert list(files) == list(LENGTHS)
    code = "".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    assert not any(file in code for file in files.values())
