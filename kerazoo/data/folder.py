"""A folder of images, one subfolder per class: held in memory, or read from disk every epoch."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import numpy as np

from kerazoo.data import images
from kerazoo.data.image_io import SUFFIXES, decode_if_valid, read_batch, to_shape
from kerazoo.errors import CorruptFileError, DataMissingError
from kerazoo.lazy import tf
from kerazoo.progress import progress_bar

HELD_OUT = 0.1  # fraction of the images of a class for a split that is taken from another one
SPLITS = ("train", "test", "validation")
LIKE_SPLITS = (*SPLITS, "training", "testing", "val", "valid")
Files = tuple[np.ndarray, np.ndarray]  # paths as bytes [size], labels [size]


class FileSplit(images.IndexedSplit):
    """Images that are read from their files, whose paths are bytes [size]."""

    parallel_calls = tf.data.AUTOTUNE
    load = staticmethod(read_batch)


def load(root: Path, image_shape: images.ImageShape, seed: int) -> images.ImageData:
    """Return the images under `root`, after decoding each of them once as a check.

    They are in `root/train/CLASS` and, if these exist, `root/test/CLASS` and
    `root/validation/CLASS`, or all in `root/CLASS`. A missing split is a random tenth of the
    training images of each class, at least one. Images that fit into memory stay there.

    Args:
        root: The folder.
        image_shape: (height, width, channels) that the images are resized and converted to.
        seed: Determines the images of a missing split.

    Raises:
        DataMissingError: The folder does not exist, or has too few images.
        CorruptFileError: An image cannot be decoded.
    """
    if not root.is_dir():
        raise DataMissingError(f"there is no folder '{root}'")
    top, classes = _find_classes(root)
    files = {"train": _list_images(top, classes)}
    for name in ("test", "validation"):
        if top != root and _folders(root / name):
            files[name] = _list_images(root / name, classes)
        else:
            files["train"], files[name] = _hold_out(*files["train"], seed)
    paths = np.concatenate([paths for paths, _ in files.values()])
    in_memory = images.fits_into_memory((len(paths), *image_shape), np.float32)
    digest, arrays = _decode_all(root, paths, image_shape if in_memory else None)

    def split(paths: np.ndarray, labels: np.ndarray) -> images.IndexedSplit:
        if not in_memory:
            return FileSplit(paths, labels, image_shape)
        pixels = np.stack([arrays.pop(path) for path in paths])
        return images.ArraySplit(pixels, labels, image_shape)

    return images.ImageData(
        f"folder:{root}",
        tuple(classes),
        image_shape,
        **{name: split(*listed) for name, listed in files.items()},
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
            f"'{root / unused[0]}' looks like a split; name the splits {', '.join(SPLITS)}, "
            "with the class folders in each"
        )
    if len(classes) < 2:
        raise DataMissingError(f"'{top}' needs at least two class folders and has {len(classes)}")
    return top, classes


def _folders(parent: Path) -> list[str]:
    """Return the sorted names of the folders in `parent`, without hidden ones."""
    if not parent.is_dir():
        return []
    names = (entry.name for entry in os.scandir(parent) if entry.is_dir())
    return sorted(name for name in names if not name.startswith("."))


def _list_images(parent: Path, classes: list[str]) -> Files:
    """Return the images in the class folders of `parent`."""
    names = _folders(parent)
    if unknown := sorted(set(names) - set(classes)):
        raise DataMissingError(
            f"the class '{parent / unknown[0]}' has no training images; add some, or remove it"
        )
    files = {name: _image_paths(parent / name) for name in names}
    if empty := [name for name, paths in files.items() if not paths]:
        raise DataMissingError(
            f"'{parent / empty[0]}' has no images ({', '.join(SUFFIXES)}); add some, or remove it"
        )
    labels = [classes.index(name) for name, paths in files.items() for _ in paths]
    return np.array(list(chain.from_iterable(files.values())), object), np.array(labels)


def _image_paths(folder: Path) -> list[bytes]:
    """Return the sorted paths of the image files below a folder, without hidden ones."""
    return sorted(
        os.fsencode(path)
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _hold_out(paths: np.ndarray, labels: np.ndarray, seed: int) -> tuple[Files, Files]:
    """Return the images to keep, and a random tenth of each class, at least one image."""
    rng = np.random.default_rng(seed)
    held_out = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        of_class = rng.permutation(np.flatnonzero(labels == label))
        if len(of_class) < 2:
            raise DataMissingError(
                f"'{os.fsdecode(paths[of_class[0]])}' is the last image of its class, which leaves "
                "none for validation or test; give each class at least three"
            )
        held_out[of_class[: max(1, round(HELD_OUT * len(of_class)))]] = True
    return (paths[~held_out], labels[~held_out]), (paths[held_out], labels[held_out])


def _decode_all(
    root: Path, paths: np.ndarray, image_shape: images.ImageShape | None
) -> tuple[str, dict[bytes, np.ndarray]]:
    """Decode every image; return the fingerprint of all files, and the images in `image_shape`."""
    arrays: dict[bytes, np.ndarray] = {}

    def examine(path: bytes) -> bytes | None:
        data = Path(os.fsdecode(path)).read_bytes()
        if (image := decode_if_valid(data, channels=3)) is None:
            return None
        if image_shape:
            arrays[path] = to_shape(image, image_shape).numpy()
        return os.path.relpath(path, os.fsencode(root)) + hashlib.sha256(data).digest()

    paths = np.sort(paths)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(examine, paths)
        marks = list(progress_bar(results, desc="checking images", total=len(paths)))
    broken = [os.fsdecode(path) for path, mark in zip(paths, marks, strict=True) if mark is None]
    if broken:
        others = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
        raise CorruptFileError(
            f"'{broken[0]}'{others} cannot be read as an image; save it as a PNG file, or remove it"
        )
    return images.fingerprint(mark for mark in marks if mark), arrays
