"""Recipes: how a network is trained. The papers' own are data beside each network."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from kerazoo.errors import UsageError
from kerazoo.options import (
    POSITIVE,
    Choice,
    Flag,
    Integer,
    Number,
    Several,
    Text,
    check,
    option,
)

FRACTION = Number(maximum=1, below=False)
BELOW_ONE = Number(maximum=1)
SIDE = Integer(8, 4096)  # pixels
FEATURES = "features"  # for `freeze`: every layer before the classifier


@dataclass(frozen=True)
class Recipe:
    """How a model is trained; the defaults are those of the study notes for `mnist_cnn`.

    Source: `cnn-notes`, lines 284-311. Softmax cross-entropy on the logits, Adam, Glorot-uniform
    kernels, zero biases, a new order of the images in each epoch.

    Attributes:
        epochs: Passes over the training images.
        batch_size: Images of one step.
        optimizer: "adam" (Kingma and Ba 2015, https://arxiv.org/abs/1412.6980); "sgd", gradient
            descent with momentum; or "sdlm", the stochastic diagonal Levenberg-Marquardt method of
            LeNet-5's paper (https://doi.org/10.1109/5.726791, appendix C).
        learning_rate: Learning rate, or its maximum.
        schedule: Of the learning rate after the warm-up: "constant"; "cosine", which falls to zero
            (Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983, equation 5); "step",
            with the `milestones`; or "plateau", divided by ten where the validation accuracy has
            not risen for `patience` epochs, at most `drops` times.
        milestones: (fraction of all epochs, factor of the learning rate from there on), for "step".
        patience: Epochs, for "plateau".
        drops: Maximum number of divisions, for "plateau".
        warmup: Fraction of all steps in which the learning rate rises linearly from zero.
        momentum: Of "sgd".
        epsilon: Adam's guard against division by zero: TF1's 1e-8, not Keras's 1e-7.
        weight_decay: What times a weight is added to its gradient: half of it is the factor of the
            L2 penalty. Of convolution and dense kernels alone. With Adam it is decoupled
            (Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101).
        label_smoothing: Fraction of the label's probability that all classes share equally.
        ema: Decay of the exponential moving averages of the weights, which are evaluated and saved
            in place of the weights; at step n at most (1 + n) / (10 + n). 0 for none.
        extra_logit: Constant logit of an extra background class in the training loss; None for no
            such class. In equation 9 of LeNet-5's paper it is -j, of the "rubbish" class.
        auxiliary_weight: Weight of the losses of GoogLeNet's two auxiliary heads; 0 for none.
        class_weights: "balanced" weights each image's loss by its class, so that all classes count
            equally; "none".
        flip: Whether half of the images are mirrored, left to right.
        crop_padding: By what fraction of a side an image is moved at most, over black.
        crop_area: (minimum, maximum) fraction of an image that a random crop covers, which is
            resized to the whole.
        crop_aspect: Maximum ratio of width to height of that crop, and of height to width.
        color_jitter: By what fraction brightness, contrast and saturation change at most.
        color_noise: Standard deviation of noise along the principal components of colors, as in
            AlexNet's paper, section 4.1.
        mixup: Parameter of the Beta distribution by which two images and their labels are mixed
            (Zhang et al. 2018, https://arxiv.org/abs/1710.09412); 0 for none.
        sizes: Sides in pixels that the training images are resized to in turn, one each epoch, for
            a network that takes images of any size; empty for the size of its input.
        freeze: Shell-style patterns of the names of layers that are not trained, or "features".
        unfreeze_after: Epochs after which these are trained too; None for never.
        early_stopping: Epochs without a higher validation accuracy after which the training ends;
            None for never.
        keep: The weights to save: those of the "last" epoch, or of that with the "best" validation
            accuracy.
        precision: "float32", or "mixed_bfloat16" or "mixed_float16" to compute at half precision;
            the last one scales the loss.
        jit: Whether XLA compiles the steps.
        micro_batches: Into how many micro-batches each batch is cut, which the cores of a CPU
            compute in parallel; None to choose by model and machine.
        seed: Of the initial weights, the order of the images and their augmentation.

    Raises:
        UsageError: A value is not possible.
    """

    epochs: int = option(10, Integer(), "passes over the training images")
    batch_size: int = option(100, Integer(), "images of one step")
    optimizer: str = option("adam", Choice(("adam", "sgd", "sdlm")), "the optimizer")
    learning_rate: float = option(0.001, POSITIVE, "learning rate, or its maximum", flag="--lr")
    schedule: str = option(
        "constant",
        Choice(("constant", "cosine", "step", "plateau")),
        "schedule of the learning rate",
    )
    milestones: tuple[tuple[float, float], ...] = option(
        (),
        Several(Several(Number(), 2)),
        "for step: FRACTION:FACTOR,..., at which fraction of the epochs it is multiplied by what",
    )
    patience: int = option(5, Integer(), "for plateau: epochs without a higher accuracy")
    drops: int = option(3, Integer(), "for plateau: how often it is divided by ten at most")
    warmup: float = option(0.0, BELOW_ONE, "fraction of the steps in which it rises from zero")
    momentum: float = option(0.9, BELOW_ONE, "momentum of sgd")
    epsilon: float = option(1e-8, POSITIVE, "epsilon of adam")
    weight_decay: float = option(0.0, Number(), "L2 decay of convolution and dense kernels")
    label_smoothing: float = option(0.0, BELOW_ONE, "probability that all classes share")
    extra_logit: float | None = option(
        None,
        Number(-1e6, maximum=1e6),
        "constant logit of a background class in the loss",
        optional=True,
    )
    ema: float = option(0.0, BELOW_ONE, "decay of moving averages of the weights; 0: none")
    auxiliary_weight: float = option(0.0, Number(), "weight of GoogLeNet's auxiliary losses")
    class_weights: str = option(
        "none", Choice(("none", "balanced")), "whether all classes count equally in the loss"
    )
    flip: bool = option(False, Flag(), "mirror half of the images")
    crop_padding: float = option(0.0, BELOW_ONE, "move images by up to this fraction of a side")
    crop_area: tuple[float, float] = option(
        (1.0, 1.0),
        Several(Number(above=True, maximum=1, below=False), 2),
        "MIN,MAX: fraction of an image that a random crop covers",
    )
    crop_aspect: float = option(1.0, Number(1), "maximum aspect ratio of such a crop")
    color_jitter: float = option(0.0, FRACTION, "change brightness, contrast and saturation")
    color_noise: float = option(0.0, Number(), "AlexNet's noise along the components of colors")
    mixup: float = option(0.0, Number(), "mix two images, by a Beta distribution; 0: none")
    sizes: tuple[int, ...] = option((), Several(SIDE), "N,...: sides of the images in turn")
    freeze: tuple[str, ...] = option(
        (), Several(Text()), "PATTERN,... of layers that are not trained, or features"
    )
    unfreeze_after: int | None = option(
        None, Integer(), "epochs after which they are trained too", optional=True
    )
    early_stopping: int | None = option(
        None, Integer(), "epochs without a higher accuracy to end after", optional=True
    )
    keep: str = option("last", Choice(("last", "best")), "the epoch whose weights are saved")
    precision: str = option(
        "float32",
        Choice(("float32", "mixed_bfloat16", "mixed_float16")),
        "dtype policy of the layers",
    )
    jit: bool = option(False, Flag(), "compile the steps with XLA")
    micro_batches: int | None = option(
        None, Integer(), "micro-batches of a batch, which a CPU computes in parallel", optional=True
    )
    seed: int = option(1, Integer(0), "of initial weights, order and augmentation of images")

    def __post_init__(self) -> None:
        check(self)
        for problem, message in (
            (
                (self.micro_batches or 1) > self.batch_size,
                f"micro_batches is {self.micro_batches}, more than the batch's "
                f"{self.batch_size} images",
            ),
            (
                (self.schedule == "step") != bool(self.milestones),
                "schedule='step' and milestones need each other: --milestones 0.5:0.1, in Python "
                "((0.5, 0.1),), is a tenth of the learning rate after half of the epochs",
            ),
            (
                any(
                    a >= b for a, b in pairwise((0.0, *(each for each, _ in self.milestones), 1.0))
                ),
                f"milestones is {self.milestones}: the fractions must rise, between 0 and 1",
            ),
            (
                self.schedule == "plateau" and self.warmup > 0,
                "schedule='plateau' has no warmup: choose another schedule or warmup=0",
            ),
            (
                self.crop_area[0] > self.crop_area[1],
                f"crop_area is {self.crop_area}: the minimum comes first",
            ),
            (
                self.crop_aspect > 1 and self.crop_area[0] == 1,
                "crop_aspect needs crop_area: crops of the whole image have its aspect",
            ),
            (
                self.unfreeze_after is not None and not self.freeze,
                "unfreeze_after needs freeze: name the layers that are not trained at first",
            ),
        ):
            if problem:
                raise UsageError(message)

    def steps_per_epoch(self, images: int) -> int:
        """Return the number of batches of `images` images."""
        return math.ceil(images / self.batch_size)

    def changed(self, **values: Any) -> Recipe:
        """Return this recipe with other values; milestones only stay with their schedule."""
        if values.get("schedule", "step") != "step":
            values.setdefault("milestones", ())
        return dataclasses.replace(self, **values)


@dataclass(frozen=True)
class PaperRecipe:
    """How the authors of a network trained it, as far as kerazoo can.

    Attributes:
        recipe: The recipe.
        sources: For its values, by name, where the paper gives them.
        departures: What is not as in the paper, or not given there, in one sentence each.
    """

    recipe: Recipe
    sources: Mapping[str, str] = field(default_factory=dict)
    departures: tuple[str, ...] = ()


IMAGE_DEPARTURES = (
    "images are stretched to a square, of twice the input's side at most, before they are cropped, "
    "and are evaluated whole, once",
    "the mean that is subtracted is that of each color, as published for ImageNet",
)
COMMON_DEPARTURES = (
    *IMAGE_DEPARTURES,
    "a plateau is five epochs without a higher validation accuracy, and weight decay is that of "
    "the kernels: the paper does not say",
    "colors vary along the published principal components of ImageNet's, not those of the data",
)
STANDARD_AUGMENTATION: Mapping[str, Any] = {"flip": True, "crop_padding": 0.125}
# The attributes of a recipe that are its augmentation.
AUGMENTATION = (
    "flip",
    "crop_padding",
    "crop_area",
    "crop_aspect",
    "color_jitter",
    "color_noise",
    "mixup",
    "sizes",
)

NOTES = Recipe()
# For `mnist_cnn` on MNIST: chosen among eight by the validation images' accuracy.
FAST = Recipe(epochs=2, learning_rate=0.005, schedule="cosine", warmup=0.2)
