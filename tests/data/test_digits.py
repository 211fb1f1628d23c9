import numpy as np
from sklearn.datasets import load_digits

from kerazoo.data import digits
from kerazoo.data.images import Split


def labels(split: Split) -> np.ndarray:
    return np.concatenate([batch[1] for batch in split.batches(500)])


def test_the_split_is_complete_stratified_and_fixed() -> None:
    data = digits.load((28, 28, 1))
    parts = [labels(split) for split in (data.train, data.validation, data.test)]
    assert [len(part) for part in parts] == [1_347, 150, 300]
    everything = np.bincount(load_digits().target)
    np.testing.assert_array_equal(sum(np.bincount(part) for part in parts), everything)
    for part in parts:
        assert np.abs(np.bincount(part) - everything * len(part) / 1_797).max() <= 1
    assert digits.load((28, 28, 1)).fingerprint == data.fingerprint


def test_no_image_is_in_two_splits() -> None:
    data = digits.load((28, 28, 1))
    splits = (data.train, data.validation, data.test)
    images = [batch[0].numpy() for split in splits for batch in split.batches(1)]
    originals = len(np.unique(load_digits().data, axis=0))
    assert len({image.tobytes() for image in images}) == originals == 1_797


def test_images_are_the_digits_enlarged() -> None:
    data = digits.load((28, 28, 1))
    images, numbers = next(iter(data.test.batches(300)))
    shrunk = images.numpy()[:, :28, :28, 0].reshape(300, 4, 7, 4, 7).mean(axis=(2, 4))
    everything = load_digits()
    averages = everything.images.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)) / 16
    nearest = [np.square(averages - image).sum(axis=(1, 2)).argmin() for image in shrunk]
    np.testing.assert_array_equal(everything.target[nearest], numbers)
    assert images.shape == (300, 28, 28, 1)
    assert float(images.numpy().min()) == 0
    assert float(images.numpy().max()) == 1
