"""Changes of a run that is resumed: more epochs, or its data at another place."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kerazoo import files
from kerazoo.data import names
from kerazoo.errors import UsageError
from kerazoo.training import runs
from kerazoo.training.config import options_of
from kerazoo.training.run_folder import RunFolder
from kerazoo.values import short

logger = logging.getLogger("kerazoo")


def changed(
    run: Path, config: Mapping[str, Any], epochs: int | None, data: str | None
) -> dict[str, Any]:
    """Return a config.json with more epochs or another place of the data; nothing is written.

    Args:
        run: The directory of the run.
        config: Its config.json.
        epochs: More than it has; None to leave them.
        data: Name of the data set at another place; None to leave it.

    Raises:
        UsageError: It has more epochs.
    """
    options = options_of(config)
    recipe = options.recipe
    changes: dict[str, Any] = {}
    if data is not None:
        if not isinstance(data, str):
            raise UsageError(f"data is {short(data)}, not a name")
        names.check(data)
        changes["data"] = names.absolute(data)
    if epochs is not None and (longer := recipe.changed(epochs=epochs)) != recipe:
        if longer.epochs < recipe.epochs:
            raise UsageError(
                f"'{run}' has {recipe.epochs} epochs: --epochs {epochs} cannot prolong it"
            )
        changes["epochs"] = longer.epochs
        if recipe.schedule in ("cosine", "step") or recipe.warmup:
            logger.warning(
                "the learning rate follows the schedule of %d epochs from here on, not that of %d",
                longer.epochs,
                recipe.epochs,
            )
    return {**config, **changes}


def write(folder: RunFolder, config: Mapping[str, Any]) -> None:
    """Write a config.json that `changed` returned, if it differs.

    With more epochs the run is no longer finished; a kill in between leaves it one of the two.
    """
    before = runs.config(folder.path)
    if config == before:
        return
    if config["epochs"] != before["epochs"]:
        files.remove(folder.path / runs.SUMMARY)
    folder.write_json(runs.CONFIG, dict(config))
