"""The image files under a folder, by split and class."""

from __future__ import annotations

import logging
import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NoReturn

import numpy as np

from kerazoo.data.image_io import SUFFIXES
from kerazoo.errors import DataMissingError
from kerazoo.text import listed

SPLITS = ("train", "test", "validation")
LIKE_SPLITS = (*SPLITS, "training", "testing", "val", "valid")
# What macOS, Synology and Windows put among files, besides names that begin with a dot.
IGNORED = ("__MACOSX", "@eaDir", "Thumbs.db", "desktop.ini")

logger = logging.getLogger("kerazoo")


class FolderFiles:
    """The image files in `root/train/CLASS` and `root/test/CLASS`, or all in `root/CLASS`.

    Links are followed. Folders are of one class if their names differ only in the Unicode form of
    their characters.

    Args:
        root: An existing folder.

    Attributes:
        classes: The sorted names of the classes.
        splits: Paths as bytes by split, "train" first, and by class.
        unused: The number of files that are not used, by the reason.

    Raises:
        DataMissingError: It has no two classes, or one without images.
        PermissionError: A folder in it may not be read.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.unused: Counter[str] = Counter()
        top, folders = self._top()
        self.classes = sorted(folders)
        self.splits = {"train": self._by_class(folders)}
        for name in SPLITS[1:]:
            if top != root and (root / name).exists():
                self._add(name)

    def _top(self) -> tuple[Path, dict[str, list[Path]]]:
        """Return the folder whose folders are the classes to train on, and these by class."""
        folders = self._class_folders(self.root)
        train = self._class_folders(self.root / "train") if "train" in folders else {}
        for name in folders:
            if name.lower() in LIKE_SPLITS and not (train and name in SPLITS):
                raise DataMissingError(
                    f"'{self.root / name}' looks like a split; name the splits "
                    f"{', '.join(SPLITS)}, with the class folders in each"
                )
        if train:
            self.unused["folders other than splits"] += len(folders.keys() - set(SPLITS))
        top, folders = (self.root / "train", train) if train else (self.root, folders)
        if len(folders) < 2:
            raise DataMissingError(
                f"'{top}' has {len(folders)} class folders: put the images of each class into a "
                "folder of their own, of at least two classes"
            )
        return top, folders

    def _add(self, split: str) -> None:
        folder = self.root / split
        folders = self._class_folders(folder) if folder.is_dir() else {}
        if not folders:
            logger.warning(
                "'%s' has no class folders and is not used: training images are held out instead",
                folder,
            )
        elif unknown := sorted(folders.keys() - set(self.classes)):
            raise DataMissingError(
                f"the class '{folder / unknown[0]}' has no training images; add some, or remove it"
            )
        else:
            self.splits[split] = self._by_class(folders)

    def _class_folders(self, parent: Path) -> dict[str, list[Path]]:
        """Return the folders in `parent` by the class that they are named after."""
        folders: dict[str, list[Path]] = {}
        with os.scandir(parent) as entries:
            for entry in entries:
                if is_ignored(entry.name):
                    continue
                if entry.is_dir():
                    name = unicodedata.normalize("NFC", entry.name)
                    folders.setdefault(name, []).append(Path(entry.path))
                else:
                    self.unused["outside of class folders"] += 1
        return folders

    def _by_class(self, folders: Mapping[str, list[Path]]) -> dict[str, list[bytes]]:
        others = [self.root, *(path for paths in folders.values() for path in paths)]
        names: dict[tuple[int, int], str] = {}
        for name, paths in folders.items():
            for path in paths:
                if (other := names.setdefault(_identity(path), name)) != name:
                    raise DataMissingError(
                        f"the classes '{other}' and '{name}' are one folder: remove the link"
                    )
        files = {
            name: sorted(
                (path for folder in paths for path in self._images(folder, others)), key=_order
            )
            for name, paths in folders.items()
        }
        if empty := [name for name, paths in files.items() if not paths]:
            raise DataMissingError(
                f"'{folders[empty[0]][0]}' has no images ({', '.join(SUFFIXES)}); "
                "add some, or remove it"
            )
        return files

    def _images(self, folder: Path, others: Collection[Path]) -> list[bytes]:
        """Return the paths of the images below a folder, but not below the others."""
        images, seen = [], {_identity(path) for path in others}
        for parent, names, files in os.walk(folder, onerror=_fail, followlinks=True):
            identity = _identity(Path(parent))
            if identity in seen and Path(parent) != folder:
                self.unused["links to folders that are read already"] += 1
                names.clear()
                continue
            seen.add(identity)
            names[:] = sorted(name for name in names if not is_ignored(name))
            for name in files:
                path = Path(parent, name)
                if is_ignored(name):
                    continue
                if reason := _why_unused(path):
                    self.unused[reason] += 1
                else:
                    images.append(os.fsencode(path))
        return images

    def warn_of_unused(self) -> None:
        """Log how many files and folders are not used, and why."""
        if counts := +self.unused:
            most_first = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
            logger.warning(
                "'%s' has files or folders that are not used: %s (images end with %s)",
                self.root,
                listed([f"{reason}: {count}" for reason, count in most_first]),
                ", ".join(SUFFIXES),
            )

    def paths(self) -> np.ndarray:
        """Return the sorted paths of all images, bytes [size]."""
        by_class = (paths for split in self.splits.values() for paths in split.values())
        return np.array(sorted((path for paths in by_class for path in paths), key=_order), object)

    def labeled(self, split: str, readable: Collection[bytes]) -> tuple[np.ndarray, np.ndarray]:
        """Return the paths of the readable images of a split, bytes [size], and labels [size]."""
        paths: list[bytes] = []
        labels: list[int] = []
        for label, name in enumerate(self.classes):
            files = [path for path in self.splits[split].get(name, ()) if path in readable]
            paths += files
            labels += [label] * len(files)
        return np.array(paths, object), np.array(labels, int)


def _order(path: bytes) -> tuple[str, bytes]:
    """Return what paths are sorted by: the same in every Unicode form of their characters."""
    return unicodedata.normalize("NFC", os.fsdecode(path)), path


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def is_ignored(name: str) -> bool:
    """Return whether a file or folder is one that systems put among others."""
    return name.startswith(".") or name in IGNORED


def _why_unused(path: Path) -> str:
    """Return why a file is not used; "" for an image."""
    try:
        kind = path.stat().st_mode
    except PermissionError:
        raise
    except OSError:
        return "links to nothing"
    if not stat.S_ISREG(kind):
        return "pipes or devices"
    suffix = path.suffix.lower()
    return "" if suffix in SUFFIXES else suffix or "without an ending"


def _fail(error: OSError) -> NoReturn:
    raise error
