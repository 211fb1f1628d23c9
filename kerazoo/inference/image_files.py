"""The image files that paths, directories and patterns name."""

import glob
import os
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from kerazoo.data.folder_files import is_ignored
from kerazoo.data.image_io import SUFFIXES
from kerazoo.errors import UsageError
from kerazoo.files import mode


def expand(paths: Iterable[Path]) -> list[Path]:
    """Return the files that paths name, in the order of the paths.

    Args:
        paths: Files; directories, of which the image files at any depth are taken; or shell-style
            patterns, where nothing has that name.

    Raises:
        UsageError: A directory has no image files, or a pattern fits nothing.
    """
    return [file for path in paths for file in _files(path)]


def _files(path: Path) -> list[Path]:
    try:
        exists = mode(path) is not None
    except (UsageError, OSError):
        return [path]  # what is wrong with it is reported with the results
    if path.is_dir():
        if not (files := sorted(_images(path), key=lambda each: (_normal(each), each))):
            raise UsageError(f"'{path}' has no images ({', '.join(SUFFIXES)})")
        return files
    if exists or not glob.has_magic(str(path)):
        return [path]
    # not Path.glob, which takes no absolute patterns
    if not (found := sorted(glob.glob(str(path), recursive=True))):  # noqa: PTH207
        raise UsageError(f"the pattern '{path}' fits no file")
    return [file for each in found for file in _files(Path(each))]


def _images(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_ignored(name)]
        for name in names:
            if name.lower().endswith(SUFFIXES) and not is_ignored(name):
                yield Path(parent, name)


def _normal(path: Path) -> str:
    return unicodedata.normalize("NFC", str(path))
