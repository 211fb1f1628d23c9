"""A folder of pictures, one sub-folder a class, read from disk as they are needed."""

from __future__ import annotations

import hashlib
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorflow as tf
from sklearn.model_selection import train_test_split
from tqdm import tqdm

from kerazoo.data.images import ImageData, ImageShape, Shuffle, fingerprint, fit, order, spread
from kerazoo.errors import CorruptFileError, DataMissingError

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
HELD_OUT = 0.1  # share of the pictures that each split taken from another one gets


class FileSplit:
    """Pictures read from their files.

    Args:
        paths: The files [size].
        labels: Integers [size].
        image_shape: What the pictures are brought to.
    """

    def __init__(self, paths: np.ndarray, labels: np.ndarray, image_shape: ImageShape) -> None:
        self._paths = paths
        self._labels = labels
        self._image_shape = image_shape

    @property
    def size(self) -> int:
        """Number of pictures."""
        return len(self._labels)

    def batches(
        self, batch_size: int, shuffle: Shuffle | None = None, skip: int = 0
    ) -> tf.data.Dataset:
        """Yield every picture once; see `Split.batches`."""
        indices = order(self.size, shuffle)[skip * batch_size :]
        files = tf.data.Dataset.from_tensor_slices(
            (self._paths[indices], self._labels[indices].astype(np.int32))
        )
        pictures = files.map(self._read, tf.data.AUTOTUNE)
        return pictures.batch(batch_size).prefetch(tf.data.AUTOTUNE)

    def limited(self, size: int) -> FileSplit:
        """Return `size` of the pictures, spread over the whole; all where there are fewer."""
        kept = spread(self.size, size)
        return FileSplit(self._paths[kept], self._labels[kept], self._image_shape)

    def _read(self, path: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return fit(decode(tf.io.read_file(path)), self._image_shape), label


def decode(data: tf.Tensor) -> tf.Tensor:
    """Return the picture, uint8 [height, width, 3], in the bytes of a BMP, GIF, JPEG or PNG file.

    An animation gives its first frame.
    """
    picture = tf.io.decode_image(data, channels=3, expand_animations=False)
    return tf.ensure_shape(picture, (None, None, 3))


def load(root: Path, image_shape: ImageShape, seed: int) -> ImageData:
    """Return the pictures under `root`, every one of which has been decoded once as a check.

    They are in `root/train/CLASS` and, where they are there, `root/test/CLASS` and
    `root/validation/CLASS`, or all in `root/CLASS`. A split that is not there is a tenth of the
    training pictures, drawn by `seed`, each class in proportion.

    Raises:
        DataMissingError: There is no such folder, or too few pictures in it.
        CorruptFileError: A picture cannot be decoded.
    """
    if not root.is_dir():
        raise DataMissingError(f"there is no folder '{root}'")
    top = root / "train" if _folders(root / "train") else root
    classes = _folders(top)
    if len(classes) < 2:
        raise DataMissingError(
            f"'{top}' needs two folders of pictures at least, one a class, and has {len(classes)}"
        )
    files = {"train": _list_pictures(top, classes)}
    for part in ("test", "validation"):
        if top != root and _folders(root / part):
            files[part] = _list_pictures(root / part, classes)
        else:
            files["train"], files[part] = _hold_out(*files["train"], seed)
    mark = _check(root, np.concatenate([paths for paths, _ in files.values()]))
    splits = {part: FileSplit(*listed, image_shape) for part, listed in files.items()}
    return ImageData(f"folder:{root}", tuple(classes), image_shape, **splits, fingerprint=mark)


def _folders(parent: Path) -> list[str]:
    """Return the sorted names of the folders in `parent`, hidden ones left out."""
    if not parent.is_dir():
        return []
    folders = (entry.name for entry in os.scandir(parent) if entry.is_dir())
    return sorted(name for name in folders if not name.startswith("."))


def _list_pictures(parent: Path, classes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the paths of the pictures in the class folders, in order, and their labels."""
    unknown = sorted(set(_folders(parent)) - set(classes))
    if unknown:
        raise DataMissingError(f"no picture to train on for '{parent / unknown[0]}'")
    paths: list[str] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        found = sorted(
            str(path)
            for path in (parent / name).rglob("*")
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
        )
        if not found:
            kinds = ", ".join(SUFFIXES)
            raise DataMissingError(f"no picture ({kinds}) is in '{parent / name}'")
        paths += found
        labels += [label] * len(found)
    return np.array(paths), np.array(labels)


def _hold_out(
    paths: np.ndarray, labels: np.ndarray, seed: int
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Part the pictures into those kept and a tenth, one a class at least, each class in ratio."""
    classes = len(np.unique(labels))
    size = max(classes, round(HELD_OUT * len(labels)))
    try:
        kept, held_out = train_test_split(
            np.arange(len(labels)), test_size=size, stratify=labels, random_state=seed
        )
    except ValueError as error:
        raise DataMissingError(
            f"{len(labels)} pictures in {classes} classes are too few to hold some out: "
            "give each class ten or more"
        ) from error
    return (paths[kept], labels[kept]), (paths[held_out], labels[held_out])


def _check(root: Path, paths: np.ndarray) -> str:
    """Decode every picture; return the fingerprint of their names and contents.

    Raises:
        CorruptFileError: Some cannot be decoded; the message names the first.
    """

    def examine(path: str) -> tuple[bytes, str]:
        data = Path(path).read_bytes()
        try:
            decode(tf.constant(data))
        except tf.errors.InvalidArgumentError as error:
            return b"", error.message.partition("\n")[0]
        name = os.fsencode(Path(path).relative_to(root))
        return name + hashlib.sha256(data).digest(), ""

    paths = np.sort(paths)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        bar = tqdm(
            pool.map(examine, paths),
            desc="checking pictures",
            total=len(paths),
            leave=False,
            disable=not sys.stderr.isatty(),
        )
        marks, problems = zip(*bar, strict=True)
    broken = [(path, problem) for path, problem in zip(paths, problems, strict=True) if problem]
    if broken:
        others = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
        raise CorruptFileError(
            f"'{broken[0][0]}'{others} is not a whole picture, mend or remove it: {broken[0][1]}"
        )
    return fingerprint(marks)
