"""Options that are refused, in Python and in a config.json that somebody has edited."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.training.config import options_of
from kerazoo.training.options import RECIPES, Recipe, TrainOptions

NOT_WHOLE = (0, -1, 1.5, "ten", True, None, 2**32)
OF_RECIPE = [
    *((name, value) for name in ("epochs", "batch_size") for value in NOT_WHOLE),
    *(("micro_batches", value) for value in NOT_WHOLE if value is not None),
    *(("seed", value) for value in (-1, 2**32, "1", None)),
    *((name, value) for name in ("learning_rate", "epsilon") for value in (0, -1.0, "abc", None)),
    *(("learning_rate", float(value)) for value in ("inf", "nan")),
    ("schedule", "linear"),
    ("precision", "float64"),
    ("micro_batches", 101),  # more than the images of a batch
]
OF_OPTIONS = [(name, value) for name in ("limit", "save_every") for value in (0, -1, "a", 1.5)]
NO_NAMES = [("model", 5), ("model", None), ("data", 5)]


def config(**changes: Any) -> dict[str, Any]:
    options = dataclasses.asdict(TrainOptions("mnist_cnn"))
    recipe = options.pop("recipe")
    dataset = {"name": "digits", "fingerprint": "abc"}
    return {**options, **recipe, "dataset": dataset, **changes}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_saved_options_are_read_back(recipe: Recipe) -> None:
    kept = TrainOptions("mnist_cnn", "digits", limit=7, recipe=recipe, save_every=3)
    changes = {**dataclasses.asdict(recipe), "limit": 7, "save_every": 3}
    assert options_of(config(**changes)) == (kept, "abc")


@pytest.mark.parametrize(("name", "value"), OF_RECIPE)
def test_a_recipe_that_cannot_be(name: str, value: Any) -> None:
    changes = {name: value}
    with pytest.raises(UsageError, match=f"^{name} is "):
        Recipe(**changes)


@pytest.mark.parametrize(("name", "value"), OF_OPTIONS)
def test_options_that_cannot_be(name: str, value: Any) -> None:
    changes = {name: value}
    with pytest.raises(UsageError, match=f"^{name} is "):
        TrainOptions("mnist_cnn", **changes)


def test_a_path_may_be_text() -> None:
    options = TrainOptions("mnist_cnn", out="run", mnist_dir="idx")  # type: ignore[arg-type] # so users do
    assert (options.out, options.mnist_dir) == (Path("run"), Path("idx"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"out": 5}, "out is 5, not a path"),
        ({"mnist_dir": b"idx"}, "mnist_dir is b'idx', not a path"),
        ({"recipe": "fast"}, "recipe is 'fast', not a Recipe"),
    ],
)
def test_what_is_no_path_and_no_recipe(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        TrainOptions("mnist_cnn", **changes)


@pytest.mark.parametrize(("name", "value"), NO_NAMES)
def test_what_is_no_name(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=f"^{name} is {value!r}, not a name"):
        TrainOptions(**{"model": "mnist_cnn", name: value})


@pytest.mark.parametrize(
    ("name", "value"), [*OF_RECIPE, *OF_OPTIONS, ("dataset", None), ("model", 5)]
)
def test_a_config_that_was_edited(name: str, value: Any) -> None:
    with pytest.raises(CorruptFileError, match=r"^config.json of the run is damaged: "):
        options_of(config(**{name: value}))


def test_a_config_without_fingerprint() -> None:
    with pytest.raises(CorruptFileError, match="lacks 'fingerprint'"):
        options_of(config(dataset={"name": "digits"}))
