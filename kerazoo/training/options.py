"""The options of a training run; nothing heavy is imported here."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kerazoo.errors import UsageError
from kerazoo.training.cluster import STRATEGIES
from kerazoo.values import check_choice, check_integer, check_positive, short

SCHEDULES = ("constant", "cosine")
MAXIMUM = 2**32 - 1  # of integers
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


@dataclass(frozen=True)
class Recipe:
    """How a model is trained; the defaults are those of the study notes for `mnist_cnn`.

    Source: `cnn-notes`, lines 284-311. Softmax cross-entropy on the logits, Adam, Glorot-uniform
    kernels, zero biases, a new order of the images in each epoch.

    Attributes:
        epochs: Passes over the training images.
        batch_size: Images of one step.
        learning_rate: Adam's learning rate, or its maximum.
        schedule: "constant", or "cosine": the learning rate rises linearly over the first fifth of
            all steps and falls to zero as a cosine over the others (Loshchilov and Hutter 2017,
            https://arxiv.org/abs/1608.03983, equation 5, after a warm-up).
        epsilon: Adam's guard against division by zero: TF1's 1e-8, not Keras's 1e-7.
        precision: "float32", or "mixed_bfloat16" or "mixed_float16" to compute at half precision;
            the last one scales the loss.
        jit: Whether XLA compiles the steps.
        micro_batches: Into how many micro-batches each batch is cut, which the cores of a CPU
            compute in parallel; None to choose by model and machine.
        seed: Of the initial weights and of the order of the images.

    Raises:
        UsageError: A value is not possible.
    """

    epochs: int = 10
    batch_size: int = 100
    learning_rate: float = 0.001
    schedule: str = "constant"
    epsilon: float = 1e-8
    precision: str = "float32"
    jit: bool = False
    micro_batches: int | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        _check(self, check_integer, "epochs", "batch_size", minimum=1, maximum=MAXIMUM)
        _check(self, check_integer, "seed", minimum=0, maximum=MAXIMUM)
        if self.micro_batches is not None:
            _check(self, check_integer, "micro_batches", minimum=1, maximum=MAXIMUM)
            if self.micro_batches > self.batch_size:
                raise UsageError(
                    f"micro_batches is {self.micro_batches}, more than the batch's "
                    f"{self.batch_size} images"
                )
        _check(self, check_positive, "learning_rate", "epsilon")
        _check(self, check_choice, "schedule", choices=SCHEDULES)
        _check(self, check_choice, "precision", choices=PRECISIONS)
        _check(self, check_choice, "jit", choices=(True, False))

    def steps_per_epoch(self, images: int) -> int:
        """Return the number of batches of `images` images."""
        return math.ceil(images / self.batch_size)


def _check(options: object, check: Callable[..., object], *names: str, **limits: Any) -> None:
    """Replace options by what their check returns: Python's own numbers, which JSON can have."""
    for name in names:
        object.__setattr__(options, name, check(name, getattr(options, name), **limits))


# "fast" is for `mnist_cnn` on MNIST: chosen among eight by the validation images' accuracy.
RECIPES = {
    "notes": Recipe(),
    "fast": Recipe(epochs=2, learning_rate=0.005, schedule="cosine", precision="mixed_bfloat16"),
}


@dataclass(frozen=True)
class TrainOptions:
    """A training run.

    Attributes:
        model: Name of a model of the zoo.
        data: Name of a data set, see `kerazoo.data.load.load`.
        mnist_dir: Directory with MNIST's four IDX files.
        limit: Maximum number of images of each split; None for all.
        skip_broken: Whether to leave out images of a folder that cannot be read.
        recipe: How to train.
        out: The run directory; None for `runs/<time>-<model>-<data>`.
        overwrite: Whether an earlier run in `out` may be replaced.
        tensorboard: Whether to write TensorBoard events.
        strategy: Where it runs: "none" for one device, "mirrored" for all GPUs, "multiworker" for
            the machines of TF_CONFIG, or "auto" to detect.
        save_every: Steps between checkpoints, in addition to those after epochs; None for none.
        dry_run: Whether to try one batch and write nothing.

    Raises:
        UsageError: A value is not possible.
    """

    model: str
    data: str = "auto"
    mnist_dir: Path | None = None
    limit: int | None = None
    skip_broken: bool = False
    recipe: Recipe = field(default_factory=Recipe)
    out: Path | None = None
    overwrite: bool = False
    tensorboard: bool = False
    strategy: str = "auto"
    save_every: int | None = None
    dry_run: bool = False

    def __post_init__(self) -> None:
        for name in ("model", "data"):
            if not isinstance(value := getattr(self, name), str):
                raise UsageError(f"{name} is {short(value)}, not a name")
        for name in ("mnist_dir", "out"):
            if (value := getattr(self, name)) is not None:
                if not isinstance(value, str | os.PathLike):
                    raise UsageError(f"{name} is {short(value)}, not a path")
                object.__setattr__(self, name, Path(value))
        if not isinstance(self.recipe, Recipe):
            raise UsageError(f"recipe is {short(self.recipe)}, not a Recipe")
        _check(self, check_choice, "strategy", choices=STRATEGIES)
        flags = ("skip_broken", "overwrite", "tensorboard", "dry_run")
        _check(self, check_choice, *flags, choices=(True, False))
        for name in ("limit", "save_every"):
            if getattr(self, name) is not None:
                _check(self, check_integer, name, minimum=1, maximum=MAXIMUM)
