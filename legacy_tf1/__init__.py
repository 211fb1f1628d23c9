"""The study documents' snippets as TensorFlow 1 programs: graphs, sessions, NumPy in, NumPy out.

They are the witness against which `kerazoo.parity` holds the Keras ports, and so they know nothing
of kerazoo. They run on `tf.compat.v1`; what TensorFlow 2 dropped comes from tf-slim and, for
`tf.layers`, from tf-keras: `pip install ".[legacy]"`.
"""

import importlib
import os
import sys


def _import_tensorflow() -> None:
    """Import TensorFlow and run a first session without the lines that they write."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    terminal, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        tf = importlib.import_module("tensorflow")
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            session.run(tf.constant(0))
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        os.close(nowhere)


if "tensorflow" not in sys.modules:
    _import_tensorflow()
