"""The command `kerazoo train`; nothing heavy is imported before it begins its work."""

import argparse
import dataclasses
import faulthandler
import json
import logging
import sys
from pathlib import Path
from typing import Any

from kerazoo import files, registry
from kerazoo.arguments import (
    Parser,
    add_messages,
    add_mnist_dir,
    drop_output,
    integer,
    one_of,
    path,
    positive,
    print_result,
    start,
)
from kerazoo.data import names
from kerazoo.errors import KerazooError
from kerazoo.training import cluster, runs
from kerazoo.training.options import PRECISIONS, RECIPES, SCHEDULES, Recipe, TrainOptions

MAXIMUM = 2**31 - 1
GIVEN = argparse.SUPPRESS  # what is not given keeps the default of `TrainOptions` or `Recipe`

logger = logging.getLogger("kerazoo")


def add(parser: Parser) -> None:
    """Add the options of `train` to the parser."""
    parser.description = "Train a model and write the results to a run directory."
    _add_data(parser.add_argument_group("what to train"))
    _add_recipe(parser.add_argument_group("how to train it"))
    _add_output(parser.add_argument_group("what to write"))
    add_messages(parser)
    parser.set_defaults(run=_run)


def _add_data(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--model", metavar="NAME", help="the model; `kerazoo list` lists all")
    add(
        "--data",
        default=GIVEN,
        metavar="NAME",
        help="mnist, digits, folder:PATH, an image set of tensorflow-datasets such as cifar10, or "
        "auto: mnist if available, otherwise digits (default: auto)",
    )
    add_mnist_dir(group)
    text = "leave out images of a folder that cannot be read"
    add("--skip-broken", action="store_true", default=GIVEN, help=text)
    text = "use at most N images of each split (default: all)"
    add("--limit", type=integer(1, MAXIMUM), default=GIVEN, metavar="N", help=text)


def _add_recipe(group: argparse._ArgumentGroup) -> None:
    recipe = Recipe()
    group.add_argument(
        "--recipe",
        type=one_of(tuple(RECIPES)),
        default=GIVEN,
        metavar="NAME",
        help="defaults of the options below: notes, those of the study notes, or fast, which is "
        "for mnist_cnn (default: notes, with the values shown)",
    )
    options = [
        ("--epochs", integer(1, MAXIMUM), recipe.epochs, "passes over the training images"),
        ("--batch-size", integer(1, MAXIMUM), recipe.batch_size, "images of one step"),
        ("--learning-rate --lr", positive, recipe.learning_rate, "Adam's learning rate"),
        ("--seed", integer(0, 2**32 - 1), recipe.seed, "of initial weights and order of images"),
    ]
    for flags, kind, default, text in options:
        help_text = f"{text} (default: {default})"
        group.add_argument(*flags.split(), type=kind, default=GIVEN, metavar="N", help=help_text)
    for flag, choices, usual, text in (
        ("--schedule", SCHEDULES, recipe.schedule, "schedule of the learning rate"),
        ("--precision", PRECISIONS, recipe.precision, "dtype policy of the layers"),
    ):
        help_text = f"{text}, one of {', '.join(choices)} (default: {usual})"
        one = one_of(choices)
        group.add_argument(flag, type=one, default=GIVEN, metavar="NAME", help=help_text)
    text = "compile the steps with XLA"
    group.add_argument("--jit", action="store_true", default=GIVEN, help=text)
    group.add_argument(
        "--strategy",
        type=one_of(cluster.STRATEGIES),
        default=GIVEN,
        metavar="NAME",
        help="none: one device; mirrored: all GPUs; multiworker: the machines of TF_CONFIG; "
        "auto: detect (default: auto)",
    )


def _add_output(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    text = "the run directory (default: runs/<time>-<model>-<data>)"
    add("--out", type=path, default=GIVEN, metavar="DIR", help=text)
    for flag, help_text in (
        ("--overwrite", "replace the run in --out"),
        ("--tensorboard", "also write TensorBoard events"),
        ("--dry-run", "try one batch and write nothing"),
    ):
        add(flag, action="store_true", default=GIVEN, help=help_text)
    text = "also save a checkpoint every N steps (default: after epochs only)"
    add("--save-every", type=integer(1, MAXIMUM), default=GIVEN, metavar="N", help=text)
    add(
        "--resume",
        type=path,
        nargs="?",
        const=True,
        metavar="DIR",
        help="continue the unfinished run in DIR (default: the latest one in runs)",
    )


def _run(parsed: argparse.Namespace) -> None:
    summary = _train(parsed) if parsed.resume is None else _resume(parsed)
    strategy = getattr(parsed, "strategy", TrainOptions.strategy)
    if not cluster.of_environment(strategy).is_chief:
        return
    try:
        print_result(json.dumps(summary))
    except OSError as error:
        drop_output(sys.stdout)
        where = f": it is in '{out}/{runs.SUMMARY}'" if (out := summary.get("out")) else ""
        message = f"the result cannot be printed, because of '{error.strerror}'{where}"
        raise KerazooError(message) from error


def _train(parsed: argparse.Namespace) -> dict[str, Any]:
    if parsed.model is None:
        parsed.parser.error("--model NAME is missing, or --resume")
    options = _options(parsed)
    registry.find(options.model)
    names.check(options.data)
    if cluster.of_environment(options.strategy).is_chief and not options.dry_run:
        runs.check(options.out, options.overwrite)
    _start(parsed.debug)
    from kerazoo.training.train import train

    return train(options)


def _start(debug: bool) -> None:
    """Start TensorFlow, and import what a training needs.

    With `debug`, stacks are written if Python crashes or a worker makes no progress.
    """
    if debug:
        faulthandler.enable(2)
    start()
    from kerazoo.device import keeping_signals

    with keeping_signals():
        import kerazoo.training.train  # noqa: F401 - it takes a second


def _resume(parsed: argparse.Namespace) -> dict[str, Any]:
    allowed = {"mnist_dir", "strategy"}
    options = {field.name for kind in (Recipe, TrainOptions) for field in dataclasses.fields(kind)}
    for name in sorted(options - allowed):
        if getattr(parsed, name, None) is not None:
            flag = f"--{name.replace('_', '-')}"
            parsed.parser.error(f"{flag} cannot be combined with --resume")
    strategy = getattr(parsed, "strategy", None)
    where = cluster.of_environment(strategy or TrainOptions.strategy)
    run = Path()
    if where.is_chief:
        run = runs.to_resume(None if parsed.resume is True else parsed.resume)
    if where.workers == 1:
        from kerazoo.training import finished  # it imports NumPy

        with files.locked(run):
            summary = finished.summary(run)
        if summary is not None:
            return summary  # TensorFlow need not start
    _start(parsed.debug)
    from kerazoo.training.train import resume

    return resume(run, parsed.mnist_dir, strategy)


def _options(parsed: argparse.Namespace) -> TrainOptions:
    def given(kind: type[Recipe] | type[TrainOptions]) -> dict[str, Any]:
        names = {field.name for field in dataclasses.fields(kind)}
        return {name: value for name, value in vars(parsed).items() if name in names}

    options = given(TrainOptions)
    recipe = RECIPES[options.pop("recipe", "notes")]
    return TrainOptions(recipe=dataclasses.replace(recipe, **given(Recipe)), **options)
