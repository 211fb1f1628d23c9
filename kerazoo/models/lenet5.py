"""LeNet-5, as its paper has it.

Source: LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition"
(1998), section II.B, figure 2 and table I; initial values, appendix A. Departures: the ten codes
are drawn anew as the paper's 7x12 bitmaps, not after its figure 3 pixel by pixel; for another
number of classes they are drawn at random, which the paper weighs too; biases begin as zeros; the
distances have their sign turned, so that the largest score is the best.
"""

from __future__ import annotations

import random

from kerazoo.lazy import keras
from kerazoo.models import common

WHITE, WHITE_TO_BLACK = -0.1, 1.275  # section II.B: the background is -0.1 and the ink 1.175
F6 = 84
# Table I: the maps of S2 that each of the sixteen maps of C3 sees.
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


@common.constructor(
    "lenet5",
    source="LeCun et al., figure 2 and table I",
    year=1998,
    input_shape=(32, 32, 1),
    params=60_000,
    macs=325_680,
    classes=10,
    divisible=True,
)
def lenet5(asked: common.Asked, connections: str = "table") -> keras.Model:
    """Build the net: C1, S2, C3, S4, C5, F6 and the output; 60,000 trainable parameters.

    Images have 32x32 pixels at least. Without a top the features are C5. Ten classes have the
    digits' bitmaps as codes; without an activation the scores are the negative squared distances of
    F6 to the codes.

    Args:
        asked: The arguments that all constructors share.
        connections: "table" for the paper's 60 between S2 and C3, "dense" for all 96.

    Returns:
        A model from images in [0, 1], [batch, height, width, channels], to [batch, classes].

    Raises:
        UsageError: An argument does not fit the net.
        CorruptFileError: The weights file cannot be read.
    """
    from kerazoo.layers import FanInUniform, RadialBasis, scaled_tanh

    common.check_choice("connections", connections, ("table", "dense"))
    inputs = asked.inputs(least=32)
    x = _features(inputs, connections)
    if not asked.include_top:
        return asked.model(inputs, asked.pooled(x))
    common.check_classes(asked.classes, least=1)
    x = keras.layers.Flatten(name="c5_flat")(x)
    x = keras.layers.Dense(F6, scaled_tanh, kernel_initializer=FanInUniform(), name="f6")(x)
    x = RadialBasis(codes(asked.classes), dtype=common.variable_dtype(), name="output")(x)
    x = common.activation(x, asked.classifier_activation, name="predictions")
    return asked.model(inputs, x)


def _features(x: keras.KerasTensor, connections: str) -> keras.KerasTensor:
    from kerazoo.layers import FanInUniform, SparseConv2D, TrainableSubsampling, scaled_tanh

    def convolution(filters: int, name: str) -> keras.layers.Layer:
        return keras.layers.Conv2D(
            filters, 5, activation=scaled_tanh, kernel_initializer=FanInUniform(), name=name
        )

    def subsampling(name: str) -> keras.layers.Layer:
        return TrainableSubsampling(2, scaled_tanh, FanInUniform(inputs=4), name=name)

    x = keras.layers.Rescaling(WHITE_TO_BLACK, WHITE, name="normalised")(x)
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
