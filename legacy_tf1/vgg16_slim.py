"""VGG-16 on slim, its dense layers as convolutions.

Source: document 004_3c2fc93a057b1e8c, lines 43-107; line 50 finds slim in `tf.contrib`, which
TensorFlow 2 has dropped: it lives on as the package tf-slim. The squeeze at the end asks for an
input of 224x224; larger ones give a map of scores with `spatial_squeeze=False`.

Run it: `python -m legacy_tf1.vgg16_slim` prints every step's shape on two photos.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf
import tf_slim as slim

from legacy_tf1.photos import sample_photos
from legacy_tf1.program import Nodes, Program, tf1

IMAGE_SIZE = 224
# What slim's own input pipeline takes from red, green and blue, vgg_preprocessing.py.
MEAN_RGB = (123.68, 116.78, 103.94)
# (times, width) of each block of convolutions
BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))


def vgg_16(
    inputs: tf.Tensor,
    num_classes: int = 1000,
    is_training: bool = True,
    dropout_keep_prob: float = 0.5,
    spatial_squeeze: bool = True,
    scope: str = "vgg_16",
) -> tf.Tensor:
    """Return the logits [batch, num_classes], or a map of them.

    Args:
        inputs: Images less their mean, [batch, height, width, 3].
        num_classes: Width of the last layer.
        is_training: Whether dropout acts.
        dropout_keep_prob: Share of the values that dropout keeps.
        spatial_squeeze: Whether the map must be 1x1, and its two axes go.
        scope: First part of every variable's name.
    """
    with tf1.variable_scope(scope, "vgg_16", [inputs]):
        net = inputs
        for block, (times, width) in enumerate(BLOCKS, start=1):
            net = slim.repeat(net, times, slim.conv2d, width, [3, 3], scope=f"conv{block}")
            net = slim.max_pool2d(net, [2, 2], scope=f"pool{block}")
        net = slim.conv2d(net, 4096, [7, 7], padding="VALID", scope="fc6")
        net = slim.dropout(net, dropout_keep_prob, is_training=is_training, scope="dropout6")
        net = slim.conv2d(net, 4096, [1, 1], scope="fc7")
        net = slim.dropout(net, dropout_keep_prob, is_training=is_training, scope="dropout7")
        net = slim.conv2d(
            net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None, scope="fc8"
        )
        return tf.squeeze(net, [1, 2], name="fc8/squeezed") if spatial_squeeze else net


def build(
    dtype: tf.DType, num_classes: int = 1000, is_training: bool = False, keep_prob: float = 0.5
) -> Nodes:
    """Put the net over images of any size into the current graph, with softmax cross-entropy.

    The outputs are the map of logits; it has one label for each of its places.
    """
    x = tf1.placeholder(dtype, shape=(None, None, None, 3))
    labels = tf1.placeholder(tf.int32, shape=[None])
    logits = vgg_16(x, num_classes, is_training, keep_prob, spatial_squeeze=False)
    xentropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
        logits=tf.reshape(logits, [-1, num_classes]), labels=labels
    )
    return Nodes(x, logits, tf.reduce_mean(xentropy), labels)


def preprocess(images: np.ndarray) -> np.ndarray:
    """Take the mean from RGB images [..., 3] in [0, 255]."""
    return images - np.array(MEAN_RGB, images.dtype)


def centre(images: np.ndarray, size: int = IMAGE_SIZE) -> np.ndarray:
    """Cut a square of `size` from the middle of images [batch, height, width, channels]."""
    top, left = ((side - size) // 2 for side in images.shape[1:3])
    return images[:, top : top + size, left : left + size]


def main() -> None:
    """Print the shape of each step's output on the middle of the two photos."""
    images = preprocess(centre(sample_photos()))
    with Program(build) as program:
        names = [f"pool{block}/MaxPool" for block in range(1, 6)] + ["fc6/Relu", "fc7/Relu"]
        steps = {name: f"vgg_16/{name}:0" for name in names} | {"fc8": program.nodes.outputs}
        outputs = program.session.run(steps, {program.nodes.inputs: images})
    print(f"input: {list(images.shape)}")
    for name, output in outputs.items():
        print(f"{name.partition('/')[0]}: {list(output.shape)}")


if __name__ == "__main__":
    main()
