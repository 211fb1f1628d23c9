"""A data set for image classification: three splits that yield batches of labeled images."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

MEMORY = 2**30  # bytes up to which the images of a folder, or of a TFDS split, stay in memory
ImageShape = tuple[int, int, int]
Shuffle = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Shard:
    """The rows of every batch that the replicas of one worker compute.

    A batch of b rows is cut into as many shards as there are replicas, shard s from row
    s * b // replicas on. Each is a batch of its own; those of a small last batch may be empty.

    Attributes:
        first: Number of the worker's first replica.
        count: How many replicas the worker has.
        replicas: How many replicas all workers have.
    """

    first: int = 0
    count: int = 1
    replicas: int = 1

    def of(self, elements: tf.data.Dataset, batch_size: int, skip: int) -> tf.data.Dataset:
        """Return the worker's shards of every batch but the first `skip`, one after the other.

        Args:
            elements: As many as their cardinality says.
            batch_size: Elements of a batch.
            skip: Number of batches left out at the start.
        """
        batches = elements.with_options(without_autotuning()).batch(batch_size).skip(skip)
        if self.replicas == 1:
            return batches

        def cut(*batch: Any) -> tf.data.Dataset:
            size = tf.shape(tf.nest.flatten(batch)[0], tf.int64)[0]

            def shard(number: tf.Tensor) -> Any:
                first, end = number * size // self.replicas, (number + 1) * size // self.replicas
                rows = tf.nest.map_structure(lambda column: column[first:end], batch)
                return rows if len(rows) > 1 else rows[0]

            return tf.data.Dataset.range(self.first, self.first + self.count).map(shard)

        return batches.flat_map(cut)

    def batch_sizes(self, size: int, batch_size: int, skip: int) -> tf.data.Dataset:
        """Yield the size of the whole batch for each shard that `of` yields.

        Args:
            size: Number of all elements.
            batch_size: Elements of a batch.
            skip: Number of batches left out at the start.
        """
        ends = np.minimum(np.arange(0, size, batch_size) + batch_size, size)
        sizes = np.diff(ends, prepend=0)[skip:]
        return tf.data.Dataset.from_tensor_slices(np.repeat(sizes, self.count))


WHOLE = Shard()
PREFETCHED = 2  # batches that are prepared ahead


def without_autotuning() -> tf.data.Options:
    """Return options that turn off tf.data's autotuning thread.

    It sleeps for up to a minute, and the end of an iterator at times fails to wake it and waits for
    it: tf.data's `Model::OptimizeLoop` is notified just before the flag is set that it looks at.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return options


class Split(Protocol):
    """A part of a data set: `size` labelled images."""

    @property
    def size(self) -> int:
        """Number of images."""

    def batches(
        self,
        batch_size: int,
        shuffle: Shuffle | None = None,
        skip: int = 0,
        shard: Shard = WHOLE,
    ) -> tf.data.Dataset:
        """Yield every image once, in batches of which the last may be smaller.

        Args:
            batch_size: Images in a batch.
            shuffle: (seed, epoch), of which the order is a function; None for the fixed order.
            skip: Number of batches left out at the start of that order.
            shard: The rows to take of each batch.

        Returns:
            Pairs of images, float32 [batch, height, width, channels] in [0, 1], and labels,
            int32 [batch].
        """

    def limited(self, size: int) -> Split:
        """Return `size` of the images, spread over the whole; all where there are fewer."""


@dataclasses.dataclass(frozen=True)
class ImageData:
    """A data set for image classification.

    Attributes:
        name: What an accuracy on it is reported for.
        class_names: The classes in the order of their labels.
        image_shape: (height, width, channels) of the images that the splits yield.
        fingerprint: sha256 of the images and labels, or of what identifies them, in hex.
        source_shape: What the images were before they were resized to `image_shape`; None where
            they are of several sizes.
    """

    name: str
    class_names: tuple[str, ...]
    image_shape: ImageShape
    train: Split
    validation: Split
    test: Split
    fingerprint: str
    source_shape: ImageShape | None = None

    def limited(self, size: int) -> ImageData:
        """Return the same data with at most `size` images in each split."""
        parts = {
            part: getattr(self, part).limited(size) for part in ("train", "validation", "test")
        }
        return dataclasses.replace(self, **parts)


class ArraySplit:
    """Images held in memory.

    Args:
        images: [size, height, width, channels], uint8 or float32 in [0, 1].
        labels: Integers [size].
        image_shape: What the images are resized and converted to.

    Attributes:
        images: The tensor of the images.
        labels: The tensor of the labels, int32.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray, image_shape: ImageShape) -> None:
        with tf.device("CPU"):  # the batches are made there, also those for a GPU
            self.images = tf.constant(images)
            self.labels = tf.constant(labels, tf.int32)
        self._image_shape = image_shape

    @property
    def size(self) -> int:
        """Number of images."""
        return len(self.labels)

    def batches(
        self,
        batch_size: int,
        shuffle: Shuffle | None = None,
        skip: int = 0,
        shard: Shard = WHOLE,
    ) -> tf.data.Dataset:
        """Yield every image once; see `Split.batches`."""
        batches = shard.of(self.positions(shuffle), batch_size, skip)
        return batches.map(self.gather).prefetch(PREFETCHED * shard.count)

    def positions(self, shuffle: Shuffle | None) -> tf.data.Dataset:
        """Yield the positions of all images in their order, for `gather`."""
        return tf.data.Dataset.from_tensor_slices(order(self.size, shuffle))

    def gather(self, positions: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the images and labels at the positions [batch], as `Split.batches` does."""
        images = to_shape(tf.gather(self.images, positions), self._image_shape)
        return images, tf.gather(self.labels, positions)

    def limited(self, size: int) -> ArraySplit:
        """Return `size` of the images, spread over the whole; all where there are fewer."""
        kept = evenly_spaced(self.size, size)
        return ArraySplit(self.images.numpy()[kept], self.labels.numpy()[kept], self._image_shape)


def decoded(
    batches: tf.data.Dataset, decode: Callable[..., Any], image_shape: ImageShape
) -> tf.data.Dataset:
    """Return batches of images and labels from batches of what `decode` makes one pair of each."""
    kinds = tf.TensorSpec(image_shape, tf.float32), tf.TensorSpec((), tf.int32)

    def each(*columns: Any) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.map_fn(lambda row: decode(*row), columns, fn_output_signature=kinds)

    return batches.map(each, tf.data.AUTOTUNE).prefetch(PREFETCHED)


def order(size: int, shuffle: Shuffle | None) -> np.ndarray:
    """Return the positions 0 to size - 1 as they are, or permuted by (seed, epoch)."""
    return np.arange(size) if shuffle is None else np.random.default_rng(shuffle).permutation(size)


def fits_into_memory(shape: tuple[int, ...], dtype: type[np.generic]) -> bool:
    """Return whether an array is small enough to stay in memory for a whole training."""
    return math.prod(shape) * np.dtype(dtype).itemsize <= MEMORY


def evenly_spaced(size: int, wanted: int) -> np.ndarray:
    """Return `wanted` of the positions 0 to size - 1 at equal distances; all if there are fewer."""
    wanted = min(size, wanted)
    return np.arange(wanted) * size // wanted


def to_shape(images: tf.Tensor, image_shape: ImageShape) -> tf.Tensor:
    """Resize and convert images [..., h, w, 1 or 3] to float32 [..., height, width, channels].

    The values are in [0, 1]. Color becomes gray by its luma, gray becomes three equal channels. The
    interpolation is bilinear, with anti-aliasing where an image shrinks; the aspect may change.
    """
    height, width, channels = image_shape
    images = tf.image.convert_image_dtype(images, tf.float32)
    if images.shape[-1] != channels:
        grey = channels == 1
        images = tf.image.rgb_to_grayscale(images) if grey else tf.image.grayscale_to_rgb(images)
    if images.shape[-3:-1] != (height, width):
        images = tf.image.resize(images, (height, width), antialias=True)
    return images


def fingerprint(parts: Iterable[bytes | np.ndarray]) -> str:
    """Return the sha256 of all the bytes in turn, in hex."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.tobytes() if isinstance(part, np.ndarray) else part)
    return digest.hexdigest()
