"""Options that are refused, in Python and in a config.json that somebody has edited."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.recipe import FAST, NOTES, Recipe
from kerazoo.training import finished, runs
from kerazoo.training.config import changed_versions, options_of
from kerazoo.training.options import TrainOptions
from kerazoo.training.run_folder import RunFolder
from tests.helpers import fuzz

NOT_WHOLE = (0, -1, 1.5, "ten", True, None, 2**32)
OF_RECIPE: list[tuple[str, Any]] = [
    *((name, value) for name in ("epochs", "batch_size") for value in NOT_WHOLE),
    *(("micro_batches", value) for value in NOT_WHOLE if value is not None),
    *(("seed", value) for value in (-1, 2**32, "1", None)),
    *((name, value) for name in ("learning_rate", "epsilon") for value in (0, -1.0, "abc", None)),
    *(("learning_rate", float(value)) for value in ("inf", "nan")),
    *((name, True) for name in ("learning_rate", "epsilon")),
    ("learning_rate", 10**400),
    ("learning_rate", [[]] * 1000),
    ("jit", 1),
    ("jit", "no"),
    ("schedule", "linear"),
    ("schedule", ["constant"]),
    ("momentum", 1),
    ("weight_decay", -1),
    ("crop_area", (0, 1)),
    ("crop_area", 0.5),
    ("crop_aspect", 0.5),
    ("milestones", [[0.5]]),
    ("freeze", "conv"),
    ("freeze", [""]),
    ("sizes", [0]),
    ("keep", "first"),
    ("flip", "yes"),
    ("precision", "float64"),
    ("micro_batches", 101),  # more than the images of a batch
]
OF_OPTIONS: list[tuple[str, Any]] = [
    (name, value) for name in ("limit", "save_every") for value in (0, -1, "a", 1.5)
]
OF_OPTIONS += [("tensorboard", "yes"), ("strategy", "all"), ("strategy", [])]
NO_NAMES = [("model", 5), ("model", None), ("data", 5)]


def config(**changes: Any) -> dict[str, Any]:
    options = dataclasses.asdict(TrainOptions("mnist_cnn"))
    recipe = options.pop("recipe")
    dataset = {"name": "digits", "fingerprint": "abc"}
    written = {**options, **recipe, "data": "digits", "preprocessing": "unit"}
    return {**written, "dataset": dataset, **changes}


@pytest.mark.parametrize("recipe", [NOTES, FAST], ids=["notes", "fast"])
def test_saved_options_are_read_back(recipe: Recipe) -> None:
    others: dict[str, Any] = {"mnist_dir": "idx", "limit": 7, "skip_broken": True, "save_every": 3}
    kept = TrainOptions("mnist_cnn", "digits", recipe=recipe, **others)
    assert options_of(config(**dataclasses.asdict(recipe), **others)) == kept


@pytest.mark.parametrize(("name", "value"), OF_RECIPE)
def test_a_recipe_that_cannot_be(name: str, value: Any) -> None:
    changes = {name: value}
    with pytest.raises(UsageError, match=f"^{name} (must be|is 101, more than) "):
        Recipe(**changes)


@pytest.mark.parametrize(("name", "value"), OF_OPTIONS)
def test_options_that_cannot_be(name: str, value: Any) -> None:
    changes = {name: value}
    with pytest.raises(UsageError, match=f"^{name} (must be|is 101, more than) "):
        TrainOptions("mnist_cnn", **changes)


def test_numbers_of_numpy_are_numbers() -> None:
    recipe = Recipe(
        epochs=np.int64(3),  # type: ignore[arg-type] # so users do
        seed=np.uint8(4),  # type: ignore[arg-type]
        learning_rate=np.float32(0.5),  # type: ignore[arg-type]
        epsilon=np.float64(1e-7),
    )
    options = TrainOptions("mnist_cnn", limit=np.int32(5), recipe=recipe)  # type: ignore[arg-type]
    assert options == TrainOptions(
        "mnist_cnn", limit=5, recipe=Recipe(3, learning_rate=0.5, epsilon=1e-7, seed=4)
    )
    written = json.dumps(dataclasses.asdict(options), allow_nan=False)
    assert json.loads(written)["recipe"]["seed"] == 4


@pytest.mark.parametrize("value", [np.bool_(True), np.float32(1.5), np.array([3]), np.nan])
def test_what_is_no_integer_of_numpy(value: Any) -> None:
    with pytest.raises(UsageError, match=r"^epochs must be "):
        Recipe(epochs=value)


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
    ("name", "value"),
    [*OF_RECIPE, *OF_OPTIONS, ("dataset", None), ("model", 5), ("preprocessing", "x")],
)
def test_a_config_that_was_edited(name: str, value: Any) -> None:
    with pytest.raises(CorruptFileError, match=r"^config.json of the run is damaged: "):
        options_of(config(**{name: value}))


def test_a_config_without_fingerprint() -> None:
    with pytest.raises(CorruptFileError, match="lacks 'fingerprint'"):
        options_of(config(dataset={"name": "digits"}))


@pytest.mark.parametrize(("name", "value"), [("model", "vgg"), ("data", "no such set")])
def test_a_config_with_names_that_nothing_has(name: str, value: Any) -> None:
    with pytest.raises(CorruptFileError, match=r"^config.json of the run is damaged: unknown "):
        options_of(config(**{name: value}))


@pytest.mark.parametrize("count", fuzz.COUNTS)
def test_mutated_configs(tmp_path: Path, count: int) -> None:
    versions = {"versions": {"kerazoo": "1", "numpy": "2"}}
    path = tmp_path / "config.json"

    def read(content: bytes) -> None:
        path.write_bytes(content)
        found = runs.config(runs.to_resume(tmp_path))
        options_of(found)
        changed_versions(found)

    fuzz.check(read, [json.dumps(config(**versions), indent=2, default=str).encode()], count)


@pytest.mark.parametrize("count", fuzz.COUNTS)
def test_mutated_summaries(tmp_path: Path, count: int) -> None:
    """Where one passes for that of the run, only digits were changed."""
    folder = RunFolder.begin(tmp_path, False, "m", "d")
    folder.write_json("config.json", config(versions={"kerazoo": "1"}))
    folder.unlock()
    named: dict[str, Any] = {"model": "mnist_cnn", "data": "digits", "dry_run": False}
    whole = named | {"seed": 1, "epochs": 3, "test_accuracy": 0.5, "class_accuracy": {"0": 0.5}}

    def read(content: bytes) -> None:
        (tmp_path / "summary.json").write_bytes(content)
        found = finished.summary(tmp_path)
        assert found is not None
        assert (found["model"], found["data"], found["seed"]) == ("mnist_cnn", "digits", 1)
        assert found["epochs"] in range(1, 11)

    fuzz.check(read, [json.dumps(whole, indent=2).encode()], count)
