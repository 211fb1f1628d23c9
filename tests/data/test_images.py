import time

import numpy as np
import pytest
import tensorflow as tf

from kerazoo.data.images import ArraySplit, ImageData, Shard


def numbered(size: int) -> ArraySplit:
    """Return a split in which every image is its own label."""
    images = np.arange(size, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 1), np.uint8)
    return ArraySplit(images, np.arange(size), (2, 2, 1))


def labels(batches: tf.data.Dataset) -> list[list[int]]:
    return [batch[1].numpy().tolist() for batch in batches]


def test_batches_without_shuffle_keep_the_order_and_the_remainder() -> None:
    assert labels(numbered(5).batches(2)) == [[0, 1], [2, 3], [4]]


def test_images_stay_with_their_labels_and_are_in_0_to_1() -> None:
    for images, numbers in numbered(200).batches(7, shuffle=(3, 4)):
        assert images.dtype == tf.float32
        assert numbers.dtype == tf.int32
        expected = numbers.numpy().astype(np.float32) * np.float32(1 / 255)
        np.testing.assert_array_equal(images[:, 1, 1, 0], expected)


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    split = numbered(50)
    first = labels(split.batches(50, shuffle=(1, 0)))[0]
    assert sorted(first) == list(range(50))
    assert labels(split.batches(50, shuffle=(1, 0)))[0] == first
    assert labels(split.batches(50, shuffle=(1, 1)))[0] != first
    assert labels(split.batches(50, shuffle=(2, 0)))[0] != first
    assert first == np.random.default_rng([1, 0]).permutation(50).tolist()


def test_skipped_batches_are_those_at_the_start() -> None:
    split = numbered(23)
    assert labels(split.batches(5, (0, 7), skip=3)) == labels(split.batches(5, (0, 7)))[3:]


def test_a_limit_keeps_images_at_equal_distances() -> None:
    assert labels(numbered(100).limited(4).batches(9)) == [[0, 25, 50, 75]]
    assert labels(numbered(3).limited(10).batches(9)) == [[0, 1, 2]]
    split = numbered(10)
    data = ImageData("numbers", ("a",), (2, 2, 1), split, split, split, "").limited(5)
    assert [data.train.size, data.validation.size, data.test.size] == [5, 5, 5]
    assert labels(data.test.batches(9)) == [[0, 2, 4, 6, 8]]


@pytest.mark.parametrize(("replicas", "workers"), [(1, 1), (2, 2), (3, 3), (4, 2), (5, 1)])
def test_the_shards_of_all_workers_are_every_batch(replicas: int, workers: int) -> None:
    elements = tf.data.Dataset.range(22).map(lambda x: (x, x * 2))
    columns = elements.batch(5).skip(1)
    count = replicas // workers
    shards = [
        list(Shard(worker * count, count, replicas).of(elements, 5, 1).as_numpy_iterator())
        for worker in range(workers)
    ]
    assert {len(shard) for shard in shards} == {4 * count}
    for number, (batch, doubled) in enumerate(columns.as_numpy_iterator()):
        pieces = [part for shard in shards for part in shard[number * count : (number + 1) * count]]
        sizes = [len(first) for first, _ in pieces]
        assert max(sizes) - min(sizes) <= 1
        np.testing.assert_array_equal(np.concatenate([first for first, _ in pieces]), batch)
        np.testing.assert_array_equal(np.concatenate([second for _, second in pieces]), doubled)


def test_an_iterator_ends_without_waiting() -> None:
    """With tf.data's autotuning, one in ten iterators waits for 2 to 60 seconds."""
    batches = numbered(1000).batches(10)
    iterators = [iter(batches) for _ in range(40)]
    firsts = [next(iterator) for iterator in iterators]
    assert len(firsts) == 40
    time.sleep(3)
    while iterators:
        started = time.monotonic()
        iterators.pop()
        assert time.monotonic() - started < 1


def test_batch_sizes_count_the_whole_batch_of_each_shard() -> None:
    split = numbered(23)
    for skip in (0, 2, 5):
        rows = [len(batch) for batch in labels(split.batches(5))][skip:]
        for shard in (Shard(0, 1, 1), Shard(2, 2, 4)):
            sizes = shard.batch_sizes(23, 5, skip).as_numpy_iterator()
            assert list(sizes) == np.repeat(rows, shard.count).tolist()
            parts = labels(split.batches(5, skip=skip, shard=shard))
            assert len(parts) == len(rows) * shard.count
