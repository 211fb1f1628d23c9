"""One drawing in every form that image files come in."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

# How an upright image is stored for the EXIF orientations 1 to 8: whether rows and columns are
# swapped, then whether the rows and the columns are reversed. Source: Exif 2.32, tag 0x0112.
STORED = [
    *[(False, False, False), (False, False, True), (False, True, True), (False, True, False)],
    *[(True, False, False), (True, True, False), (True, True, True), (True, False, True)],
]
ORIENTATION = 0x0112
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
        "cmyk.jpg": saved(Image.merge("CMYK", (inverse, inverse, inverse, dark)), **best),
        "cmyk.tif": saved(Image.merge("CMYK", (dark, dark, dark, inverse))),
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
    return LOSSY if name.endswith((".jpg", ".jfif")) or name == "lossy.webp" else 0


def _turned(orientation: int, path: Path, **options: Any) -> None:
    swapped, rows, columns = STORED[orientation - 1]
    pixels = drawing()
    pixels = pixels.T if swapped else pixels
    pixels = pixels[:: -1 if rows else 1, :: -1 if columns else 1]
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, exif=exif, **options)
