"""The model to export: of plain float32 operations, with its preprocessing if that is wanted."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from kerazoo.data.image_io import ImageShape
from kerazoo.inference.classifier import Classifier
from kerazoo.models import create_model
from kerazoo.precision import dtype_policy
from kerazoo.registry import ModelConfig
from kerazoo.weights.preprocessing import Preprocessing

LUMA = (0.2989, 0.587, 0.114)  # as tf.image.rgb_to_grayscale
SCORES, CLASSES = "scores", "classes"


def model_to_export(classifier: Classifier, with_preprocessing: bool) -> keras.Model:
    """Return a model of float32 operations that other runtimes have.

    Returns:
        A model from float32 "images" of the classifier's shape to "scores" [batch, classes]; with
        preprocessing, from uint8 RGB images [batch, height, width, 3] of any size to the scores and
        "classes", the names of those with the highest scores, [batch].
    """
    model = _plain(classifier.model)
    if not with_preprocessing:
        inputs = keras.Input(model.input_shape[1:], name="images")
        return keras.Model(inputs, {SCORES: model(inputs)}, name=f"{model.name}_of_inputs")
    inputs = keras.Input((None, None, 3), dtype="uint8", name="images")
    x = ToModel(classifier.image_shape, classifier.preprocessing, name="preprocessing")(inputs)
    scores = model(x)
    names = ClassNames(classifier.class_names, name=CLASSES)(scores)
    return keras.Model(inputs, {SCORES: scores, CLASSES: names}, name=f"{model.name}_of_images")


def _plain(model: keras.Model) -> keras.Model:
    """Return a model in float32, whose convolutions have no groups."""
    config: ModelConfig | None = getattr(model, "kerazoo_config", None)
    if config is not None:
        with dtype_policy("float32"):
            plain = create_model(config.name, **config.options)
        plain.set_weights(model.get_weights())
        model = plain
    if not any(getattr(layer, "groups", 1) > 1 for layer in model.layers):
        return model

    def without_groups(layer: keras.Layer) -> keras.Layer:
        kind = SplitConv2D if getattr(layer, "groups", 1) > 1 else type(layer)
        return kind.from_config(layer.get_config())

    plain = keras.models.clone_model(model, clone_function=without_groups)
    plain.set_weights(model.get_weights())
    return plain


class SplitConv2D(keras.layers.Conv2D):
    """A grouped convolution as a convolution of each group, since other runtimes lack the first."""

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Return the concatenated outputs of the groups."""
        parts = zip(
            keras.ops.split(inputs, self.groups, axis=-1),
            keras.ops.split(kernel, self.groups, axis=-1),
            strict=True,
        )
        return keras.ops.concatenate(
            [super(SplitConv2D, self).convolution_op(x, filters) for x, filters in parts], axis=-1
        )


class ToModel(keras.layers.Layer):
    """Resize and convert images as `kerazoo.data.image_io.to_shape`, then preprocess them.

    The resizing is two matrix products, since other runtimes have no anti-aliasing.

    Args:
        image_shape: (height, width, channels) of the result.
        preprocessing: What follows.
    """

    def __init__(
        self, image_shape: ImageShape, preprocessing: Preprocessing, **options: Any
    ) -> None:
        super().__init__(**options)
        self.image_shape, self.preprocessing = image_shape, preprocessing

    def call(self, images: Any) -> Any:
        """Return float32 images [batch, height, width, channels] of uint8 [batch, h, w, 3]."""
        height, width, channels = self.image_shape
        x = keras.ops.cast(images, "float32") / 255
        if channels == 1:
            x = keras.ops.sum(x * np.array(LUMA, np.float32), axis=-1, keepdims=True)
        shape = keras.ops.shape(images)
        rows, columns = resizing(shape[1], height), resizing(shape[2], width)
        x = keras.ops.einsum("oh,bhwc->bowc", rows, x)
        x = keras.ops.einsum("pw,bowc->bopc", columns, x)
        return self.preprocessing.of_unit(x)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the shape of the result."""
        return input_shape[0], *self.image_shape


def resizing(size: Any, result: int) -> Any:
    """Return the weights [result, size] of bilinear resizing with anti-aliasing."""
    scale = keras.ops.cast(size, "float32") / result
    places = keras.ops.arange(result, dtype="float32")
    centers = (places + 0.5) * scale
    pixels = keras.ops.cast(keras.ops.arange(size, dtype="int32"), "float32") + 0.5
    distance = keras.ops.abs(pixels[None, :] - centers[:, None])
    weights = keras.ops.maximum(0.0, 1 - distance / keras.ops.maximum(scale, 1.0))
    return weights / keras.ops.sum(weights, axis=1, keepdims=True)


class ClassNames(keras.layers.Layer):
    """Name the class with the highest score of each image.

    Args:
        names: The classes in the order of the scores.
    """

    def __init__(self, names: tuple[str, ...], **options: Any) -> None:
        super().__init__(**options)
        self.names = names

    def call(self, scores: Any) -> Any:
        """Return names [batch] of scores [batch, classes]."""
        import tensorflow as tf

        return tf.gather(tf.constant(self.names), tf.argmax(scores, axis=-1))

    def compute_output_spec(self, scores: Any) -> keras.KerasTensor:
        """Return the shape and the type of the names."""
        return keras.KerasTensor(scores.shape[:1], dtype="string")
