"""The config.json of a run: what is needed to repeat or resume it."""

from __future__ import annotations

import contextlib
import dataclasses
import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from kerazoo import registry
from kerazoo._version import __version__
from kerazoo.data import names
from kerazoo.data.images import ImageData
from kerazoo.errors import CorruptFileError, DataMissingError, UsageError
from kerazoo.lazy import keras
from kerazoo.training.options import Recipe, TrainOptions

PACKAGES = ("tensorflow", "keras", "numpy", "scikit-learn", "tensorflow-datasets")


def record(
    options: TrainOptions, data: ImageData, model: keras.Model, device: str
) -> dict[str, Any]:
    """Return the content of config.json: every option, the optimizer, device, data, versions."""
    merged = dataclasses.asdict(options)
    recipe = merged.pop("recipe")
    return {
        **merged,
        **recipe,
        "optimizer": model.optimizer.get_config(),
        "device": device,
        "dataset": {
            "name": data.name,
            "fingerprint": data.fingerprint,
            "image_shape": data.image_shape,
            "classes": data.class_names,
        },
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    return {
        "kerazoo": __version__,
        "python": platform.python_version(),
        **{package: metadata.version(package) for package in PACKAGES},
    }


def identity(options: TrainOptions) -> dict[str, Any]:
    """Return the options that decide the result, which checkpoints keep."""
    kept = {"model": options.model, "limit": options.limit}
    return {**kept, **dataclasses.asdict(options.recipe)}


def options_of(config: Mapping[str, Any]) -> tuple[TrainOptions, str]:
    """Return the options in a config.json, without the run directory.

    Returns:
        The options, and the fingerprint of the data.

    Raises:
        CorruptFileError: It was not written by a run, or was changed.
    """
    try:
        recipe = Recipe(**{each.name: config[each.name] for each in dataclasses.fields(Recipe)})
        options = TrainOptions(
            model=config["model"],
            data=config["dataset"]["name"],
            mnist_dir=config["mnist_dir"],
            limit=config["limit"],
            skip_broken=config.get("skip_broken", False),
            recipe=recipe,
            tensorboard=config["tensorboard"],
            strategy=config["strategy"],
            save_every=config["save_every"],
        )
        registry.find(options.model)
        with contextlib.suppress(DataMissingError):  # which is reported when the data are loaded
            names.check(options.data)
        return options, config["dataset"]["fingerprint"]
    except LookupError as error:
        raise CorruptFileError(f"config.json of the run lacks {error}") from error
    except (UsageError, TypeError, RecursionError) as error:
        raise CorruptFileError(f"config.json of the run is damaged: {error}") from error


def changed_versions(config: Mapping[str, Any]) -> list[str]:
    """Return the packages whose versions have changed since the run began."""
    now, then = _versions(), config["versions"]
    changed = (name for name in now if now[name] != then.get(name))
    return [f"{name} {then.get(name)}, now {now[name]}" for name in changed]
