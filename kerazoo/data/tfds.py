"""Image-classification sets of tensorflow-datasets, prepared at their first use."""

from __future__ import annotations

import contextlib
import errno
import sys
import threading
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from kerazoo.data.images import (
    ArraySplit,
    ImageData,
    ImageShape,
    Shuffle,
    Split,
    fingerprint,
    fit,
)
from kerazoo.data.names import tfds_folder
from kerazoo.errors import CorruptFileError, DataMissingError, UsageError

MEMORY = 2**30  # bytes of decoded images up to which a set is held in memory
SHUFFLE_BUFFER = 4096  # encoded images from which a streamed set draws at random
PROBE_SECONDS = 8


def load(name: str, image_shape: ImageShape) -> ImageData:
    """Return a set by its TFDS name, such as "cifar10" or "emnist/letters".

    What TFDS has no split for is taken from its train split: a tenth to validate, and a tenth to
    test where there is neither a test nor a validation split with labels.

    Raises:
        UsageError: TFDS has no such set, or it is not one image and one class label an example.
        DataMissingError: The set is not prepared and cannot be.
    """
    builder = open_builder(name)
    image, label = image_and_label(builder)
    prepare(builder)
    train, validation, test = _parts(builder, label)

    def split(part: str) -> Split:
        return _split(builder, part, (image, label), image_shape)

    return ImageData(
        name,
        tuple(builder.info.features[label].names),
        image_shape,
        train=split(train),
        validation=split(validation),
        test=split(test),
        fingerprint=fingerprint([(Path(builder.data_dir) / "dataset_info.json").read_bytes()]),
    )


def open_builder(name: str) -> tfds.core.DatasetBuilder:
    """Return TFDS's builder of a set, prepared or not."""
    try:
        return tfds.builder(name, data_dir=tfds_folder())
    except (ValueError, AssertionError) as error:
        reason = _last_sentence(error)
        raise UsageError(f"tensorflow-datasets does not know '{name}': {reason}") from error


def image_and_label(builder: tfds.core.DatasetBuilder) -> tuple[str, str]:
    """Return the names of the image and of the class label in an example."""
    features: dict[str, Any] = dict(builder.info.features)
    supervised: tuple[str, ...] = builder.info.supervised_keys or ()
    image, label = supervised if len(supervised) == 2 else ("image", "label")
    is_image = isinstance(features.get(image), tfds.features.Image)
    if not is_image or not isinstance(features.get(label), tfds.features.ClassLabel):
        raise UsageError(
            f"'{builder.name}' is not for image classification: "
            f"its examples have {', '.join(features)}"
        )
    return image, label


def prepare(builder: tfds.core.DatasetBuilder, manual_dir: Path | None = None) -> None:
    """Download the set, or take its files from `manual_dir`, unless that is done already.

    Raises:
        DataMissingError: The files are not to be had.
    """
    if builder.is_prepared():
        return
    by_hand = manual_dir is not None or builder.MANUAL_DOWNLOAD_INSTRUCTIONS is not None
    if not by_hand:
        _check_server(builder)
    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    config = tfds.download.DownloadConfig(manual_dir=manual_dir)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            builder.download_and_prepare(download_config=config)
    except Exception as error:  # each downloader and each builder raises kinds of its own
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EACCES, errno.EROFS):
            raise
        reason = " ".join(str(error).split())
        raise DataMissingError(f"{builder.name} cannot be prepared: {reason}") from error


def arrays(
    builder: tfds.core.DatasetBuilder, split: str, image: str, label: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and labels of a split whose images are of one size, in stored order."""
    try:
        columns = tfds.as_numpy(builder.as_dataset(split=split, batch_size=-1))
    except tf.errors.DataLossError as error:
        raise CorruptFileError(
            f"the {builder.name} prepared in {builder.data_dir} is damaged: "
            "remove that folder and run again"
        ) from error
    return columns[image], columns[label]


class StreamSplit:
    """A split too large for memory, read from disk; shuffled through a buffer."""

    def __init__(
        self,
        builder: tfds.core.DatasetBuilder,
        split: str,
        keys: tuple[str, str],
        image_shape: ImageShape,
        size: int,
    ) -> None:
        self._builder = builder
        self._split = split
        self._keys = keys
        self._image_shape = image_shape
        self.size = size

    def batches(
        self, batch_size: int, shuffle: Shuffle | None = None, skip: int = 0
    ) -> tf.data.Dataset:
        """Yield every image once; see `Split.batches`."""
        image, label = self._keys
        seed = None if shuffle is None else int(np.random.default_rng(shuffle).integers(2**31))
        encoded = self._builder.as_dataset(
            split=self._split,
            shuffle_files=shuffle is not None and self.size == self._whole,
            decoders={image: tfds.decode.SkipDecoding()},
            read_config=tfds.ReadConfig(shuffle_seed=seed, try_autocache=False),
        )
        encoded = encoded.take(self.size)
        if shuffle is not None:
            encoded = encoded.shuffle(SHUFFLE_BUFFER, seed)
        feature = self._builder.info.features[image]

        def decode(example: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
            pixels = feature.decode_example(example[image])
            return fit(pixels, self._image_shape), tf.cast(example[label], tf.int32)

        decoded = encoded.skip(skip * batch_size).map(decode, tf.data.AUTOTUNE)
        return decoded.batch(batch_size).prefetch(tf.data.AUTOTUNE)

    def limited(self, size: int) -> StreamSplit:
        """Return the first `size` of the images, which TFDS stores in no order."""
        size = min(size, self.size)
        return StreamSplit(self._builder, self._split, self._keys, self._image_shape, size)

    @property
    def _whole(self) -> int:
        return self._builder.info.splits[self._split].num_examples


def _split(
    builder: tfds.core.DatasetBuilder, split: str, keys: tuple[str, str], image_shape: ImageShape
) -> Split:
    size = builder.info.splits[split].num_examples
    pixels = builder.info.features[keys[0]].shape
    if None in pixels or size * int(np.prod(pixels)) > MEMORY:
        return StreamSplit(builder, split, keys, image_shape, size)
    return ArraySplit(*arrays(builder, split, *keys), image_shape)


def _parts(builder: tfds.core.DatasetBuilder, label: str) -> tuple[str, str, str]:
    """Return the TFDS splits to train on, to validate and to test."""
    held_out = [
        part
        for part in ("test", "validation")
        if part in builder.info.splits and _is_labelled(builder, part, label)
    ]
    if "train" not in builder.info.splits:
        raise UsageError(f"'{builder.name}' has no split to train on")
    if len(held_out) == 2:
        return "train", "validation", "test"
    if held_out:
        return "train[10%:]", "train[:10%]", held_out[0]
    return "train[20%:]", "train[10%:20%]", "train[:10%]"


def _is_labelled(builder: tfds.core.DatasetBuilder, split: str, label: str) -> bool:
    first = builder.as_dataset(split=f"{split}[:1]")
    return all(int(example[label]) >= 0 for example in first)


def _check_server(builder: tfds.core.DatasetBuilder) -> None:
    """Raise where the first server that the set is downloaded from does not answer.

    TFDS itself tries again for minutes. The look-up of a name has no time limit of its own, hence
    the thread.
    """
    url = next(iter(builder.url_infos or ()), None)
    if url is None:
        return
    answered = threading.Event()

    def ask() -> None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=PROBE_SECONDS):
            answered.set()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    if not answered.is_set():
        server = urllib.parse.urlsplit(url).netloc
        raise DataMissingError(
            f"{builder.name} is not prepared in {builder.data_dir} and {server} does not answer"
        )


def _last_sentence(error: Exception) -> str:
    return str(error).strip().splitlines()[-1]
