"""Each TF1 program of `legacy_tf1` with its Keras port, and on what they are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from kerazoo.data import digits
from kerazoo.data.photos import centre, sample_photos
from kerazoo.demos import conv_layer, filter_demo, max_pool
from kerazoo.models import create_model
from kerazoo.parity.port import Batch
from kerazoo.weights import preprocess, slim
from kerazoo.weights.preprocessing import SLIM_VGG
from legacy_tf1 import conv_layer as tf1_conv_layer
from legacy_tf1 import filter_demo as tf1_filter_demo
from legacy_tf1 import max_pool as tf1_max_pool
from legacy_tf1 import mnist_cnn as tf1_mnist_cnn
from legacy_tf1 import vgg16_slim as tf1_vgg16_slim


def unchanged(images: np.ndarray) -> np.ndarray:
    """Return the images as they are."""
    return images


@dataclass(frozen=True)
class Pair:
    """A TF1 program and its port.

    Attributes:
        source: Document and lines of the snippet.
        build: Puts the program's graph into the current one.
        port: Builds the Keras model.
        names: Name of each of the program's variables -> "layer/weight" of the port.
        images: Images of the forward pass.
        batches: As many batches as it is asked for, for gradients and training.
        present: What the program wants done to the images.
        prepare: What the port wants done to them.
        sgd_steps: Steps of gradient descent, at `sgd_rate`.
        adam_steps: Steps of Adam, at `adam_rate`.
        adam_epsilon: Of the port's Adam; TF1's has its own default.
    """

    source: str
    build: Callable[[Any], Any]
    port: Callable[[], keras.Model]
    names: Mapping[str, str]
    images: Callable[[], np.ndarray]
    batches: Callable[[int], list[Batch]]
    present: Callable[[np.ndarray], np.ndarray] = unchanged
    prepare: Callable[[keras.Model, np.ndarray], np.ndarray] = field(
        default=lambda _, images: images
    )
    sgd_steps: int = 0
    sgd_rate: float = 0.1
    adam_steps: int = 0
    adam_rate: float = 0.001
    adam_epsilon: float = 1e-8


def _photo_batches(number: int) -> list[Batch]:
    return [(sample_photos() / 255, None)] * number


def _digits(number: int, size: int = 32) -> list[Batch]:
    """Return batches of handwritten digits as rows of 784 pixels in [0, 1]."""
    train = digits.load((28, 28, 1)).train
    batches = [
        (images.numpy().reshape(len(images), -1), labels.numpy())
        for epoch in range(1 + number * size // train.size)
        for images, labels in train.batches(size, shuffle=(1, epoch))
    ]
    return [batch for batch in batches if len(batch[0]) == size][:number]


def _as_image(_: keras.Model, rows: np.ndarray) -> np.ndarray:
    return rows.reshape(-1, 28, 28, 1)


def _mnist_cnn() -> keras.Model:
    return create_model("mnist_cnn", classifier_activation=None)


def vgg16() -> keras.Model:
    """Return VGG-16 for images of any size, ending in a map of logits, without dropout."""
    model = create_model(
        "vgg16", input_shape=(None, None, 3), classifier_activation=None, dropout_rate=0.0
    )
    model.preprocessing = SLIM_VGG
    return model


def _photo_labels(number: int) -> list[Batch]:
    return [(centre(sample_photos(), 224), np.array([663, 985]))] * number


KERNEL_AND_BIAS = {"conv/kernel": "conv/kernel", "conv/bias": "conv/bias"}

PAIRS: dict[str, Pair] = {
    "conv_layer": Pair(
        source="cnn-notes, lines 99-107",
        build=tf1_conv_layer.build,
        port=lambda: conv_layer.conv_layer(8, 3, 2, "same"),
        names={"w": "conv/kernel", "b": "conv/bias"},
        images=sample_photos,
        batches=_photo_batches,
        sgd_steps=5,
        adam_steps=5,
    ),
    "filter_demo": Pair(
        source="cnn-notes, lines 129-156",
        build=tf1_filter_demo.build,
        port=filter_demo.line_filter,
        names={},
        images=sample_photos,
        batches=_photo_batches,
    ),
    "filter_demo_learned": Pair(
        source="cnn-notes, line 148",
        build=tf1_filter_demo.build_learned,
        port=filter_demo.learned_filter,
        names=KERNEL_AND_BIAS,
        images=sample_photos,
        batches=_photo_batches,
        sgd_steps=5,
        adam_steps=5,
    ),
    "max_pool": Pair(
        source="cnn-notes, lines 180-203",
        build=tf1_max_pool.build,
        port=max_pool.max_pool,
        names={},
        images=sample_photos,
        batches=_photo_batches,
    ),
    "mnist_cnn": Pair(
        source="cnn-notes, lines 234-315",
        build=tf1_mnist_cnn.build,
        port=_mnist_cnn,
        names={
            f"{layer}/{kind}": f"{layer}/{kind}"
            for layer in ("conv1", "conv2", "fc1", "output")
            for kind in ("kernel", "bias")
        },
        images=lambda: _digits(1)[0][0],
        batches=_digits,
        prepare=_as_image,
        sgd_steps=50,
        adam_steps=5,
    ),
    "vgg16": Pair(
        source="slim-vgg, lines 43-107",
        build=lambda dtype: tf1_vgg16_slim.build(dtype, is_training=True, keep_prob=1.0),
        port=vgg16,
        names=slim.kerazoo_names("vgg_16", "vgg_16/"),
        images=sample_photos,
        batches=_photo_labels,
        present=tf1_vgg16_slim.preprocess,
        prepare=preprocess,
        sgd_steps=2,
        sgd_rate=0.001,
        adam_steps=2,
        adam_rate=0.00001,
    ),
}
