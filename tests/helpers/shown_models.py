"""Small models that the demos show, and images for them."""

from typing import Any

import keras
import numpy as np
from keras import layers

from kerazoo.inference.classifier import Classifier

RANDOM = np.random.default_rng(1)


def of(model: keras.Model, **attributes: Any) -> Classifier:
    """Return the classifier of a model from images to scores."""
    names = tuple(map(str, range(model.output_shape[-1])))
    return Classifier(model, names, model.input_shape[1:], **attributes)


def image_of(model: keras.Model) -> np.ndarray:
    return RANDOM.uniform(size=model.input_shape[1:]).astype(np.float32)


def network(name: str = "outer") -> keras.Model:
    keras.utils.set_random_seed(1)
    x = inputs = keras.Input((8, 6, 3))
    x = layers.BatchNormalization(name="bn")(layers.Conv2D(4, 3, name="conv")(x))
    x = layers.Dropout(0.5, name="dropout")(x)
    x = layers.Add(name="add")([x, layers.Conv2D(4, 1, activation="relu", name="branch")(x)])
    x = layers.Flatten(name="flat")(layers.MaxPooling2D(2, name="pool")(x))
    return keras.Model(inputs, layers.Dense(5, activation="softmax", name="top")(x), name=name)


def nested() -> keras.Model:
    inner = network("inner")
    features = keras.Model(inner.input, inner.get_layer("pool").output, name="features")
    inputs = keras.Input((8, 6, 3))
    x = layers.Flatten(name="flat")(features(layers.Rescaling(2.0, name="twice")(inputs)))
    return keras.Model(inputs, layers.Dense(2, name="top")(x), name="nested")
