from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerazoo.data.image_io import decode_if_valid, read_batch, to_shape

RAMP = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))
COLOR = Image.fromarray(np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8))


def encoded(image: Image.Image, format: str, **options: bool | list[Image.Image]) -> bytes:
    file = BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


@pytest.mark.parametrize("format", ["BMP", "PNG"])
def test_lossless_formats_are_decoded_exactly(format: str) -> None:
    np.testing.assert_array_equal(decode_if_valid(encoded(COLOR, format)), np.asarray(COLOR))
    ramp = decode_if_valid(encoded(RAMP, format), channels=3)
    np.testing.assert_array_equal(ramp, np.asarray(RAMP.convert("RGB")))


def test_a_jpeg_is_close_to_the_image() -> None:
    smooth = np.asarray(RAMP.convert("RGB"), int)
    decoded = decode_if_valid(encoded(RAMP, "JPEG"), channels=3)
    assert np.abs(np.asarray(decoded, int) - smooth).max() <= 4


def test_an_animation_gives_its_first_frame() -> None:
    data = encoded(RAMP, "GIF", save_all=True, append_images=[RAMP.rotate(90)])
    np.testing.assert_array_equal(decode_if_valid(data), np.asarray(RAMP.convert("RGB")))


@pytest.mark.parametrize("image", [COLOR.quantize(4), RAMP.convert("1")])
def test_a_bmp_with_a_color_palette_is_not_valid(image: Image.Image) -> None:
    """TensorFlow decodes the palette indices as gray levels."""
    assert decode_if_valid(encoded(image, "BMP")) is None
    assert decode_if_valid(encoded(image, "PNG")) is not None


@pytest.mark.parametrize("data", [b"", b"text", encoded(COLOR, "PNG")[:-30]])
def test_damaged_files_are_not_valid(data: bytes) -> None:
    assert decode_if_valid(data) is None


def test_a_batch_of_files_is_read_in_one_shape(tmp_path: Path) -> None:
    for name, image in (("a.png", COLOR), ("b.bmp", RAMP)):
        image.save(tmp_path / name)
    paths = [str(tmp_path / name) for name in ("a.png", "b.bmp", "a.png")]
    images = tf.function(lambda files: read_batch(files, (4, 6, 3)))(tf.constant(paths))
    expected = [
        to_shape(tf.constant(np.asarray(image.convert("RGB"))), (4, 6, 3))
        for image in (COLOR, RAMP, COLOR)
    ]
    np.testing.assert_array_equal(images, np.stack(expected))


def test_to_shape_only_scales_images_of_that_shape() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 28, 28, 1)).astype(np.uint8)
    expected = pixels.astype(np.float32) * np.float32(1 / 255)
    np.testing.assert_array_equal(to_shape(tf.constant(pixels), (28, 28, 1)), expected)


def test_to_shape_converts_gray_to_color_and_color_to_luma() -> None:
    gray = to_shape(tf.constant([[[[51]]]], tf.uint8), (1, 1, 3))
    np.testing.assert_allclose(gray, [[[[0.2, 0.2, 0.2]]]], rtol=1e-6)
    red = to_shape(tf.constant([[[[255, 0, 0]]]], tf.uint8), (1, 1, 1))
    np.testing.assert_allclose(red, [[[[0.2989]]]], rtol=1e-6)


def test_to_shape_shrinks_by_the_triangle_filter() -> None:
    stripes = tf.constant([[0, 85, 170, 255]] * 4, tf.uint8)[None, :, :, None]
    result = to_shape(stripes, (2, 2, 1))[0, :, :, 0]
    # the first output pixel's center is 0.5, 0.5, 1.5, 2.5 from those of the input, radius 2
    first = (0.75 * 0 + 0.75 * 85 + 0.25 * 170) / 1.75 / 255
    np.testing.assert_allclose(result, [[first, 1 - first]] * 2, rtol=1e-5)
