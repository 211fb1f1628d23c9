"""What is put among the weights that ship is what a run has trained, and all of it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerazoo
from kerazoo.recipe import Recipe
from kerazoo.weights import shipped
from kerazoo.weights.networks import weight_arrays
from tests import ship
from tests.helpers import tiny

COMMAND = "kerazoo train --model tiny_cnn"


def test_a_run_is_shipped_with_its_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With frozen layers and the averages of batch normalization; in the place of another."""
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    earlier, other = {"model": tiny.NAME, "weights": "old"}, {"model": "zfnet", "weights": "mnist"}
    (tmp_path / "cards.json").write_text(json.dumps([earlier, other]), encoding="utf-8")
    run = tmp_path / "run"
    with tiny.entered():
        options: dict[str, Any] = {"epochs": 1, "batch_size": 10, "seed": 3, "freeze": ("conv",)}
        summary = kerazoo.train(tiny.NAME, "digits", limit=40, out=run, **options)
        trained = kerazoo.load(run)
        ship.main(str(run), COMMAND)
        model = kerazoo.create_model(tiny.NAME, weights="digits")
    weights = weight_arrays(model)
    assert weights.keys() >= {"conv/kernel", "conv_bn/moving_variance", "classifier/bias"}
    assert np.ptp(weights["conv_bn/moving_variance"]) > 0
    for name, expected in weight_arrays(trained).items():
        np.testing.assert_array_equal(weights[name], expected)
    card, last = shipped.cards()
    assert last == other
    assert card["command"] == COMMAND
    assert (card["seed"], card["top"]) == (3, ["classifier"])
    assert card["test_accuracy"] == summary["test_accuracy"]
    assert card["data"]["image_shape"] == [28, 28, 1]
    assert card["recipe"]["epsilon"] == Recipe.epsilon
    assert "momentum" not in card["recipe"]
