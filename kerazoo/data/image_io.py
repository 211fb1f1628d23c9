"""Decode image files, and resize and convert images to the shape that a model takes."""

from __future__ import annotations

from collections.abc import Callable

from kerazoo.lazy import tf

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")


def decode_if_valid(data: bytes, channels: int = 0) -> tf.Tensor | None:
    """Return the image in a file, uint8 [height, width, channels]; None if it cannot be decoded.

    Args:
        data: The bytes of a BMP, GIF, JPEG or PNG file. An animation gives its first frame. A BMP
            with a color palette is not valid: TensorFlow decodes the indices as gray levels.
        channels: 1, 3 or 4; 0 for as many as the file has.
    """
    if _has_palette(data):
        return None
    try:
        return tf.io.decode_image(data, channels, expand_animations=False)
    except tf.errors.InvalidArgumentError:
        return None


def _has_palette(data: bytes) -> bool:
    """Return whether a file is an 8-bit BMP whose palette is other than the gray levels."""
    if data[:2] != b"BM" or data[28:30] != b"\x08\x00":  # bits per pixel
        return False
    start, end = (int.from_bytes(data[at : at + 4], "little") for at in (14, 10))
    palette = data[14 + start : end]
    gray = b"".join(bytes([level] * 3) + palette[3:4] for level in range(256))
    return not gray.startswith(palette)


def to_shape(images: tf.Tensor, image_shape: tuple[int, int, int]) -> tf.Tensor:
    """Resize and convert images [..., h, w, 1 or 3] to float32 [..., height, width, channels].

    The values are in [0, 1]. Color becomes gray by its luma, gray becomes three equal channels. The
    interpolation is bilinear, with anti-aliasing where an image shrinks; the aspect may change.
    """
    height, width, channels = image_shape
    images = tf.image.convert_image_dtype(images, tf.float32)
    if images.shape[-1] != channels:
        convert = tf.image.rgb_to_grayscale if channels == 1 else tf.image.grayscale_to_rgb
        images = convert(images)
    if images.shape[-3:-1] != (height, width):
        images = tf.image.resize(images, (height, width), antialias=True)
    return images


def decode_batch(
    files: tf.Tensor, decode: Callable[[tf.Tensor], tf.Tensor], image_shape: tuple[int, int, int]
) -> tf.Tensor:
    """Return the image that `decode` makes of each of the files [batch], as `to_shape` does."""
    return tf.map_fn(
        lambda file: to_shape(decode(file), image_shape),
        files,
        fn_output_signature=tf.TensorSpec(image_shape, tf.float32),
    )


def read_batch(paths: tf.Tensor, image_shape: tuple[int, int, int]) -> tf.Tensor:
    """Return the images in valid files [batch], as `to_shape` does."""

    def decode(path: tf.Tensor) -> tf.Tensor:
        return tf.io.decode_image(tf.io.read_file(path), 3, expand_animations=False)

    return decode_batch(paths, decode, image_shape)
