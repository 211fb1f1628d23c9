"""A network for handwritten digits, and its training.

Source: `cnn-notes`, lines 234-315, which call a `reset_graph` that they do not define (line 256);
`Program` starts with an empty graph.

`python -m legacy_tf1.mnist_cnn --mnist-dir DIR` trains on MNIST and prints lines 318-327; without a
directory it trains on scikit-learn's digits.
"""

import argparse
import functools
import os
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tf_keras.api._v1.keras.__internal__.legacy import layers  # `tf.layers`, as tf-keras has it

from legacy_tf1.mnist_data import DataSet, DataSets, read_digits, read_mnist
from legacy_tf1.program import Nodes, Program, tf1

HEIGHT, WIDTH, CHANNELS = 28, 28, 1
CONV1_FILTERS, CONV2_FILTERS, FC1, OUTPUTS = 32, 64, 64, 10


def build(dtype: tf.DType) -> Nodes:
    """Build the program's graph, from rows of 784 pixels to 10 logits."""
    with tf1.name_scope("inputs"):
        x = tf1.placeholder(dtype, shape=[None, HEIGHT * WIDTH], name="X")
        x_reshaped = tf.reshape(x, shape=[-1, HEIGHT, WIDTH, CHANNELS])
        y = tf1.placeholder(tf.int32, shape=[None], name="y")

    # The default of `tf.layers`, which in tf-keras ignores the seed of the graph.
    glorot = tf1.glorot_uniform_initializer()
    conv = functools.partial(
        layers.conv2d, padding="SAME", activation=tf.nn.relu, kernel_initializer=glorot
    )
    conv1 = conv(x_reshaped, CONV1_FILTERS, 3, strides=1, name="conv1")
    conv2 = conv(conv1, CONV2_FILTERS, 3, strides=2, name="conv2")
    with tf1.name_scope("pool3"):
        pool3 = tf.nn.max_pool2d(conv2, [1, 2, 2, 1], [1, 2, 2, 1], padding="VALID")
        pool3_flat = tf.reshape(pool3, shape=[-1, CONV2_FILTERS * 7 * 7])
    with tf1.name_scope("fc1"):
        fc1 = layers.dense(
            pool3_flat, FC1, activation=tf.nn.relu, kernel_initializer=glorot, name="fc1"
        )
    with tf1.name_scope("output"):
        logits = layers.dense(fc1, OUTPUTS, kernel_initializer=glorot, name="output")
        tf.nn.softmax(logits, name="Y_proba")

    with tf1.name_scope("train"):
        xentropy = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=y)
        loss = tf.reduce_mean(xentropy)
        training_op = tf1.train.AdamOptimizer().minimize(loss)
    with tf1.name_scope("eval"):
        correct = tf1.nn.in_top_k(tf.cast(logits, tf.float32), y, 1)
        accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))
    with tf1.name_scope("init_and_save"):
        saver = tf1.train.Saver()
    return Nodes(x, logits, loss, y, training_op, accuracy, saver)


def train_epoch(program: Program, data: DataSet, batch_size: int) -> dict[Any, np.ndarray]:
    """Train on an epoch of batches and return what was fed last."""
    for _ in range(data.num_examples // batch_size):
        images, labels = data.next_batch(batch_size)
        batch = {program.nodes.inputs: images, program.nodes.labels: labels}
        program.session.run(program.nodes.training_op, batch)
    return batch


def train(program: Program, data: DataSets, epochs: int, batch_size: int, save: Path) -> None:
    """Train, and after each epoch print the accuracies and save a checkpoint."""
    nodes, session = program.nodes, program.session
    test = {nodes.inputs: data.test.images, nodes.labels: data.test.labels}
    for epoch in range(epochs):
        batch = train_epoch(program, data.train, batch_size)
        acc_train = session.run(nodes.accuracy, batch)
        acc_test = session.run(nodes.accuracy, test)
        print(epoch, "Train accuracy:", acc_train, "Test accuracy:", acc_test, flush=True)
        with session.graph.as_default():
            nodes.saver.save(session, str(save))


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(prog="python -m legacy_tf1.mnist_cnn", description=__doc__)
    add = parser.add_argument
    default = os.environ.get("KERAZOO_MNIST_DIR") or None
    add("--mnist-dir", type=Path, default=default, help="default: KERAZOO_MNIST_DIR, if set")
    add("--epochs", type=int, default=10, help="default: %(default)s")
    add("--seed", type=int, default=1, help="default: %(default)s")
    add("--save", type=Path, default=Path("my_mnist_model"), help="default: %(default)s")
    options = parser.parse_args()
    if options.epochs < 1:
        parser.error("--epochs must be 1 or more")
    if not options.save.absolute().parent.is_dir():
        parser.error(f"--save '{options.save}' must be in an existing directory")
    directory, seed = options.mnist_dir, options.seed
    if not directory:
        print("training on scikit-learn's digits; --mnist-dir is the directory of MNIST's files")
    try:
        data = read_mnist(directory, seed) if directory else read_digits(seed)
    except FileNotFoundError as error:
        parser.exit(3, f"'{error.filename}' does not exist; --mnist-dir needs MNIST's four files\n")
    except ValueError as error:
        parser.exit(4, f"{error}\n")
    with Program(build, seed=seed) as program:
        train(program, data, options.epochs, batch_size=100, save=options.save)


if __name__ == "__main__":
    main()
