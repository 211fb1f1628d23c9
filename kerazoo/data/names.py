"""The names that `--data` takes, checked without importing tensorflow-datasets (TFDS)."""

import os
import re
from importlib import resources
from pathlib import Path

from kerazoo.errors import DataMissingError, UsageError, did_you_mean
from kerazoo.files import mode

FOLDER = "folder:"
LIST = "tfds_image_sets.txt"


def check(name: str) -> None:
    """Raise an error for a name that is not a data set, as far as names and folders show.

    Raises:
        UsageError: No data set can have this name; the message suggests the nearest one.
        DataMissingError: The folder does not exist.
    """
    if name.startswith(FOLDER):
        if name == FOLDER:
            raise UsageError("the data set 'folder:' lacks a path; add it, as in folder:photos")
        path = folder_path(name)
        if mode(path) is None or not path.is_dir():
            raise DataMissingError(f"there is no folder '{path}'")
        return
    mode(Path(name))
    tfds_sets = tfds_image_sets()
    known = ["auto", "digits", *tfds_sets]
    base = re.split("[/:]", name)[0]
    if base == "mnist" != name:
        raise UsageError(f"there is one version of mnist, not '{name}'; use --data mnist")
    prepared = re.fullmatch(r"\w+", base) and (tfds_folder() / base).glob("**/dataset_info.json")
    if name in known or base in tfds_sets or any(prepared or ()):
        return
    is_folder = name and Path(name).is_dir()
    hint = f" (did you mean '{FOLDER}{name}'?)" if is_folder else did_you_mean(name, known)
    raise UsageError(
        f"unknown data set '{name}'{hint}; use auto, mnist, digits, folder:PATH or an "
        "image-classification set of tensorflow-datasets, such as cifar10"
    )


def folder_path(name: str) -> Path:
    """Return the path in "folder:PATH", or raise a UsageError."""
    try:
        return Path(name.removeprefix(FOLDER)).expanduser()
    except RuntimeError as error:
        raise UsageError(f"'{name}': the user is unknown") from error


def absolute(name: str) -> str:
    """Return the name of a data set that means the same in any working directory."""
    return f"{FOLDER}{folder_path(name).absolute()}" if name.startswith(FOLDER) else name


def tfds_image_sets() -> list[str]:
    """Return TFDS's image-classification sets, kept in a file because importing TFDS is slow."""
    text = resources.files("kerazoo.data").joinpath(LIST).read_text()
    return [line for line in text.splitlines() if not line.startswith("#")]


def tfds_folder() -> Path:
    """Return the folder of the data sets that TFDS has prepared."""
    return Path(os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()
