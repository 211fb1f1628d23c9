"""Files of figures: which formats they have, and how one is written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kerazoo import files
from kerazoo.errors import UsageError
from kerazoo.text import either

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg")
DPI = 120


def check(path: Path, image: Path | None = None) -> None:
    """Check that a figure can be written to a path, and does not replace the image it shows.

    Raises:
        UsageError: The path does not end with one of `FORMATS`, or is that of the image.
        KerazooError: No file can have it.
    """
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"'{path}' must end with {either(FORMATS)}")
    files.check_target(path, image)


def save(figure: Figure, path: Path, dpi: int = DPI) -> None:
    """Write a figure in the format that its path ends with."""
    with files.replacing(path) as file:
        figure.savefig(file, format=path.suffix[1:].lower(), dpi=dpi)
