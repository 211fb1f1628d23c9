"""One drawing in every form that image files come in."""

import struct
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageDraw

# How an upright image is stored for the EXIF orientations 1 to 8: whether rows and columns are
# swapped, then whether the rows and the columns are reversed. Source: Exif 2.32, tag 0x0112.
STORED = [
    *[(False, False, False), (False, False, True), (False, True, True), (False, True, False)],
    *[(True, False, False), (True, True, False), (True, True, True), (True, False, True)],
]
ORIENTATION = 0x0112
# The passes of an interlaced PNG: first row and column, steps of rows and columns. Source: PNG
# Specification, third edition (https://www.w3.org/TR/png-3/), section 8.1.
ADAM7 = [
    *[(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4)],
    *[(2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)],
]
COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # of a PNG, by the number of its channels
LOSSY = 2  # of 255: the most by which JPEG or lossy WebP may change a pixel of the drawing

Save = Callable[[Path], object]


def drawing() -> np.ndarray:
    """Return a 4 in black on white, uint8 [64, 48]; no turn or mirror maps it to itself."""
    page = Image.new("L", (48, 64), 255)
    pen = partial(ImageDraw.Draw(page).line, fill=0, width=5)
    pen([(16, 12), (12, 36), (34, 36)])
    pen([(31, 20), (31, 54)])
    return np.asarray(page)


def forms() -> dict[str, Save]:
    """Return what writes the drawing, by the name of the file."""
    gray = drawing()
    page, dark = Image.fromarray(gray), Image.fromarray(np.zeros_like(gray))
    ink = Image.fromarray(255 - gray)  # the opacity of black
    cut_out = Image.merge("RGBA", (dark, dark, dark, ink))
    palette = page.convert("RGB").quantize(8)
    inverse = page.point(lambda level: 255 - level)
    black = Image.fromarray(np.where(gray > 127, 1, 0).astype(np.uint8), "P")
    black.putpalette([0, 0, 0, 200, 0, 0])  # its second color is transparent
    best: dict[str, Any] = {"quality": 100, "subsampling": 0}

    def saved(image: Image.Image, **options: Any) -> Save:
        return lambda path: image.save(path, **options)

    levels = gray.astype(np.uint16)
    wide = (levels * 257)[..., None]
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return {
        **{f"turned{n}.jpg": partial(_turned, n, **best) for n in range(1, 9)},
        "turned6.png": partial(_turned, 6),
        "turned8.tif": partial(_turned, 8),
        "turned6_packed.tif": partial(_turned, 6, compression="tiff_lzw"),
        "turned5.webp": partial(_turned, 5, lossless=True),
        "plain.bmp": saved(page.convert("RGB")),
        "palette.bmp": saved(palette),
        "one_bit.png": saved(page.convert("1")),
        "palette.png": saved(palette),
        "transparent.png": saved(cut_out),
        "transparent_gray.png": saved(Image.merge("LA", (dark, ink))),
        "transparent_palette.png": saved(black, transparency=1),
        "transparent_color.png": saved(page.convert("RGB"), transparency=(255, 255, 255)),
        "transparent.gif": saved(black, transparency=1),
        "transparent.webp": saved(cut_out, lossless=True),
        "sixteen_bits.png": saved(Image.fromarray(levels * 257)),
        "twelve_bits.png": saved(Image.fromarray(levels * 16 + levels // 16)),
        "eight_in_sixteen.tiff": saved(Image.fromarray(levels)),
        "sixteen_bits.tif": saved(Image.fromarray(levels * 257), compression="tiff_lzw"),
        "sixteen_bits_white_is_0.tif": saved(
            Image.fromarray((255 - levels) * 257), tiffinfo={262: 0}
        ),
        "sixteen_bits_big_endian.tif": saved(
            Image.frombytes("I;16B", page.size, wide.astype(">u2").tobytes())
        ),
        "sixteen_bits_color.png": _png(np.repeat(wide, 3, axis=-1)),
        "sixteen_bits_transparent_gray.png": _png(np.dstack([0 * wide, 65535 - wide])),
        "sixteen_bits_transparent_color.png": _png(np.dstack([0 * wide] * 3 + [65535 - wide])),
        "interlaced.png": _png(gray[..., None], interlaced=True),
        "four_bits.png": saved(palette, bits=4),
        "color_profile.png": saved(page, icc_profile=profile),
        "cmyk.jpg": saved(Image.merge("CMYK", (inverse, inverse, inverse, dark)), **best),
        "cmyk.tif": saved(Image.merge("CMYK", (dark, dark, dark, inverse))),
        "lab.tif": saved(page.convert("RGB").convert("LAB")),
        "progressive.jpg": saved(page.convert("RGB"), progressive=True, **best),
        "phone.jpg": saved(
            page.copy(), format="MPO", save_all=True, append_images=[dark.copy()], **best
        ),
        "gray.jfif": saved(page, format="JPEG", **best),
        "lossy.webp": saved(page.convert("RGB"), quality=100),
        "animated.gif": saved(page, save_all=True, append_images=[dark]),
        "animated.webp": saved(
            page.convert("RGB"), save_all=True, append_images=[dark.convert("RGB")], lossless=True
        ),
        "pages.tif": saved(page, save_all=True, append_images=[dark]),
    }


def bound(name: str) -> int:
    """Return the most by which a file may differ from the drawing, of 255."""
    is_lossy = name.endswith((".jpg", ".jfif")) or name in ("lossy.webp", "lab.tif")
    return LOSSY if is_lossy else 0


def _turned(orientation: int, path: Path, **options: Any) -> None:
    swapped, rows, columns = STORED[orientation - 1]
    pixels = drawing()
    pixels = pixels.T if swapped else pixels
    pixels = pixels[:: -1 if rows else 1, :: -1 if columns else 1]
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, exif=exif, **options)


def png(header: bytes, data: bytes) -> bytes:
    """Return a PNG file of two chunks, the second one compressed."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _png(pixels: np.ndarray, interlaced: bool = False) -> Save:
    """Return what writes pixels [height, width, channels] of 8 or 16 bits as they are."""
    height, width, channels = pixels.shape
    kind = (8 * pixels.itemsize, COLOR_TYPES[channels], 0, 0, interlaced)
    passes = ADAM7 if interlaced else [(0, 0, 1, 1)]
    rows = (row for y, x, down, right in passes for row in pixels[y::down, x::right])
    data = b"".join(b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes() for row in rows)
    return lambda path: path.write_bytes(png(struct.pack(">2I5B", width, height, *kind), data))
