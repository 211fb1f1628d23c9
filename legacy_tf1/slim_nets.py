"""The networks of tf-slim, built for inference.

Source: tf_slim 1.1.0, nets/vgg.py, alexnet.py, inception_v1.py and resnet_v1.py.
"""

import warnings
from typing import Any

import tensorflow as tf
import tf_slim as slim
from tensorflow.python.layers import normalization
from tf_keras.src.legacy_tf_layers import normalization as hidden
from tf_slim.nets import alexnet, inception, resnet_v1, vgg

# TensorFlow looks for this module where tf-keras had it before 2.16.
normalization.normalization = hidden

# The module of a network and its arg_scope.
MODULES = {
    "vgg": (vgg, vgg.vgg_arg_scope),
    "resnet": (resnet_v1, resnet_v1.resnet_arg_scope),
    "alexnet": (alexnet, alexnet.alexnet_v2_arg_scope),
    "inception": (inception, inception.inception_v1_arg_scope),
}


def logits(network: str, images: tf.Tensor, classes: int, **options: Any) -> tf.Tensor:
    """Return the logits [batch, classes], or a feature map of them if `spatial_squeeze` is False.

    Args:
        network: Such as "resnet_v1_50".
        images: [batch, height, width, 3].
        classes: Number of classes.
        options: Arguments of the function in tf-slim, such as `scope`.
    """
    module, settings = MODULES[network.partition("_")[0]]
    with warnings.catch_warnings(), slim.arg_scope(settings()):
        warnings.simplefilter("ignore")  # slim calls deprecated functions
        outputs, _ = getattr(module, network)(images, classes, is_training=False, **options)
    return tf.reshape(outputs, (-1, classes)) if network.startswith("resnet") else outputs
