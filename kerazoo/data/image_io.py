"""The one reader of image files, and what makes images fit a model.

Pillow decodes the files, https://pillow.readthedocs.io.
"""

from __future__ import annotations

import contextlib
import math
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageOps, ImageStat, UnidentifiedImageError
from PIL.TiffImagePlugin import PHOTOMETRIC_INTERPRETATION

from kerazoo.device import cores
from kerazoo.errors import CorruptFileError, KerazooError, UsageError, is_damage, reason
from kerazoo.files import check_file
from kerazoo.lazy import tf
from kerazoo.text import either

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WebP")
SUFFIXES = (".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
MAX_PIXELS = 89_478_485  # from which on Pillow warns
LEVELS = {"L;2": 3, "L;4": 15}  # the highest in the pixels of a PNG, by Pillow's name of them
BIT_DEPTHS = (8, 12, 16)  # bits that the levels of gray images of 16 bits may really have
# Parts of MAX_PIXELS, of which an image needs some while it is decoded, and whose turn it is.
PARTS = 256
FREE_PARTS, TURN = threading.Semaphore(PARTS), threading.Lock()
# Pillow's unit of memory for pixels. The C library keeps units of up to 32 MB for the next image of
# the same thread, and returns larger ones to the system.
Image.core.set_block_size(2**26)  # type: ignore[attr-defined]

ImageShape = tuple[int, int, int]
CHANNELS = (1, 3)  # of gray and of color images


def read_image(path: Path, channels: int, size: tuple[int, int] | None = None) -> np.ndarray:
    """Return the image in a file, as `opened` and `to_pixels` do."""
    with opened(path) as image:
        return to_pixels(image, channels, size)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """Yield the image in a file, which is decoded when it is used; an error then is of the file.

    It waits until the images that all threads have open have at most `MAX_PIXELS` together.

    Args:
        path: A BMP, GIF, JPEG, PNG, TIFF or WebP file, whatever its name ends with.

    Raises:
        UsageError: There is no such file, or it has more than `MAX_PIXELS`.
        CorruptFileError: It is damaged, or of another format.
        KerazooError: It may not be read.
    """
    try:
        check_file(path)
        # not by its path: Pillow maps such a TIFF into memory, and turns it wrongly
        with path.open("rb") as file, Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            with _memory_for(image.width * image.height):
                yield image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        message = f"'{path}' has more than {MAX_PIXELS:,} pixels: make it smaller"
        raise UsageError(message) from error
    except UnidentifiedImageError as error:
        message = f"'{path}' is not a {either(FORMATS)} file, or incomplete"
        raise CorruptFileError(f"{message}: replace it, or save it as one") from error
    except PermissionError as error:
        raise KerazooError(f"'{path}' may not be read: change its permissions") from error
    except Exception as error:  # each of Pillow's formats raises kinds of its own
        if not is_damage(error):
            raise
        raise CorruptFileError(
            f"'{path}' is damaged or cannot be read as an image: {reason(error)}; replace it, or "
            "save it as PNG"
        ) from error


@contextlib.contextmanager
def _memory_for(pixels: int) -> Iterator[None]:
    """Wait until this thread may decode an image."""
    parts = max(1, math.ceil(PARTS * pixels / MAX_PIXELS))
    with TURN:
        for _ in range(parts):
            FREE_PARTS.acquire()
    try:
        yield
    finally:
        FREE_PARTS.release(parts)


def to_pixels(image: Image.Image, channels: int, size: tuple[int, int] | None) -> np.ndarray:
    """Return the pixels of an image, upright and opaque.

    The orientation in its EXIF data is applied, a color profile is not. Of an animation, it is the
    first frame. What is transparent becomes white, or black where the visible pixels are light, so
    that a drawing in one color stays visible. Color becomes gray by its luma, gray becomes three
    equal channels. Of the levels of 16 bits, the upper 8 are used; those of a gray image are levels
    of 8 or 12 bits if none is higher, see `bit_depth`.

    Args:
        image: What `opened` yields.
        channels: 1 for gray, 3 for RGB.
        size: (height, width) that the image is resized to, as in `to_shape`; None to leave it.

    Returns:
        uint8 [height, width, channels].
    """
    result = _upright(image, "L" if channels == 1 else "RGB")
    if size is not None:
        result = result.resize(size[::-1], Image.Resampling.BILINEAR)
    pixels = np.asarray(result)
    return pixels.reshape(*pixels.shape[:2], channels)


def bit_depth(image: Image.Image) -> int:
    """Return the first of `BIT_DEPTHS` that holds the levels of a gray image of 16 bits, else 0."""
    if not image.mode.startswith("I"):
        return 0
    levels = np.asarray(image)
    if levels.min() < 0 or levels.max() >= 2 ** BIT_DEPTHS[-1]:
        raise ValueError("its levels are not from 0 to 65,535")
    return next(depth for depth in BIT_DEPTHS if levels.max() < 2**depth)


def _upright(image: Image.Image, mode: str) -> Image.Image:
    """Return an image upright, of 8 bits and opaque, in the mode "L" or "RGB"."""
    _scale_transparency(image)
    image.load()
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except Exception as error:
        if not is_damage(error):  # of EXIF data, in a file whose pixels are complete
            raise
    if image.mode.startswith("I"):
        image = _of_8_bits(image)
    elif image.mode == "F":
        raise ValueError("its pixels are floating-point numbers")
    if image.has_transparency_data:
        image = _opaque(image.convert("RGBA"))
    if image.mode not in ("L", "RGB"):
        image = image.convert("RGB")  # from some modes, there is no other way to gray
    return image if image.mode == mode else image.convert(mode)


def _scale_transparency(image: Image.Image) -> None:
    """Scale the transparent level or color of a PNG to 8 bits, as Pillow scales its pixels."""
    transparent = image.info.get("transparency")
    if image.format != "PNG" or not (tiles := getattr(image, "tile", [])):
        return
    layout = tiles[0].args
    if layout in LEVELS and isinstance(transparent, int):
        image.info["transparency"] = transparent * 255 // LEVELS[layout]
    elif layout == "RGB;16B" and isinstance(transparent, tuple):
        image.info["transparency"] = tuple(level >> 8 for level in transparent)


def _of_8_bits(image: Image.Image) -> Image.Image:
    """Return the upper 8 bits of the levels of a gray image of 16 bits."""
    levels = np.asarray(image)
    gray = Image.fromarray((levels >> (bit_depth(image) - 8)).astype(np.uint8))
    if getattr(image, "tag_v2", {}).get(PHOTOMETRIC_INTERPRETATION) == 0:  # 0 is white
        gray = ImageChops.invert(gray)
    if (transparent := image.info.get("transparency")) is not None:
        gray.putalpha(Image.fromarray(levels != transparent))
    return gray


def _opaque(image: Image.Image) -> Image.Image:
    """Return an image over black if what is visible of it is light on average, else over white."""
    alpha = image.getchannel("A")
    light, visible = (
        ImageStat.Stat(each).sum[0]
        for each in (ImageChops.multiply(image.convert("L"), alpha), alpha)
    )
    paper = "black" if 2 * light > visible else "white"
    page = Image.new("RGB", image.size, paper)
    page.paste(image, mask=image)
    return page


def to_shape(images: tf.Tensor, image_shape: ImageShape) -> tf.Tensor:
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


def read_batch(paths: tf.Tensor, image_shape: ImageShape) -> tf.Tensor:
    """Return the images in files as `to_shape` does, as a part of a TensorFlow graph.

    Args:
        paths: Bytes [batch].
        image_shape: (height, width, channels).
    """
    read = tf.autograph.experimental.do_not_convert(partial(_read_all, image_shape=image_shape))
    images = tf.ensure_shape(tf.numpy_function(read, [paths], tf.uint8), (None, *image_shape))
    return to_shape(images, image_shape)


def _read_all(paths: np.ndarray, image_shape: ImageShape) -> np.ndarray:
    """Return the images in files, uint8 [batch, height, width, channels]."""
    read = partial(read_image, channels=image_shape[-1], size=image_shape[:2])
    files = [Path(os.fsdecode(path)) for path in paths]
    with ThreadPoolExecutor(cores()) as pool:
        return np.stack(list(pool.map(read, files)))
