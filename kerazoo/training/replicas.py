"""Where a training runs: one device, several GPUs, or several machines."""

import contextlib
import logging
import signal
import threading
from collections.abc import Iterator
from typing import Self

import numpy as np

from kerazoo.errors import InterruptedRunError, KerazooError, UsageError
from kerazoo.interruption import handled_signals
from kerazoo.lazy import keras, tf
from kerazoo.training.cluster import Cluster, slurm_port
from kerazoo.training.collectives import Collectives, batch_normalizations, synchronize
from kerazoo.training.watchdog import Watchdog

CHUNK = 2**24  # integers that are sent at once
logger = logging.getLogger("kerazoo")

WORKER_LOST = "another worker has ended or cannot be reached"
RESTART = "see the messages of the other workers, then start all of them again"
SERVER_FAILED = "Could not start gRPC server"  # TensorFlow's message
# What TensorFlow raises if a worker has ended.
WORKER_ENDED = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)


class Replicas:
    """A strategy of `tf.distribute`, as one of its processes sees it.

    It must be made before TensorFlow computes anything, and is used in a `with` statement.

    Args:
        name: "none", "mirrored", "multiworker" or "auto": several machines if the cluster has
            them, else several GPUs if this machine has them.
        cluster: What TF_CONFIG says.

    Attributes:
        strategy: Where the steps run and the model's variables are.
        is_chief: Whether this process is the one that writes.
    """

    def __init__(self, name: str, cluster: Cluster) -> None:
        self._cluster = cluster
        self.is_chief = cluster.is_chief
        self.strategy = _strategy(name, cluster)
        self._collectives = Collectives(self.strategy)
        self._watchdog: Watchdog | None = None

    def __enter__(self) -> Self:
        """Let only the chief log the progress."""
        self._level = logger.level
        if not self.is_chief:
            logger.setLevel(logging.WARNING)
        elif self.count > 1:
            logger.info("%d replicas of the model, with a shard of every batch each", self.count)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Wait for the other workers; explain what TensorFlow raises where one has gone.

        A worker may have its part of a sum before another has, which then still needs it. What the
        last sum of all raises is of no matter: nothing is left to do.
        """
        logger.setLevel(self._level)
        if error is None or isinstance(error, InterruptedRunError):
            with contextlib.suppress(KerazooError), self.watchdog():
                self.wait()
        if self.workers > 1 and isinstance(error, WORKER_ENDED):
            raise KerazooError(f"{WORKER_LOST}: {RESTART}") from error

    @contextlib.contextmanager
    def watchdog(self) -> Iterator[None]:
        """End this worker if it makes no progress within a `with` block; see `Watchdog`.

        Raises:
            KerazooError: Another worker has gone.
        """
        if self.workers == 1:
            yield
            return
        name, advice = self._cluster.name, f"{RESTART} with --resume"
        with Watchdog(name, "the training to begin", advice) as watchdog:
            self._watchdog = watchdog
            try:
                yield
            except WORKER_ENDED as error:
                waited = f"while {name} waited for {watchdog.activity}"
                raise KerazooError(f"{WORKER_LOST} {waited}: {advice}") from error
            finally:
                self._watchdog = None

    def begin(self, activity: str) -> None:
        """Set what this worker waits for from now on."""
        if self._watchdog:
            self._watchdog.begin(activity)

    @property
    def workers(self) -> int:
        """Number of processes."""
        return self._cluster.workers

    @property
    def count(self) -> int:
        """Number of replicas of the model."""
        return self.strategy.num_replicas_in_sync

    def synchronize(self, model: keras.Model, images: int, batch_size: int) -> None:
        """Compute the moments of batch normalization over the batches of all replicas.

        Raises:
            UsageError: The last batch of `images` has too few for all replicas to have one.
        """
        if self.count == 1 or not (layers := batch_normalizations(model)):
            return
        last = images % batch_size or batch_size
        if last < self.count:
            raise UsageError(
                f"the last batch has {last} of {images} images for {self.count} replicas, and "
                "batch normalization needs one each: choose another --batch-size"
            )
        for layer in layers:
            synchronize(layer)

    def any(self, flag: bool) -> bool:
        """Return whether the flag is set in any worker."""
        if self.workers == 1:
            return flag
        return bool(self._collectives.sum(np.array([flag], np.int32))[0])

    def wait(self) -> None:
        """Wait until all workers call this."""
        self.begin("the other workers to reach this point")
        self.any(False)

    def from_chief(self, content: bytes) -> bytes:
        """Return the chief's bytes on all workers."""
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
def _connecting(cluster: Cluster) -> Iterator[None]:
    """Wait for all workers; Ctrl-C ends the process at once, because TensorFlow ignores it.

    Raises:
        UsageError: This process cannot have its port.
        KerazooError: Another worker was connected and has ended.
    """
    in_main = threading.current_thread() is threading.main_thread()
    before = {each: signal.signal(each, signal.SIG_DFL) for each in handled_signals() if in_main}
    try:
        with Watchdog(cluster.name, "all workers to connect", RESTART):
            yield
    except WORKER_ENDED as error:
        raise KerazooError(f"{WORKER_LOST}: {RESTART}") from error
    except tf.errors.UnknownError as error:
        if SERVER_FAILED not in str(error):
            raise
        raise UsageError(
            f"{cluster.name} cannot listen on its port, of {cluster.address}: choose one in "
            "TF_CONFIG that no other program uses"
        ) from error
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _strategy(name: str, cluster: Cluster) -> tf.distribute.Strategy:
    if name == "multiworker" or (name == "auto" and cluster.workers > 1):
        with _connecting(cluster):
            return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "slurm" and cluster.workers > 1:
        # SLURM itself shows each task its GPUs.
        resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(
            port_base=slurm_port(),
            gpus_per_node=cluster.workers,
            gpus_per_task=1,
            auto_set_gpu=False,
        )
        with _connecting(cluster):
            return tf.distribute.MultiWorkerMirroredStrategy(resolver)
    several = len(tf.config.list_physical_devices("GPU")) > 1
    if name == "mirrored" or (name == "auto" and several):
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()
