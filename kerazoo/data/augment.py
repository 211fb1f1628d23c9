"""Augmentation of training images: a pure function of seed, epoch and the image's place in it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kerazoo.data.image_io import ImageShape
from kerazoo.lazy import tf
from kerazoo.recipe import Recipe

# The standard deviations of ImageNet's colors along their principal components, and these, RGB in
# [0, 1]: https://github.com/facebookarchive/fb.resnet.torch, datasets/imagenet.lua.
DEVIATIONS = (0.2175, 0.0188, 0.0045)
COMPONENTS = (
    (-0.5675, 0.7192, 0.4009),
    (-0.5808, -0.0045, -0.8140),
    (-0.5836, -0.6948, 0.4203),
)
# The columns of an image's random numbers: uniform in [0, 1) but for the last ones.
FLIP, MOVE, AREA, ASPECT, PLACE, JITTER, NOISE, MIX = 0, (1, 3), 3, 4, (5, 7), (7, 10), (10, 13), 13
COLUMNS = 14
MAX_SCALE = 2
INSET = 2e-6  # fraction of a crop's side, so that no rounding takes its edge out of the image


@dataclass(frozen=True)
class Augmentation:
    """The augmentation of a recipe, for one epoch.

    Attributes:
        recipe: Its attributes of `kerazoo.recipe.AUGMENTATION` count, and the seed.
        epoch: From 0.
    """

    recipe: Recipe
    epoch: int

    @property
    def is_needed(self) -> bool:
        """Whether the recipe has any."""
        recipe = self.recipe
        return self._moves or self._colors or bool(recipe.flip or recipe.mixup or recipe.sizes)

    @property
    def _moves(self) -> bool:
        recipe = self.recipe
        return recipe.crop_padding > 0 or recipe.crop_area[0] < 1

    @property
    def _colors(self) -> bool:
        return self.recipe.color_jitter > 0 or self.recipe.color_noise > 0

    def numbers(self, size: int) -> np.ndarray:
        """Return the random numbers of the epoch's images, float32 [size, COLUMNS]."""
        rng = np.random.default_rng((self.recipe.seed, self.epoch, COLUMNS))
        numbers = rng.random((size, COLUMNS), np.float32)
        numbers[:, slice(*NOISE)] = rng.standard_normal((size, 3), np.float32)
        numbers[:, MIX] = rng.beta(self.recipe.mixup, self.recipe.mixup, size) if self.mixes else 1
        return numbers

    @property
    def mixes(self) -> bool:
        """Whether images and labels are mixed with others."""
        return self.recipe.mixup > 0

    def source_shape(self, image_shape: ImageShape) -> ImageShape:
        """Return the (height, width, channels) of the images to augment, given the model's.

        Random crops are taken from larger images, so that the smallest ones are as sharp as the
        whole; of twice the side at most, beyond which large crops would alias.
        """
        factor = min(1 / math.sqrt(self.recipe.crop_area[0]), MAX_SCALE)
        height, width, channels = self.result_shape(image_shape)
        return math.ceil(height * factor), math.ceil(width * factor), channels

    def __call__(self, images: tf.Tensor, numbers: tf.Tensor, image_shape: ImageShape) -> tf.Tensor:
        """Return augmented images.

        Args:
            images: float32 [batch, height, width, channels] of `source_shape`, in [0, 1].
            numbers: Their random numbers, float32 [batch, COLUMNS].
            image_shape: (height, width, channels) of the result.

        Returns:
            float32 [batch, height, width, channels]; with noise in their colors some elements are
            not in [0, 1].
        """
        if self._moves:
            images = self._cropped(images, numbers, image_shape[:2])
        elif self.recipe.flip:
            mirrored = numbers[:, FLIP, None, None, None] < 0.5
            images = tf.where(mirrored, images[:, :, ::-1], images)
        if self.recipe.color_jitter:
            images = _jittered(images, self.recipe.color_jitter, numbers[:, slice(*JITTER)])
        if self.recipe.color_noise and images.shape[-1] == 3:
            alphas = numbers[:, slice(*NOISE)] * self.recipe.color_noise
            images += tf.matmul(alphas * DEVIATIONS, COMPONENTS, transpose_b=True)[:, None, None]
        return images

    def result_shape(self, shape: ImageShape) -> ImageShape:
        """Return the (height, width, channels) of the epoch's images, given the model's."""
        if not (sizes := self.recipe.sizes):
            return shape
        side = sizes[self.epoch % len(sizes)]
        return side, side, shape[2]

    def _cropped(self, images: tf.Tensor, numbers: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
        """Return a box of each image, mirrored or not, resized bilinearly; outside it is black."""
        recipe = self.recipe
        height, width = images.shape[1:3]
        low, high = recipe.crop_area
        area = low + (high - low) * numbers[:, AREA]
        ratio = tf.exp((2 * numbers[:, ASPECT] - 1) * float(np.log(recipe.crop_aspect) / 2))
        sides = [tf.minimum(tf.sqrt(area) * each, 1.0) for each in (1 / ratio, ratio)]
        starts = []
        for number, (side, pixels) in enumerate(zip(sides, (height, width), strict=True)):
            farthest = int(recipe.crop_padding * pixels)
            moved = tf.floor(numbers[:, MOVE[0] + number] * (2 * farthest + 1)) - farthest
            place = numbers[:, PLACE[0] + number] * (1 - side)
            starts.append(place + moved / max(1, pixels - 1))
        (top, left), (bottom, right) = starts, [a + b for a, b in zip(starts, sides, strict=True)]
        if recipe.flip:
            mirrored = numbers[:, FLIP] < 0.5
            left, right = tf.where(mirrored, right, left), tf.where(mirrored, left, right)
        boxes = tf.stack([top, left, bottom, right], axis=1)
        boxes = 0.5 + (boxes - 0.5) * (1 - INSET)
        return tf.image.crop_and_resize(images, boxes, tf.range(tf.shape(images)[0]), size)


def _jittered(images: tf.Tensor, strength: float, numbers: tf.Tensor) -> tf.Tensor:
    """Return images with other brightness, contrast and saturation, by factors of 1 +- strength."""
    factors = (1 + strength * (2 * numbers - 1))[:, None, None, None]
    brightness, contrast, saturation = (factors[..., number] for number in range(3))
    images *= brightness
    gray = tf.image.rgb_to_grayscale(images) if images.shape[-1] == 3 else images
    mean = tf.reduce_mean(gray, axis=(1, 2, 3), keepdims=True)
    images = mean + contrast * (images - mean)
    if images.shape[-1] == 3:
        gray = tf.image.rgb_to_grayscale(images)
        images = gray + saturation * (images - gray)
    return tf.clip_by_value(images, 0, 1)
