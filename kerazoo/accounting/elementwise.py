"""Operations on each element: activations, arithmetic, normalisation, movement of data."""

from __future__ import annotations

from typing import Any

from kerazoo.accounting.cost import Cost, Shapes, size

ONE_EACH = (
    "abs absolute add ceil cos divide equal erf exp exponential floor floordivide greater "
    "greaterequal isfinite isinf isnan less lessequal log logicaland logicalnot logicalor "
    "logicalxor maximum minimum mod multiply negative notequal power reciprocal round rsqrt sign "
    "sin sqrt square subtract truedivide where"
)
TWO_EACH = "clip expm1 log1p log2 log10"

# Operations an element, with an exponential, a logarithm, a root, a division and a comparison as
# one each: so the documents count ReLU as one and the sigmoid as four (003_f507a061fff3ec1f, lines
# 964-972). A name is that of the activation, layer or operation in small letters, without "_".
PER_ELEMENT = {
    **dict.fromkeys(ONE_EACH.split(), 1),
    **dict.fromkeys(TWO_EACH.split(), 2),
    "linear": 0,
    "relu": 1,  # max(x, 0)
    "relu6": 2,  # min(max(x, 0), 6)
    "leakyrelu": 2,  # x > 0, slope x
    "prelu": 2,
    "elu": 4,  # x > 0, a (exp x - 1)
    "selu": 5,  # scale elu(x)
    "celu": 5,  # elu with x / a
    "threshold": 1,
    "sigmoid": 4,  # 1 / (1 + exp -x)
    "logsigmoid": 5,  # -log(1 + exp -x)
    "hardsigmoid": 4,  # min(max(x / 6 + 1/2, 0), 1)
    "silu": 5,  # x sigmoid(x)
    "swish": 5,
    "hardsilu": 5,
    "hardswish": 5,
    "tanh": 5,  # 2 / (1 + exp -2x) - 1
    "scaledtanh": 7,  # a tanh(b x)
    "hardtanh": 2,
    "tanhshrink": 6,
    "hardshrink": 2,
    "softshrink": 3,
    "softplus": 3,  # log(1 + exp x)
    "softsign": 3,  # x / (1 + |x|)
    "squareplus": 5,  # (x + sqrt(x x + b)) / 2
    "mish": 9,  # x tanh(softplus(x))
    "gelu": 5,  # x (1 + erf(x / sqrt 2)) / 2
    "softmax": 5,  # exp(x - max x) / sum
    "logsoftmax": 5,  # (x - max x) - log(sum(exp))
}

# The classes of keras.ops that compute element by element.
OPERATIONS = (
    "Abs Absolute Add Celu Ceil Clip Cos Divide Elu Equal Erf Exp Expm1 Floor FloorDivide Gelu "
    "Greater GreaterEqual HardShrink HardSigmoid HardSilu HardTanh IsFinite IsInf IsNan LeakyRelu "
    "Less LessEqual Log Log10 Log1p Log2 LogSigmoid LogicalAnd LogicalNot LogicalOr LogicalXor "
    "Maximum Minimum Mish Mod Multiply Negative NotEqual Power ReLU Reciprocal Relu Relu6 Round "
    "Rsqrt Selu Sigmoid Sign Silu Sin SoftShrink Softplus Softsign Sqrt Square Squareplus Subtract "
    "Tanh TanhShrink Threshold TrueDivide Where"
)

# Operations an element of a normalisation, besides one each for scaling and shifting.
NORMALISE = 5  # mean, subtract, square, mean, divide by the root


def name_of(operation: Any) -> str:
    """Return the name under which an activation, layer or operation stands in `PER_ELEMENT`."""
    name = getattr(operation, "__name__", None) or type(operation).__name__
    return name.lower().replace("_", "")


def activation(function: Any, elements: int) -> int | None:
    """Return the operations of an activation, None where it is not known."""
    if function is None:
        return 0
    each = PER_ELEMENT.get(name_of(function))
    if each is None:
        return None
    if name_of(function) == "relu":
        each += getattr(function, "max_value", None) is not None
        each += bool(getattr(function, "negative_slope", 0))
    return each * elements


def each(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count the operations an element of an activation or of arithmetic."""
    flops = activation(layer, size(outputs[0]))
    return None if flops is None else Cost(flops=flops)


def wrapped_activation(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost | None:
    """Count keras.layers.Activation by the function it has."""
    flops = activation(layer.activation, size(outputs[0]))
    return None if flops is None else Cost(flops=flops)


def nothing(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count zero: data is moved, or training alone computes here."""
    return Cost()


def unknown(layer: Any, inputs: Shapes, outputs: Shapes) -> None:
    """Tell that the cost is not known."""


def scale_and_shift(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count two an element: a product and a sum with what is known before the call."""
    return Cost(flops=2 * size(outputs[0]))


def merge(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count n - 1 an element for the n tensors that are merged."""
    return Cost(flops=(len(inputs) - 1) * size(outputs[0]))


def average(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count n an element for the mean of n tensors."""
    return Cost(flops=len(inputs) * size(outputs[0]))


def normalise(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count `NORMALISE` an element, one for a scale and one for a shift, from live statistics."""
    each = NORMALISE + bool(getattr(layer, "scale", True)) + bool(getattr(layer, "center", True))
    return Cost(flops=each * size(outputs[0]))


def root_mean_square(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count four an element: square, mean, divide by the root, scale."""
    return Cost(flops=4 * size(outputs[0]))


def unit_norm(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count three an element: square, sum, divide by the root."""
    return Cost(flops=3 * size(outputs[0]))


def response_norm(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count local response normalisation: square, a sum of `size`, scale, add, power, divide."""
    return Cost(flops=(layer.size + 4) * size(outputs[0]))


def reduce(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count one for every element of the input."""
    return Cost(flops=size(inputs[0]))


def variance(layer: Any, inputs: Shapes, outputs: Shapes) -> Cost:
    """Count four for every element of the input: mean, subtract, square, mean."""
    return Cost(flops=4 * size(inputs[0]))
