"""Augmentation against NumPy by hand; it depends on seed, epoch and place alone."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerazoo.data.augment import (
    AREA,
    ASPECT,
    COLUMNS,
    COMPONENTS,
    DEVIATIONS,
    FLIP,
    JITTER,
    MIX,
    MOVE,
    NOISE,
    PLACE,
    Augmentation,
)
from kerazoo.data.folder import FileSplit
from kerazoo.data.image_io import to_shape
from kerazoo.data.images import ArraySplit, IndexedSplit, Shard, StreamSplit
from kerazoo.recipe import Recipe

SIZE, SHAPE = 11, (8, 6, 3)
EVERYTHING: dict[str, Any] = {
    "flip": True,
    "crop_padding": 0.25,
    "crop_area": (0.3, 0.9),
    "crop_aspect": 1.5,
    "color_jitter": 0.3,
    "color_noise": 0.1,
    "mixup": 0.4,
}


def random_images(count: int = SIZE, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (count, *shape)).astype(np.uint8)


def applied(images: np.ndarray, numbers: dict[int, float], **recipe: Any) -> np.ndarray:
    """Augment images in [0, 1], all with the same random numbers, 0.5 where none is given."""
    rows = np.full((len(images), COLUMNS), 0.5, np.float32)
    for column, value in numbers.items():
        rows[:, column] = value
    augmentation = Augmentation(Recipe(**recipe), 0)
    return np.asarray(augmentation(tf.constant(images), tf.constant(rows), images.shape[1:]))


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return random_images().astype(np.float32) / 255


def test_an_image_is_mirrored_or_not(images: np.ndarray) -> None:
    np.testing.assert_array_equal(applied(images, {FLIP: 0.4}, flip=True), images[:, :, ::-1])
    np.testing.assert_array_equal(applied(images, {FLIP: 0.6}, flip=True), images)


@pytest.mark.parametrize(("number", "move"), [(0, -2), (0.5, 0), (0.999, 2)])
def test_an_image_moves_over_black(images: np.ndarray, number: float, move: int) -> None:
    """A quarter of eight rows is two, of six columns one."""
    numbers = {MOVE[0]: number, MOVE[0] + 1: 0.5}
    padded = np.pad(images, ((0, 0), (2, 2), (0, 0), (0, 0)))
    expected = padded[:, 2 + move : 10 + move]
    np.testing.assert_allclose(applied(images, numbers, crop_padding=0.25), expected, atol=1e-5)


@pytest.mark.parametrize("flip", [False, True])
def test_a_crop_is_resized_to_the_whole(images: np.ndarray, flip: bool) -> None:
    """A quarter of the area in the corner, by bilinear interpolation between the corners."""
    numbers = {AREA: 0, ASPECT: 0.5, PLACE[0]: 0, PLACE[0] + 1: 0, FLIP: 0.1}
    cropped = applied(images, numbers, crop_area=(0.25, 0.25), flip=flip)
    rows, columns = np.linspace(0, 3.5, 8), np.linspace(0, 2.5, 6)
    expected = np.empty_like(images)
    for i, y in enumerate(rows):
        for j, x in enumerate(columns):
            top, left = int(y), int(x)
            down, right = y - top, x - left
            corners = [images[:, top + a, left + b] for a in (0, 1) for b in (0, 1)]
            weights = [(1 - down) * (1 - right), (1 - down) * right, down * (1 - right)]
            weights.append(down * right)
            expected[:, i, j] = sum(w * c for w, c in zip(weights, corners, strict=True))
    if flip:
        expected = expected[:, :, ::-1]
    np.testing.assert_allclose(cropped, expected, atol=1e-5)


def test_the_aspect_of_a_crop_is_within_its_limits() -> None:
    """A ramp over rows and columns shows where a crop begins and ends."""
    ramp = np.stack(np.meshgrid(np.arange(33), np.arange(33), indexing="ij"), -1) / 32
    ramps = np.concatenate([ramp, ramp[..., :1]], -1)[None].astype(np.float32)
    for number, ratio in ((0, 1.5), (0.5, 1), (1, 1 / 1.5)):
        numbers = {AREA: 0, ASPECT: number}
        crop = applied(ramps, numbers, crop_area=(0.25, 0.25), crop_aspect=1.5)[0]
        height, width = np.ptp(crop[..., 0]), np.ptp(crop[..., 1])
        assert height / width == pytest.approx(ratio, rel=1e-4)
        assert height * width == pytest.approx(0.25, rel=1e-4)


def test_brightness_contrast_and_saturation_by_hand(images: np.ndarray) -> None:
    factors = np.array([1.2, 0.9, 0.7])
    numbers = {JITTER[0] + place: (each - 0.7) / 0.6 for place, each in enumerate(factors)}
    luma = np.array([0.2989, 0.587, 0.114])
    expected = images * factors[0]
    mean = (expected @ luma).mean(axis=(1, 2))[:, None, None, None]
    expected = mean + factors[1] * (expected - mean)
    gray = (expected @ luma)[..., None]
    expected = np.clip(gray + factors[2] * (expected - gray), 0, 1)
    np.testing.assert_allclose(applied(images, numbers, color_jitter=0.3), expected, atol=1e-5)


def test_the_noise_of_colors_is_along_their_components(images: np.ndarray) -> None:
    alphas = np.array([1.0, -2.0, 0.5])
    numbers = {NOISE[0] + place: each for place, each in enumerate(alphas)}
    noise = np.array(COMPONENTS) @ (0.1 * alphas * DEVIATIONS)
    result = applied(images, numbers, color_noise=0.1)
    np.testing.assert_allclose(result, images + noise, atol=1e-5)
    np.testing.assert_allclose(
        np.array(COMPONENTS) @ np.transpose(COMPONENTS), np.eye(3), atol=1e-3
    )
    gray = images[..., :1]
    np.testing.assert_array_equal(applied(gray, numbers, color_noise=0.1), gray)


@pytest.mark.parametrize("crop", [{}, {"crop_area": (0.25, 0.5)}])
def test_sizes_come_in_turn(crop: dict[str, Any], images: np.ndarray) -> None:
    recipe = Recipe(sizes=(8, 12), **crop)
    split = ArraySplit(random_images(), np.zeros(SIZE), SHAPE)
    for epoch, side in enumerate((8, 12, 8)):
        batches = split.batches(SIZE, augmentation=Augmentation(recipe, epoch))
        result, _ = next(batches.as_numpy_iterator())
        assert result.shape == (SIZE, side, side, 3)
        if not crop:
            np.testing.assert_allclose(result, to_shape(images, (side, side, 3)), atol=1e-6)


@pytest.mark.parametrize("kind", ["array", "stream", "files"])
def test_a_crop_is_as_sharp_as_the_original(kind: str, tmp_path: Path) -> None:
    """Of images of 16x12 for a model of 8x6, a crop of a quarter has about one pixel for each."""
    originals = random_images(3, (16, 12, 3))
    for number, image in enumerate(originals):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    array: IndexedSplit = ArraySplit(originals, np.arange(3), SHAPE)
    if kind == "files":
        paths = [os.fsencode(tmp_path / f"{number}.png") for number in range(3)]
        array = FileSplit(np.array(paths), np.arange(3), SHAPE)
    split = stream_of(array) if kind == "stream" else array
    augmentation = Augmentation(Recipe(crop_area=(0.25, 0.4), flip=True), 1)
    cropped, labels = next(split.batches(3, augmentation=augmentation).as_numpy_iterator())
    numbers = tf.constant(augmentation.numbers(3))
    expected = augmentation(tf.constant(originals / np.float32(255)), numbers, SHAPE)
    np.testing.assert_allclose(cropped, expected, atol=1e-6)
    assert labels.tolist() == [0, 1, 2]


def test_no_rounding_leaves_an_edge_black() -> None:
    """Of white images, crops of all rows or columns are white."""
    for area, aspect, side in ((0.64, 4 / 3, 224), (0.5, 2, 97)):
        augmentation = Augmentation(Recipe(crop_area=(area, 1.0), crop_aspect=aspect, flip=True), 0)
        white = tf.ones((200, *augmentation.source_shape((side, side, 1))))
        cropped = augmentation(white, augmentation.numbers(200), (side, side, 1))
        assert cropped.numpy().min() > 0.999


def test_large_crops_are_of_images_of_twice_the_side_at_most() -> None:
    for area, side in ((1.0, 10), (0.64, 13), (0.25, 20), (0.08, 20)):
        augmentation = Augmentation(Recipe(crop_area=(area, 1.0)), 0)
        assert augmentation.source_shape((10, 10, 3)) == (side, side, 3)


def stream_of(array: IndexedSplit) -> StreamSplit:
    """Return the images of a split as a stream."""
    return StreamSplit(
        lambda shuffle, limit: array.elements(shuffle).take(limit),
        array.read,
        lambda position: tf.gather(array.labels, position),
        array.size,
        array.image_shape,
    )


def epoch_of(
    split: Any, epoch: int, batch_size: int, seed: int = 7, **options: Any
) -> list[np.ndarray]:
    augmentation = Augmentation(Recipe(seed=seed, **EVERYTHING), epoch)
    batches = split.batches(batch_size, (7, epoch), augmentation=augmentation, **options)
    columns = zip(*batches.as_numpy_iterator(), strict=True)
    return [np.concatenate(column) for column in columns]


@pytest.fixture(scope="module", params=["array", "stream"])
def split(request: pytest.FixtureRequest) -> Any:
    labels = np.arange(SIZE) % 3
    array = ArraySplit(random_images(), labels, SHAPE)
    return array if request.param == "array" else stream_of(array)


def test_it_depends_on_seed_epoch_and_place_alone(split: Any) -> None:
    """Not on batches, on where an epoch is resumed, or on how many replicas there are."""
    images, labels, mix = epoch_of(split, 2, SIZE)
    assert images.shape == (SIZE, *SHAPE)
    for batch_size in (1, 4):
        for column, expected in zip(
            epoch_of(split, 2, batch_size), (images, labels, mix), strict=True
        ):
            np.testing.assert_allclose(column, expected, atol=1e-6)
    resumed = epoch_of(split, 2, 4, skip=1)
    np.testing.assert_allclose(resumed[0], images[4:], atol=1e-6)
    of_replicas = [epoch_of(split, 2, 4, shard=Shard(first, 1, 2)) for first in (0, 1)]
    halves = np.concatenate([each[0] for each in of_replicas])
    assert len(halves) == SIZE
    assert {each.tobytes() for each in np.round(halves, 4)} == {
        each.tobytes() for each in np.round(images, 4)
    }
    assert not np.allclose(epoch_of(split, 3, SIZE)[0], images)
    assert not np.allclose(epoch_of(split, 2, SIZE, seed=8)[0], images)


def test_numbers_are_uniform_and_the_weights_of_mixtures_a_beta_distribution() -> None:
    numbers = Augmentation(Recipe(**EVERYTHING), 0).numbers(20_000)
    uniform = numbers[:, : NOISE[0]]
    assert 0 <= uniform.min() <= uniform.max() < 1
    np.testing.assert_allclose(uniform.mean(axis=0), 0.5, atol=0.01)
    np.testing.assert_allclose(uniform.var(axis=0), 1 / 12, atol=0.005)
    normal = numbers[:, slice(*NOISE)]
    np.testing.assert_allclose([normal.mean(), normal.std()], [0, 1], atol=0.02)
    mix = numbers[:, MIX]
    assert mix.mean() == pytest.approx(0.5, abs=0.01)
    assert mix.var() == pytest.approx(0.25 / (2 * 0.4 + 1), abs=0.005)
    assert (Augmentation(Recipe(), 0).numbers(3)[:, MIX] == 1).all()


def test_classes_are_counted(split: Any) -> None:
    assert split.class_sizes(4).tolist() == [4, 4, 3, 0]
