"""Image-classification sets of tensorflow-datasets (TFDS), prepared when first used."""

from __future__ import annotations

import contextlib
import http.client
import io
import logging
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core import DatasetBuilder as Builder

from kerazoo.data import images
from kerazoo.data.image_io import ImageShape, to_shape
from kerazoo.data.names import tfds_folder
from kerazoo.errors import (
    MAX_CHARACTERS,
    TOO_MANY_FILES,
    CorruptFileError,
    DataMissingError,
    UsageError,
    is_damage,
    is_out_of_memory,
)
from kerazoo.lazy import tf

SHUFFLE_BUFFER = 4096  # encoded images from which a streamed set draws at random
PROBE_SECONDS = 8

logger = logging.getLogger("kerazoo")


def load(name: str, image_shape: ImageShape) -> images.ImageData:
    """Return a set by its TFDS name, such as "cifar10" or "emnist/letters".

    A missing split is taken from the training split: a tenth for validation, and a tenth for test
    if neither a test nor a validation split has labels. The fingerprint is of TFDS's record of the
    set and of the splits that are held in memory.

    Raises:
        UsageError: TFDS has no such set, or its examples are not an image and a class label.
        DataMissingError: The set is not prepared and cannot be.
        CorruptFileError: The prepared set is damaged.
    """
    builder = open_builder(name)
    keys = image_and_label(builder)
    prepare(builder)
    names = _split_names(builder, keys[1])
    splits = {part: _split(builder, split, keys, image_shape) for part, split in names.items()}
    image, label = (builder.info.features[key] for key in keys)
    record = (Path(builder.data_dir) / "dataset_info.json").read_bytes()
    in_memory = [split for split in splits.values() if isinstance(split, images.ArraySplit)]
    if any(int(split.labels.numpy().max(initial=-1)) >= len(label.names) for split in in_memory):
        raise _damaged(builder.data_dir)
    arrays = [array.numpy() for split in in_memory for array in (split.images, split.labels)]
    return images.ImageData(
        name,
        tuple(label.names),
        image_shape,
        **splits,
        fingerprint=images.fingerprint([record, *arrays]),
        source_shape=None if None in image.shape else image.shape,
    )


def open_builder(name: str) -> Builder:
    """Return TFDS's builder of a set, prepared or not.

    Raises:
        UsageError: TFDS has no such set, or not in that configuration or version.
        CorruptFileError: The prepared set is damaged.
    """
    try:
        return tfds.builder(name, data_dir=tfds_folder())
    except ImportError:
        raise
    except Exception as error:  # of many types
        if not is_damage(error):
            raise
        path, _, version = name.partition(":")
        if any((tfds_folder() / path).glob(f"**/{version or '*'}/*.json")):
            raise _damaged(tfds_folder() / path) from error
        raise UsageError(f"tensorflow-datasets has no '{name}'; see its catalog") from error


def image_and_label(builder: Builder) -> tuple[str, str]:
    """Return the names of the image and of the class label in an example.

    Raises:
        UsageError: An example is something other than an image and its class.
    """
    features = dict(builder.info.features)
    supervised: tuple[str, ...] = builder.info.supervised_keys or ()
    image, label = supervised if len(supervised) == 2 else ("image", "label")
    is_image = isinstance(features.get(image), tfds.features.Image)
    if not is_image or not isinstance(features.get(label), tfds.features.ClassLabel):
        raise UsageError(
            f"'{builder.name}' is not for image classification: its examples have "
            f"{', '.join(features)}; choose a set of images with one label each"
        )
    return image, label


def prepare(builder: Builder) -> None:
    """Prepare the set from a download, unless it is prepared.

    Raises:
        DataMissingError: The files are not available, or cannot be written.
        CorruptFileError: The prepared set is damaged.
    """
    if not builder.is_prepared():
        _download_and_prepare(builder)
    if not builder.info.splits or not all(map(_is_whole, builder.info.splits.values())):
        raise _damaged(builder.data_dir)


def _is_whole(split: tfds.core.SplitInfo) -> bool:
    """Return whether the files of a split exist and are as large as its examples."""
    paths = [Path(path) for path in split.filepaths]
    sizes = [path.stat().st_size for path in paths if path.is_file()]
    return len(sizes) == len(paths) and sum(sizes) >= split.num_bytes


def _download_and_prepare(builder: Builder) -> None:
    if builder.MANUAL_DOWNLOAD_INSTRUCTIONS is None:
        _check_server(builder)
    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    logger.info("preparing %s in %s, only this once", builder.name, builder.data_dir)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # TFDS always reports a download
            builder.download_and_prepare()
    except Exception as error:  # downloaders and builders raise errors of many types
        number = getattr(error, "errno", None)
        if is_out_of_memory(error) or number in TOO_MANY_FILES:
            raise
        reason = " ".join(str(error).split())[:MAX_CHARACTERS]
        on_disk = isinstance(error, OSError) and number and error.filename
        if on_disk or "No space left" in reason:
            reason += f"; set TFDS_DATA_DIR to another folder than {tfds_folder()}"
        raise DataMissingError(f"{builder.name} cannot be prepared: {reason}") from error


def arrays(builder: Builder, split: str, image: str, label: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and labels of a split whose images have one size, in stored order.

    Raises:
        CorruptFileError: A record is missing or damaged.
    """
    try:
        config = tfds.ReadConfig(options=images.without_autotuning())
        columns = tfds.as_numpy(builder.as_dataset(split=split, batch_size=-1, read_config=config))
    except tf.errors.OpError as error:
        raise _damaged(builder.data_dir) from error
    return columns[image], columns[label]


def _split(
    builder: Builder, split: str, keys: tuple[str, str], image_shape: ImageShape
) -> images.Split:
    """Return a split, read from disk if it has images of several sizes or too many for memory."""
    image, label = keys
    feature = builder.info.features[image]
    size = builder.info.splits[split].num_examples
    if None not in feature.shape and images.fits_into_memory((size, *feature.shape), np.uint8):
        return images.ArraySplit(*arrays(builder, split, *keys), image_shape)

    def rows(shuffle: images.Shuffle | None, limit: int) -> tf.data.Dataset:
        seed = None if shuffle is None else int(np.random.default_rng(shuffle).integers(2**31))
        encoded = builder.as_dataset(
            split=split,
            shuffle_files=shuffle is not None and limit == size,
            decoders={image: tfds.decode.SkipDecoding()},
            read_config=tfds.ReadConfig(shuffle_seed=seed, try_autocache=False),
        ).take(limit)  # TFDS stores the examples in a random order
        encoded = encoded.apply(tf.data.experimental.assert_cardinality(limit))
        return encoded if shuffle is None else encoded.shuffle(SHUFFLE_BUFFER, seed)

    def load(batch: dict[str, tf.Tensor], shape: ImageShape) -> tuple[tf.Tensor, tf.Tensor]:
        decoded = tf.map_fn(
            lambda encoded: to_shape(feature.decode_example(encoded), shape),
            batch[image],
            fn_output_signature=tf.TensorSpec(shape, tf.float32),
        )
        return decoded, tf.cast(batch[label], tf.int32)

    return images.StreamSplit(rows, load, lambda example: example[label], size, image_shape)


def _split_names(builder: Builder, label: str) -> dict[str, str]:
    """Return TFDS's names of the splits for training, validation and test.

    Raises:
        CorruptFileError: The first example of one is damaged.
    """
    names = list(builder.info.splits)
    train = min(names, key=lambda name: (name != "train", not name.startswith("train")))
    others = [name for name in ("test", "validation") if name in names and name != train]
    first = {name: builder.as_dataset(split=f"{name}[:1]") for name in others}
    try:
        held_out = [name for name in others if all(int(each[label]) >= 0 for each in first[name])]
    except tf.errors.OpError as error:
        raise _damaged(builder.data_dir) from error
    if len(held_out) == 2:
        return {"train": train, "validation": "validation", "test": "test"}
    validation, test = f"{train}[:10%]", f"{train}[10%:20%]"
    if held_out:
        return {"train": f"{train}[10%:]", "validation": validation, "test": held_out[0]}
    return {"train": f"{train}[20%:]", "validation": validation, "test": test}


def _check_server(builder: Builder) -> None:
    """Raise an error if the first server that the set is downloaded from does not answer.

    TFDS itself retries for minutes. A thread, because looking up a host name has no time limit.
    """
    url = next(iter(builder.url_infos or ()), "")
    if not url.startswith(("http://", "https://")):
        return
    answered = threading.Event()

    def probe() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            with contextlib.suppress(urllib.error.HTTPError):  # an answer too, which TFDS reports
                urllib.request.urlopen(url, timeout=PROBE_SECONDS).close()
            answered.set()

    thread = threading.Thread(target=probe, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    if not answered.is_set():
        server = urllib.parse.urlsplit(url).netloc
        raise DataMissingError(
            f"{builder.name} is not prepared in {builder.data_dir} and {server} does not answer; "
            "check the network"
        )


def _damaged(folder: Path | str) -> CorruptFileError:
    return CorruptFileError(f"the set in {folder} is damaged; remove that folder and run again")
