"""The options of a training run; nothing heavy is imported here."""

import dataclasses
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kerazoo import registry
from kerazoo.errors import UsageError
from kerazoo.options import Choice, Flag, Integer, Several, check, fields, option
from kerazoo.recipe import AUGMENTATION, FAST, NOTES, STANDARD_AUGMENTATION, PaperRecipe, Recipe
from kerazoo.training.cluster import STRATEGIES
from kerazoo.values import check_choice, plain, short

RECIPES = ("default", "paper", "notes", "fast")
AUGMENTATIONS = ("none", "standard", "paper")
PATHS = ("mnist_dir", "out")
# Attributes of a recipe that only matter with a value of another.
ONLY_WITH = {
    "momentum": ("optimizer", "sgd"),
    "epsilon": ("optimizer", "adam"),
    "patience": ("schedule", "plateau"),
    "drops": ("schedule", "plateau"),
}
# Options of a model that a training sets, and what sets them.
SET_BY_TRAINING = {
    "input_shape": "input_shape",
    "weights": "weights",
    "auxiliary_heads": "auxiliary_weight",
    **dict.fromkeys(
        ("include_top", "input_tensor", "pooling", "classes", "classifier_activation"), ""
    ),
}

logger = logging.getLogger("kerazoo")


@dataclass(frozen=True)
class TrainOptions:
    """A training run.

    Attributes:
        model: Name of a model of the zoo.
        model_options: Options of its constructor, such as {"alpha": 0.5}.
        input_shape: (height, width, channels) of the images, or (height, width); None for the
            model's own.
        weights: What it starts from, see `kerazoo.load_weights`; None for random weights. Those of
            another number of classes get a new last layer.
        data: Name of a data set, see `kerazoo.data.load.load`.
        mnist_dir: Directory with MNIST's four IDX files.
        limit: Maximum number of images of each split; None for all.
        skip_broken: Whether to leave out images of a folder that cannot be read.
        recipe: How to train.
        out: The run directory; None for `runs/<time>-<model>-<data>`.
        overwrite: Whether an earlier run in `out` may be replaced.
        tensorboard: Whether to write TensorBoard events.
        strategy: Where it runs: "none" for one device, "mirrored" for all GPUs, "multiworker" for
            the machines of TF_CONFIG, "slurm" for the tasks of a SLURM job, or "auto" to detect.
        save_every: Steps between checkpoints, in addition to those after epochs; None for none.
        dry_run: Whether to try one batch and write nothing.

    Raises:
        UsageError: A value is not possible.
    """

    model: str
    data: str = "auto"
    mnist_dir: Path | None = None
    limit: int | None = option(None, Integer(), "", optional=True)
    skip_broken: bool = option(False, Flag(), "")
    recipe: Recipe = field(default_factory=Recipe)
    out: Path | None = None
    overwrite: bool = option(False, Flag(), "")
    tensorboard: bool = option(False, Flag(), "")
    strategy: str = option("auto", Choice(STRATEGIES), "")
    save_every: int | None = option(None, Integer(), "", optional=True)
    dry_run: bool = option(False, Flag(), "")
    model_options: Mapping[str, Any] = field(default_factory=dict)
    input_shape: tuple[int, int, int] | None = option(
        None, Several(Integer(), 3), "", optional=True
    )
    weights: registry.Weights = None

    def __post_init__(self) -> None:
        for name in ("model", "data"):
            if not isinstance(value := getattr(self, name), str):
                raise UsageError(f"{name} is {short(value)}, not a name")
        for name in PATHS:
            if (value := getattr(self, name)) is not None:
                if not isinstance(value, str | os.PathLike):
                    raise UsageError(f"{name} is {short(value)}, not a path")
                object.__setattr__(self, name, Path(value))
        if not isinstance(self.recipe, Recipe):
            raise UsageError(f"recipe is {short(self.recipe)}, not a Recipe")
        if not isinstance(self.model_options, Mapping):
            raise UsageError(f"model_options is {short(self.model_options)}, not a dict")
        for name in SET_BY_TRAINING.keys() & self.model_options.keys():
            hint = f": use {other}" if (other := SET_BY_TRAINING[name]) else ": leave it out"
            raise UsageError(f"model_options has {name}, which the training sets{hint}")
        shape = plain(self.input_shape)
        if isinstance(shape, tuple) and len(shape) == 2:
            channels = registry.find(self.model).input_shape[2]
            object.__setattr__(self, "input_shape", (*shape, channels))
        check(self)
        if self.input_shape and self.input_shape[2] not in (1, 3):
            raise UsageError(f"input_shape is {self.input_shape}: images have 1 or 3 channels")


def paper_recipe(model: str) -> PaperRecipe:
    """Return how a model's paper trained it.

    Raises:
        UsageError: There is no such model, or no such paper.
    """
    if (recipe := registry.find(model).paper_recipe) is None:
        raise UsageError(f"{model} has no paper with a recipe: use --recipe default")
    return recipe


def make_recipe(
    model: str, recipe: str = "default", augment: str | None = None, **values: Any
) -> Recipe:
    """Return a recipe by its name, with changes.

    Args:
        model: The model that is trained.
        recipe: "default", the model's own; "paper"; "notes", that of the study notes for
            `mnist_cnn`; or "fast", which is for `mnist_cnn` on MNIST.
        augment: The augmentation, in place of the recipe's: "none", "standard" (flips, and crops
            with padding) or "paper"; None to keep it.
        **values: Attributes of `Recipe` that are to differ.

    Raises:
        UsageError: A name is unknown, or a value is not possible or changes nothing.
    """
    check_choice("recipe", recipe, RECIPES)
    if recipe == "paper":
        paper = paper_recipe(model)
        base = paper.recipe
        for departure in paper.departures:
            logger.info("not as in the paper: %s", departure)
    else:
        named = {"default": registry.find(model).recipe, "notes": NOTES, "fast": FAST}
        base = named[recipe]
    if augment is not None:
        values = {**_augmentation(model, augment), **values}
    changed = base.changed(**values)
    for name, (other, needed) in ONLY_WITH.items():
        differs = getattr(changed, name) != getattr(base, name)
        if differs and (found := getattr(changed, other)) != needed:
            raise UsageError(
                f"{name} is for {other}='{needed}', but {other} is '{found}': leave out {name}, or "
                f"change {other}"
            )
    return changed


def make_options(
    model: str, recipe: str = "default", augment: str | None = None, **values: Any
) -> TrainOptions:
    """Return the options of a run.

    Args:
        model: The model that is trained.
        recipe: See `make_recipe`.
        augment: See `make_recipe`.
        **values: Attributes of `TrainOptions`, and of `Recipe` that are to differ.

    Raises:
        UsageError: A name is unknown, or a value is not possible or changes nothing.
    """
    of_recipe = {name: values.pop(name) for name in recipe_names() & values.keys()}
    made = make_recipe(model, recipe, augment, **of_recipe)
    return TrainOptions(model=model, recipe=made, **values)


def _augmentation(model: str, name: str) -> dict[str, Any]:
    check_choice("augment", name, AUGMENTATIONS)
    source = paper_recipe(model).recipe if name == "paper" else Recipe()
    values = {each: getattr(source, each) for each in AUGMENTATION}
    return {**values, **(STANDARD_AUGMENTATION if name == "standard" else {})}


def recipe_names() -> set[str]:
    """Return the names of the attributes of a recipe."""
    return {each.name for each in fields(Recipe)}


def run_names() -> set[str]:
    """Return the names of the attributes of `TrainOptions`."""
    return {each.name for each in dataclasses.fields(TrainOptions)}
