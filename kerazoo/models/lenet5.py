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
from kerazoo.registry import register
from kerazoo.weights import Weights

INPUT_SHAPE = (32, 32, 1)
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


@register(
    "lenet5",
    source="LeCun et al., figure 2 and table I",
    year=1998,
    input_shape=INPUT_SHAPE,
    params=60_000,
    macs=325_680,
)
def lenet5(
    include_top: bool = True,
    weights: Weights = None,
    input_tensor: keras.KerasTensor | None = None,
    input_shape: common.Shape | None = None,
    pooling: str | None = None,
    classes: int = 10,
    classifier_activation: common.Activation = "softmax",
    name: str = "lenet5",
    connections: str = "table",
) -> keras.Model:
    """Build the net: C1, S2, C3, S4, C5, F6 and the output; 60,000 trainable parameters.

    Args:
        include_top: Whether F6 and the output follow C5.
        weights: None for the paper's random values, "mnist", or a `.keras` file of this net.
        input_tensor: A tensor to start from instead of a new input.
        input_shape: Shape of one image in Keras's image data format, 32x32x1 by default and at
            least; without a top the default leaves height and width open.
        pooling: Without a top: None for the map of C5, "avg" or "max" for its mean or maximum.
        classes: Number of codes in the output; ten have the digits' bitmaps.
        classifier_activation: Activation of the scores; None gives the negative squared distances
            of F6 to the codes.
        name: Name of the model.
        connections: "table" for the paper's 60 between S2 and C3, "dense" for all 96.

    Returns:
        A model from images in [0, 1], [batch, height, width, channels], to [batch, classes].

    Raises:
        UsageError: An argument does not fit the net.
        CorruptFileError: The weights file cannot be read.
    """
    from kerazoo.layers import FanInUniform, RadialBasis, scaled_tanh

    common.check_choice("connections", connections, ("table", "dense"))
    inputs = common.image_input(INPUT_SHAPE, 32, include_top, input_shape, input_tensor)
    x = _features(inputs, connections)
    if include_top:
        common.check_classes(classes, least=1)
        x = keras.layers.Flatten(name="c5_flat")(x)
        x = keras.layers.Dense(F6, scaled_tanh, kernel_initializer=FanInUniform(), name="f6")(x)
        x = RadialBasis(codes(classes), dtype=common.variable_dtype(), name="output")(x)
        x = common.activation(x, classifier_activation, name="predictions")
    else:
        x = common.global_pool(x, pooling)
    return common.build_model(inputs, x, name, weights)


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
