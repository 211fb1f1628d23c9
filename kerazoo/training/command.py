"""The verb `train`; nothing heavy is imported before it begins its work."""

from __future__ import annotations

import argparse
import dataclasses
import faulthandler
import json
import signal
from pathlib import Path
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
from kerazoo.training import cluster, runs
from kerazoo.training.options import PRECISIONS, RECIPES, SCHEDULES, Recipe, TrainOptions

MOST = 2**31 - 1
GIVEN = argparse.SUPPRESS  # what is not given is left to the defaults of the options themselves


def add(parser: Parser) -> None:
    """Give the parser the options of `train`."""
    parser.description = "Train a model and leave what came of it in a run folder."
    _add_data(parser.add_argument_group("what to train"))
    _add_recipe(parser.add_argument_group("how to train it"))
    _add_outcome(parser.add_argument_group("what to leave"))
    parser.set_defaults(run=_run)


def _add_data(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--model", metavar="NAME", help="the model; `kerazoo list` names them")
    add(
        "--data",
        default=GIVEN,
        metavar="NAME",
        help="mnist, digits, folder:PATH, an image set of tensorflow-datasets such as cifar10, or "
        "auto: mnist where it can be had, otherwise digits (default: auto)",
    )
    add_mnist_dir(group)
    text = "use N images at the most of each split (default: all)"
    add("--limit", type=whole(1, MOST), default=GIVEN, metavar="N", help=text)


def _add_recipe(group: argparse._ArgumentGroup) -> None:
    recipe = Recipe()
    group.add_argument(
        "--recipe",
        type=one_of(tuple(RECIPES)),
        default=GIVEN,
        metavar="NAME",
        help="what the options below do not say: documents, or fast, which is for mnist_cnn "
        "(default: documents, whose values they name)",
    )
    options = [
        ("--epochs", whole(1, MOST), recipe.epochs, "passes over the training images"),
        ("--batch-size", whole(1, MOST), recipe.batch_size, "images of one step"),
        ("--learning-rate", positive, recipe.learning_rate, "Adam's step size"),
        ("--seed", whole(0, 2**32 - 1), recipe.seed, "of the weights and the order of images"),
    ]
    for flag, kind, default, text in options:
        help_text = f"{text} (default: {default})"
        group.add_argument(flag, type=kind, default=GIVEN, metavar="N", help=help_text)
    for flag, choices, usual, text in (
        ("--schedule", SCHEDULES, recipe.schedule, "of the step size"),
        ("--precision", PRECISIONS, recipe.precision, "of the layers"),
    ):
        help_text = f"{text}, one of {', '.join(choices)} (default: {usual})"
        one = one_of(choices)
        group.add_argument(flag, type=one, default=GIVEN, metavar="NAME", help=help_text)
    text = "have XLA compile the steps"
    group.add_argument("--jit", action="store_true", default=GIVEN, help=text)
    group.add_argument(
        "--strategy",
        type=one_of(cluster.STRATEGIES),
        default=GIVEN,
        metavar="NAME",
        help="none: one device; mirrored: all GPUs; multiworker: the machines of TF_CONFIG; "
        "auto: what there is (default: auto)",
    )


def _add_outcome(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    text = "the run folder (default: runs/<time>-<model>-<data>)"
    add("--out", type=path, default=GIVEN, metavar="DIR", help=text)
    for flag, help_text in (
        ("--overwrite", "replace the run that is in --out"),
        ("--tensorboard", "write TensorBoard events too"),
        ("--dry-run", "try one batch and write nothing"),
    ):
        add(flag, action="store_true", default=GIVEN, help=help_text)
    text = "save a checkpoint each N steps too, not only at an epoch's end"
    add("--save-every", type=whole(1, MOST), default=GIVEN, metavar="N", help=text)
    add(
        "--resume",
        type=path,
        nargs="?",
        const=True,
        metavar="DIR",
        help="go on with the unfinished run in DIR (default: the latest one in runs)",
    )
    add_debug(group)


def _run(parsed: argparse.Namespace) -> None:
    if parsed.resume is not None:
        _resume(parsed)
        return
    if parsed.model is None:
        parsed.parser.error("--model NAME is missing, or --resume")
    options = _options(parsed)
    registry.find(options.model)
    names.check(options.data)
    where = cluster.of_environment(options.strategy)
    if where.is_chief and not options.dry_run:
        runs.check(options.out, options.overwrite)

    device = _start(parsed.debug)

    from kerazoo.training import cores
    from kerazoo.training.train import train

    if where.workers == 1 and not options.recipe.jit:
        parts = cores.parts(registry.find(options.model), options.recipe.batch_size)
        cores.share_out(parts)
        options = dataclasses.replace(
            options, recipe=dataclasses.replace(options.recipe, parts=parts)
        )
    summary = train(options, device, say=say)
    if where.is_chief:
        say(json.dumps(summary))


def _start(debug: bool) -> str:
    """Let SIGTERM end it as Ctrl-C does, and start TensorFlow.

    With `debug`, stacks are written where Python crashes or a worker makes no progress.
    """
    if debug:
        faulthandler.enable(2)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return start()


def _resume(parsed: argparse.Namespace) -> None:
    own = {"resume", "mnist_dir", "strategy", "debug"}
    kept = {field.name for kind in (Recipe, TrainOptions) for field in dataclasses.fields(kind)}
    for name in kept - own:
        if getattr(parsed, name, None) is not None:
            flag = f"--{name.replace('_', '-')}"
            parsed.parser.error(f"{flag} has no place beside --resume: the run keeps its own")
    strategy = getattr(parsed, "strategy", TrainOptions.strategy)
    where = cluster.of_environment(strategy)
    run = Path()
    if where.is_chief:
        run = runs.to_resume(None if parsed.resume is True else parsed.resume)
    if where.workers == 1:
        if ended := runs.summary(run):  # not worth starting TensorFlow
            say(runs.already_finished(run))
            say(json.dumps(ended))
            return
        config = runs.config(run)
        if "strategy" not in parsed and config.get("strategy") in cluster.OF_ONE_MACHINE:
            strategy = config["strategy"]

    _start(parsed.debug)

    from kerazoo.training import cores
    from kerazoo.training.config import options_of
    from kerazoo.training.train import resume

    if where.workers == 1:
        options, _ = options_of(config)
        cores.share_out(options.recipe.parts)
    summary = resume(run, parsed.mnist_dir, strategy, say=say)
    if where.is_chief:
        say(json.dumps(summary))


def _options(parsed: argparse.Namespace) -> TrainOptions:
    def given(kind: type[Recipe] | type[TrainOptions]) -> dict[str, Any]:
        names = {field.name for field in dataclasses.fields(kind)}
        return {name: value for name, value in vars(parsed).items() if name in names}

    options = given(TrainOptions)
    recipe = RECIPES[options.pop("recipe", "documents")]
    return TrainOptions(recipe=dataclasses.replace(recipe, **given(Recipe)), **options)
