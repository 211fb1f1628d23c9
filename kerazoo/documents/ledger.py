"""The ledger: the claims of all documents, checked."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from kerazoo.documents import cnn_notes, cnn_study, counting, slim_vgg, vgg_walkthrough
from kerazoo.documents.claim import Row, Sections, check

DOCUMENTS: dict[str, Sections] = {
    "cnn-notes": cnn_notes.SECTIONS,
    "vgg-walkthrough": vgg_walkthrough.SECTIONS,
    "counting": counting.SECTIONS,
    "cnn-study": cnn_study.SECTIONS,
    "slim-vgg": slim_vgg.SECTIONS,
}
COMMITTED = Path(__file__).with_name("ledger.csv")


def rows() -> Iterator[Row]:
    """Yield the rows of all documents, except accuracies, which need training."""
    for document, sections in DOCUMENTS.items():
        for section in sections:
            for claim in section():
                yield check(document, claim)


def table(rows: Iterable[Row]) -> pd.DataFrame:
    """Return rows as a table with the columns of `Row`, by document and line."""
    ledger = pd.DataFrame(rows, columns=Row._fields)
    ledger["document"] = pd.Categorical(ledger.document, categories=list(DOCUMENTS))
    ordered = ledger.sort_values(["document", "line"], kind="stable", ignore_index=True)
    return ordered.astype({"document": str})
