"""The verb `train`; nothing heavy is imported before it begins its work."""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
from typing import Any

from kerazoo import registry
from kerazoo.arguments import (
    Parser,
    add_debug,
    add_mnist_dir,
    one_of,
    path,
    positive,
    say,
    start,
    whole,
)
from kerazoo.data import names
from kerazoo.training import run_folder
from kerazoo.training.options import PRECISIONS, Recipe, TrainOptions

MOST = 2**31 - 1


def add(parser: Parser) -> None:
    """Give the parser the options of `train`."""
    parser.description = "Train a model and leave what came of it in a run folder."
    _add_data(parser.add_argument_group("what to train"))
    _add_recipe(parser.add_argument_group("how to train it"))
    _add_outcome(parser.add_argument_group("what to leave"))
    parser.set_defaults(run=_run)


def _add_data(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--model", required=True, metavar="NAME", help="the model; `kerazoo list` names them")
    add(
        "--data",
        default="auto",
        metavar="NAME",
        help="mnist, digits, folder:PATH, an image set of tensorflow-datasets such as cifar10, or "
        "auto: mnist where it can be had, otherwise digits (default: auto)",
    )
    add_mnist_dir(group)
    text = "use N images at the most of each split (default: all)"
    add("--limit", type=whole(1, MOST), metavar="N", help=text)


def _add_recipe(group: argparse._ArgumentGroup) -> None:
    recipe = Recipe()
    options = [
        ("--epochs", whole(1, MOST), recipe.epochs, "passes over the training images"),
        ("--batch-size", whole(1, MOST), recipe.batch_size, "images of one step"),
        ("--learning-rate", positive, recipe.learning_rate, "Adam's step size"),
        ("--seed", whole(0, 2**32 - 1), recipe.seed, "of the weights and the order of images"),
    ]
    for flag, kind, default, text in options:
        help_text = f"{text} (default: {default})"
        group.add_argument(flag, type=kind, default=default, metavar="N", help=help_text)
    group.add_argument(
        "--precision",
        type=one_of(PRECISIONS),
        default=recipe.precision,
        metavar="NAME",
        help=f"of the layers, {' or '.join(PRECISIONS)} (default: {recipe.precision})",
    )


def _add_outcome(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    text = "the run folder (default: runs/<time>-<model>-<data>)"
    add("--out", type=path, metavar="DIR", help=text)
    add("--overwrite", action="store_true", help="replace the run that is in --out")
    add("--tensorboard", action="store_true", help="write TensorBoard events too")
    add("--dry-run", action="store_true", help="try one batch and write nothing")
    add_debug(group)


def _run(parsed: argparse.Namespace) -> None:
    options = _options(parsed)
    registry.find(options.model)
    names.check(options.data)
    if not options.dry_run:
        run_folder.check(options.out, options.overwrite)

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    device = start()

    from kerazoo.training.train import train

    say(json.dumps(train(options, device, say=say)))


def _options(parsed: argparse.Namespace) -> TrainOptions:
    def given(kind: type[Recipe] | type[TrainOptions]) -> dict[str, Any]:
        names = {field.name for field in dataclasses.fields(kind)}
        return {name: value for name, value in vars(parsed).items() if name in names}

    return TrainOptions(recipe=Recipe(**given(Recipe)), **given(TrainOptions))
