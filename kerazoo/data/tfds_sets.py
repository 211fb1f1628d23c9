"""Image-classification sets of tensorflow-datasets, prepared at their first use."""

from __future__ import annotations

import contextlib
import http.client
import io
import os
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from google.protobuf import json_format

from kerazoo.data.images import (
    WHOLE,
    ArraySplit,
    ImageData,
    ImageShape,
    Shard,
    Shuffle,
    Split,
    decoded,
    fingerprint,
    fits_into_memory,
    to_shape,
    without_autotuning,
)
from kerazoo.data.names import tfds_folder
from kerazoo.errors import CorruptFileError, DataMissingError, UsageError

SHUFFLE_BUFFER = 4096  # encoded images from which a streamed set draws at random
PROBE_SECONDS = 8


def load(name: str, image_shape: ImageShape) -> ImageData:
    """Return a set by its TFDS name, such as "cifar10" or "emnist/letters".

    What TFDS has no split for is taken from the one to train on: a tenth to validate, and a tenth
    to test where there is neither a test nor a validation split with labels. The fingerprint is of
    TFDS's record of the set and of the splits that are held in memory.

    Raises:
        UsageError: TFDS has no such set, or it is not one image and one class label an example.
        DataMissingError: The set is not prepared and cannot be.
    """
    builder = open_builder(name)
    image, label = image_and_label(builder)
    prepare(builder)
    splits = {
        part: _split(builder, spec, (image, label), image_shape)
        for part, spec in _parts(builder, label).items()
    }
    pixels = builder.info.features[image].shape
    arrays_held = [split for split in splits.values() if isinstance(split, ArraySplit)]
    record = (Path(builder.data_dir) / "dataset_info.json").read_bytes()
    pixels_and_labels = [x.numpy() for split in arrays_held for x in (split.images, split.labels)]
    return ImageData(
        name,
        tuple(builder.info.features[label].names),
        image_shape,
        **splits,
        fingerprint=fingerprint([record, *pixels_and_labels]),
        source_shape=None if None in pixels else pixels,
    )


def open_builder(name: str) -> tfds.core.DatasetBuilder:
    """Return TFDS's builder of a set, prepared or not.

    Raises:
        UsageError: TFDS has no such set, or not in that configuration or version.
        CorruptFileError: What is prepared cannot be read.
    """
    try:
        return tfds.builder(name, data_dir=tfds_folder())
    except (ValueError, AssertionError) as error:
        raise UsageError(
            f"tensorflow-datasets has no '{name}', or not in that version or configuration"
        ) from error
    except (json_format.ParseError, RuntimeError) as error:
        raise CorruptFileError(_damaged(tfds_folder() / name)) from error


def image_and_label(builder: tfds.core.DatasetBuilder) -> tuple[str, str]:
    """Return the names of the image and of the class label in an example.

    Raises:
        UsageError: An example is something else than an image and its class.
    """
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
        DataMissingError: The files are not to be had, or cannot be written.
        CorruptFileError: What is prepared has lost its record.
    """
    if not builder.is_prepared():
        _download_and_prepare(builder, manual_dir)
    if not builder.info.splits:
        raise CorruptFileError(_damaged(builder.data_dir))


def _download_and_prepare(builder: tfds.core.DatasetBuilder, manual_dir: Path | None) -> None:
    by_hand = manual_dir is not None or builder.MANUAL_DOWNLOAD_INSTRUCTIONS is not None
    if not by_hand:
        _check_server(builder)
    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    print(f"preparing {builder.name} in {builder.data_dir}, this once", file=sys.stderr)
    config = tfds.download.DownloadConfig(manual_dir=manual_dir)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # TFDS speaks of a download in any case
            builder.download_and_prepare(download_config=config)
    except Exception as error:  # each downloader and each builder raises kinds of its own
        reason = " ".join(str(error).split())
        on_disk = isinstance(error, OSError) and error.errno and error.filename
        if on_disk or "No space left" in reason:
            reason += f" (TFDS_DATA_DIR names another folder than {tfds_folder()})"
        raise DataMissingError(f"{builder.name} cannot be prepared: {reason}") from error


def arrays(
    builder: tfds.core.DatasetBuilder, split: str, image: str, label: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and labels of a split whose images are of one size, in stored order.

    Raises:
        CorruptFileError: A record is missing or damaged.
    """
    try:
        config = tfds.ReadConfig(options=without_autotuning())
        columns = tfds.as_numpy(builder.as_dataset(split=split, batch_size=-1, read_config=config))
    except tf.errors.OpError as error:
        raise CorruptFileError(_damaged(builder.data_dir)) from error
    return columns[image], columns[label]


class StreamSplit:
    """A split too large for memory, read from disk; shuffled through a buffer.

    Args:
        builder: TFDS's builder of the set, prepared.
        split: TFDS's name of the split, such as "train[10%:]".
        keys: Names of the image and of the label in an example.
        image_shape: What the images are brought to.
        size: Number of images to use, from the first.
    """

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
        self,
        batch_size: int,
        shuffle: Shuffle | None = None,
        skip: int = 0,
        shard: Shard = WHOLE,
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
        encoded = encoded.apply(tf.data.experimental.assert_cardinality(self.size))
        if shuffle is not None:
            encoded = encoded.shuffle(SHUFFLE_BUFFER, seed)
        feature = self._builder.info.features[image]

        def decode(example: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
            pixels = feature.decode_example(example[image])
            return to_shape(pixels, self._image_shape), tf.cast(example[label], tf.int32)

        batches = shard.of(encoded, batch_size, skip)
        return decoded(batches, decode, self._image_shape)

    def limited(self, size: int) -> StreamSplit:
        """Return the first `size` of the images; TFDS stored them in a random order."""
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
    if None in pixels or not fits_into_memory((size, *pixels), np.uint8):
        return StreamSplit(builder, split, keys, image_shape, size)
    return ArraySplit(*arrays(builder, split, *keys), image_shape)


def _parts(builder: tfds.core.DatasetBuilder, label: str) -> dict[str, str]:
    """Return TFDS's splits to train on, to validate and to test."""
    names = list(builder.info.splits)
    train = min(names, key=lambda name: (name != "train", not name.startswith("train")))
    held_out = [
        name
        for name in ("test", "validation")
        if name in names and name != train and _is_labelled(builder, name, label)
    ]
    if len(held_out) == 2:
        return {"train": train, "validation": "validation", "test": "test"}
    validation, test = f"{train}[:10%]", f"{train}[10%:20%]"
    if held_out:
        return {"train": f"{train}[10%:]", "validation": validation, "test": held_out[0]}
    return {"train": f"{train}[20%:]", "validation": validation, "test": test}


def _is_labelled(builder: tfds.core.DatasetBuilder, split: str, label: str) -> bool:
    first = builder.as_dataset(split=f"{split}[:1]")
    return all(int(example[label]) >= 0 for example in first)


def _check_server(builder: tfds.core.DatasetBuilder) -> None:
    """Raise where the first server that the set is downloaded from does not answer.

    TFDS itself tries again for minutes. The look-up of a name has no time limit of its own, hence
    the thread.
    """
    url = next(iter(builder.url_infos or ()), "")
    if not url.startswith(("http://", "https://")):
        return
    answered = threading.Event()

    def ask() -> None:
        try:
            urllib.request.urlopen(url, timeout=PROBE_SECONDS).close()
        except urllib.error.HTTPError:
            pass  # an answer too: TFDS will tell what is wrong
        except (OSError, http.client.HTTPException):
            return
        answered.set()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    if not answered.is_set():
        server = urllib.parse.urlsplit(url).netloc
        raise DataMissingError(
            f"{builder.name} is not prepared in {builder.data_dir} and {server} does not answer"
        )


def _damaged(folder: os.PathLike[str] | str) -> str:
    return f"the prepared set in {folder} is damaged: remove that folder and run again"
