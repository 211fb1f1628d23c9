"""What the processes of `tests.helpers.processes` have imported when they start.

Nothing here starts TensorFlow's devices: a process that is forked could not use them.
"""

from __future__ import annotations

import gc
import os

# As `kerazoo.device.start_tensorflow` sets them before it imports TensorFlow.
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["MPLBACKEND"] = "agg"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pandas  # noqa: F401
import pytest  # noqa: F401

import kerazoo.cli
import kerazoo.training.train  # noqa: F401

gc.freeze()  # so that the memory stays shared
