"""The cost rules: for each kind of layer its cost and what it reads.

A kind is the name of a class of `keras.layers`, of kerazoo's layers, or of an operation of
`keras.ops`. A subclass has the rule of its base class if it overrides nothing that is computed.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from kerazoo import compat
from kerazoo.accounting import axes, cost, linear, nonlinear
from kerazoo.errors import UsageError, reason
from kerazoo.lazy import keras

UserCost = Callable[[Any, cost.Shapes, cost.Shapes], tuple[int, int]]


class Rule(NamedTuple):
    """How a kind of layer is counted."""

    cost: cost.CostFunction
    axis_maps: Callable[[Any, int], list[axes.AxisMaps]]  # see `axes`
    output: str = "new"  # memory: "new", a "view" of the input, or "new in training" only


def _named(rules: dict[str, Rule]) -> dict[str, Rule]:
    """Return the rule of each name; "?D" is 1D, 2D and 3D."""
    return {
        name.replace("?", rank): rule
        for name, rule in cost.by_name(rules).items()
        for rank in "123"
    }


LAYERS = _named(
    {
        "InputLayer": Rule(nonlinear.nothing, axes.elementwise),
        "Conv?D MatmulConv2D": Rule(linear.conv, axes.windows),
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
        "Bidirectional": Rule(nonlinear.both_directions, axes.samplewise),
        "SimpleRNNCell GRUCell LSTMCell": Rule(linear.recurrent_cell, axes.samplewise),
        "MaxPooling?D AveragePooling?D": Rule(nonlinear.pooling, axes.windows),
        "GlobalMaxPooling?D GlobalAveragePooling?D": Rule(nonlinear.reduce, axes.channelwise),
        "AdaptiveMaxPooling?D AdaptiveAveragePooling?D": Rule(
            nonlinear.adaptive_pooling, axes.channelwise
        ),
        "UpSampling?D Resizing": Rule(nonlinear.resize, axes.resized),
        "BatchNormalization Rescaling Normalization": Rule(
            nonlinear.scale_and_shift, axes.elementwise
        ),
        "LayerNormalization": Rule(nonlinear.normalize, axes.over_axes),
        "GroupNormalization": Rule(nonlinear.normalize, axes.samplewise),
        "RMSNormalization": Rule(nonlinear.root_mean_square, axes.over_axes),
        "UnitNormalization": Rule(nonlinear.unit_norm, axes.over_axes),
        "LocalResponseNormalization": Rule(nonlinear.response_norm, axes.elementwise),
        "Activation": Rule(nonlinear.each, axes.activated),
        "ReLU ELU LeakyReLU PReLU": Rule(nonlinear.each, axes.elementwise),
        "Softmax": Rule(nonlinear.each, axes.over_axes),
        "Add Subtract Multiply Maximum Minimum": Rule(nonlinear.merge, axes.elementwise),
        "Average": Rule(nonlinear.average, axes.elementwise),
        "Concatenate": Rule(nonlinear.nothing, axes.concatenated),
        "Identity Masking": Rule(nonlinear.nothing, axes.elementwise, "view"),
        "StringLookup IntegerLookup Hashing": Rule(nonlinear.nothing, axes.elementwise),
        "TextVectorization": Rule(nonlinear.nothing, axes.samplewise),
        "Flatten": Rule(nonlinear.nothing, axes.flattened, "view"),
        "Reshape": Rule(nonlinear.nothing, axes.reshaped, "view"),
        "Permute": Rule(nonlinear.nothing, axes.permuted),
        "RepeatVector": Rule(nonlinear.nothing, axes.repeated_vector),
        "Embedding": Rule(nonlinear.nothing, axes.leading),
        "ZeroPadding?D Cropping?D": Rule(nonlinear.nothing, axes.padded),
        "Dropout SpatialDropout?D GaussianDropout GaussianNoise AlphaDropout "
        "ActivityRegularization RandomBrightness RandomColorJitter RandomContrast RandomErasing "
        "RandomFlip RandomGaussianBlur RandomHue RandomInvert RandomRotation RandomSaturation "
        "RandomSharpness RandomShear RandomTranslation RandomZoom": Rule(
            nonlinear.nothing, axes.elementwise, "new in training"
        ),
    }
)

OPERATIONS = _named(
    {
        "Softmax LogSoftmax": Rule(nonlinear.each, axes.over_axes),
        "Array Cast ConvertToTensor Copy EmptyLike FullLike Imag OnesLike Real SaturateCast View "
        "ZerosLike BroadcastTo": Rule(nonlinear.nothing, axes.elementwise),
        "StopGradient": Rule(nonlinear.nothing, axes.elementwise, "view"),
        "Reshape ExpandDims Squeeze Ravel": Rule(nonlinear.nothing, axes.reshaped, "view"),
        "Transpose Swapaxes Moveaxis": Rule(nonlinear.nothing, axes.permuted),
        "Concatenate": Rule(nonlinear.nothing, axes.concatenated),
        "Stack": Rule(nonlinear.nothing, axes.stacked),
        "Split": Rule(nonlinear.nothing, axes.split),
        "Unstack": Rule(nonlinear.nothing, axes.unstacked),
        "Pad": Rule(nonlinear.nothing, axes.padded_operation),
        "GetItem": Rule(nonlinear.nothing, axes.item),
        "Slice": Rule(nonlinear.nothing, axes.sliced),
        "Flip Fliplr Flipud": Rule(nonlinear.nothing, axes.flipped),
        "Repeat": Rule(nonlinear.nothing, axes.repeated),
        "Roll": Rule(nonlinear.nothing, axes.rolled),
        "Take": Rule(nonlinear.nothing, axes.taken),
        "Tile": Rule(nonlinear.nothing, axes.tiled),
        "Append Arange ArraySplit BatchToSpace CropImages DepthToSpace Diag Diagflat Diagonal "
        "Dsplit Dstack ExtractPatches ExtractSequences Full Hsplit Hstack Meshgrid MultiHot Ndim "
        "Nonzero OneHot PadImages Rearrange Rot90 Scatter ScatterUpdate Size SliceUpdate "
        "SpaceToDepth TakeAlongAxis Tril Triu Unfold UnravelIndex ViewAsComplex ViewAsReal Vsplit "
        "Vstack": Rule(nonlinear.nothing, axes.unsupported),
        "Sum Mean Max Min Amax Amin Prod Any All Argmax Argmin CountNonzero Nanargmax Nanargmin "
        "Nanmax Nanmean Nanmin Nanprod Nansum": Rule(nonlinear.reduce, axes.over_axes),
        "Var Nanvar": Rule(nonlinear.variance, axes.over_axes),
        "Std Nanstd": Rule(nonlinear.deviation, axes.over_axes),
        "Ptp": Rule(nonlinear.extent, axes.over_axes),
        "Logsumexp": Rule(nonlinear.logarithm_of_sum, axes.over_axes),
        "Cumsum Cumprod Nancumsum Nancumprod Bincount Fold SegmentMax SegmentMin SegmentProd "
        "SegmentSum Trace": Rule(nonlinear.reduce, axes.unsupported),
        "Diff": Rule(nonlinear.differences, axes.unsupported),
        "Sort Argsort TopK Argpartition Median Nanmedian": Rule(nonlinear.sort, axes.unsupported),
        "SearchSorted": Rule(nonlinear.search, axes.unsupported),
        "Matmul": Rule(linear.dense, axes.matmul),
        "Einsum": Rule(linear.einsum, axes.einsum),
        "Tensordot": Rule(linear.tensordot, axes.unsupported),
        "Dot Inner": Rule(linear.inner, axes.unsupported),
        "Vdot": Rule(linear.flat_dot, axes.unsupported),
        "Outer Kron": Rule(nonlinear.per_output(1), axes.unsupported),
        "Cross": Rule(linear.cross, axes.unsupported),
        "Correlate": Rule(linear.correlate, axes.unsupported),
        "DotProductAttention": Rule(linear.dot_product_attention, axes.attended),
        "Conv": Rule(linear.conv_operation, axes.windows),
        "DepthwiseConv": Rule(linear.depthwise_operation, axes.windows),
        "SeparableConv": Rule(linear.separable_operation, axes.unsupported),
        "ConvTranspose": Rule(linear.transposed_operation, axes.unsupported),
        "MaxPool AveragePool": Rule(nonlinear.pooling, axes.windows),
        "AdaptiveMaxPool AdaptiveAveragePool": Rule(nonlinear.adaptive_pooling, axes.unsupported),
        "Cholesky": Rule(linear.factorization(1 / 3), axes.unsupported),
        "LuFactor Det Slogdet Logdet": Rule(linear.factorization(2 / 3), axes.unsupported),
        "Inv": Rule(linear.factorization(2), axes.unsupported),
        "SolveTriangular": Rule(linear.solve(0), axes.unsupported),
        "Solve": Rule(linear.solve(2 / 3), axes.unsupported),
    }
)

# An operation that computes `cost.PER_ELEMENT` for each element.
ELEMENTWISE = Rule(nonlinear.each, axes.elementwise)
# A layer that repeats its cell: the cell's calls are counted.
REPEATED = Rule(nonlinear.nothing, axes.samplewise)
# A tensor that does not depend on the model's inputs.
CONSTANT = Rule(nonlinear.nothing, axes.constant)

WITH_FUNCTIONS = cost.names(
    "AssociativeScan Cond ForiLoop JVP Map Scan Switch VectorizedMap WhileLoop"
)

# What a subclass may override, or Keras wraps in each layer, without a change of what is computed.
HARMLESS = cost.names(
    "__init__ __module__ __doc__ __qualname__ __annotations__ __firstlineno__ "
    "__static_attributes__ __dict__ __weakref__ _moments _obj_type _register_call_context_args "
    "add_loss build build_from_config compute_mask compute_output_shape compute_output_spec dtype "
    "from_config get_build_config get_config load_own_variables quantize save_own_variables "
    "supports_masking trainable"
)


# What users have given by `count`: the rules of their classes by name.
_of_users: dict[str, Rule] = {}


def count(kind: str | type) -> Callable[[UserCost], UserCost]:
    """Register a function that gives the cost of a layer, instead of what its code runs.

    >>> @count("Scale")
    ... def cost_of_scale(layer, inputs, outputs):
    ...     return 0, math.prod(outputs[0])

    It replaces the rule of Keras's layers and an earlier one of the same name. The layer's
    receptive field is unknown.

    Args:
        kind: A class of layers, or its name. Subclasses have it too.

    Returns:
        A decorator for a function that takes the layer, the shapes of its inputs and those of its
        outputs, batch axis included, and returns its MACs and FLOPs.

    Raises:
        UsageError: `kind` is neither a class nor a name.
    """
    name = kind.__name__ if isinstance(kind, type) else kind
    if not isinstance(name, str):
        raise UsageError(f"count takes a class of layers or its name; received {kind!r}")

    def register(function: UserCost) -> UserCost:
        def cost_of(layer: Any, inputs: cost.Shapes, outputs: cost.Shapes) -> cost.Cost:
            try:
                macs, flops = map(int, function(layer, inputs, outputs))
            except Exception as error:  # a user's function may raise anything
                raise UsageError(
                    f"count of {name}: {type(error).__name__}: {reason(error)}"
                ) from error
            if min(macs, flops) < 0:
                raise UsageError(f"count of {name} returned a negative number for '{layer.name}'")
            return cost.Cost(macs, flops)

        _of_users[name] = Rule(cost_of, axes.unsupported)
        return function

    return register


def of_user(operation: Any) -> Rule | None:
    """Return the rule that a user has given for a layer, None if there is none."""
    kinds = type(operation).__mro__ if _of_users else ()
    return next((_of_users[kind.__name__] for kind in kinds if kind.__name__ in _of_users), None)


def find(operation: Any) -> Rule | None:
    """Return the rule of a layer or operation, None if there is none."""
    if rule := of_user(operation):
        return rule
    if not isinstance(operation, keras.Layer):
        name = type(operation).__name__
        if not type(operation).__module__.startswith("keras."):
            return None
        return OPERATIONS.get(name, ELEMENTWISE if name.lower() in cost.PER_ELEMENT else None)
    base = _base_with_rule(operation.__class__)
    if base is None or getattr(operation, "quantization_mode", None) or _is_changed(operation):
        return None
    return LAYERS[base]


def takes_functions(operation: Any) -> bool:
    """Return whether an operation calls functions, which may be called on tensors around them."""
    return type(operation).__name__ in WITH_FUNCTIONS


@functools.cache
def _base_with_rule(kind: Any) -> str | None:
    """Return the name of the base class with a rule that also holds for `kind`, None if none."""
    overridden: set[str] = set()
    for base in kind.__mro__:
        if base.__name__ in LAYERS and base.__module__.startswith(("keras.", "kerazoo.")):
            changed = {name for name in overridden - HARMLESS if hasattr(base, name)}
            return None if changed else base.__name__
        overridden |= set(vars(base))
    return None


@functools.cache
def _methods(kind: Any) -> frozenset[str]:
    """Return the names of a class's methods, but for harmless ones."""
    return frozenset(name for name in dir(kind) if callable(getattr(kind, name))) - HARMLESS


def _is_changed(layer: Any) -> bool:
    """Return whether a method of a layer, or a layer inside it, is not the one of its class."""
    if not _methods(layer.__class__).isdisjoint(vars(layer)):
        return True
    parts = compat.all_layers(layer, include_self=False)
    return any(find(part) is None for part in parts)
