"""The names that `--data` takes, checked without importing anything heavy."""

from __future__ import annotations

import os
import re
from importlib import resources
from pathlib import Path

from kerazoo.errors import UsageError, did_you_mean

FOLDER = "folder:"
LIST = "tfds_image_sets.txt"


def check(name: str) -> None:
    """Raise a `UsageError` with the nearest valid name where `name` is no data set."""
    if name.startswith(FOLDER):
        if name == FOLDER:
            raise UsageError("the data set 'folder:' lacks its path, as in folder:photos")
        return
    known = ["auto", "digits", *tfds_image_sets()]
    base = re.split("[/:]", name)[0]
    if base in known or (base and (tfds_folder() / base).is_dir()):
        return
    is_folder = Path(name).is_dir()
    hint = f" (did you mean '{FOLDER}{name}'?)" if is_folder else did_you_mean(name, known)
    raise UsageError(
        f"unknown data set '{name}'{hint}; known are auto, mnist, digits, folder:PATH and the "
        "image-classification sets of tensorflow-datasets, such as cifar10"
    )


def tfds_image_sets() -> list[str]:
    """Return the names of the image-classification sets that tensorflow-datasets has.

    They are kept in a file because importing tensorflow-datasets takes a second.
    """
    text = resources.files("kerazoo.data").joinpath(LIST).read_text()
    return [line for line in text.splitlines() if not line.startswith("#")]


def tfds_folder() -> Path:
    """Return the folder in which tensorflow-datasets keeps what it has prepared."""
    return Path(os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")).expanduser()
