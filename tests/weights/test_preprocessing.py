"""What each source's weights expect of an image, against the programs that they are of."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.data.photos import sample_photos
from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.weights import export_weights, keras_file
from kerazoo.weights.preprocessing import CAFFE, SLIM_VGG, UNIT, Preprocessing
from legacy_tf1 import vgg16_slim


def knowing(preprocessing: Preprocessing | None) -> keras.Model:
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Identity()(inputs), name="net")
    model.preprocessing = preprocessing
    return model


def test_each_is_that_of_its_program() -> None:
    photos = sample_photos()
    slim = kerazoo.preprocess(knowing(SLIM_VGG), photos)
    np.testing.assert_allclose(slim, vgg16_slim.preprocess(photos), rtol=1e-6)
    caffe = kerazoo.preprocess(knowing(CAFFE), photos)
    expected = keras.applications.vgg16.preprocess_input(photos.copy())
    np.testing.assert_allclose(caffe, expected, atol=1e-4)
    unit = kerazoo.preprocess(knowing(UNIT), photos)
    np.testing.assert_allclose(unit, photos / 255, rtol=1e-6)


def test_one_pixel_by_hand() -> None:
    pixel = np.array([10, 20, 30], np.uint8).reshape(1, 1, 1, 3)
    slim = kerazoo.preprocess(knowing(SLIM_VGG), pixel)
    np.testing.assert_allclose(slim.ravel(), [-113.68, -96.78, -73.94], rtol=1e-6)
    caffe = kerazoo.preprocess(knowing(CAFFE), pixel)
    np.testing.assert_allclose(caffe.ravel(), [-73.939, -96.779, -113.68], rtol=1e-6)
    assert slim.dtype == caffe.dtype == np.float32


def test_a_pipeline_of_tensors_gives_the_same() -> None:
    model, photos = knowing(CAFFE), sample_photos()
    data = tf.data.Dataset.from_tensor_slices(photos).batch(2)
    (tensor,) = data.map(lambda images: kerazoo.preprocess(model, images))
    np.testing.assert_array_equal(tensor, kerazoo.preprocess(model, photos))


def test_channels_first() -> None:
    model, photos = knowing(CAFFE), sample_photos()
    last = kerazoo.preprocess(model, photos)
    keras.config.set_image_data_format("channels_first")
    try:
        first = kerazoo.preprocess(model, np.moveaxis(photos, -1, 1))
    finally:
        keras.config.set_image_data_format("channels_last")
    np.testing.assert_array_equal(np.moveaxis(first, 1, -1), last)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (sample_photos() / 255, r"seem to be in \[0, 1\]"),
        (vgg16_slim.preprocess(sample_photos()), r"are in \[-123.68"),
        (sample_photos() * 2, r"are in \[0.0, 510.0\]"),
    ],
)
def test_images_of_another_range_are_a_warning(
    images: np.ndarray, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    kerazoo.preprocess(knowing(SLIM_VGG), images)
    (warning,) = caplog.messages
    assert re.search(message, warning)


@pytest.mark.parametrize("value", [0, 1])
def test_dark_images_of_bytes_are_none(value: int, caplog: pytest.LogCaptureFixture) -> None:
    kerazoo.preprocess(knowing(SLIM_VGG), np.full((1, 2, 2, 3), value, np.uint8))
    kerazoo.preprocess(knowing(SLIM_VGG), np.zeros((1, 2, 2, 3), np.float32))
    assert not caplog.messages


def test_what_cannot_be_preprocessed_is_refused() -> None:
    with pytest.raises(UsageError, match="images must be numbers; received <U6"):
        kerazoo.preprocess(knowing(CAFFE), ["photos"])
    with pytest.raises(UsageError, match="the preprocessing of 'net' is unknown"):
        kerazoo.preprocess(knowing(None), sample_photos())
    with pytest.raises(UsageError, match=r"3 channels on axis -1; received shape \(1, 2, 2, 1\)"):
        kerazoo.preprocess(knowing(CAFFE), np.full((1, 2, 2, 1), 9))
    with pytest.raises(UsageError, match=r"3 channels on axis -1; received shape \(2, 2, 3\)"):
        kerazoo.preprocess(knowing(CAFFE), np.full((2, 2, 3), 9))


def test_it_is_remembered_by_files_of_kerazoo(tmp_path: Path) -> None:
    model = kerazoo.create_model("mnist_cnn")
    model.preprocessing = UNIT
    export_weights(model, tmp_path / "a.keras", "keras")
    assert kerazoo.create_model("mnist_cnn", weights=tmp_path / "a.keras").preprocessing == UNIT
    anywhere = keras.models.load_model(tmp_path / "a.keras", safe_mode=True)
    images = np.random.default_rng(0).random((2, 28, 28, 1))
    np.testing.assert_array_equal(anywhere(images), model(images))
    with pytest.raises(UsageError, match=r"is saved as a \.keras file"):
        export_weights(model, tmp_path / "a.zip", "keras")
    model.save(tmp_path / "b.keras")
    assert kerazoo.create_model("mnist_cnn", weights=tmp_path / "b.keras").preprocessing is None
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.keras", "b.keras"]


def test_a_note_that_is_unknown_is_corrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = kerazoo.create_model("mnist_cnn")
    model.preprocessing = Preprocessing("of tomorrow", bgr=False, mean=(1.0,))
    keras_file.write(model, tmp_path / "a.keras")
    with pytest.raises(CorruptFileError, match=r"has an unreadable kerazoo\.json"):
        kerazoo.create_model("mnist_cnn", weights=tmp_path / "a.keras")


def test_a_model_passes_its_preprocessing_on() -> None:
    source = kerazoo.create_model("mnist_cnn")
    source.preprocessing = UNIT
    assert kerazoo.create_model("mnist_cnn", weights=source).preprocessing == UNIT


def test_another_preprocessing_than_the_other_programs_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = kerazoo.create_model("vgg16", include_top=False)
    model.preprocessing = SLIM_VGG
    export_weights(model, tmp_path / "x.h5", "keras_applications")
    assert caplog.messages == [
        "these weights expect images as (image - 123.68, 116.78, 103.94) * 1 in RGB, "
        "but the program they are for gives (image - 103.939, 116.779, 123.68) * 1 in BGR"
    ]
