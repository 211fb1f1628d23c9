"""The cost rules: for each kind of layer its cost and what it reads.

A kind is the name of a class of `keras.layers`, of kerazoo's layers, or of an operation of
`keras.ops`. A subclass has the rule of its base class if it does not override `call`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from kerazoo.accounting import axes, cost, linear
from kerazoo.lazy import keras


class Rule(NamedTuple):
    """How a kind of layer is counted."""

    cost: cost.CostFunction
    axis_maps: Callable[[Any, int], list[axes.AxisMaps]]  # see `axes`
    output: str = "new"  # memory: "new", a "view" of the input, or "new in training" only


def _named(rules: dict[str, Rule]) -> dict[str, Rule]:
    """Return the rule of each name; "?D" is 1D, 2D and 3D."""
    names = {name: rule for names, rule in rules.items() for name in names.split()}
    return {name.replace("?", rank): rule for name, rule in names.items() for rank in "123"}


LAYERS = _named(
    {
        "InputLayer": Rule(cost.nothing, axes.elementwise),
        "Conv?D": Rule(linear.conv, axes.windows),
        "DepthwiseConv?D": Rule(linear.depthwise, axes.windows),
        "SeparableConv?D": Rule(linear.separable, axes.windows),
        "SpatiallySeparableConv2D": Rule(linear.spatially_separable, axes.windows),
        "SparseConv2D": Rule(linear.sparse, axes.windows),
        "Conv?DTranspose": Rule(linear.transposed, axes.transposed_windows),
        "Dense": Rule(linear.dense, axes.last_axis),
        "EinsumDense": Rule(linear.einsum, axes.einsum),
        "Dot": Rule(linear.dot, axes.samplewise),
        "MultiHeadAttention GroupQueryAttention GroupedQueryAttention": Rule(
            linear.multi_head, axes.attended
        ),
        "Attention": Rule(linear.attention, axes.attended),
        "AdditiveAttention": Rule(linear.additive_attention, axes.attended),
        "SimpleRNN GRU LSTM": Rule(linear.recurrent, axes.samplewise),
        "MaxPooling?D AveragePooling?D": Rule(cost.pooling, axes.windows),
        "GlobalMaxPooling?D GlobalAveragePooling?D": Rule(cost.reduce, axes.channelwise),
        "AdaptiveMaxPooling?D AdaptiveAveragePooling?D": Rule(
            cost.adaptive_pooling, axes.channelwise
        ),
        "UpSampling?D Resizing": Rule(cost.resize, axes.resized),
        "BatchNormalization Rescaling Normalization": Rule(cost.scale_and_shift, axes.elementwise),
        "LayerNormalization": Rule(cost.normalize, axes.over_axes),
        "GroupNormalization": Rule(cost.normalize, axes.samplewise),
        "RMSNormalization": Rule(cost.root_mean_square, axes.over_axes),
        "UnitNormalization": Rule(cost.unit_norm, axes.over_axes),
        "LocalResponseNormalization": Rule(cost.response_norm, axes.elementwise),
        "Activation": Rule(cost.each, axes.activated),
        "ReLU ELU LeakyReLU PReLU": Rule(cost.each, axes.elementwise),
        "Softmax": Rule(cost.each, axes.over_axes),
        "Add Subtract Multiply Maximum Minimum": Rule(cost.merge, axes.elementwise),
        "Average": Rule(cost.average, axes.elementwise),
        "Concatenate": Rule(cost.nothing, axes.concatenated),
        "Identity": Rule(cost.nothing, axes.elementwise, "view"),
        "Flatten": Rule(cost.nothing, axes.flattened, "view"),
        "Reshape": Rule(cost.nothing, axes.reshaped, "view"),
        "Permute": Rule(cost.nothing, axes.permuted),
        "RepeatVector": Rule(cost.nothing, axes.repeated_vector),
        "Embedding": Rule(cost.nothing, axes.leading),
        "ZeroPadding?D Cropping?D": Rule(cost.nothing, axes.padded),
        "Dropout SpatialDropout?D GaussianDropout GaussianNoise AlphaDropout "
        "ActivityRegularization RandomBrightness RandomColorJitter RandomContrast RandomErasing "
        "RandomFlip RandomGaussianBlur RandomHue RandomInvert RandomRotation RandomSaturation "
        "RandomSharpness RandomShear RandomTranslation RandomZoom": Rule(
            cost.nothing, axes.elementwise, "new in training"
        ),
    }
)

OPERATIONS = _named(
    {
        "Softmax LogSoftmax": Rule(cost.each, axes.over_axes),
        "Cast Copy": Rule(cost.nothing, axes.elementwise),
        "StopGradient": Rule(cost.nothing, axes.elementwise, "view"),
        "Reshape ExpandDims Squeeze Ravel": Rule(cost.nothing, axes.reshaped, "view"),
        "Transpose Swapaxes Moveaxis": Rule(cost.nothing, axes.permuted),
        "Concatenate": Rule(cost.nothing, axes.concatenated),
        "Stack": Rule(cost.nothing, axes.stacked),
        "Split": Rule(cost.nothing, axes.split),
        "Pad": Rule(cost.nothing, axes.padded_operation),
        "GetItem": Rule(cost.nothing, axes.item),
        "BroadcastTo ZerosLike OnesLike": Rule(cost.nothing, axes.elementwise),
        "Flip OneHot Repeat Roll Take TakeAlongAxis Tile Tril Triu": Rule(
            cost.nothing, axes.unsupported
        ),
        "Sum Mean Max Min Amax Amin Prod Any All Argmax Argmin": Rule(cost.reduce, axes.over_axes),
        "Var": Rule(cost.variance, axes.over_axes),
        "Cumsum Cumprod": Rule(cost.reduce, axes.unsupported),
        "Matmul": Rule(linear.dense, axes.matmul),
        "Einsum": Rule(linear.einsum, axes.einsum),
        "Tensordot": Rule(linear.tensordot, axes.unsupported),
        "Conv": Rule(linear.conv_operation, axes.windows),
        "DepthwiseConv": Rule(linear.depthwise_operation, axes.windows),
        "MaxPool AveragePool": Rule(cost.pooling, axes.windows),
    }
)

# An operation that computes `cost.PER_ELEMENT` for each element.
ELEMENTWISE = Rule(cost.each, axes.elementwise)
# A Dense layer with LoRA weights computes more than its class says.
UNSUPPORTED = Rule(cost.unsupported, axes.unsupported)


def find(operation: Any) -> Rule | None:
    """Return the rule of a layer or operation, None if there is none."""
    if getattr(operation, "lora_enabled", False):
        return UNSUPPORTED
    if not isinstance(operation, keras.Layer):
        name = type(operation).__name__
        if not type(operation).__module__.startswith("keras."):
            return None
        return OPERATIONS.get(name, ELEMENTWISE if name.lower() in cost.PER_ELEMENT else None)
    for base in type(operation).__mro__:
        if getattr(base, "call", None) is not type(operation).call:
            return None
        if base.__name__ in LAYERS and base.__module__.startswith(("keras.", "kerazoo.")):
            return LAYERS[base.__name__]
    return None
