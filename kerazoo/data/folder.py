"""A folder of pictures, one sub-folder a class: held in memory, or read as they are needed."""

from __future__ import annotations

import hashlib
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from kerazoo.data.images import (
    WHOLE,
    ArraySplit,
    ImageData,
    ImageShape,
    Shard,
    Shuffle,
    Split,
    decoded,
    evenly_spaced,
    fingerprint,
    fits_into_memory,
    order,
    to_shape,
)
from kerazoo.errors import CorruptFileError, DataMissingError

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
HELD_OUT = 0.1  # fraction of the images of a class for a split that is taken from another one
SPLITS = ("train", "test", "validation")
LIKE_SPLITS = (*SPLITS, "training", "testing", "val", "valid")


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
        self,
        batch_size: int,
        shuffle: Shuffle | None = None,
        skip: int = 0,
        shard: Shard = WHOLE,
    ) -> tf.data.Dataset:
        """Yield every picture once; see `Split.batches`."""
        indices = order(self.size, shuffle)
        files = tf.data.Dataset.from_tensor_slices(
            (self._paths[indices], self._labels[indices].astype(np.int32))
        )
        batches = shard.of(files, batch_size, skip)
        return decoded(batches, self._read, self._image_shape)

    def limited(self, size: int) -> FileSplit:
        """Return `size` of the pictures, spread over the whole; all where there are fewer."""
        kept = evenly_spaced(self.size, size)
        return FileSplit(self._paths[kept], self._labels[kept], self._image_shape)

    def _read(self, path: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return to_shape(decode(tf.io.read_file(path)), self._image_shape), label


def decode(data: tf.Tensor) -> tf.Tensor:
    """Return the picture, uint8 [height, width, 3], in the bytes of a BMP, GIF, JPEG or PNG file.

    An animation gives its first frame.
    """
    picture = tf.io.decode_image(data, channels=3, expand_animations=False)
    return tf.ensure_shape(picture, (None, None, 3))


def has_palette(data: bytes) -> bool:
    """Tell whether a file is a BMP with a palette of colours; TensorFlow takes it for grey."""
    if data[:2] != b"BM" or data[28:30] != b"\x08\x00":  # bits of a pixel
        return False
    start, end = (int.from_bytes(data[at : at + 4], "little") for at in (14, 10))
    colours = data[14 + start : end]
    grey = b"".join(bytes([level] * 3) + colours[3:4] for level in range(256))
    return not grey.startswith(colours)


def decode_if_sound(data: bytes, channels: int = 0) -> tf.Tensor | None:
    """Return the picture, uint8 [height, width, channels], in the bytes of a file.

    Args:
        data: The bytes of a BMP, GIF, JPEG or PNG file.
        channels: How many to bring it to; 0 for its own.

    Returns:
        None where it is no such file or has a palette; see `has_palette`.
    """
    if has_palette(data):
        return None
    try:
        return tf.io.decode_image(data, channels, expand_animations=False)
    except tf.errors.InvalidArgumentError:
        return None


def load(root: Path, image_shape: ImageShape, seed: int) -> ImageData:
    """Return the pictures under `root`, every one of which has been decoded once as a check.

    They are held in memory as they come of that, unless they are too many.

    They are in `root/train/CLASS` and, where they are there, `root/test/CLASS` and
    `root/validation/CLASS`, or all in `root/CLASS`. A split that is not there is a tenth of each
    class's training pictures, one at least, drawn by `seed`.

    Raises:
        DataMissingError: There is no such folder, or too few pictures in it.
        CorruptFileError: A picture cannot be decoded.
    """
    if not root.is_dir():
        raise DataMissingError(f"there is no folder '{root}'")
    top, classes = _find_classes(root)
    files = {"train": _list_pictures(top, classes)}
    for part in ("test", "validation"):
        if top != root and _folders(root / part):
            files[part] = _list_pictures(root / part, classes)
        else:
            files["train"], files[part] = _hold_out(*files["train"], seed)
    paths = np.concatenate([paths for paths, _ in files.values()])
    held = fits_into_memory((len(paths), *image_shape), np.float32)
    digest, pictures = _decode_all(root, paths, image_shape if held else None)

    def split(paths: np.ndarray, labels: np.ndarray) -> Split:
        if not held:
            return FileSplit(paths, labels, image_shape)
        return ArraySplit(np.stack([pictures.pop(path) for path in paths]), labels, image_shape)

    splits = {part: split(*listed) for part, listed in files.items()}
    return ImageData(
        f"folder:{root}",
        tuple(classes),
        image_shape,
        **splits,
        fingerprint=digest,
        source_shape=None,
    )


def _find_classes(root: Path) -> tuple[Path, list[str]]:
    """Return the folder whose folders are the classes to train on, and their names."""
    top = root / "train" if _folders(root / "train") else root
    classes = _folders(top)
    used = SPLITS if top != root else ()
    unused = [name for name in _folders(root) if name.lower() in LIKE_SPLITS and name not in used]
    if unused:
        raise DataMissingError(
            f"'{root / unused[0]}' looks like a part of the data, and the parts must be named "
            f"{', '.join(SPLITS)}, the first of them with the classes to train on"
        )
    if len(classes) < 2:
        raise DataMissingError(
            f"'{top}' needs two folders of pictures at least, one a class, and has {len(classes)}"
        )
    return top, classes


def _folders(parent: Path) -> list[str]:
    """Return the sorted names of the folders in `parent`, hidden ones left out."""
    if not parent.is_dir():
        return []
    folders = (entry.name for entry in os.scandir(parent) if entry.is_dir())
    return sorted(name for name in folders if not name.startswith("."))


def _list_pictures(parent: Path, classes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the paths, as bytes, of the pictures in the class folders, and their labels."""
    unknown = sorted(set(_folders(parent)) - set(classes))
    if unknown:
        raise DataMissingError(
            f"there is no picture to train on for the class '{parent / unknown[0]}'"
        )
    paths: list[bytes] = []
    labels: list[int] = []
    for name in _folders(parent):
        found = _pictures(parent / name)
        if not found:
            raise DataMissingError(f"no picture ({', '.join(SUFFIXES)}) is in '{parent / name}'")
        paths += found
        labels += [classes.index(name)] * len(found)
    return np.array(paths, object), np.array(labels)


def _pictures(folder: Path) -> list[bytes]:
    """Return the sorted paths of the pictures below a folder, hidden ones left out."""
    inside = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    return sorted(
        os.fsencode(path)
        for path in inside
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _hold_out(
    paths: np.ndarray, labels: np.ndarray, seed: int
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Part the pictures into those kept and a tenth of each class, one at least."""
    rng = np.random.default_rng(seed)
    held_out = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        of_class = rng.permutation(np.flatnonzero(labels == label))
        if len(of_class) < 2:
            last = os.fsdecode(paths[of_class[0]])
            raise DataMissingError(
                f"too few pictures to hold some out to validate and to test: "
                f"'{last}' is the last of its class, give each class three or more"
            )
        held_out[of_class[: max(1, round(HELD_OUT * len(of_class)))]] = True
    return (paths[~held_out], labels[~held_out]), (paths[held_out], labels[held_out])


def _decode_all(
    root: Path, paths: np.ndarray, image_shape: ImageShape | None
) -> tuple[str, dict[bytes, np.ndarray]]:
    """Decode every picture; return the fingerprint of their names and contents, and the pictures.

    Args:
        root: What the names are relative to.
        paths: The files.
        image_shape: What the pictures that are returned are brought to; None to return none.

    Raises:
        CorruptFileError: Some cannot be decoded; the message names the first.
    """
    pictures: dict[bytes, np.ndarray] = {}

    def examine(path: bytes) -> bytes | None:
        data = Path(os.fsdecode(path)).read_bytes()
        if (picture := decode_if_sound(data, channels=3)) is None:
            return None
        if image_shape:
            pictures[path] = to_shape(picture, image_shape).numpy()
        return os.path.relpath(path, os.fsencode(root)) + hashlib.sha256(data).digest()

    paths = np.sort(paths)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        bar = tqdm(
            pool.map(examine, paths),
            desc="checking pictures",
            total=len(paths),
            leave=False,
            disable=not sys.stderr.isatty(),
        )
        marks = list(bar)
    broken = [os.fsdecode(path) for path, mark in zip(paths, marks, strict=True) if mark is None]
    if broken:
        others = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
        raise CorruptFileError(
            f"'{broken[0]}'{others} cannot be read as a picture: save it as PNG or remove it"
        )
    return fingerprint(mark for mark in marks if mark), pictures
