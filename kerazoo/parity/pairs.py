"""Each TF1 program of `legacy_tf1` with its Keras port, and the data to compare them on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kerazoo.data import digits
from kerazoo.data.photos import center_crop, sample_photos
from kerazoo.lazy import keras
from kerazoo.models import create_model
from kerazoo.ports.conv_layer import conv_layer as keras_conv_layer
from kerazoo.ports.filter_demo import learned_filter, line_filter
from kerazoo.ports.max_pool import max_pool as keras_max_pool
from kerazoo.weights import preprocess
from kerazoo.weights.preprocessing import SLIM_VGG
from kerazoo.weights.slim import NETWORKS
from legacy_tf1 import conv_layer, filter_demo, max_pool, mnist_cnn, vgg16_slim
from legacy_tf1.program import Batch

(VGG16,) = (network for network in NETWORKS if network.name == "vgg_16")


@dataclass(frozen=True)
class Pair:
    """A TF1 program and its port.

    Attributes:
        source: Study notes and lines of the snippet.
        build: Builds the program's graph in the current one.
        port: Builds the Keras model.
        names: Variable of the program -> "layer/weight" of the port, if that is another name.
        images: Returns the images of the forward pass.
        batches: Returns a number of batches for gradients and training.
        tf1_preprocess: Preprocesses images for the program.
        keras_preprocess: Preprocesses images for the port.
        sgd_steps: Steps of gradient descent, at `sgd_rate`.
        adam_steps: Steps of Adam, at `adam_rate`.
        adam_epsilon: Of the port's Adam; TF1's has its own default.
    """

    source: str
    build: Callable[[Any], Any]
    port: Callable[[], keras.Model]
    names: Mapping[str, str] = field(default_factory=dict)
    images: Callable[[], np.ndarray] = sample_photos
    batches: Callable[[int], list[Batch]] = lambda number: [(sample_photos() / 255, None)] * number
    tf1_preprocess: Callable[[np.ndarray], np.ndarray] = np.asarray
    keras_preprocess: Callable[[keras.Model, np.ndarray], np.ndarray] = lambda _, images: images
    sgd_steps: int = 0
    sgd_rate: float = 0.1
    adam_steps: int = 0
    adam_rate: float = 0.001
    adam_epsilon: float = 1e-8


def _digits(number: int, size: int = 32) -> list[Batch]:
    """Return batches of handwritten digits as rows of 784 pixels in [0, 1]."""
    train = digits.load((28, 28, 1)).train
    batches = [
        (images.numpy().reshape(len(images), -1), labels.numpy())
        for epoch in range(1 + number * size // train.size)
        for images, labels in train.batches(size, shuffle=(1, epoch))
    ]
    return [batch for batch in batches if len(batch[0]) == size][:number]


def vgg16() -> keras.Model:
    """Return VGG-16 for images of any size, with a feature map of logits, without dropout."""
    model = create_model(
        "vgg16", input_shape=(None, None, 3), classifier_activation=None, dropout_rate=0.0
    )
    model.preprocessing = SLIM_VGG
    return model


PAIRS: dict[str, Pair] = {
    "conv_layer": Pair(
        "cnn-notes, lines 99-107",
        conv_layer.build,
        lambda: keras_conv_layer(8, 3, 2, "same"),
        names={"w": "conv/kernel", "b": "conv/bias"},
        sgd_steps=5,
        adam_steps=5,
    ),
    "filter_demo": Pair("cnn-notes, lines 129-156", filter_demo.build, line_filter),
    "filter_demo_learned": Pair(
        "cnn-notes, line 148", filter_demo.build_learned, learned_filter, sgd_steps=5, adam_steps=5
    ),
    "max_pool": Pair("cnn-notes, lines 180-203", max_pool.build, keras_max_pool),
    "mnist_cnn": Pair(
        "cnn-notes, lines 234-315",
        mnist_cnn.build,
        lambda: create_model("mnist_cnn", classifier_activation=None),
        images=lambda: _digits(1)[0][0],
        batches=_digits,
        keras_preprocess=lambda _, rows: rows.reshape(-1, 28, 28, 1),
        sgd_steps=50,
        adam_steps=5,
    ),
    "vgg16": Pair(
        "slim-vgg, lines 43-107",
        lambda dtype: vgg16_slim.build(dtype, is_training=True, keep_prob=1.0),
        vgg16,
        names={f"vgg_16/{VGG16.name_of(key)}": key for key in VGG16.weights()},
        batches=lambda number: [(center_crop(sample_photos(), 224), np.array([663, 985]))] * number,
        tf1_preprocess=vgg16_slim.preprocess,
        keras_preprocess=preprocess,
        sgd_steps=2,
        sgd_rate=0.001,
        adam_steps=2,
        adam_rate=0.00001,
    ),
}
