"""A network of torchvision, to compare its published figures with the accounting."""

import keras
from keras import layers


def alexnet_one_tower() -> keras.Model:
    """Return torchvision's `alexnet`: Krizhevsky 2014, "One weird trick", 224x224, one tower."""
    x = inputs = keras.Input((224, 224, 3))
    x = layers.ZeroPadding2D(2)(x)
    x = layers.Conv2D(64, 11, strides=4, activation="relu")(x)
    x = layers.MaxPooling2D(3, strides=2)(x)
    x = layers.Conv2D(192, 5, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(3, strides=2)(x)
    for width in (384, 256, 256):
        x = layers.Conv2D(width, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(3, strides=2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(4096, activation="relu")(x)
    x = layers.Dense(4096, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(1000)(x))
