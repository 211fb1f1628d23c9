"""A data set for image classification: three splits that yield batches of labeled images."""

from __future__ import annotations

import abc
import dataclasses
import hashlib
import math
from collections.abc import Callable, Iterable
from typing import Any, Self

import numpy as np

from kerazoo.data.augment import MIX, Augmentation
from kerazoo.data.image_io import ImageShape, to_shape
from kerazoo.device import cores
from kerazoo.lazy import tf

MEMORY = 2**30  # bytes up to which the images of a folder, or of a TFDS split, stay in memory
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
        """Return the worker's shards of every batch but the first `skip`, one after the other."""
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
        """Yield the size of the whole batch for each shard that `of` yields of `size` elements."""
        ends = np.minimum(np.arange(0, size, batch_size) + batch_size, size)
        sizes = np.diff(ends, prepend=0)[skip:]
        return tf.data.Dataset.from_tensor_slices(np.repeat(sizes, self.count))


ALL = Shard()
BATCH = 1024  # labels that are counted at once
PREFETCHED = 2  # batches that are prepared ahead


def without_autotuning() -> tf.data.Options:
    """Return options that turn off tf.data's autotuning thread.

    The thread sleeps for up to a minute, and the end of an iterator sometimes has to wait for it:
    tf.data's `Model::OptimizeLoop` is notified just before the flag that it checks is set.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return options


class Split(abc.ABC):
    """A part of a data set: labeled images in batches.

    Attributes:
        size: Number of images.
        image_shape: (height, width, channels) of the images in the batches.
    """

    size: int
    image_shape: ImageShape

    def batches(
        self,
        batch_size: int,
        shuffle: Shuffle | None = None,
        skip: int = 0,
        shard: Shard = ALL,
        augmentation: Augmentation | None = None,
    ) -> tf.data.Dataset:
        """Yield every image once, in batches of which the last may be smaller.

        Args:
            batch_size: Number of images in a batch.
            shuffle: (seed, epoch), which determine the order; None for the stored order.
            skip: Number of batches to leave out at the start.
            shard: The rows to return of each batch.
            augmentation: What is done to the images; None for nothing.

        Returns:
            Images, float32 [batch, height, width, channels] in [0, 1], and labels, int32 [batch];
            with mixup also the weight that each image will have, float32 [batch].
        """
        elements = self.elements(shuffle)
        if augmentation is None:
            rows = shard.of(elements, batch_size, skip)
            return rows.map(self.read, tf.data.AUTOTUNE).prefetch(PREFETCHED * shard.count)

        def prepared(batch: Any, numbers: tf.Tensor) -> tuple[tf.Tensor, ...]:
            images, labels = self._augmented(batch, numbers, augmentation)
            return (images, labels, numbers[:, MIX]) if augmentation.mixes else (images, labels)

        numbers = tf.data.Dataset.from_tensor_slices(augmentation.numbers(self.size))
        rows = shard.of(tf.data.Dataset.zip(elements, numbers), batch_size, skip)
        prepare = tf.autograph.experimental.do_not_convert(prepared)
        return rows.map(prepare, cores(), deterministic=True).prefetch(PREFETCHED * shard.count)

    def _augmented(
        self, batch: Any, numbers: tf.Tensor, augmentation: Augmentation
    ) -> tuple[Any, Any]:
        """Return the augmented images and the labels of a batch of `elements`.

        Where crops are taken from larger images, each of these is read on its own.
        """
        result = augmentation.result_shape(self.image_shape)
        source = augmentation.source_shape(self.image_shape)

        def augmented(batch: Any, numbers: tf.Tensor) -> tuple[Any, Any]:
            images, labels = self.read(batch, source)
            return augmentation(images, numbers, result), labels

        if source == result:
            return augmented(batch, numbers)
        images, labels = tf.map_fn(
            lambda each: augmented(*tf.nest.map_structure(lambda column: column[None], each)),
            (batch, numbers),
            fn_output_signature=(
                tf.TensorSpec((1, *result), tf.float32),
                tf.TensorSpec((1,), tf.int32),
            ),
        )
        return images[:, 0], labels[:, 0]

    @abc.abstractmethod
    def elements(self, shuffle: Shuffle | None) -> tf.data.Dataset:
        """Yield what stands for each image, in the order of `batches`, for `read`."""

    @abc.abstractmethod
    def read(self, batch: Any, image_shape: ImageShape | None = None) -> tuple[Any, Any]:
        """Return the images and labels of a batch of `elements`, as `batches` does.

        Args:
            batch: The elements.
            image_shape: What the images are resized and converted to; None for `self.image_shape`.
        """

    @abc.abstractmethod
    def limited(self, size: int) -> Split:
        """Return `size` of the images; all if there are fewer."""

    @abc.abstractmethod
    def class_sizes(self, classes: int) -> np.ndarray:
        """Return the number of images of each class, [classes]."""


@dataclasses.dataclass(frozen=True)
class ImageData:
    """A data set for image classification.

    Attributes:
        name: The name in reports, as `--data` takes it.
        class_names: The classes in the order of their labels.
        image_shape: (height, width, channels) of the images in the batches.
        fingerprint: sha256 of the images and labels, or of what identifies them, in hex.
        source_shape: The shape before resizing; None if the images have several sizes.
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
        names = ("train", "validation", "test")
        limited = {name: getattr(self, name).limited(size) for name in names}
        return dataclasses.replace(self, **limited)


class IndexedSplit(Split):
    """Images that can be read in any order.

    Args:
        images: What `load` returns the images of [size, ...]; a tensor afterwards.
        labels: Integers [size]; an int32 tensor afterwards.
        image_shape: What the images are resized and converted to.
    """

    load: Callable[[tf.Tensor, ImageShape], tf.Tensor] = staticmethod(to_shape)

    def __init__(self, images: np.ndarray, labels: np.ndarray, image_shape: ImageShape) -> None:
        with tf.device("CPU"):  # where batches are prepared, for a GPU too
            self.images = tf.constant(images)
            self.labels = tf.constant(labels, tf.int32)
        self.size = len(labels)
        self.image_shape = image_shape

    def elements(self, shuffle: Shuffle | None) -> tf.data.Dataset:
        """Yield the positions of all images in their order."""
        order = np.arange(self.size)
        if shuffle is not None:
            order = np.random.default_rng(shuffle).permutation(self.size)
        return tf.data.Dataset.from_tensor_slices(order)

    def read(self, batch: tf.Tensor, image_shape: ImageShape | None = None) -> tuple[Any, Any]:
        """Return the images and labels at the positions [batch]; see `Split.read`."""
        images = self.load(tf.gather(self.images, batch), image_shape or self.image_shape)
        return images, tf.gather(self.labels, batch)

    def limited(self, size: int) -> Self:
        """Return `size` of the images, at equal distances; all if there are fewer."""
        size = min(size, self.size)
        kept = np.arange(size) * self.size // size
        return type(self)(self.images.numpy()[kept], self.labels.numpy()[kept], self.image_shape)

    def class_sizes(self, classes: int) -> np.ndarray:
        """Return the number of images of each class; see `Split.class_sizes`."""
        return np.bincount(self.labels.numpy(), minlength=classes)


class ArraySplit(IndexedSplit):
    """Images in memory, uint8 [size, height, width, channels]."""


@dataclasses.dataclass(frozen=True)
class StreamSplit(Split):
    """Images that are read from disk in a given order.

    Attributes:
        rows: Returns the encoded examples, given `shuffle` and how many of the first to use.
        load: Returns the images and labels of a batch of these, of a shape.
        label: Returns the label of one of these.
        size: Number of images.
        image_shape: (height, width, channels) of the images in the batches.
    """

    rows: Callable[[Shuffle | None, int], tf.data.Dataset]
    load: Callable[[Any, ImageShape], tuple[tf.Tensor, tf.Tensor]]
    label: Callable[[Any], tf.Tensor]
    size: int
    image_shape: ImageShape

    def elements(self, shuffle: Shuffle | None) -> tf.data.Dataset:
        """Yield the encoded examples."""
        return self.rows(shuffle, self.size)

    def read(self, batch: Any, image_shape: ImageShape | None = None) -> tuple[Any, Any]:
        """Return the images and labels of encoded examples; see `Split.read`."""
        return self.load(batch, image_shape or self.image_shape)

    def limited(self, size: int) -> StreamSplit:
        """Return the first `size` of the images; all if there are fewer."""
        return dataclasses.replace(self, size=min(size, self.size))

    def class_sizes(self, classes: int) -> np.ndarray:
        """Return the number of images of each class; see `Split.class_sizes`."""
        labels = self.rows(None, self.size).map(self.label).batch(BATCH)
        counts = (np.bincount(each, minlength=classes) for each in labels.as_numpy_iterator())
        return sum(counts, start=np.zeros(classes, int))


def fits_into_memory(shape: tuple[int, ...], dtype: type[np.generic]) -> bool:
    """Return whether an array is small enough to stay in memory for a whole training."""
    return math.prod(shape) * np.dtype(dtype).itemsize <= MEMORY


def fingerprint(parts: Iterable[bytes | np.ndarray]) -> str:
    """Return the sha256 of the concatenated bytes, in hex."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.tobytes() if isinstance(part, np.ndarray) else part)
    return digest.hexdigest()
