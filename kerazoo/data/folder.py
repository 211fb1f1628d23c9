"""A folder of images, one subfolder per class: held in memory, or read from disk every epoch."""

import hashlib
import logging
import os
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from kerazoo.data import images
from kerazoo.data.folder_files import SPLITS, FolderFiles
from kerazoo.data.image_io import ImageShape, bit_depth, opened, read_batch, to_pixels
from kerazoo.device import cores
from kerazoo.errors import CorruptFileError, DataMissingError, KerazooError
from kerazoo.progress import progress_bar
from kerazoo.text import listed, printable

HELD_OUT = 0.1  # fraction of the images of a class for a split that is taken from another one
FEW = 10  # training images of a class, below which a warning names it
Files = tuple[np.ndarray, np.ndarray]  # paths as bytes [size], labels [size]

logger = logging.getLogger("kerazoo")


class FileSplit(images.IndexedSplit):
    """Images that are read from their files, whose paths are bytes [size]."""

    load = staticmethod(read_batch)


def load(
    root: Path,
    image_shape: ImageShape,
    seed: int,
    skip_broken: bool = False,
    to_crop: bool = False,
) -> images.ImageData:
    """Return the images under `root`, after reading each of them once as a check.

    They are in `root/train/CLASS` and, if these exist, `root/test/CLASS` and
    `root/validation/CLASS`, or all in `root/CLASS`. A missing split is a random tenth of the
    training images of each class, at least one. Images that fit into memory stay there, resized,
    unless they are to be cropped. Warnings in the log name the broken images, the files that are
    not used, classes with few images, and depths that differ, see
    `kerazoo.data.image_io.bit_depth`.

    Args:
        root: The folder.
        image_shape: (height, width, channels) that the images are resized and converted to.
        seed: Determines the images of a missing split.
        skip_broken: Whether to leave out images that cannot be read.
        to_crop: Whether crops of them are needed that are as sharp as the files.

    Raises:
        DataMissingError: It has too few images or classes.
        CorruptFileError: Images cannot be read, and are not to be left out; another KerazooError
            if none of them is damaged, see `kerazoo.data.image_io.read_image`.
        PermissionError: A folder in it may not be read.
    """
    listing = FolderFiles(root)
    listing.warn_of_unused()
    paths = listing.paths()
    in_memory = not to_crop and images.fits_into_memory((len(paths), *image_shape), np.uint8)
    digests, arrays = _read_all(root, paths, image_shape, in_memory, skip_broken)
    files = {name: listing.labeled(name, digests) for name in listing.splits}
    _check_counts(files, listing.classes)
    for name in SPLITS:
        if name not in files:
            files["train"], files[name] = _hold_out(*files["train"], seed)
    few = max(FEW, np.median(np.bincount(files["train"][1])) / 10)
    if small := _smaller_classes(files["train"][1], listing.classes, few):
        logger.warning("classes with few training images: %s", listed(small))

    def split(paths: np.ndarray, labels: np.ndarray) -> images.IndexedSplit:
        if not in_memory:
            return FileSplit(paths, labels, image_shape)
        pixels = np.stack([arrays.pop(path) for path in paths])
        return images.ArraySplit(pixels, labels, image_shape)

    return images.ImageData(
        f"folder:{root}",
        tuple(map(printable, listing.classes)),
        image_shape,
        **{name: split(*labeled) for name, labeled in files.items()},
        fingerprint=images.fingerprint(digests.values()),
        source_shape=None,
    )


def _read_all(
    root: Path,
    paths: np.ndarray,
    image_shape: ImageShape,
    in_memory: bool,
    skip_broken: bool,
) -> tuple[dict[bytes, bytes], dict[bytes, np.ndarray]]:
    """Read every image; return the digests of those that can be read, and their pixels, by path.

    Raises:
        CorruptFileError: Some cannot be read, and are not to be skipped; the log names all of them.
    """
    size, channels = image_shape[:2], image_shape[2]
    pixels: dict[bytes, np.ndarray] = {}
    depths: dict[bytes, int] = {}

    def examine(path: bytes) -> bytes | KerazooError:
        file = Path(os.fsdecode(path))
        try:
            with opened(file) as image:
                array = to_pixels(image, channels, size)
                depths[path] = bit_depth(image)
        except KerazooError as error:
            return error
        if in_memory:
            pixels[path] = array
        name = unicodedata.normalize("NFC", os.path.relpath(file, root))
        with file.open("rb") as content:
            return os.fsencode(name) + hashlib.file_digest(content, "sha256").digest()

    with ThreadPoolExecutor(cores()) as pool:
        results = list(
            progress_bar(pool.map(examine, paths), desc="checking images", total=len(paths))
        )
    _report([each for each in results if isinstance(each, KerazooError)], paths, root, skip_broken)
    _warn_of_depths(root, Counter(filter(None, depths.values())))
    pairs = zip(paths, results, strict=True)
    return {path: digest for path, digest in pairs if isinstance(digest, bytes)}, pixels


def _report(
    errors: Sequence[KerazooError], paths: np.ndarray, root: Path, skip_broken: bool
) -> None:
    """Log the errors of images that cannot be read, and raise one unless these are skipped."""
    if not errors:
        return
    for error in errors:
        logger.warning("%s", error)
    count = f"{len(errors)} of {len(paths)} images in '{root}'"
    if not skip_broken:
        kinds = {type(error) for error in errors}
        raise (CorruptFileError if CorruptFileError in kinds else type(errors[0]))(
            f"{count} cannot be read: replace or remove them, or leave them out with --skip-broken"
        )
    logger.warning("%s are left out", count)


def _warn_of_depths(root: Path, depths: Counter[int]) -> None:
    if len(depths) > 1:
        counts = ", ".join(f"{depth} bits: {count}" for depth, count in sorted(depths.items()))
        logger.warning(
            "'%s' has gray images of 16 bits that are read as levels of so many bits as each needs "
            "(%s): save them with 8 bits if they are of one scale",
            root,
            counts,
        )


def _check_counts(files: Mapping[str, Files], classes: Sequence[str]) -> None:
    """Check that each class has an image for training and for each split to be held out."""
    needed = 1 + len(SPLITS) - len(files)
    if few := _smaller_classes(files["train"][1], classes, needed):
        raise DataMissingError(
            f"classes with too few readable images: {listed(few)}; give each at least {needed}"
        )
    for name, (paths, _) in files.items():
        if not len(paths):
            raise DataMissingError(f"no image of the split '{name}' can be read; add some")


def _smaller_classes(labels: np.ndarray, classes: Sequence[str], count: float) -> list[str]:
    """Return the classes with less than `count` images, with their number of images."""
    pairs = zip(classes, np.bincount(labels, minlength=len(classes)), strict=True)
    return [f"{name}: {size}" for name, size in pairs if size < count]


def _hold_out(paths: np.ndarray, labels: np.ndarray, seed: int) -> tuple[Files, Files]:
    """Return the images to keep, and a random tenth of each class, at least one image."""
    rng = np.random.default_rng(seed)
    held_out = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        of_class = rng.permutation(np.flatnonzero(labels == label))
        held_out[of_class[: max(1, round(HELD_OUT * len(of_class)))]] = True
    return (paths[~held_out], labels[~held_out]), (paths[held_out], labels[held_out])
