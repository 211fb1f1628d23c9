"""What the processes of `tests.helpers.processes` have imported when they start.

Nothing here starts TensorFlow's devices: a process that is forked could not use them.
"""

import gc
import os
import threading

from kerazoo import device

# As `kerazoo.device.start_tensorflow` has them before it imports TensorFlow.
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["MPLBACKEND"] = "agg"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # JAX, which other tests import, sets it to 1

with device.without_log():
    import pandas  # noqa: F401
    import pytest  # noqa: F401
    from tqdm import tqdm

    import kerazoo.cli
    import kerazoo.training.train  # noqa: F401

tqdm.set_lock(threading.RLock())  # a killed process would leave tqdm's own semaphore behind
gc.freeze()  # so that the memory stays shared
