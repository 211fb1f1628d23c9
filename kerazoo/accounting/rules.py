"""The table of what kerazoo can count: for each kind of layer its cost and what it reads.

A kind is the name of a class of `keras.layers`, of kerazoo's own layers, or of an operation of
`keras.ops`. A class derived from one of these has its rule as long as it computes the same `call`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from kerazoo.accounting import attention, axes, elementwise, linear, operation_axes, pooling
from kerazoo.accounting.cost import Cost, Shapes
from kerazoo.accounting.graph import Call


class Rule(NamedTuple):
    """How a kind of layer is counted.

    Attributes:
        cost: From the layer and the shapes of operands and outputs, batch axis included, to what
            is computed; None where the layer is set in a way that is not known.
        reads: From a call and the number of an output to what is read of each operand.
        output: "new" memory, a "view" of the input's, or "new in training" alone.
    """

    cost: Callable[[Any, Shapes, Shapes], Cost | None]
    reads: Callable[[Call, int], list[axes.Relation]]
    output: str = "new"


def _named(rules: dict[str, Rule]) -> dict[str, Rule]:
    return {name: rule for names, rule in rules.items() for name in names.split()}


LAYERS = _named(
    {
        "InputLayer": Rule(elementwise.nothing, axes.elementwise),
        "Conv1D Conv2D Conv3D": Rule(linear.conv, axes.windows),
        "DepthwiseConv1D DepthwiseConv2D": Rule(linear.depthwise, axes.windows),
        "SeparableConv1D SeparableConv2D": Rule(linear.separable, axes.windows),
        "SpatiallySeparableConv2D": Rule(linear.spatially_separable, axes.windows),
        "SparseConv2D": Rule(linear.sparse, axes.windows),
        "Conv1DTranspose Conv2DTranspose Conv3DTranspose": Rule(linear.transposed, axes.transposed),
        "Dense": Rule(linear.dense, axes.last_axis),
        "EinsumDense": Rule(linear.einsum_dense, axes.einsum),
        "Dot": Rule(linear.dot, axes.per_sample),
        "MultiHeadAttention": Rule(attention.multi_head, axes.attended),
        "GroupQueryAttention GroupedQueryAttention": Rule(attention.grouped_query, axes.attended),
        "Attention": Rule(attention.attention, axes.attended),
        "AdditiveAttention": Rule(attention.additive_attention, axes.attended),
        "SimpleRNN GRU LSTM": Rule(attention.recurrent, axes.per_sample),
        "MaxPooling1D MaxPooling2D MaxPooling3D AveragePooling1D AveragePooling2D "
        "AveragePooling3D": Rule(pooling.window, axes.windows),
        "GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GlobalAveragePooling1D "
        "GlobalAveragePooling2D GlobalAveragePooling3D": Rule(pooling.whole, axes.whole_map),
        "AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D AdaptiveAveragePooling1D "
        "AdaptiveAveragePooling2D AdaptiveAveragePooling3D": Rule(pooling.bins, axes.whole_map),
        "UpSampling1D UpSampling2D UpSampling3D Resizing": Rule(pooling.enlarge, axes.enlarged),
        "BatchNormalization Rescaling Normalization": Rule(
            elementwise.scale_and_shift, axes.elementwise
        ),
        "LayerNormalization": Rule(elementwise.normalise, axes.normalised),
        "GroupNormalization": Rule(elementwise.normalise, axes.per_sample),
        "RMSNormalization": Rule(elementwise.root_mean_square, axes.normalised),
        "UnitNormalization": Rule(elementwise.unit_norm, axes.normalised),
        "LocalResponseNormalization": Rule(elementwise.response_norm, axes.elementwise),
        "Activation": Rule(elementwise.wrapped_activation, axes.elementwise),
        "ReLU ELU LeakyReLU PReLU": Rule(elementwise.each, axes.elementwise),
        "Softmax": Rule(elementwise.each, axes.normalised),
        "Add Subtract Multiply Maximum Minimum": Rule(elementwise.merge, axes.elementwise),
        "Average": Rule(elementwise.average, axes.elementwise),
        "Concatenate": Rule(elementwise.nothing, axes.concatenated),
        "Identity": Rule(elementwise.nothing, axes.elementwise, "view"),
        "Flatten": Rule(elementwise.nothing, axes.flattened, "view"),
        "Reshape": Rule(elementwise.nothing, axes.reshaped, "view"),
        "Permute": Rule(elementwise.nothing, axes.permuted),
        "RepeatVector": Rule(elementwise.nothing, axes.repeated_vector),
        "Embedding": Rule(elementwise.nothing, axes.leading),
        "ZeroPadding1D ZeroPadding2D ZeroPadding3D": Rule(elementwise.nothing, axes.padded),
        "Cropping1D Cropping2D Cropping3D": Rule(elementwise.nothing, axes.cropped),
        "Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D GaussianDropout "
        "GaussianNoise AlphaDropout ActivityRegularization RandomBrightness RandomColorJitter "
        "RandomContrast RandomErasing RandomFlip RandomGaussianBlur RandomHue RandomInvert "
        "RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation "
        "RandomZoom": Rule(elementwise.nothing, axes.elementwise, "new in training"),
    }
)

OPERATIONS = _named(
    {
        elementwise.OPERATIONS: Rule(elementwise.each, axes.elementwise),
        "Softmax LogSoftmax": Rule(elementwise.each, axes.normalised),
        "Cast Copy": Rule(elementwise.nothing, axes.elementwise),
        "StopGradient": Rule(elementwise.nothing, axes.elementwise, "view"),
        "Reshape ExpandDims Squeeze Ravel": Rule(elementwise.nothing, axes.reshaped, "view"),
        "Transpose": Rule(elementwise.nothing, operation_axes.transposed),
        "Swapaxes": Rule(elementwise.nothing, operation_axes.swapped),
        "Moveaxis": Rule(elementwise.nothing, operation_axes.moved),
        "Concatenate": Rule(elementwise.nothing, axes.concatenated),
        "Stack": Rule(elementwise.nothing, operation_axes.stacked),
        "Split": Rule(elementwise.nothing, operation_axes.split),
        "Pad": Rule(elementwise.nothing, operation_axes.padded),
        "GetItem": Rule(elementwise.nothing, operation_axes.item),
        "BroadcastTo ZerosLike OnesLike": Rule(elementwise.nothing, axes.elementwise),
        "Flip OneHot Repeat Roll Take TakeAlongAxis Tile Tril Triu": Rule(
            elementwise.nothing, operation_axes.unknown
        ),
        "Sum Mean Max Min Amax Amin Prod Any All": Rule(elementwise.reduce, operation_axes.reduced),
        "Argmax Argmin": Rule(elementwise.reduce, operation_axes.reduced),
        "Var": Rule(elementwise.variance, operation_axes.reduced),
        "Cumsum Cumprod": Rule(elementwise.reduce, operation_axes.unknown),
        "Matmul": Rule(linear.matmul, operation_axes.matmul),
        "Einsum": Rule(linear.einsum_operation, axes.einsum),
        "Tensordot": Rule(linear.tensordot, operation_axes.unknown),
        "Conv": Rule(linear.conv_operation, axes.windows),
        "DepthwiseConv": Rule(linear.depthwise_operation, axes.windows),
        "MaxPool AveragePool": Rule(pooling.window, axes.windows),
    }
)

# A layer that computes more than its kind does.
UNKNOWN = Rule(elementwise.unknown, operation_axes.unknown)


def find(operation: Any) -> Rule | None:
    """Return the rule of a layer or operation, None where there is none."""
    if getattr(operation, "lora_enabled", False):
        return UNKNOWN
    if not isinstance(operation, keras.Layer):
        known = type(operation).__module__.startswith("keras.")
        return OPERATIONS.get(type(operation).__name__) if known else None
    for base in type(operation).__mro__:
        if getattr(base, "call", None) is not type(operation).call:
            return None
        if base.__name__ in LAYERS and base.__module__.startswith(("keras.", "kerazoo.")):
            return LAYERS[base.__name__]
    return None


def knows(operation: Any) -> bool:
    """Return whether there is a rule for a layer or operation."""
    return find(operation) is not None


def cost(call: Call) -> Cost | None:
    """Return what a call computes, None where that is not known."""
    rule = find(call.operation)
    if rule is None:
        return None
    inputs = [tuple(operand.shape) for operand in call.operands]
    return rule.cost(call.operation, inputs, [tensor.shape for tensor in call.outputs])
