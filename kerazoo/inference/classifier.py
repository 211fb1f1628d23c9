"""A trained model with all that it needs to classify images."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from kerazoo.compat import operation_of
from kerazoo.data.image_io import CHANNELS, ImageShape, read_image, to_shape
from kerazoo.device import cores
from kerazoo.errors import KerazooError, UsageError
from kerazoo.inference import handwriting
from kerazoo.lazy import keras, tf
from kerazoo.weights.card import Card
from kerazoo.weights.preprocessing import UNIT, Preprocessing

MAX_BATCH = 256
MAX_PIXELS = 20 * 224 * 224  # of the images that are classified at once

logger = logging.getLogger("kerazoo")


@dataclass(frozen=True)
class Classifier:
    """A trained model, and what it expects of images.

    Attributes:
        model: Gives the probabilities of an image's classes, or their logits.
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
        # a subclassed model that has not been called has neither
        shape, output = (getattr(model, name, None) for name in ("input_shape", "output_shape"))
        of_image = isinstance(shape, tuple) and len(shape) == 4 and shape[-1] in CHANNELS
        if not (of_image and isinstance(output, tuple)):
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

    def compiled(self) -> Callable[[tf.Tensor], np.ndarray]:
        """Return a new function from images of `image_shape` in [0, 1] to what the model gives."""
        outputs = tf.function(lambda images: self.model(images, training=False))
        return lambda images: outputs(self.preprocessing.of_unit(images)).numpy()

    @cached_property
    def scores(self) -> Callable[[tf.Tensor], np.ndarray]:
        """The function from images of `image_shape` in [0, 1] to scores, [batch, classes]."""
        return self.compiled()

    def probabilities(self, images: tf.Tensor) -> np.ndarray:
        """Return the probabilities of the classes, [batch, classes]."""
        scores = self.scores(images)
        is_logits = _activation(_last_layer(self.model)) is keras.activations.linear
        return tf.nn.softmax(scores).numpy() if is_logits else scores

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
        """Yield each path with the probabilities of its image [classes], or its file's error."""

        def read(path: Path) -> np.ndarray | KerazooError:
            try:
                return self.read(path)
            except KerazooError as error:
                return error

        height, width, _ = self.image_shape
        size = max(1, min(MAX_BATCH, MAX_PIXELS // (height * width)))
        with ThreadPoolExecutor(cores()) as pool:
            for first in range(0, len(paths), size):
                batch = paths[first : first + size]
                images = list(pool.map(read, batch))
                readable = [image for image in images if isinstance(image, np.ndarray)]
                results = iter(self.probabilities(tf.stack(readable)) if readable else ())
                for path, image in zip(batch, images, strict=True):
                    yield path, image if isinstance(image, KerazooError) else next(results)


def _image_shape(model: keras.Model) -> ImageShape:
    """Return the shape of the images of a model.

    Raises:
        UsageError: It takes images of any size.
    """
    shape = model.input_shape[1:]
    if None in shape:
        raise UsageError(f"'{model.name}' takes images of any size, and its file names none")
    return shape


def _last_layer(model: keras.Model) -> keras.Layer:
    """Return the last layer that does more than to reshape."""
    last = operation_of(model.outputs[0])
    while isinstance(last, keras.layers.Flatten | keras.layers.Reshape | keras.layers.Dropout):
        last = operation_of(last.input)
    return last


def _activation(layer: keras.Layer) -> Any:
    return getattr(layer, "activation", None)


@contextlib.contextmanager
def logits(model: keras.Model) -> Iterator[bool]:
    """Have a model that ends with softmax give logits within a `with` block.

    Yield whether it gives logits. A function that was traced before gives what it gave.
    """
    last = _last_layer(model)
    before = _activation(last)
    if before is not keras.activations.softmax:
        yield before is keras.activations.linear
        return
    last.activation = keras.activations.linear
    try:
        yield True
    finally:
        last.activation = before
