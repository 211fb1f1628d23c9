"""LeNet-5, with its original layers.

Source: LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition"
(1998), https://doi.org/10.1109/5.726791, section II.B, figure 2 and table I; initial values,
appendix A. Departures: the ten codes are 7x12 bitmaps as in the paper, but not a copy of its figure
3; for another number of classes they are random, which the paper considers too; biases start at
zero; distances are negated, so that the largest score is the best.
"""

from __future__ import annotations

import random

from kerazoo.lazy import keras
from kerazoo.models import _builder
from kerazoo.recipe import PaperRecipe, Recipe
from kerazoo.registry import ModelInfo, Weights
from kerazoo.values import check_choice, check_integer

WHITE, WHITE_TO_BLACK = -0.1, 1.275  # section II.B: the background is -0.1 and the ink 1.175
F6 = 84
SIDE = 32  # pixels
# Table I: the channels of S2 that each of the sixteen channels of C3 reads.
CONNECTIONS = (
    *[[first, (first + 1) % 6, (first + 2) % 6] for first in range(6)],
    *[[(first + step) % 6 for step in range(4)] for first in range(6)],
    *[[0, 1, 3, 4], [1, 2, 4, 5], [0, 2, 3, 5]],
    [0, 1, 2, 3, 4, 5],
)
# The ten digits, each on twelve rows of seven pixels.
BITMAPS = """
..###.. ...#... ..###.. ..###.. ....##. ####### ..###.. ####### ..###.. ..###..
.#...#. ..##... .#...#. .#...#. ....##. #...... .#...#. ......# .#...#. .#...#.
#.....# .#.#... #.....# #.....# ...#.#. #...... #...... .....#. #.....# #.....#
#.....# ...#... ......# ......# ...#.#. #...... #...... .....#. #.....# #.....#
#.....# ...#... .....#. ......# ..#..#. #.###.. #...... ....#.. .#...#. #.....#
#.....# ...#... .....#. ..####. ..#..#. ##...#. #.###.. ....#.. ..###.. .#...##
#.....# ...#... ....#.. .....#. .#...#. ......# ##...#. ...#... .#...#. ..###.#
#.....# ...#... ...#... ......# .#...#. ......# #.....# ...#... #.....# ......#
#.....# ...#... ..#.... ......# ####### ......# #.....# ..#.... #.....# ......#
#.....# ...#... .#..... #.....# .....#. #.....# #.....# ..#.... #.....# ......#
.#...#. ...#... #...... .#...#. .....#. .#...#. .#...#. .#..... .#...#. .#...#.
..###.. .#####. ####### ..###.. .....#. ..###.. ..###.. .#..... ..###.. ..###..
"""

PAPER_RECIPE = PaperRecipe(
    Recipe(
        epochs=20,
        batch_size=1,
        optimizer="sdlm",
        learning_rate=0.0005,
        schedule="step",
        warmup=0.025,
        crop_padding=2 / 28,
        extra_logit=-1.0,
        milestones=((2 / 20, 0.4), (5 / 20, 0.2), (8 / 20, 0.1), (12 / 20, 0.02)),
    ),
    sources={
        "epochs": "section III.B: 20 passes",
        "batch_size": "section III.B: an update for each pattern",
        "optimizer": "appendix C: stochastic diagonal Levenberg-Marquardt",
        "learning_rate": "section III.B",
        "schedule": "section III.B",
        "crop_padding": "section III.C: distorted patterns",
        "extra_logit": "section II.C, equation 9: minus the penalty of a rubbish class",
        "milestones": "section III.B: 0.0005 for two passes, 0.0002 for three, 0.0001 for three, "
        "0.00005 for four, then 0.00001",
    },
    departures=(
        "second derivatives are estimated on 100 images every 2,500 steps, not on 500 before each "
        "pass, with the terms between connections that share a weight, and damped by 0.1, not 0.02",
        "of the paper's distortions (section III.C) there are shifts alone, by at most two pixels",
        "the rate rises in the first half of the first pass, in which the curvatures grow",
        "the constant of equation 9, the penalty of a rubbish class, is 1: the paper gives none",
    ),
)

INFO = ModelInfo(
    "lenet5",
    paper="LeCun et al. 1998, figure 2 and table I",
    url="https://doi.org/10.1109/5.726791",
    year=1998,
    input_shape=(32, 32, 1),
    params=60_000,
    macs=325_680,
    paper_recipe=PAPER_RECIPE,
    micro_batches=True,
)


@_builder.constructor(INFO)
def lenet5(
    include_top: bool = True,
    weights: Weights = None,
    input_tensor: keras.KerasTensor | None = None,
    input_shape: _builder.Shape | None = None,
    pooling: str | None = None,
    classes: int = 10,
    classifier_activation: _builder.Activation = "softmax",
    name: str = "lenet5",
    *,
    connections: str = "table",
) -> keras.Model:
    """Build C1, S2, C3, S4, C5, F6 and the output; 60,000 trainable parameters.

    Images have at least 28x28 pixels. Smaller ones than 32x32 are padded with black to that size,
    as the paper does with MNIST's. Without a top the features are C5. Ten
    classes have the digits' bitmaps as codes; without an activation the scores are the negative
    squared distances of F6 to the codes. The other arguments and the errors are those of
    `kerazoo.create_model`.

    Args:
        connections: "table" for the paper's 60 between S2 and C3, "dense" for all 96.

    Returns:
        A model from images in [0, 1], [batch, height, width, channels], to [batch, classes].
    """
    from kerazoo.layers import FanInUniform, RadialBasis, scaled_tanh

    check_choice("connections", connections, ("table", "dense"))
    inputs = _builder.image_input(INFO, include_top, input_tensor, input_shape, minimum=28)
    x = _features(_framed(inputs), connections)
    if not include_top:
        return _builder.functional(inputs, _builder.pooled(x, pooling), name)
    check_integer("classes", classes, 1)
    x = keras.layers.Flatten(name="c5_flat")(x)
    x = keras.layers.Dense(F6, scaled_tanh, kernel_initializer=FanInUniform(), name="f6")(x)
    x = RadialBasis(codes(classes), dtype=_builder.variable_dtype(), name="output")(x)
    x = _builder.activated(x, classifier_activation, name="predictions")
    return _builder.functional(inputs, x, name)


def _framed(x: keras.KerasTensor) -> keras.KerasTensor:
    """Return images padded with black to 32x32; those of unknown size stay as they are."""
    height, width = x.shape[2:] if _builder.channels_first() else x.shape[1:3]
    missing = [max(0, SIDE - (side or SIDE)) for side in (height, width)]
    if not any(missing):
        return x
    around = [(each // 2, each - each // 2) for each in missing]
    return keras.layers.ZeroPadding2D(around, name="frame")(x)


def _features(x: keras.KerasTensor, connections: str) -> keras.KerasTensor:
    from kerazoo.layers import FanInUniform, SparseConv2D, TrainableSubsampling, scaled_tanh

    def convolution(filters: int, name: str) -> keras.layers.Layer:
        return keras.layers.Conv2D(
            filters, 5, activation=scaled_tanh, kernel_initializer=FanInUniform(), name=name
        )

    def subsampling(name: str) -> keras.layers.Layer:
        return TrainableSubsampling(2, scaled_tanh, FanInUniform(inputs=4), name=name)

    x = keras.layers.Rescaling(WHITE_TO_BLACK, WHITE, name="normalized")(x)
    x = subsampling("s2")(convolution(6, "c1")(x))
    if connections == "table":
        x = SparseConv2D(CONNECTIONS, 5, scaled_tanh, FanInUniform(), name="c3")(x)
    else:
        x = convolution(len(CONNECTIONS), "c3")(x)
    return convolution(120, "c5")(subsampling("s4")(x))


def codes(classes: int) -> list[list[int]]:
    """Return a code of 1 and -1 for each class, [classes, 84]: for ten the digits' bitmaps."""
    if classes != 10:
        draw = random.Random(classes)
        return [draw.choices((-1, 1), k=F6) for _ in range(classes)]
    rows = [line.split() for line in BITMAPS.split("\n") if line]
    drawn = ("".join(digit) for digit in zip(*rows, strict=True))
    return [[1 if pixel == "#" else -1 for pixel in digit] for digit in drawn]
