"""Image files of every kind, read by one function."""

import errno
import struct
import subprocess
import sys
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerazoo.data import image_io
from kerazoo.data.image_io import read_batch, read_image, to_shape
from kerazoo.errors import CorruptFileError, KerazooError, UsageError
from tests.helpers import fuzz, image_forms

RAMP = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))
COLOR = Image.fromarray(np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8))


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def read(folder: Path, content: bytes, channels: int = 3) -> np.ndarray:
    (folder / "x.png").write_bytes(content)
    return read_image(folder / "x.png", channels)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", image_forms.forms())
def test_every_form_of_a_drawing_has_its_pixels(name: str, channels: int, tmp_path: Path) -> None:
    image_forms.forms()[name](tmp_path / name)
    pixels = read_image(tmp_path / name, channels)
    expected = np.repeat(image_forms.drawing()[..., None], channels, axis=-1)
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).max() <= image_forms.bound(name)


def chunk(name: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + check


@pytest.mark.parametrize(
    ("color", "bits", "row", "transparent"),
    [
        (0, 1, bytes([0b0011_0000]), [1]),
        (0, 2, bytes([0b0000_0101]), [1]),
        (0, 2, bytes([0b0000_1111]), [3]),
        (0, 4, bytes([0x00, 0x77]), [7]),
        (0, 8, bytes([0, 0, 9, 9]), [9]),
        (0, 16, struct.pack(">4H", 0, 0, 258, 258), [258]),
        (2, 8, bytes([0] * 6 + [1, 2, 3] * 2), [1, 2, 3]),
        (2, 16, struct.pack(">12H", *[0] * 6, *[258, 772, 9] * 2), [258, 772, 9]),
    ],
)
def test_a_transparent_level_of_a_png_is_one_of_its_own_bits(
    color: int, bits: int, row: bytes, transparent: list[int], tmp_path: Path
) -> None:
    """By the PNG specification, https://www.w3.org/TR/png/#11tRNS."""
    header = struct.pack(">IIBBBBB", 4, 1, bits, color, 0, 0, 0)
    levels = struct.pack(f">{len(transparent)}H", *transparent)
    parts = {b"IHDR": header, b"tRNS": levels, b"IDAT": zlib.compress(b"\0" + row), b"IEND": b""}
    content = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts.items())
    for channels in (1, 3):
        pixels = read(tmp_path, content, channels)
        np.testing.assert_array_equal(pixels[0, :2], 0)
        np.testing.assert_array_equal(pixels[0, 2:], 255)


@pytest.mark.parametrize("format", ["BMP", "PNG", "TIFF", "WebP"])
def test_lossless_formats_are_read_exactly(format: str, tmp_path: Path) -> None:
    lossless = {"lossless": True} if format == "WebP" else {}
    pixels = read(tmp_path, encoded(COLOR, format, **lossless))
    np.testing.assert_array_equal(pixels, np.asarray(COLOR))
    if format in ("BMP", "PNG"):
        content = (tmp_path / "x.png").read_bytes()
        np.testing.assert_array_equal(pixels, tf.io.decode_image(content, 3))


def test_a_jpeg_is_read_as_tensorflow_does(tmp_path: Path) -> None:
    smooth = COLOR.resize((64, 48), Image.Resampling.BICUBIC)
    content = encoded(smooth, "JPEG", quality=90)
    accurate = tf.io.decode_jpeg(content, dct_method="INTEGER_ACCURATE")
    assert np.abs(read(tmp_path, content).astype(int) - accurate).max() <= 1


def test_gray_of_color_is_its_luma(tmp_path: Path) -> None:
    gray = read(tmp_path, encoded(COLOR, "PNG"), channels=1)[..., 0]
    luma = np.asarray(COLOR) @ [0.299, 0.587, 0.114]
    assert np.abs(gray - luma).max() <= 0.51


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    ink = np.random.default_rng(1).integers(0, 256, (4, 6, 4), np.uint8)
    pixels = read(tmp_path, encoded(Image.fromarray(ink, "CMYK"), "TIFF"))
    expected = 255 * (1 - ink[..., :3] / 255) * (1 - ink[..., 3:] / 255)
    assert np.abs(pixels - expected).max() <= 1


@pytest.mark.parametrize(
    ("ink", "paper"), [((0, 0, 0), 255), ((90, 20, 20), 255), ((255, 255, 255), 0)]
)
def test_what_is_transparent_contrasts_with_what_is_not(
    ink: tuple[int, int, int], paper: int, tmp_path: Path
) -> None:
    opacity = np.zeros((4, 4), np.uint8)
    opacity[1, 1], opacity[2, 2] = 255, 128
    colors = np.full((4, 4, 3), ink, np.uint8)
    image = Image.fromarray(np.dstack([colors, opacity]))
    expected = np.full((4, 4, 3), paper, float)
    for row, alpha in ((1, 1), (2, 128 / 255)):
        expected[row, row] = alpha * np.array(ink) + (1 - alpha) * paper
    assert np.abs(read(tmp_path, encoded(image, "PNG")) - expected).max() <= 1


def test_what_is_nearly_transparent_does_not_count(tmp_path: Path) -> None:
    colors = np.full((6, 6, 4), (255, 255, 255, 1), np.uint8)
    colors[2:4, 2:4] = (0, 0, 0, 255)
    pixels = read(tmp_path, encoded(Image.fromarray(colors), "PNG"), channels=1)[..., 0]
    expected = np.full((6, 6), 255)
    expected[2:4, 2:4] = 0
    np.testing.assert_array_equal(pixels, expected)


def test_a_transparent_level_of_16_bits_is_white(tmp_path: Path) -> None:
    levels = np.zeros((4, 4), np.uint16)
    levels[1, 1] = 300
    content = encoded(Image.fromarray(levels), "PNG", transparency=0)
    pixels = read(tmp_path, content, channels=1)[..., 0]
    assert pixels[1, 1] == 300 >> 4
    assert (np.delete(pixels.ravel(), 5) == 255).all()


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "CMYK", "I;16"])
@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_a_tiff_of_every_kind_is_turned(mode: str, compression: str | None, tmp_path: Path) -> None:
    image = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(6, 8) * 5)
    stored = (
        image.convert(mode)
        if mode != "I;16"
        else Image.fromarray(np.asarray(image, np.uint16) * 257)
    )
    sizes = {}
    for orientation in (1, 6):
        content = encoded(stored, "TIFF", tiffinfo={0x112: orientation}, compression=compression)
        sizes[orientation] = read(tmp_path, content, channels=1)[..., 0]
    np.testing.assert_array_equal(sizes[6], np.rot90(sizes[1], -1))


def test_nothing_but_transparency_is_white(tmp_path: Path) -> None:
    pixels = read(tmp_path, encoded(Image.new("RGBA", (3, 2)), "PNG"))
    np.testing.assert_array_equal(pixels, np.full((2, 3, 3), 255))


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_levels_are_scaled_by_the_bits_that_they_need(bits: int, tmp_path: Path) -> None:
    levels = np.linspace(0, 2**bits - 1, 64).astype(np.uint16).reshape(8, 8)
    pixels = read(tmp_path, encoded(Image.fromarray(levels), "PNG"), channels=1)[..., 0]
    assert np.abs(pixels - levels / (2**bits - 1) * 255).max() < 1


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_data_do_no_harm(tmp_path: Path) -> None:
    exif = b"Exif\0\0MM\0*\xff\xff\xff\xff\0\x01"
    content = encoded(COLOR.resize((16, 16)), "JPEG", exif=exif)
    assert read(tmp_path, content).shape == (16, 16, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a BMP, GIF, JPEG, PNG, TIFF or WebP file, or incomplete: replace it"),
        (b"text", "is not a BMP"),
        (b"\x89PNG\r\n\x1a\n cut short", "x.png' is "),
        (encoded(COLOR, "PNG")[:-30], "is damaged or cannot be read as an image: .*; replace it"),
        (encoded(COLOR, "TIFF")[:-50], "is damaged"),
        (encoded(COLOR.convert("L").convert("F"), "TIFF"), "pixels are floating-point numbers"),
        (
            encoded(Image.new("I", (2, 2), 70_000), "TIFF"),
            "levels are not from 0 to 65,535; replace",
        ),
        (encoded(Image.new("I", (2, 2), -1), "TIFF"), "levels are not from 0 to 65,535"),
        (encoded(COLOR, "PPM"), "is not a BMP"),
    ],
)
def test_what_is_no_image_is_reported(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(CorruptFileError, match=message):
        read(tmp_path, content)


@pytest.mark.parametrize("size", [(9_500, 9_500), (20_000, 20_000), (2**31 - 1, 2**31 - 1)])
def test_an_image_is_bounded_by_its_header(size: tuple[int, int], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"x.png' has more than 89,478,485 pixels: make it small"):
        read(tmp_path, image_forms.png(struct.pack(">2I5B", *size, 8, 0, 0, 0, 0), b""))


def test_the_bound_is_kerazoos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_io, "MAX_PIXELS", 35)
    assert read(tmp_path, encoded(COLOR, "PNG")).shape == (5, 7, 3)
    monkeypatch.setattr(image_io, "MAX_PIXELS", 34)
    with pytest.raises(UsageError, match="has more than 34 pixels"):
        read(tmp_path, encoded(COLOR, "PNG"))


def test_images_that_are_open_at_once_have_a_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_io, "MAX_PIXELS", 2 * 35)
    COLOR.save(tmp_path / "x.png")
    for _ in range(2):
        with image_io.opened(tmp_path / "x.png"), image_io.opened(tmp_path / "x.png"):
            assert not image_io.FREE_PARTS.acquire(blocking=False)
    with pytest.raises(CorruptFileError):
        read(tmp_path, encoded(COLOR, "PNG")[:-30])
    assert image_io.FREE_PARTS._value == image_io.PARTS


MEMORY_OF_THREADS = """
import re, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from kerazoo.data import image_io

def peak():  # ru_maxrss begins with that of the process before exec
    return int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])

def read(_):
    image_io.read_image(Path(sys.argv[1]), 3, (8, 8))

image_io.MAX_PIXELS = 3000 * 3000
before = peak()
read(0)
one = peak() - before
with ThreadPoolExecutor(6) as pool:
    list(pool.map(read, range(6)))
print(one, peak() - before)
"""


def test_threads_take_the_memory_of_one_image(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    Image.new("RGB", (3000, 3000), (1, 2, 3)).save(path, compress_level=1)
    command = [sys.executable, "-c", MEMORY_OF_THREADS, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    one, six = map(int, done.stdout.split())
    assert one < 80_000
    assert six < 1.5 * one


@pytest.mark.parametrize(
    ("error", "expected", "message"),
    [
        (PermissionError(errno.EACCES, ""), KerazooError, "may not be read: change its permiss"),
        (OSError(errno.EMFILE, "too many"), OSError, "too many"),
        (MemoryError("none"), MemoryError, "none"),
    ],
)
def test_what_is_no_damage_is_reported_as_it_is(
    error: Exception,
    expected: type[Exception],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(expected, match=message) as caught:
        read(tmp_path, encoded(COLOR, "PNG"))
    assert not isinstance(caught.value, CorruptFileError)


def test_a_batch_of_files_is_read_in_one_shape(tmp_path: Path) -> None:
    for name, image in (("a.png", COLOR), ("b.bmp", RAMP)):
        image.save(tmp_path / name)
    paths = [tmp_path / name for name in ("a.png", "b.bmp", "a.png")]
    files = tf.constant([str(path) for path in paths])
    images = tf.function(lambda files: read_batch(files, (4, 6, 3)))(files)
    expected = np.stack([read_image(path, 3, (4, 6)) for path in paths])
    np.testing.assert_array_equal(images, to_shape(expected, (4, 6, 3)))


@pytest.mark.parametrize("size", [(4, 6), (5, 7), (3, 50), (20, 2), (33, 31)])
def test_a_file_is_resized_as_an_array_is(size: tuple[int, int], tmp_path: Path) -> None:
    COLOR.save(tmp_path / "x.png")
    pixels = read_image(tmp_path / "x.png", 3, size)
    expected = to_shape(np.asarray(COLOR), (*size, 3)) * 255
    assert np.abs(pixels - expected).max() <= 1.01


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


@pytest.mark.parametrize("count", fuzz.COUNTS)
def test_mutated_files_are_images_or_refused(count: int, tmp_path: Path) -> None:
    originals = []
    for name, save in image_forms.forms().items():
        save(tmp_path / name)
        originals.append((tmp_path / name).read_bytes())
    fuzz.check(lambda content: read(tmp_path, content), originals, count)
