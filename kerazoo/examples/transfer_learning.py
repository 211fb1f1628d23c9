"""Teach a network that knows MNIST a new task from 30 images: is a digit even or odd?

python -m kerazoo.examples.transfer_learning
"""

import sys

import keras
import numpy as np
from sklearn.datasets import load_digits

import kerazoo
from kerazoo.examples.program import run

CLASSES = ("even", "odd")
TRAINED_ON = 30  # images


def data() -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-learn's digits as [1797, 28, 28, 1] in [0, 255], and whether each is odd."""
    digits = load_digits()
    images = np.zeros((len(digits.images), 28, 28, 1), np.float32)
    images[:, 4:24, 4:24, 0] = keras.ops.image.resize(digits.images[..., None], (20, 20))[..., 0]
    return images * 255 / 16, digits.target % 2


def even_or_odd() -> keras.Model:
    """Return `mnist_cnn` with the features that it learned on MNIST and a new last layer."""
    known = kerazoo.create_model("mnist_cnn", weights="mnist")
    model = kerazoo.new_head(known, len(CLASSES))
    for layer in model.layers[:-1]:
        layer.trainable = False
    return model


def accuracies(epochs: int = 40) -> tuple[float, float]:
    """Return the accuracies with MNIST's features and from scratch, on the other images."""
    keras.utils.set_random_seed(1)
    images, labels = data()
    learned, results = even_or_odd(), []
    prepared = kerazoo.preprocess(learned, images)
    for model in (learned, kerazoo.create_model("mnist_cnn", classes=len(CLASSES))):
        adam, loss = keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy"
        model.compile(adam, loss, metrics=["accuracy"])
        model.fit(prepared[:TRAINED_ON], labels[:TRAINED_ON], epochs=epochs, verbose=0)
        _, accuracy = model.evaluate(prepared[TRAINED_ON:], labels[TRAINED_ON:], verbose=0)
        results.append(accuracy)
    return results[0], results[1]


def main() -> None:
    """Print both accuracies."""
    print("accuracy {:.3f} with MNIST's features, {:.3f} without".format(*accuracies()))


if __name__ == "__main__":
    sys.exit(run(main))
