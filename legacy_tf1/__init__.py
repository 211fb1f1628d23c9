"""The snippets of the study notes as TensorFlow 1 programs: graphs, sessions, NumPy in and out.

`kerazoo.parity` compares the Keras ports with them, and so they import nothing of kerazoo. They run
on `tf.compat.v1`, tf-slim and, for `tf.layers`, tf-keras: `pip install ".[legacy]"`.
"""

import importlib
import os
import sys


def _import_tensorflow() -> None:
    """Import TensorFlow and run a first session, without their messages on standard error."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    standard_error, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        tf = importlib.import_module("tensorflow")
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            session.run(tf.constant(0))
    finally:
        os.dup2(standard_error, 2)
        os.close(standard_error)
        os.close(null)


if "tensorflow" not in sys.modules:
    _import_tensorflow()
