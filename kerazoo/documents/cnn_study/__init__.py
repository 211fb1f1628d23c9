"""cnn-study: the long study notes, one module a chapter."""

from __future__ import annotations

from collections.abc import Iterator

from kerazoo.documents.claim import Claim
from kerazoo.documents.cnn_study import (
    backward,
    convolution,
    fields,
    flops,
    kinds,
    networks,
    pooling,
)

CHAPTERS = (convolution, kinds, fields, pooling, backward, flops, networks)


def claims() -> Iterator[Claim]:
    """Yield what the notes state, chapter by chapter."""
    for chapter in CHAPTERS:
        yield from chapter.claims()
