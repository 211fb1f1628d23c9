"""Arguments that are no weights, no model or no images are one sentence."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.errors import UsageError
from tests.helpers.checkpoints import assert_refused


@pytest.mark.parametrize(
    ("weights", "match"),
    [
        (np.ones((300, 300)), r"received array\(\[\[1.*$"),
        ([np.ones(3), np.ones(3)], r"received \[array\(.*$"),
        (b"mnist", "received b'mnist'$"),
        (5, "weights must be None, 'imagenet', 'mnist', a path or a model; received 5$"),
        ("", "a path or a model; received ''$"),
        ("imagnet", r"weights='imagnet': there is no such file \(did you mean 'imagenet'\?\)$"),
        ("MNIST", r"weights='MNIST': there is no such file \(did you mean 'mnist'\?\)$"),
        ("nowhere.h5", "there is no file 'nowhere.h5'$"),
        ("nowhere.keras", "there is no file 'nowhere.keras'$"),
        ("nowhere.ckpt", "there is no such file and no such checkpoint$"),
        ("x" * 5000, "^no file can have the path 'x+$"),
        ("x/" * 2500 + "a.h5", "^no file can have the path 'x/"),
        ("x" * 250, "^no file can have the path 'x+|no such checkpoint"),
        ("a\0b", "^no file can have the path"),
        ("a\0b.keras", "^no file can have the path"),
    ],
)
def test_what_is_no_weights_is_refused(weights: Any, match: str) -> None:
    model = kerazoo.create_model("mnist_cnn")
    assert_refused(model, lambda: kerazoo.load_weights(model, weights), UsageError, match)


@pytest.mark.parametrize("model", [None, "mnist_cnn", keras.Sequential])
def test_what_is_no_model_is_refused(model: Any, tmp_path: Path) -> None:
    for call in (
        lambda: kerazoo.load_weights(model, "mnist"),
        lambda: kerazoo.export_weights(model, tmp_path / "a.keras", "keras"),
        lambda: kerazoo.preprocess(model, np.ones((1, 28, 28, 1))),
    ):
        with pytest.raises(UsageError, match=r"^model must be a keras\.Model; received"):
            call()
    assert not list(tmp_path.iterdir())


def test_images_that_are_not_finite_are_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    model = kerazoo.create_model("mnist_cnn", weights="mnist")
    images = np.full((1, 28, 28, 1), 9.0)
    images[0, 3, 3] = np.nan
    assert np.isnan(kerazoo.preprocess(model, images)).sum() == 1
    assert caplog.messages == ["these images have elements that are NaN"]
