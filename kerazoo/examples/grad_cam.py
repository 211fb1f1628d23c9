"""Show which part of an image supports its class, by Grad-CAM.

    python -m kerazoo.examples.grad_cam mnist_cnn digit.png heat.png

Source: Selvaraju et al., "Grad-CAM" (2017), https://arxiv.org/abs/1610.02391, equations 1 and 2.
"""

import sys
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

import kerazoo
from kerazoo import figure_files, fonts
from kerazoo.errors import UsageError
from kerazoo.examples.program import run
from kerazoo.inference.classifier import Classifier


def grad_cam(model: keras.Model, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes of images, and how much each position supports them.

    The images are [batch, height, width, channels] as the model expects them, the results [batch],
    and [batch, height, width] of its last feature maps, 0 or more. It gives logits afterwards.
    """
    maps_of = [layer for layer in model.layers if len(layer.output.shape) == 4]
    last = next((each for each in reversed(maps_of) if each.output.shape[1] > 1), None)
    if last is None:
        raise UsageError("it has no layer of several positions: choose a convolutional network")
    model.layers[-1].activation = keras.activations.linear  # logits, which no softmax flattens
    both = keras.Model(model.input, [last.output, model.output])
    with tf.GradientTape() as tape:
        maps, scores = both(images)
        of_class = tf.reduce_max(scores, axis=-1)
    weights = tf.reduce_mean(tape.gradient(of_class, maps), axis=(1, 2), keepdims=True)  # eq. 1
    support = tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1))  # equation 2
    return tf.argmax(scores, axis=-1).numpy(), support.numpy()


def main(model: str, image: Path, out: Path) -> None:
    """Draw the map over an image, and print its class."""
    figure_files.check(out, image)
    network = Classifier.of(kerazoo.load(model))
    pixels = network.read(image)
    ((number,), (support,)) = grad_cam(network.model, network.preprocessing.of_unit(pixels[None]))
    name, area = network.class_names[number], (0, pixels.shape[1], pixels.shape[0], 0)
    with fonts.for_text(name):
        plt.imshow(pixels, cmap="gray", extent=area)
        plt.imshow(support, alpha=0.5, interpolation="bilinear", extent=area)
        plt.title(name)
        figure_files.save(plt.gcf(), out)
    print(name)


if __name__ == "__main__":
    sys.exit(run(main, model="a run, file or name", image="a file", out="the figure, .png or .svg"))
