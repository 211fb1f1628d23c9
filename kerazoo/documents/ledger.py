"""The ledger: all claims of all documents, checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import pandas as pd

from kerazoo.documents import (
    d000_networks,
    d000_tf1_snippets,
    d001_vgg_table,
    d002_counting,
    d003_backward,
    d003_convolution,
    d003_fields,
    d003_flops,
    d003_kinds,
    d003_networks,
    d003_pooling,
    d004_slim_vgg,
)
from kerazoo.documents.claim import Claim, Finding, check
from kerazoo.documents.live import Live

STUDY_NOTES = "003_f507a061fff3ec1f"
PARTS: tuple[tuple[str, Callable[[], list[Claim]]], ...] = (
    (d000_tf1_snippets.NAME, d000_tf1_snippets.claims),
    (d000_tf1_snippets.NAME, d000_networks.claims),
    (d001_vgg_table.NAME, d001_vgg_table.claims),
    (d002_counting.NAME, d002_counting.claims),
    (STUDY_NOTES, d003_convolution.claims),
    (STUDY_NOTES, d003_kinds.claims),
    (STUDY_NOTES, d003_fields.claims),
    (STUDY_NOTES, d003_pooling.claims),
    (STUDY_NOTES, d003_backward.claims),
    (STUDY_NOTES, d003_flops.claims),
    (STUDY_NOTES, d003_networks.claims),
    (d004_slim_vgg.NAME, d004_slim_vgg.claims),
)


def ledger(say: Callable[[str], object], accuracies: Sequence[Claim] = ()) -> pd.DataFrame:
    """Check what the five documents state.

    Args:
        say: Takes a line a document.
        accuracies: The claims of `kerazoo.documents.accuracy`, where a run has been trained.

    Returns:
        A row a claim, by document and line, with the columns of `Finding`.
    """
    live = Live()
    findings: list[Finding] = []
    for document, claims in PARTS:
        found = [check(document, claim, live) for claim in claims()]
        say(f"{document}: {len(found)} claims checked")
        findings += found
    findings += [check(d000_tf1_snippets.NAME, claim, live) for claim in accuracies]
    rows = pd.DataFrame([dataclasses.asdict(finding) for finding in findings])
    return rows.sort_values(["document", "line"], kind="stable", ignore_index=True)
