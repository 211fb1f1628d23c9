"""VGG-16 with tf-slim, its dense layers as convolutions.

Source: `slim-vgg`, lines 43-107; line 50 imports slim from `tf.contrib`, which TensorFlow 2 has
dropped. The squeeze at the end needs an input of 224x224; larger ones give a feature map of logits
with `spatial_squeeze=False`.

`python -m legacy_tf1.vgg16_slim` prints the shape of each step on two photos.
"""

import numpy as np
import tensorflow as tf
import tf_slim as slim

from legacy_tf1.photos import sample_photos
from legacy_tf1.program import Nodes, Program, tf1

IMAGE_SIZE = 224
# Of red, green and blue, from slim's vgg_preprocessing.py.
MEAN_RGB = (123.68, 116.78, 103.94)
# (convolutions, filters) of each block
BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))


def vgg_16(
    inputs: tf.Tensor,
    num_classes: int = 1000,
    is_training: bool = True,
    dropout_keep_prob: float = 0.5,
    spatial_squeeze: bool = True,
    scope: str = "vgg_16",
) -> tf.Tensor:
    """Return the logits [batch, num_classes], or a feature map of them.

    Args:
        inputs: Images minus their mean, [batch, height, width, 3].
        num_classes: Number of classes.
        is_training: Whether dropout is active.
        dropout_keep_prob: Fraction of the elements that dropout keeps.
        spatial_squeeze: Whether to remove the height and width of the feature map, which must be 1.
        scope: First part of the variables' names.
    """
    with tf1.variable_scope(scope, "vgg_16", [inputs]):
        net = inputs
        for block, (number, filters) in enumerate(BLOCKS, start=1):
            net = slim.repeat(net, number, slim.conv2d, filters, [3, 3], scope=f"conv{block}")
            net = slim.max_pool2d(net, [2, 2], scope=f"pool{block}")
        net = slim.conv2d(net, 4096, [7, 7], padding="VALID", scope="fc6")
        net = slim.dropout(net, dropout_keep_prob, is_training=is_training, scope="dropout6")
        net = slim.conv2d(net, 4096, [1, 1], scope="fc7")
        net = slim.dropout(net, dropout_keep_prob, is_training=is_training, scope="dropout7")
        net = slim.conv2d(
            net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None, scope="fc8"
        )
        return tf.squeeze(net, [1, 2], name="fc8/squeezed") if spatial_squeeze else net


def build(dtype: tf.DType, is_training: bool = False, keep_prob: float = 0.5) -> Nodes:
    """Build the network for images of any size, with softmax cross-entropy.

    The outputs are a feature map of logits, with one label per position.
    """
    x = tf1.placeholder(dtype, shape=(None, None, None, 3))
    labels = tf1.placeholder(tf.int32, shape=[None])
    logits = vgg_16(x, 1000, is_training, keep_prob, spatial_squeeze=False)
    xentropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
        logits=tf.reshape(logits, [-1, 1000]), labels=labels
    )
    return Nodes(x, logits, tf.reduce_mean(xentropy), labels)


def preprocess(images: np.ndarray) -> np.ndarray:
    """Subtract the mean from RGB images [..., 3] in [0, 255]."""
    return images - np.array(MEAN_RGB, images.dtype)


def main() -> None:
    """Print the shape of each step's output for 224x224 pixels in the center of the two photos."""
    photos = sample_photos()
    top, left = ((side - IMAGE_SIZE) // 2 for side in photos.shape[1:3])
    images = preprocess(photos[:, top : top + IMAGE_SIZE, left : left + IMAGE_SIZE])
    with Program(build) as program:
        names = [f"pool{block}/MaxPool" for block in range(1, 6)] + ["fc6/Relu", "fc7/Relu"]
        steps = {name: f"vgg_16/{name}:0" for name in names} | {"fc8": program.nodes.outputs}
        outputs = program.session.run(steps, {program.nodes.inputs: images})
    print(f"input: {list(images.shape)}")
    for name, output in outputs.items():
        print(f"{name.partition('/')[0]}: {list(output.shape)}")


if __name__ == "__main__":
    main()
