"""Where a training runs: one device, several GPUs, or several machines."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from kerazoo.errors import KerazooError, UsageError
from kerazoo.training.batch_norm import batch_normalizations, synchronize
from kerazoo.training.cluster import Cluster
from kerazoo.training.collectives import Collectives
from kerazoo.training.interrupts import SIGNALS
from kerazoo.training.watch import Watch

CHUNK = 2**24  # numbers that are sent at once
ANOTHER_GONE = "another worker has ended or cannot be reached"
START_AGAIN = "see what the others said, then start all of them again"
# What TensorFlow raises where a worker has gone.
GONE = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)


class Replicas:
    """A strategy of `tf.distribute` and this process's part in it.

    It is to be made before TensorFlow computes anything, and used in a `with` statement.

    Args:
        name: "none", "mirrored", "multiworker" or "auto": several machines where the cluster has
            them, several GPUs where this one has them.
        cluster: What TF_CONFIG says.

    Attributes:
        strategy: Where the steps run and the model's variables are.
        is_chief: Whether this process is the one that writes.
    """

    def __init__(self, name: str, cluster: Cluster) -> None:
        self._cluster = cluster
        self.is_chief = self._cluster.is_chief
        self.strategy = _strategy(name, self._cluster)
        self._collectives = Collectives(self.strategy)
        self._watch: Watch | None = None

    def __enter__(self) -> Replicas:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Say in plain words what TensorFlow raises where another worker has gone."""
        if self.workers > 1 and isinstance(error, GONE):
            raise KerazooError(f"{ANOTHER_GONE}: {START_AGAIN}") from error

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """End this worker, with a sentence, where it makes no progress meanwhile; see `Watch`.

        Raises:
            KerazooError: Another worker has gone.
        """
        if self.workers == 1:
            yield
            return
        name, then = self._cluster.name, f"{START_AGAIN} with --resume"
        with Watch(name, "the training to begin", then) as watch:
            self._watch = watch
            try:
                yield
            except GONE as error:
                waited = f"while {name} waited for {watch.what}"
                raise KerazooError(f"{ANOTHER_GONE} {waited}: {then}") from error
            finally:
                self._watch = None

    def waits_for(self, what: str) -> None:
        """Take note of what this worker waits for."""
        if self._watch:
            self._watch.waits_for(what)

    @property
    def workers(self) -> int:
        """Number of processes."""
        return self._cluster.workers

    @property
    def count(self) -> int:
        """Number of replicas of the model."""
        return self.strategy.num_replicas_in_sync

    def synchronize(self, model: keras.Model, images: int, batch_size: int) -> None:
        """Have batch normalisation take its moments over the batches of all replicas.

        Args:
            model: The model to train.
            images: Number of images of an epoch.
            batch_size: Images of a batch.

        Raises:
            UsageError: A batch has too few images for all replicas to have one.
        """
        if self.count == 1 or not (layers := batch_normalizations(model)):
            return
        least = images % batch_size or batch_size
        if least < self.count:
            raise UsageError(
                f"the last of an epoch's batches has {least} of {images} images for {self.count} "
                "replicas, and batch normalisation needs one each: take another --batch-size"
            )
        for layer in layers:
            synchronize(layer)

    def any(self, flag: bool) -> bool:
        """Tell whether the flag is set in any worker."""
        if self.workers == 1:
            return flag
        if self._watch:
            self._watch.goes_on()
        return bool(self._collectives.sum(np.array([flag], np.int32))[0])

    def wait(self) -> None:
        """Wait until all workers do."""
        self.waits_for("the others to come so far")
        self.any(False)

    def from_chief(self, content: bytes) -> bytes:
        """Return the chief's bytes, whatever those of the other workers are."""
        if self.workers == 1:
            return content
        mine = len(content) if self.is_chief else 0
        size = int(self._collectives.sum(np.array([mine], float))[0])
        numbers = np.zeros(-(-size // 4), np.int32)
        if self.is_chief:
            numbers.view(np.uint8)[:size] = np.frombuffer(content, np.uint8)
        for first in range(0, len(numbers), CHUNK):
            part = numbers[first : first + CHUNK]
            part[:] = self._collectives.sum(part)
        return numbers.tobytes()[:size]


@contextlib.contextmanager
def _all_there(worker: str) -> Iterator[None]:
    """Wait for all workers, and let Ctrl-C end the process at once: TensorFlow is deaf meanwhile.

    Raises:
        KerazooError: Another worker was reached and has gone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.signal(each, signal.SIG_DFL) for each in SIGNALS}
    try:
        with Watch(worker, "all workers to be there", START_AGAIN):
            yield
    except GONE as error:
        raise KerazooError(f"another worker has ended: {START_AGAIN}") from error
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _strategy(name: str, cluster: Cluster) -> tf.distribute.Strategy:
    if name == "multiworker" or (name == "auto" and cluster.workers > 1):
        with _all_there(cluster.name):
            return tf.distribute.MultiWorkerMirroredStrategy()
    several = len(tf.config.list_physical_devices("GPU")) > 1
    if name == "mirrored" or (name == "auto" and several):
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()
