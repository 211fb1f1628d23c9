"""The cost of a call: MACs and FLOPs, and what each operation on an element costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

Value = TypeVar("Value")
Shape = Sequence[int]
Shapes = Sequence[Shape]

# FLOPs per element, by the name of an activation, layer or operation in lower case, without "_". An
# exponential, a logarithm, a root, a division and a comparison are one each: so the study notes
# count ReLU as one and the sigmoid as four (`cnn-study`, lines 964-972).
ONE = (
    "abs absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh bitwiseand "
    "bitwiseinvert bitwiseleftshift bitwisenot bitwiseor bitwiserightshift bitwisexor cbrt ceil "
    "conj conjugate cos cosh deg2rad divide equal erf erfc erfinv exp exp2 exponential fabs floor "
    "floordivide fmax fmin fmod gcd greater greaterequal heaviside i0 isfinite isinf isnan "
    "isneginf isposinf isreal lcm ldexp leftshift less lessequal log logicaland logicalnot "
    "logicalor logicalxor maximum minimum mod multiply nantonum negative nextafter notequal power "
    "rad2deg reciprocal relu rightshift round rsqrt saturatecast select sign signbit sin sinh sqrt "
    "square subtract tan threshold truedivide trunc where"
)
TWO = (
    "clip dividenonan expm1 hardshrink hardtanh leakyrelu log10 log1p log2 prelu sinc "
    "relu6"  # min(max(x, 0), 6)
)
PER_ELEMENT = {
    **dict.fromkeys(ONE.split(), 1),
    **dict.fromkeys(TWO.split(), 2),
    **dict.fromkeys(["silu", "swish", "hardsilu", "hardswish"], 5),  # x sigmoid(x)
    "linear": 0,
    "angle": 1,
    "celu": 5,  # elu with x / a
    "elu": 4,  # x > 0, a (exp x - 1)
    "gelu": 5,  # x (1 + erf(x / sqrt 2)) / 2
    "glu": 5,  # x sigmoid(y)
    "hardsigmoid": 4,  # min(max(x / 6 + 1/2, 0), 1)
    "hypot": 4,  # sqrt(x x + y y)
    "isclose": 5,  # |x - y| <= a + b |y|
    "logaddexp": 5,  # max(x, y) + log1p(exp(-|x - y|))
    "logaddexp2": 5,
    "logsigmoid": 5,  # -log(1 + exp -x)
    "logsoftmax": 5,  # (x - max x) - log(sum(exp))
    "mish": 9,  # x tanh(softplus(x))
    "scaledtanh": 7,  # a tanh(b x)
    "selu": 5,  # scale elu(x)
    "sigmoid": 4,  # 1 / (1 + exp -x)
    "softmax": 5,  # exp(x - max x) / sum
    "softplus": 3,  # log(1 + exp x)
    "softshrink": 3,
    "softsign": 3,  # x / (1 + |x|)
    "sparseplus": 7,  # 0, (x + 1)^2 / 4 or x
    "sparsesigmoid": 6,  # 0, (x + 1) / 2 or 1
    "squareplus": 5,  # (x + sqrt(x x + b)) / 2
    "tanh": 5,  # 2 / (1 + exp -2x) - 1
    "tanhshrink": 6,
}

# Pixels that each output of a resizing is a weighted sum of.
TAPS = {"nearest": 1, "bilinear": 4, "bicubic": 16, "lanczos3": 36, "lanczos5": 100}


@dataclass(frozen=True)
class Cost:
    """The cost of one call; costs can be added, and multiplied by a number of calls.

    Attributes:
        macs: Multiply-accumulates with weights and between tensors, without biases.
        flops: Floating-point operations of everything that is computed.
        between: The MACs between two tensors that depend on the input, such as attention's.
        traced: Whether the operations that run were counted, not by a rule.
        unsupported: What is not included, each with the reason; if any, the rest is a lower bound.
    """

    macs: int = 0
    flops: int = 0
    between: int = 0
    traced: bool = False
    unsupported: tuple[str, ...] = ()

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.macs + other.macs,
            self.flops + other.flops,
            self.between + other.between,
            self.traced or other.traced,
            self.unsupported + other.unsupported if other.unsupported else self.unsupported,
        )

    def __mul__(self, calls: int) -> Cost:
        counts = (self.macs * calls, self.flops * calls, self.between * calls)
        return Cost(*counts, self.traced, self.unsupported)


# Takes the layer or operation, and the shapes of its operands and outputs, batch axis included.
# Raises NotImplementedError if the layer has a setting that is unsupported.
CostFunction = Callable[[Any, Shapes, Shapes], Cost]


def sums(macs: int, outputs: int, bias: bool = False, extra: int = 0) -> Cost:
    """Return the cost of sums of products.

    A sum of n products is n multiplications and n - 1 additions, and one more with a bias: the
    (2 Cin K K - 1) H W Cout and 2 Cin K K H W Cout of `cnn-study`, lines 895-911, for a
    convolution, and its (2 I - 1) O, lines 936-946, for a dense layer.

    Args:
        macs: Multiply-accumulates of all sums.
        outputs: Number of sums.
        bias: Whether a bias is added to each sum.
        extra: Other FLOPs, such as those of an activation.
    """
    return Cost(macs, macs + (macs if bias else max(macs - outputs, 0)) + extra)


def most_expensive(branches: Iterable[Cost]) -> Cost:
    """Return the cost of the most expensive branch, with what is unsupported in any."""
    costs = list(branches)
    dearest = max(costs, key=lambda cost: (cost.macs, cost.flops))
    return replace(dearest, unsupported=tuple(why for cost in costs for why in cost.unsupported))


def looped(iteration: Cost, iterations: int | None) -> Cost:
    """Return the cost of a loop; of an unknown number of iterations, the first is a lower bound."""
    if iterations is not None:
        return iteration * iterations
    why = "the iterations of a loop after the first, whose number is not known before it runs"
    return iteration + Cost(unsupported=(why,) if iteration.flops else ())


def comparisons(length: int) -> int:
    """Return the comparisons that sorting a number of elements takes: n log2(n), rounded up."""
    return length * max(length - 1, 0).bit_length()


def by_name(table: Mapping[str, Value]) -> dict[str, Value]:
    """Return a table whose keys are several names each, with a space between them, by name."""
    return {name: value for text, value in table.items() for name in text.split()}


def names(text: str) -> frozenset[str]:
    """Return the names in a text, with spaces between them."""
    return frozenset(text.split())
