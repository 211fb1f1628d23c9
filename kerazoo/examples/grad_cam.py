"""Show which part of an image supports its class, by Grad-CAM.

    python -m kerazoo.examples.grad_cam mnist_cnn digit.png heat.png
    python -m kerazoo.examples.grad_cam RUN photo.jpg heat.png

Source: Selvaraju et al., "Grad-CAM" (2017), https://arxiv.org/abs/1610.02391, equations 1 and 2.
`kerazoo demo grad_cam` draws a figure of it, for models of any kind.
"""

import sys

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

import kerazoo


def grad_cam(model: keras.Model, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes of images, and how much each position supports them.

    Args:
        model: A network for images of one size, which gives logits from then on.
        images: [batch, height, width, channels] in [0, 255].

    Returns:
        Classes [batch], and maps [batch, height, width] of its last feature maps, 0 or more.
    """
    maps_of = [layer for layer in model.layers if len(layer.output.shape) == 4]
    last = [layer for layer in maps_of if layer.output.shape[1] > 1][-1]
    model.layers[-1].activation = keras.activations.linear  # logits, which no softmax flattens
    both = keras.Model(model.input, [last.output, model.output])
    with tf.GradientTape() as tape:
        maps, scores = both(kerazoo.preprocess(model, images))
        classes = tf.argmax(scores, axis=-1)
        of_class = tf.gather(scores, classes, batch_dims=1)
    weights = tf.reduce_mean(tape.gradient(of_class, maps), axis=(1, 2), keepdims=True)  # eq. 1
    support = tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1))  # equation 2
    return classes.numpy(), support.numpy()


def main(name: str, path: str, out: str) -> str:
    """Draw the map over an image and return its class."""
    model = kerazoo.load(name)
    height, width, channels = model.kerazoo_card.image_shape
    mode = "grayscale" if channels == 1 else "rgb"
    image = keras.utils.load_img(path, color_mode=mode, target_size=(height, width))
    ((number,), (support,)) = grad_cam(model, keras.utils.img_to_array(image)[None])
    plt.imshow(image, cmap="gray", extent=(0, width, height, 0))
    plt.imshow(support, alpha=0.5, interpolation="bilinear", extent=(0, width, height, 0))
    plt.title(model.kerazoo_card.class_names[number])
    plt.savefig(out)
    return model.kerazoo_card.class_names[number]


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
