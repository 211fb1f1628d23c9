"""cnn-study: the long study notes, one module a chapter."""

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
SECTIONS = tuple(section for chapter in CHAPTERS for section in chapter.SECTIONS)
