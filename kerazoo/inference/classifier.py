"""A trained model with all that it needs to classify images."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from kerazoo.compat import operation_of
from kerazoo.data.image_io import ImageShape, read_image, to_shape
from kerazoo.device import cores
from kerazoo.errors import KerazooError, UsageError
from kerazoo.inference import handwriting
from kerazoo.lazy import keras, tf
from kerazoo.weights.card import Card
from kerazoo.weights.preprocessing import UNIT, Preprocessing

BATCH_SIZE = 256

logger = logging.getLogger("kerazoo")


@dataclass(frozen=True)
class Classifier:
    """A trained model, and what it expects of images.

    Attributes:
        model: Gives the scores of an image, or its logits.
        class_names: The classes in the order of the scores.
        image_shape: (height, width, channels) of its images.
        preprocessing: What the images get before the model.
        handwriting_of: The data set of handwritten digits like whose images files are normalized;
            "" for none.
        card: How the model was trained; None if it is unknown.
    """

    model: keras.Model
    class_names: tuple[str, ...]
    image_shape: ImageShape
    preprocessing: Preprocessing = UNIT
    handwriting_of: str = ""
    card: Card | None = None

    @classmethod
    def of(cls, model: keras.Model) -> Classifier:
        """Return the classifier of a model that `kerazoo.load` returned.

        A warning in the log says if what it expects of images is unknown.

        Raises:
            UsageError: It gives no scores of classes for an image.
        """
        shape, output = model.input_shape, model.output_shape
        if not (isinstance(shape, tuple) and len(shape) == 4 and isinstance(output, tuple)):
            raise UsageError(f"'{model.name}' is not a model of one image and its class")
        if len(output) != 2:
            raise UsageError(
                f"'{model.name}' gives {output[1:]} for an image, not a score for each class: "
                "create it with include_top=True"
            )
        card: Card | None = getattr(model, "kerazoo_card", None)
        preprocessing: Preprocessing | None = getattr(model, "preprocessing", None)
        if preprocessing is None:
            logger.warning(
                "what '%s' expects of images is unknown: it gets them in [0, 1]", model.name
            )
        if card is None:
            names = tuple(map(str, range(output[-1])))
            return cls(model, names, _image_shape(model), preprocessing or UNIT)
        data = str(card.data.get("name"))
        return cls(
            model,
            card.class_names,
            card.image_shape,
            preprocessing or UNIT,
            data if data in handwriting.NORMALIZERS else "",
            card,
        )

    @cached_property
    def _scores(self) -> tf.types.experimental.PolymorphicFunction:
        return tf.function(lambda images: self.model(images, training=False))

    def scores(self, images: tf.Tensor) -> np.ndarray:
        """Return the scores, [batch, classes], of images of `image_shape` in [0, 1]."""
        return self._scores(self.preprocessing.of_unit(images)).numpy()

    def read(self, path: Path) -> np.ndarray:
        """Return the image in a file, of `image_shape` in [0, 1].

        Raises:
            UsageError: It is to be handwriting, and is blank.
            KerazooError: The file cannot be read, see `kerazoo.data.image_io.read_image`.
        """
        height, width, channels = self.image_shape
        if self.handwriting_of:
            pixels = handwriting.read(path, self.handwriting_of)
        else:
            pixels = read_image(path, channels, (height, width))
        return to_shape(pixels, self.image_shape).numpy()

    def classify(self, paths: Sequence[Path]) -> Iterator[tuple[Path, np.ndarray | KerazooError]]:
        """Yield each path with the scores of its image [classes], or the error of its file."""

        def read(path: Path) -> np.ndarray | KerazooError:
            try:
                return self.read(path)
            except KerazooError as error:
                return error

        with ThreadPoolExecutor(cores()) as pool:
            for first in range(0, len(paths), BATCH_SIZE):
                batch = paths[first : first + BATCH_SIZE]
                images = list(pool.map(read, batch))
                readable = [image for image in images if isinstance(image, np.ndarray)]
                scores = iter(self.scores(tf.stack(readable)) if readable else ())
                for path, image in zip(batch, images, strict=True):
                    yield path, image if isinstance(image, KerazooError) else next(scores)


def _image_shape(model: keras.Model) -> ImageShape:
    """Return the shape of the images of a model.

    Raises:
        UsageError: It takes images of any size.
    """
    shape = model.input_shape[1:]
    if None in shape:
        raise UsageError(f"'{model.name}' takes images of any size, and its file names none")
    return shape


@contextlib.contextmanager
def logits(model: keras.Model) -> Iterator[bool]:
    """Have a model that ends with softmax give logits within a `with` block; yield if it does."""
    last = operation_of(model.outputs[0])
    before = getattr(last, "activation", None)
    if before is not keras.activations.softmax:
        yield False
        return
    last.activation = keras.activations.linear
    try:
        yield True
    finally:
        last.activation = before
