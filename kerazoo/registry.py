"""The models by name: what is known of each, and the function that builds it."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Union

from kerazoo.errors import UsageError, did_you_mean
from kerazoo.recipe import PaperRecipe, Recipe

if TYPE_CHECKING:
    import keras

Constructor = Callable[..., "keras.Model"]
Weights = Union[str, os.PathLike[str], "keras.Model", None]  # see `kerazoo.weights.load_weights`


@dataclass(frozen=True)
class ModelInfo:
    """Metadata of a model; tests recompute `params` and `macs`.

    Attributes:
        name: Its name in kerazoo.
        paper: Authors, year, and table or figure.
        url: Of the source: arXiv, DOI or repository; "" if there is none.
        year: When it was published.
        input_shape: (height, width, channels) of the default input.
        params: Number of trainable weights, biases included, with the default options.
        macs: Multiply-accumulates of the forward pass of one image, biases excluded.
        micro_batches: Whether training on a CPU is faster with a batch cut into micro-batches that
            run in parallel: each image is computed independently, and the model is small.
        preprocessing: Name in `kerazoo.weights.preprocessing` of what images get before a training
            from random weights.
        recipe: How it is trained by default.
        paper_recipe: How its paper trained it; None if it has no paper that says so.
    """

    name: str
    paper: str
    url: str
    year: int
    input_shape: tuple[int, int, int]
    params: int
    macs: int
    micro_batches: bool = False
    preprocessing: str = "unit"
    recipe: Recipe = field(default_factory=Recipe)
    paper_recipe: PaperRecipe | None = None


@dataclass(frozen=True)
class ModelConfig:
    """The call of `create_model` that builds a model, which the model keeps as `kerazoo_config`.

    Attributes:
        name: The model's name in kerazoo.
        options: The options that are not the defaults, without `weights`, `input_tensor`, `name`.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        options = [f"{option}={_literal(value)}" for option, value in self.options.items()]
        return f"create_model({', '.join([_literal(self.name), *options])})"


def _literal(value: object) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)


_models: dict[str, tuple[ModelInfo, Constructor]] = {}


def register(info: ModelInfo, constructor: Constructor) -> None:
    """Add a model.

    Raises:
        ValueError: The name is taken.
    """
    if info.name in _models:
        raise ValueError(f"two models are registered as '{info.name}'")
    _models[info.name] = info, constructor


def names() -> list[str]:
    """Return the sorted names of all models."""
    return sorted(_models)


def find(name: str) -> ModelInfo:
    """Return what is known of a model.

    Raises:
        UsageError: No model has this name; the message suggests the nearest one.
    """
    if not isinstance(name, str):
        raise UsageError(f"a model is given by its name, such as 'vgg16'; received {name!r}")
    if name not in _models:
        hint = did_you_mean(name, _models)
        raise UsageError(f"unknown model '{name}'{hint}; `kerazoo list` lists all models")
    return _models[name][0]


def options(name: str) -> set[str]:
    """Return the names of a model's options; errors as in `find`."""
    return set(inspect.signature(constructor(name)).parameters)


def constructor(name: str) -> Constructor:
    """Return the function that builds a model; errors as in `find`."""
    return _models[find(name).name][1]
