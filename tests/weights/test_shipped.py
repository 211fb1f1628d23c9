"""The weights that ship: their cards, and their accuracy on MNIST's 10,000 test images."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

import kerazoo
from kerazoo.data import digits, mnist
from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.weights import load_weights, shipped
from kerazoo.weights.preprocessing import UNIT
from tests.helpers.checkpoints import assert_refused

CARDS = {card["model"]: card for card in shipped.cards()}


def test_all_files_have_a_card_and_are_small() -> None:
    files = {path.name: path for path in shipped.FOLDER.glob("*.npz")}
    assert files.keys() == {card["file"] for card in CARDS.values()}
    assert sum(path.stat().st_size for path in files.values()) < 1_200_000


@pytest.mark.parametrize(("name", "trained"), [("lenet5", (20, 1)), ("mnist_cnn", (10, 100))])
def test_a_card_describes_the_weights(name: str, trained: tuple[int, int]) -> None:
    card = CARDS[name]
    content = (shipped.FOLDER / card["file"]).read_bytes()
    assert card["sha256"] == hashlib.sha256(content).hexdigest()
    assert (card["recipe"]["epochs"], card["recipe"]["batch_size"]) == trained
    assert kerazoo.load(name).kerazoo_card.image_shape == (28, 28, 1)
    assert card["data"]["train_images"] == 55_000
    assert card["seed"] == 1


@pytest.mark.parametrize(("name", "accuracy"), [("lenet5", 0.70), ("mnist_cnn", 0.70)])
def test_digits_of_another_kind_are_read_as_well_as_ever(name: str, accuracy: float) -> None:
    """Scikit-learn's digits are 8x8 and fill their image, unlike MNIST's."""
    model = kerazoo.create_model(name, weights="mnist")
    assert model.preprocessing == UNIT
    train = digits.load(model.input_shape[1:]).train
    images, labels = next(iter(train.batches(train.size)))
    right = np.argmax(model(images), axis=-1) == labels.numpy()
    assert abs(right.mean() - accuracy) <= 0.01


@pytest.mark.full
@pytest.mark.parametrize("name", ["lenet5", "mnist_cnn"])
def test_the_accuracy_on_all_test_images_is_the_cards(name: str, mnist_dir: Path) -> None:
    model = kerazoo.load(name)
    assert model.preprocessing == UNIT
    data = mnist.load(model.input_shape[1:], mnist_dir)
    assert data.test.size == 10_000
    right = [
        (np.argmax(model(images), axis=-1) == labels.numpy()).sum()
        for images, labels in data.test.batches(500)
    ]
    # one image in 10,000 may stand on an edge that another processor rounds to the other side
    assert abs(sum(right) / 10_000 - CARDS[name]["test_accuracy"]) <= 2e-4
    assert data.fingerprint == CARDS[name]["data"]["fingerprint"]


def test_without_a_top_its_weights_are_skipped(caplog: pytest.LogCaptureFixture) -> None:
    full = kerazoo.create_model("mnist_cnn", weights="mnist")
    model = kerazoo.create_model("mnist_cnn", include_top=False)
    load_weights(model, "mnist")
    skipped = "fc1/kernel, fc1/bias, output/kernel, output/bias"
    assert caplog.messages == [f"'mnist_cnn_mnist.npz': skipped {skipped}"]
    np.testing.assert_array_equal(model.get_weights()[0], full.get_weights()[0])


@pytest.mark.parametrize(
    ("name", "options", "match"),
    [
        ("resnet18", {}, "'mnist' are for lenet5 and mnist_cnn, not for resnet18"),
        ("lenet5", {"classes": 7}, "the weights 'mnist' are for classes=10, not 7"),
        ("mnist_cnn", {"classes": 7}, "is for classes=10 and 'mnist_cnn' for 7: build the model"),
        ("lenet5", {"connections": "dense"}, "c3/kernel is 5x5x60 where"),
        ("mnist_cnn", {"input_shape": (32, 32, 1)}, "fc1/kernel is 3136x64 where"),
        ("mnist_cnn", {"input_shape": (28, 28, 3)}, "conv1/kernel is 3x3x1x32 where"),
    ],
)
def test_other_networks_are_refused(name: str, options: dict[str, object], match: str) -> None:
    model = kerazoo.create_model(name, **options)
    assert_refused(model, lambda: load_weights(model, "mnist"), UsageError, match)


def test_a_damaged_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cards.json").write_bytes((shipped.FOLDER / "cards.json").read_bytes())
    (tmp_path / "lenet5_mnist.npz").write_bytes(b"nothing")
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    model = kerazoo.create_model("lenet5")
    match = "is damaged: install kerazoo again"
    assert_refused(model, lambda: load_weights(model, "mnist"), CorruptFileError, match)
