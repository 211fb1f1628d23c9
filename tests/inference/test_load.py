"""A model that knows itself: what its file says of it, in kerazoo and in plain Keras."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.weights.card import Card
from kerazoo.weights.keras_archive import NOTE
from tests.helpers import fuzz

RUN: dict[str, Any] = {"epochs": 1, "batch_size": 20, "limit": 40}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    kerazoo.train("mnist_cnn", "digits", out=out, label_smoothing=0.1, **RUN)
    return out


@pytest.mark.parametrize("name", ["", "model.keras"])
def test_a_trained_model_knows_itself(name: str, run: Path) -> None:
    model = kerazoo.load(run / name)
    summary = json.loads((run / "summary.json").read_text())
    card = model.kerazoo_card
    assert card.class_names == tuple("0123456789")
    assert card.image_shape == (28, 28, 1)
    assert card.data["name"] == "digits"
    assert (card.recipe["epochs"], card.recipe["label_smoothing"]) == (1, 0.1)
    assert card.results["test_accuracy"] == summary["test_accuracy"]
    assert model.kerazoo_config.name == "mnist_cnn"
    assert kerazoo.preprocess(model, np.full((1, 28, 28, 1), 51)).max() == 0.2


def test_plain_keras_loads_the_file_without_kerazoo(run: Path) -> None:
    code = (
        "import keras, sys; model = keras.models.load_model(sys.argv[1]); "
        "print(model.output_shape, 'kerazoo' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(run / "model.keras")]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert shown.stdout == "(None, 10) False\n"


def test_names_that_ship_have_their_cards() -> None:
    model = kerazoo.load("lenet5")
    assert model.kerazoo_card.class_names == tuple("0123456789")
    assert model.kerazoo_card.results["test_accuracy"] == 0.9919
    with pytest.raises(UsageError, match=r"there is no run, file or model 'lenet6' \(did you mean"):
        kerazoo.load("lenet6")


def test_a_file_of_keras_has_no_card(tmp_path: Path) -> None:
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(tmp_path / "plain.keras")
    assert kerazoo.load(tmp_path / "plain.keras").kerazoo_card is None


def test_a_run_whose_model_is_a_link_is_refused(run: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((run / "config.json").read_bytes())
    with pytest.raises(UsageError, match="has no model yet: wait until it has ended"):
        kerazoo.load(tmp_path)
    (tmp_path / "summary.json").touch()
    with pytest.raises(UsageError, match="was removed: restore it, or train again"):
        kerazoo.load(tmp_path)
    (tmp_path / "model.keras").symlink_to(run / "model.keras")
    with pytest.raises(CorruptFileError, match="is a link"):
        kerazoo.load(tmp_path)


def noted(source: Path, target: Path, **changes: Any) -> Path:
    """Copy a `.keras` file with another card in it."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as new:
        for name in archive.namelist():
            content = archive.read(name)
            if name == NOTE:
                note = json.loads(content)
                content = json.dumps({**note, "card": {**note["card"], **changes}}).encode()
            new.writestr(name, content)
    return target


@pytest.mark.parametrize(
    "changes",
    [
        {"class_names": ["a"]},
        {"class_names": "0123456789"},
        {"class_names": list(range(10))},
        {"image_shape": [28, 28]},
        {"image_shape": [28, 28, -1]},
        {"image_shape": [28, 29, 1]},
        {"image_shape": [2**40, 2**40, 1]},
        {"recipe": []},
        {"data": None},
        {"data": {"fingerprint": "x"}},
        {"data": {"name": "digits", "limit": "x"}},
        {"data": {"name": "digits", "limit": 0}},
        {"class_ids": [1]},
        {"class_ids": ["a", "b"]},
        {"class_names": [*"012345678", "8"]},
        {"class_names": [*"012345678", ""]},
        {"class_names": [*"012345678", "a\0"]},
        {"class_names": [*"012345678", "\033[31m"]},
        {"class_names": [*"012345678", "a" * 1001]},
        {"more": 1},
    ],
)
def test_a_card_that_was_changed_is_damage(changes: Any, run: Path, tmp_path: Path) -> None:
    path = noted(run / "model.keras", tmp_path / "m.keras", **changes)
    with pytest.raises(CorruptFileError, match=r"has an unreadable kerazoo\.json"):
        kerazoo.load(path)


@pytest.mark.parametrize("count", fuzz.COUNTS)
def test_mutated_cards(count: int, run: Path) -> None:
    content = json.dumps(kerazoo.load(run).kerazoo_card.to_json()).encode()

    def read(changed: bytes) -> None:
        try:
            Card.from_json(json.loads(changed))
        except (ValueError, TypeError, RecursionError) as error:
            raise CorruptFileError(str(error)) from error

    fuzz.check(read, [content], count)


@pytest.mark.parametrize("model", [None, "mnist_cnn"])
def test_a_new_head_is_of_a_model(model: Any) -> None:
    with pytest.raises(UsageError, match="model must be a model of kerazoo; received"):
        kerazoo.new_head(model, 3)


@pytest.mark.parametrize("classes", [3, 10, 12])
def test_a_new_head_has_the_features_and_other_classes(classes: int) -> None:
    model = kerazoo.load("mnist_cnn")
    new = kerazoo.new_head(model, classes)
    assert new.output_shape == (None, classes)
    for layer in model.layers[1:-1]:
        kept = new.get_layer(layer.name).get_weights()
        for weight, other in zip(layer.get_weights(), kept, strict=True):
            np.testing.assert_array_equal(weight, other)
    kernels = [each.layers[-1].get_weights()[0] for each in (model, new)]
    assert not np.array_equal(*kernels)
    assert new.preprocessing == model.preprocessing
    assert getattr(new, "kerazoo_card", None) is None
    assert new.kerazoo_config.options == ({} if classes == 10 else {"classes": classes})
