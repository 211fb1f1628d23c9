"""The ledger: the claims of all documents, checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from kerazoo.documents import cnn_notes, cnn_study, counting, slim_vgg, vgg_walkthrough
from kerazoo.documents.claim import Row, check

DOCUMENTS = {
    "cnn-notes": cnn_notes.claims,
    "vgg-walkthrough": vgg_walkthrough.claims,
    "counting": counting.claims,
    "cnn-study": cnn_study.claims,
    "slim-vgg": slim_vgg.claims,
}
COMMITTED = Path(__file__).with_name("ledger.csv")


def rows() -> Iterator[Row]:
    """Yield the rows of all documents, but for accuracies, which need training."""
    for document, claims in DOCUMENTS.items():
        for claim in claims():
            yield check(document, claim)


def committed_rows() -> int:
    """Return the number of rows of the committed ledger."""
    return len(pd.read_csv(COMMITTED))


def table(rows: Iterable[Row]) -> pd.DataFrame:
    """Return rows as a table with the columns of `Row`, by document and line."""
    ledger = pd.DataFrame(rows, columns=Row._fields)
    ledger["document"] = pd.Categorical(ledger.document, categories=list(DOCUMENTS))
    ordered = ledger.sort_values(["document", "line"], kind="stable", ignore_index=True)
    return ordered.astype({"document": str})
