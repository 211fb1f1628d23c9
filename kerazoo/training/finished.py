"""The summary.json of a finished run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kerazoo import files
from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.training import runs
from kerazoo.training.checkpoints import Checkpoints
from kerazoo.training.config import identity, options_of
from kerazoo.training.options import TrainOptions


def summary(run: Path) -> dict[str, Any] | None:
    """Return the summary.json of a finished run, None for an unfinished one.

    Call it where no other process can use the run. The run is finished where the summary fits its
    config.json, and its newest checkpoint, if there is one, is that of the end.

    Raises:
        CorruptFileError: It is not the summary of this run.
    """
    if not runs.is_finished(run):
        return None
    path = run / runs.SUMMARY
    try:
        content = files.read_json(path)
    except (CorruptFileError, UsageError):
        content = None
    config = runs.config(run)
    options = options_of(config)
    checkpoints = Checkpoints(run / "checkpoints")
    state = checkpoints.newest()
    if _fits(content, options, config) and (state is None or _is_last(state.record, options)):
        checkpoints.keep_last()
        return {**content, "out": str(run)}
    advice = "remove it, and --resume continues from the last checkpoint"
    if state is None:
        advice = f"restore it from a copy, or train again with --out '{run}' --overwrite"
    raise CorruptFileError(f"'{path}' is damaged or of another run: {advice}")


def _fits(content: Any, options: TrainOptions, config: Mapping[str, Any]) -> bool:
    """Return whether the content of a summary.json can be that of a run with this config.json."""
    match content:
        case {"model": model, "data": data, "seed": seed, "dry_run": False, "epochs": int(epochs)}:
            recipe = options.recipe
            same = (model, seed) == (options.model, recipe.seed)
            same &= data in (options.data, config["dataset"]["name"])
            return same and 1 <= epochs <= recipe.epochs
    return False


def _is_last(record: Mapping[str, Any], options: TrainOptions) -> bool:
    """Return whether a checkpoint is that of the end of a run with these options."""
    match record:
        case {
            "run": run,
            "position": {"epoch": int(epoch), "step": 0},
            "stop_training": bool(stopped),
        }:
            ended = epoch == options.recipe.epochs or (stopped and epoch > 0)
            return run == identity(options) and ended
    return False
