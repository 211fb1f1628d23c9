"""The commands `kerazoo predict`, `kerazoo evaluate` and `kerazoo export`."""

import argparse
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kerazoo import text
from kerazoo.arguments import (
    Parser,
    add_format,
    add_messages,
    add_mnist_dir,
    integer,
    number,
    one_of,
    path,
    print_result,
    start,
    unchecked_path,
)
from kerazoo.data import names
from kerazoo.device import start_tensorflow
from kerazoo.errors import KerazooError, UsageError
from kerazoo.files import mode
from kerazoo.inference import load
from kerazoo.inference.formats import FORMATS
from kerazoo.options import POSITIVE

MODEL = "the directory of a run, a .keras file, or a name of `kerazoo list`"
SPLITS = ("test", "validation", "train")

logger = logging.getLogger("kerazoo")


def add_predict(parser: Parser) -> None:
    """Add the options of `predict` to the parser."""
    parser.description = (
        "Classify image files. A file that cannot be read costs a line of the log, and the exit "
        "code. Photos of digits are normalized for models that were trained on MNIST."
    )
    parser.add_argument("model", metavar="MODEL", help=MODEL)
    kinds = "a BMP, GIF, JPEG, PNG, TIFF or WebP file, a directory of such, or a pattern"
    parser.add_argument("images", type=unchecked_path, nargs="+", metavar="IMAGE", help=kinds)
    help_text = "how many classes to print for each image (default: 2)"
    parser.add_argument("--top", type=integer(1, 10**6), default=2, metavar="N", help=help_text)
    add_format(parser)
    add_messages(parser)
    parser.set_defaults(run=_predict)


def add_evaluate(parser: Parser) -> None:
    """Add the options of `evaluate` to the parser."""
    parser.description = (
        "Measure how well a model classifies a data set: accuracy, loss, precision and recall of "
        "each class, the confusion matrix and the surest mistakes."
    )
    parser.add_argument("model", metavar="MODEL", help=MODEL)
    add = parser.add_argument
    add("--data", metavar="NAME", help="the data set, as for train (default: the model's own)")
    help_text = f"{text.either(SPLITS)} (default: test)"
    add("--split", type=one_of(SPLITS), default="test", metavar="NAME", help=help_text)
    add_mnist_dir(parser)
    add("--skip-broken", action="store_true", help="leave out images that cannot be read")
    help_text = "use at most N images (default: all)"
    add("--limit", type=integer(1, 2**31 - 1), metavar="N", help=help_text)
    help_text = "write figures of the confusion matrix and the surest mistakes to DIR"
    add("--figures", type=path, metavar="DIR", help=help_text)
    add_format(parser)
    add_messages(parser)
    parser.set_defaults(run=_evaluate)


def add_export(parser: Parser) -> None:
    """Add the options of `export` to the parser."""
    parser.description = (
        "Write a model for another runtime, run it there on random images, and compare the scores. "
        "The formats but keras need pip install 'kerazoo[export]'."
    )
    parser.add_argument("model", metavar="MODEL", help=MODEL)
    add = parser.add_argument
    add("--to", type=one_of(FORMATS), required=True, metavar="FORMAT", help=text.either(FORMATS))
    help_text = "the file or, for saved_model, the directory (default: by the model's name)"
    add("--out", type=path, metavar="PATH", help=help_text)
    help_text = "have it take uint8 images of any size and preprocess them"
    add("--with-preprocessing", action="store_true", help=help_text)
    help_text = "maximum relative difference of the scores (default: 1e-4)"
    add("--tolerance", type=number(POSITIVE), default=1e-4, metavar="N", help=help_text)
    add_format(parser)
    add_messages(parser)
    parser.set_defaults(run=_export)


def _predict(parsed: argparse.Namespace) -> None:
    load.check_name(parsed.model)
    from kerazoo.inference.image_files import expand  # it imports NumPy

    images = expand(parsed.images)
    if not any(map(_may_be_there, images)):
        raise UsageError(f"there is no file '{images[0]}'")
    start_tensorflow()
    from kerazoo.inference.classifier import Classifier
    from kerazoo.progress import progress_bar

    classifier = Classifier.of(load.load(parsed.model))
    rows: list[dict[str, Any]] = []
    errors: list[KerazooError] = []
    results = classifier.classify(images)
    for image, result in progress_bar(results, desc="images", total=len(images)):
        if isinstance(result, KerazooError):
            errors.append(result)
        else:
            rows.append(
                {"image": str(image), **_ranked(classifier.class_names, result, parsed.top)}
            )
    if rows:
        width = text.terminal_width()
        cell = None if parsed.format == "csv" else _three_decimals
        print_result(text.format_table(rows, parsed.format, cell=cell, width=width))
    if errors:
        *others, last = sorted(errors, key=lambda error: error.exit_code)
        for error in others:
            logger.error("%s", error)
        raise last


def _ranked(class_names: Sequence[str], scores: Any, top: int) -> dict[str, Any]:
    """Return the classes with the highest scores and their probabilities, as columns."""
    columns: dict[str, Any] = {}
    for place, label in enumerate((-scores).argsort(kind="stable")[:top], start=1):
        number = f" {place}" if place > 1 else ""
        columns[f"class{number}"] = class_names[label]
        columns[f"probability{number}"] = float(scores[label])
    return columns


def _may_be_there(image: Path) -> bool:
    try:
        return mode(image) is not None
    except (UsageError, OSError):  # what is wrong is reported with the others
        return True


def _three_decimals(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else text.readable(value)


def _evaluate(parsed: argparse.Namespace) -> None:
    load.check_name(parsed.model)
    if parsed.data is not None:
        names.check(parsed.data)
    if parsed.figures and mode(parsed.figures) is not None and not parsed.figures.is_dir():
        raise UsageError(f"--figures '{parsed.figures}' is not a directory: name another")
    start()
    load.set_threads(parsed.model)
    from kerazoo.inference.evaluation import evaluate_model

    evaluation, title = evaluate_model(
        load.load(parsed.model),
        parsed.data,
        parsed.split,
        mnist_dir=parsed.mnist_dir,
        skip_broken=parsed.skip_broken,
        limit=parsed.limit,
    )
    _print_evaluation(evaluation, title, parsed.format)
    if parsed.figures:
        from kerazoo.inference import figures

        for figure in figures.write(evaluation, parsed.figures, title):
            logger.info("wrote '%s'", figure)


def _print_evaluation(evaluation: Any, title: str, format: str) -> None:
    if format == "json":
        print_result(json.dumps(evaluation.to_json()))
        return
    rows = evaluation.by_class().to_dict("records")
    width, cell = text.terminal_width(), None if format == "csv" else _four_decimals
    print_result(text.format_table(rows, format, cell=cell, width=width))
    if format == "table":
        print_result(f"\n{title}: {evaluation.summary()}")


def _four_decimals(value: Any) -> str:
    if text.is_missing(value):
        return ""
    return f"{value:.4f}" if isinstance(value, float) else text.readable(value)


def _export(parsed: argparse.Namespace) -> None:
    load.check_name(parsed.model)
    start()
    from kerazoo.inference.export import export
    from kerazoo.weights import model_file

    if parsed.out and parsed.out.resolve() == model_file(Path(parsed.model)).resolve():
        raise UsageError(f"--out '{parsed.out}' is the model itself: name another file")
    report = export(
        load.load(parsed.model),
        parsed.to,
        parsed.out,
        with_preprocessing=parsed.with_preprocessing,
        tolerance=parsed.tolerance,
    )
    print_result(text.format_table([report.row()], parsed.format, width=text.terminal_width()))
