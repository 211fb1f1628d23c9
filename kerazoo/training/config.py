"""The config.json of a run: what is needed to repeat or resume it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from kerazoo import registry
from kerazoo._version import __version__
from kerazoo.data import names
from kerazoo.data.images import ImageData
from kerazoo.errors import CorruptFileError, DataMissingError, UsageError
from kerazoo.lazy import keras
from kerazoo.recipe import Recipe
from kerazoo.training.options import TrainOptions
from kerazoo.values import short
from kerazoo.weights.preprocessing import BY_NAME, Preprocessing

PACKAGES = ("tensorflow", "keras", "numpy", "scikit-learn", "tensorflow-datasets")


def record(
    options: TrainOptions,
    data: ImageData,
    model: keras.Model,
    preprocessing: Preprocessing,
    device: str,
) -> dict[str, Any]:
    """Return the content of config.json: every option, the optimizer, device, data, versions."""
    merged = dataclasses.asdict(dataclasses.replace(options, weights=None))
    recipe = merged.pop("recipe")
    return {
        **merged,
        **recipe,
        "data": names.absolute(data.name),
        "mnist_dir": options.mnist_dir and options.mnist_dir.absolute(),
        "weights": _weights(options),
        "preprocessing": preprocessing.name,
        "optimizer_config": model.optimizer.get_config(),
        "device": device,
        "dataset": {
            "name": data.name,
            "fingerprint": data.fingerprint,
            "image_shape": data.image_shape,
            "classes": data.class_names,
        },
        "versions": _versions(),
    }


def _weights(options: TrainOptions) -> str | None:
    """Return the name or the absolute path of the weights that a run starts from."""
    weights = options.weights
    if weights is None:
        return None
    if isinstance(weights, keras.Model):
        return f"a model '{weights.name}'"
    path = Path(weights)
    return str(path.absolute() if path.exists() else path)


def _versions() -> dict[str, str]:
    return {
        "kerazoo": __version__,
        "python": platform.python_version(),
        **{package: metadata.version(package) for package in PACKAGES},
    }


def identity(options: TrainOptions) -> dict[str, Any]:
    """Return the options that decide the result, which checkpoints keep."""
    names = ("model", "limit", "input_shape")
    kept = {name: getattr(options, name) for name in names}
    recipe = dataclasses.asdict(options.recipe)
    return plain_json({**kept, "model_options": dict(options.model_options), **recipe})


def plain_json(content: Any) -> Any:
    """Return values as they are after JSON, with lists in the place of tuples."""
    return json.loads(json.dumps(content))


def options_of(config: Mapping[str, Any]) -> TrainOptions:
    """Return the options in a config.json, without the run directory.

    Raises:
        CorruptFileError: It was not written by a run, or was changed.
    """
    try:
        recipe = Recipe(**{each.name: config[each.name] for each in dataclasses.fields(Recipe)})
        shape = config["input_shape"]
        options = TrainOptions(
            model=config["model"],
            data=config["data"],
            model_options=config["model_options"],
            input_shape=None if shape is None else tuple(shape),
            weights=config["weights"],
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
        if config["preprocessing"] not in BY_NAME:
            raise UsageError(f"unknown preprocessing {short(config['preprocessing'])}")
        if not isinstance(fingerprint := config["dataset"]["fingerprint"], str):
            raise UsageError(f"the fingerprint of the data is {short(fingerprint)}")
        return options
    except LookupError as error:
        raise CorruptFileError(f"config.json of the run lacks {error}") from error
    except (UsageError, TypeError, RecursionError) as error:
        raise CorruptFileError(f"config.json of the run is damaged: {error}") from error


def changed_versions(config: Mapping[str, Any]) -> list[str]:
    """Return the packages whose versions have changed since the run began."""
    now, then = _versions(), config["versions"]
    changed = (name for name in now if now[name] != then.get(name))
    return [f"{name} {then.get(name)}, now {now[name]}" for name in changed]
