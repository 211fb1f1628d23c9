"""Networks of other zoos, built here to hold their published figures against the accounting."""

from __future__ import annotations

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


def resnet(blocks: tuple[int, int, int, int], bottleneck: bool) -> keras.Model:
    """Return a ResNet of torchvision: the stride of a bottleneck is on its 3x3."""
    x = inputs = keras.Input((224, 224, 3))
    x = layers.ZeroPadding2D(3)(x)
    x = layers.Conv2D(64, 7, strides=2, use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    for stage, number in enumerate(blocks):
        for block in range(number):
            stride = 2 if stage and not block else 1
            x = _block(x, 64 << stage, stride, bottleneck)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(1000)(x))


def _block(x: keras.KerasTensor, width: int, stride: int, bottleneck: bool) -> keras.KerasTensor:
    kernels = ((1, 1), (3, stride), (1, 1)) if bottleneck else ((3, stride), (3, 1))
    wide = 4 * width if bottleneck else width
    short = x
    if stride > 1 or x.shape[-1] != wide:
        short = layers.Conv2D(wide, 1, strides=stride, use_bias=False)(x)
        short = layers.BatchNormalization()(short)
    for place, (kernel, step) in enumerate(kernels):
        last = place == len(kernels) - 1
        filters = wide if last else width
        x = layers.Conv2D(filters, kernel, strides=step, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = x if last else layers.ReLU()(x)
    return layers.ReLU()(layers.Add()([x, short]))
