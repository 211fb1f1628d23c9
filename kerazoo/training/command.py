"""The command `kerazoo train`; nothing heavy is imported before it begins its work."""

import argparse
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
    add_options,
    drop_output,
    image_shape,
    integer,
    model_option,
    one_of,
    path,
    print_result,
    start,
)
from kerazoo.data import names
from kerazoo.errors import KerazooError
from kerazoo.recipe import Recipe
from kerazoo.training import cluster, runs
from kerazoo.training.options import (
    AUGMENTATIONS,
    RECIPES,
    TrainOptions,
    make_options,
    recipe_names,
    run_names,
)

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
    text = "NAME=VALUE: an option of the model, such as alpha=0.5"
    add(
        "--model-option",
        dest="model_options",
        type=model_option,
        action="append",
        default=GIVEN,
        metavar="OPTION",
        help=text,
    )
    text = "shape of the images, such as 32x32x3 (default: the model's)"
    add("--input-shape", type=image_shape, default=GIVEN, metavar="HxWxC", help=text)
    add(
        "--weights",
        default=GIVEN,
        metavar="WEIGHTS",
        help="start from these: imagenet, a .keras or .h5 file, a checkpoint of tf-slim or TF1, or "
        "a run; with other classes the last layer is new (default: random)",
    )
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
    add = group.add_argument
    names = [
        ("--recipe", RECIPES, "default: the model's own; paper: that of its paper; notes: that of "
         "the study notes; fast, which is for mnist_cnn (default: default)"),
        ("--augment", AUGMENTATIONS, "none; standard: flips, and crops with padding; paper: that "
         "of the model's paper (default: the recipe's)"),
        ("--strategy", cluster.STRATEGIES, "none: one device; mirrored: all GPUs; multiworker: the "
         "machines of TF_CONFIG; slurm: the tasks of a SLURM job; auto: detect (default: auto)"),
    ]  # fmt: skip
    for flag, choices, text in names:
        add(flag, type=one_of(choices), default=GIVEN, metavar="NAME", help=text)
    add_options(group, Recipe)


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
        runs.check(options.out, options.overwrite, options.data)
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
    allowed = {"mnist_dir", "strategy", "epochs", "data"}
    for name in sorted((recipe_names() | run_names() | {"augment"}) - allowed):
        if getattr(parsed, name, None) is not None:
            flag = f"--{name.replace('_', '-').replace('options', 'option')}"
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
        if summary is not None and not hasattr(parsed, "epochs"):
            logger.info(runs.ALREADY_FINISHED, run)
            return summary  # TensorFlow need not start
    _start(parsed.debug)
    from kerazoo.training.train import resume

    epochs, data = getattr(parsed, "epochs", None), getattr(parsed, "data", None)
    return resume(run, parsed.mnist_dir, strategy, epochs=epochs, data=data)


def _options(parsed: argparse.Namespace) -> TrainOptions:
    known = recipe_names() | run_names() | {"augment"}
    given = {name: value for name, value in vars(parsed).items() if name in known}
    given["model_options"] = dict(given.get("model_options", ()))
    return make_options(**given)
