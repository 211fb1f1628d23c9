"""The command `kerazoo bench`."""

import argparse
import contextlib
import importlib
from typing import Any

from kerazoo import registry, text
from kerazoo.arguments import (
    Parser,
    add_format,
    add_messages,
    image_shape,
    integer,
    one_of,
    print_result,
    start,
)

SUBJECTS = ("train", "workers", "infer", "start", "accounting")
WITH_MODEL = ("train", "workers", "infer")
OPTIONS = ("model", "batch_size", "augment", "input_shape")


def add(parser: Parser) -> None:
    """Add the options of `bench` to the parser."""
    parser.description = (
        "Measure a part of kerazoo and compare it with other programs: medians and ratios."
    )
    add = parser.add_argument
    add("subject", type=one_of(SUBJECTS), metavar="SUBJECT", help=", ".join(SUBJECTS))
    default = "default: train mnist_cnn, workers mnist_cnn and resnet18, infer vgg16"
    add("--model", default=argparse.SUPPRESS, metavar="NAME", help=f"the model ({default})")
    sizes = "images of a step; workers: the smallest global batch (default: train 100, infer 8)"
    add("--batch-size", type=integer(1, 2**20), default=argparse.SUPPRESS, metavar="N", help=sizes)
    text_of_augment = "train: none, or standard, compared with Keras's layers (default: none)"
    names = ("none", "standard")
    add(
        "--augment",
        type=one_of(names),
        default=argparse.SUPPRESS,
        metavar="NAME",
        help=text_of_augment,
    )
    shape = "train: shape of the images, such as 64x64x3 (default: the model's)"
    add("--input-shape", type=image_shape, default=argparse.SUPPRESS, metavar="HxWxC", help=shape)
    add_format(parser)
    add_messages(parser)
    parser.set_defaults(run=_bench)


def _bench(parsed: argparse.Namespace) -> None:
    given = {name: vars(parsed)[name] for name in OPTIONS if name in parsed}
    if {"augment", "input_shape"} & given.keys() and parsed.subject != "train":
        parsed.parser.error(f"{parsed.subject} takes neither --augment nor --input-shape")
    if given and parsed.subject not in WITH_MODEL:
        parsed.parser.error(f"{parsed.subject} takes neither --model nor --batch-size")
    if "model" in given:
        registry.find(given["model"])
    if parsed.subject == "workers":
        from kerazoo.bench.workers import cases  # it imports NumPy

        cases(**given)  # an odd batch is refused before TensorFlow is imported
    start(deterministic=False)  # the default of the other programs
    subject = importlib.import_module(f"kerazoo.bench.{parsed.subject}")
    rows: list[dict[str, Any]] = []
    try:
        with contextlib.closing(subject.bench(**given)) as tables:
            for rows in tables:  # noqa: B007 - the last ones are printed below
                pass
    finally:  # an interrupted benchmark prints its finished rounds
        if rows:
            cell = text.figure if parsed.format in ("table", "markdown", "latex") else None
            width = text.terminal_width()
            print_result(text.format_table(rows, parsed.format, cell=cell, width=width))
