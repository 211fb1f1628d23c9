import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.weights import load_weights


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.keras"
    kerazoo.create_model("mnist_cnn").save(path)
    return path


def assert_untouched_by(model: keras.Model, path: Path, error: type[Exception], match: str) -> None:
    before = model.get_weights()
    with pytest.raises(error, match=match):
        load_weights(model, path)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_weights_of_another_network_are_refused_by_name(saved: Path) -> None:
    model = kerazoo.create_model("mnist_cnn", classes=7)
    match = "is for classes=10 and 'mnist_cnn' for 7: build the model with classes=10 or include_"
    assert_untouched_by(model, saved, UsageError, match)


def test_other_weights_than_those_of_the_top_are_refused(saved: Path) -> None:
    model = kerazoo.create_model("lenet5", include_top=False)
    match = "c1/kernel is missing, c1/bias is missing, .*missing and .* more$"
    assert_untouched_by(model, saved, CorruptFileError, match)


def test_a_truncated_file_is_corrupt(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:5000])
    model = kerazoo.create_model("mnist_cnn")
    assert_untouched_by(model, saved, CorruptFileError, "is not a complete .keras file")


def test_an_archive_without_weights_is_corrupt(saved: Path) -> None:
    with zipfile.ZipFile(saved, "w") as archive:
        archive.writestr("config.json", "{}")
    model = kerazoo.create_model("mnist_cnn")
    assert_untouched_by(
        model, saved, CorruptFileError, "is not a complete .keras file: it has no model.weights.h5"
    )


def test_code_in_a_file_is_never_run(tmp_path: Path) -> None:
    path = tmp_path / "code.keras"
    mark = tmp_path / "mark"
    inputs = keras.Input((2,))
    run = eval(f"lambda x: (open({str(mark)!r}, 'w').close(), x)[1]")
    keras.Model(inputs, keras.layers.Lambda(run, output_shape=(2,))(inputs)).save(path)
    mark.unlink(missing_ok=True)
    model = kerazoo.create_model("mnist_cnn")
    assert_untouched_by(model, path, UsageError, "contains code, which is never run: Lambda; ")
    assert not mark.exists()
