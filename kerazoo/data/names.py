"""The names that `--data` takes, checked without importing anything heavy."""

from __future__ import annotations

import os
import re
from importlib import resources
from pathlib import Path

from kerazoo.errors import DataMissingError, UsageError, did_you_mean

FOLDER = "folder:"
LIST = "tfds_image_sets.txt"


def check(name: str) -> None:
    """Make sure that `name` is a data set, as far as that can be told at once.

    Raises:
        UsageError: No data set has that name; the message gives the nearest one.
        DataMissingError: There is no such folder.
    """
    if name.startswith(FOLDER):
        if name == FOLDER:
            raise UsageError("the data set 'folder:' lacks its path, as in folder:photos")
        if not folder_path(name).is_dir():
            raise DataMissingError(f"there is no folder '{folder_path(name)}'")
        return
    own = ["auto", "digits"]
    known = [*own, *tfds_image_sets()]
    base = re.split("[/:]", name)[0]
    if base == "mnist" != name:
        raise UsageError(f"there is one version of mnist, --data mnist, and not '{name}'")
    if name in known or (base in known and base not in own) or _is_prepared(base):
        return
    is_folder = name and Path(name).is_dir()
    hint = f" (did you mean '{FOLDER}{name}'?)" if is_folder else did_you_mean(name, known)
    raise UsageError(
        f"unknown data set '{name}'{hint}; known are auto, mnist, digits, folder:PATH and the "
        "image-classification sets of tensorflow-datasets, such as cifar10"
    )


def folder_path(name: str) -> Path:
    """Return the path in "folder:PATH"."""
    return Path(name.removeprefix(FOLDER)).expanduser()


def tfds_image_sets() -> list[str]:
    """Return the names of the image-classification sets that tensorflow-datasets has.

    They are kept in a file because importing tensorflow-datasets takes a second.
    """
    text = resources.files("kerazoo.data").joinpath(LIST).read_text()
    return [line for line in text.splitlines() if not line.startswith("#")]


def _is_prepared(name: str) -> bool:
    named = re.fullmatch(r"\w+", name) is not None
    return named and any((tfds_folder() / name).glob("**/dataset_info.json"))


def tfds_folder() -> Path:
    """Return the folder in which tensorflow-datasets keeps what it has prepared."""
    return Path(os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()
