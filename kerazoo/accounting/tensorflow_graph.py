"""The cost of a TensorFlow graph, operation by operation.

Each cost function takes an operation of the graph. Operations on integers alone, which compute
positions and shapes, are no FLOPs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from kerazoo import compat
from kerazoo.accounting import linear, nonlinear
from kerazoo.accounting.cost import (
    PER_ELEMENT,
    TAPS,
    Cost,
    CostFunction,
    Shape,
    by_name,
    looped,
    most_expensive,
    names,
    sums,
)
from kerazoo.lazy import keras, tf

OperationCost = Callable[[Any], Cost]


def trace(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    options: dict[str, Any],
) -> tuple[Any, Cost]:
    """Trace a function as `operations.traced` does.

    Raises:
        Exception: The function cannot be traced.
    """
    graph = compat.tensorflow_graph()

    def weight_in_graph(weight: keras.Variable) -> Any:
        with graph.as_default():
            return tf.compat.v1.placeholder(weight.dtype, weight.shape)

    with compat.weights_made_by(weight_in_graph), graph.as_default():
        arguments, options = keras.tree.map_structure(
            lambda value: placeholder(value) if isinstance(value, keras.KerasTensor) else value,
            (arguments, options),
        )
        try:
            outputs = function(*arguments, **options)
        except tf.errors.OperatorNotAllowedInGraphError:  # Python's `if` and `for` on tensors
            outputs = tf.function(function)(*arguments, **options)
    leaves = keras.tree.flatten(outputs)
    tensors = list(filter(tf.is_tensor, leaves))
    is_run = any(isinstance(leaf, keras.KerasTensor) for leaf in leaves)  # see `operations.run`
    cost = _total(graph.get_operations() if is_run else _needed(tensors))
    return keras.tree.map_structure(symbolic, outputs), cost


def placeholder(tensor: keras.KerasTensor, after: Any = ()) -> Any:
    """Return a tensor of the graph that is being traced, which needs those of `after`."""
    with tf.control_dependencies(list(filter(tf.is_tensor, keras.tree.flatten(after)))):
        return tf.compat.v1.placeholder(tensor.dtype, tensor.shape)


def symbolic(value: Any) -> Any:
    """Return a `keras.KerasTensor` for a tensor, anything else as it is."""
    if not tf.is_tensor(value) or isinstance(value, keras.Variable):
        return value
    return keras.KerasTensor(value.shape.as_list(), value.dtype.name)


def count(graph: Any) -> Cost:
    """Return the cost of a function's graph, and of the functions that it calls."""
    return _total(_needed(graph.outputs))


def _needed(outputs: list[Any]) -> list[Any]:
    """Return the operations that the outputs depend on: TensorFlow runs no others."""
    waiting = [tensor.op for tensor in outputs]
    needed: dict[int, Any] = {}
    while waiting:
        operation = waiting.pop()
        if id(operation) not in needed:
            needed[id(operation)] = operation
            waiting += [tensor.op for tensor in operation.inputs]
            waiting += operation.control_inputs
    return list(needed.values())


def _total(graph_operations: list[Any]) -> Cost:
    return sum(map(_cost, graph_operations), Cost(traced=True))


def _cost(operation: Any) -> Cost:
    kind = operation.type
    if kind in MOVES or kind.startswith(MOVES_BEGIN):
        return Cost()
    name = NAMES.get(kind, kind.lower())
    compute = COSTS.get(kind) or (_per_output(PER_ELEMENT[name]) if name in PER_ELEMENT else None)
    if compute is None:
        return Cost(unsupported=(f"TensorFlow's {kind}",))
    if kind not in WITH_INTEGERS and not any(map(_is_real, _tensors(operation))):
        return Cost()
    try:
        return compute(operation)
    except NotImplementedError as error:
        return Cost(unsupported=(f"TensorFlow's {kind} of {error}",))
    except (TypeError, ValueError):  # a shape has an unknown axis
        return Cost(unsupported=(f"TensorFlow's {kind}, whose shapes depend on the data",))


def _tensors(operation: Any) -> list[Any]:
    return [*operation.inputs, *operation.outputs]


def _is_real(tensor: Any) -> bool:
    return bool(tensor.dtype.is_floating or tensor.dtype.is_complex)


def _inputs(operation: Any) -> list[Shape]:
    return [tensor.shape.as_list() for tensor in operation.inputs]


def _output(operation: Any) -> Shape:
    shape: Shape = operation.outputs[0].shape.as_list()
    return shape


def _by_shapes(function: CostFunction) -> OperationCost:
    """Return a function of operations that counts by a cost function of shapes."""
    return lambda operation: function(operation, _inputs(operation), [_output(operation)])


def _per_output(flops: int) -> OperationCost:
    return lambda operation: Cost(flops=flops * math.prod(_output(operation)))


def _matrix_product(operation: Any) -> Cost:
    attribute = "transpose_a" if operation.type == "MatMul" else "adj_x"
    length = _inputs(operation)[0][-2 if operation.get_attr(attribute) else -1]
    outputs = math.prod(_output(operation))
    return sums(length * outputs, outputs)


def _conv(operation: Any) -> Cost:
    outputs = math.prod(_output(operation))
    return sums(math.prod(_inputs(operation)[1][:-1]) * outputs, outputs)


def _depthwise(operation: Any) -> Cost:
    outputs = math.prod(_output(operation))
    return sums(math.prod(_inputs(operation)[1][:-2]) * outputs, outputs)


def _conv_gradient_of_input(operation: Any) -> Cost:
    _, kernel, gradient = _inputs(operation)
    return sums(math.prod(kernel[:-1]) * math.prod(gradient), math.prod(_output(operation)))


def _conv_gradient_of_kernel(operation: Any) -> Cost:
    kernel, gradient = _output(operation), _inputs(operation)[2]
    return sums(math.prod(kernel[:-1]) * math.prod(gradient), math.prod(kernel))


def _depthwise_gradient(operation: Any) -> Cost:
    is_of_kernel = operation.type.endswith("Filter")
    kernel = _output(operation) if is_of_kernel else _inputs(operation)[1]
    macs = math.prod(kernel[:-2]) * math.prod(_inputs(operation)[2])
    return sums(macs, math.prod(_output(operation)))


def _einsum(operation: Any) -> Cost:
    equation = SimpleNamespace(subscripts=operation.get_attr("equation").decode())
    return linear.einsum(equation, _inputs(operation), [_output(operation)])


def _response_norm(operation: Any) -> Cost:
    size = 2 * operation.get_attr("depth_radius") + 1
    return Cost(flops=(size + 4) * math.prod(_output(operation)))


def _batch_norm(operation: Any) -> Cost:
    flops = 6 if operation.get_attr("is_training") else 2
    return Cost(flops=flops * math.prod(_output(operation)))


def _pool(operation: Any) -> Cost:
    return Cost(flops=math.prod(operation.get_attr("ksize")) * math.prod(_output(operation)))


def _resize(method: str) -> OperationCost:
    return _per_output(2 * TAPS[method] - 1)


def _scatter(operation: Any) -> Cost:
    return Cost(flops=math.prod(_inputs(operation)[2]))


def _search(operation: Any) -> Cost:
    (*_, length), values = _inputs(operation)
    return Cost(flops=math.prod(values) * length.bit_length())


def _bucketize(operation: Any) -> Cost:
    boundaries = len(operation.get_attr("boundaries"))
    return Cost(flops=math.prod(_output(operation)) * boundaries.bit_length())


def _call(operation: Any) -> Cost:
    return count(compat.graph_of_function(operation, "f"))


def _branches(operation: Any) -> Cost:
    """Return the cost of the most expensive branch."""
    if operation.type.endswith("Case"):
        branches = operation.get_attr("branches")
        return most_expensive(count(compat.graph_named(operation, each.name)) for each in branches)
    names = ("then_branch", "else_branch")
    return most_expensive(count(compat.graph_of_function(operation, each)) for each in names)


def _loop(operation: Any) -> Cost:
    condition, body = (compat.graph_of_function(operation, each) for each in ("cond", "body"))
    return looped(count(body) + count(condition), _iterations(operation, condition, body))


def _iterations(operation: Any, condition: Any, body: Any) -> int | None:
    """Return the iterations of a loop whose counter is compared with a bound, None if unknown."""
    waiting, limits = [_source(condition.outputs[0])], list[int]()
    while waiting:
        test = waiting.pop().op
        if test.type == "LogicalAnd":
            waiting += map(_source, test.inputs)
        else:
            limit = _limit(test, operation, condition, body)
            if limit is None:
                return None
            limits.append(limit)
    return min(limits)


def _limit(test: Any, operation: Any, condition: Any, body: Any) -> int | None:
    """Return after how many iterations a comparison of integers is false, None if unknown."""
    if test.type not in ("Less", "LessEqual") or not test.inputs[0].dtype.is_integer:
        return None
    counter, limit = map(_source, test.inputs)
    first, bound = (_as_it_begins(each, condition, operation) for each in (counter, limit))
    step = _step(_index(counter, condition.inputs), body, operation)
    if first is None or bound is None or step is None:
        return None
    if _changes(_index(limit, condition.inputs), body):
        return None
    return max(-(-(bound + (test.type == "LessEqual") - first) // step), 0)


def _source(tensor: Any) -> Any:
    """Return the tensor that is passed on by identities."""
    while tensor.op.type == "Identity":
        tensor = tensor.op.inputs[0]
    return tensor


def _as_it_begins(tensor: Any, graph: Any, operation: Any) -> int | None:
    """Return the value of a tensor in a loop's condition or body as it begins, None if unknown."""
    index = _index(tensor, graph.inputs)
    source = tensor if index is None else _source(operation.inputs[index])
    if source.op.type == "Max":  # of Keras's recurrent layers, over a constant
        source = source.op.inputs[0]
    value = tf.get_static_value(source)
    return None if value is None or value.size != 1 else int(value.max())


def _step(index: int | None, body: Any, operation: Any) -> int | None:
    """Return by how much the body increases a part of the state, None if unknown."""
    if index is None:
        return None
    after = _source(body.outputs[index]).op
    if after.type not in ("Add", "AddV2"):
        return None
    counter, step = map(_source, after.inputs)
    if counter is not body.inputs[index]:
        return None
    if _changes(_index(step, body.inputs), body):
        return None
    value = _as_it_begins(step, body, operation)
    return value if value and value > 0 else None


def _changes(index: int | None, body: Any) -> bool:
    """Return whether a loop's body changes a part of the state."""
    return index is not None and _source(body.outputs[index]) is not body.inputs[index]


def _index(tensor: Any, tensors: list[Any]) -> int | None:
    return next((index for index, each in enumerate(tensors) if each is tensor), None)


# Operations that move data, or describe it.
MOVES = names(
    "Assert AssignVariableOp AsString BatchToSpace BatchToSpaceND Bitcast BroadcastArgs "
    "BroadcastGradientArgs BroadcastTo Cast CheckNumerics Complex Concat ConcatOffset ConcatV2 "
    "Const DataFormatDimMap DataFormatVecPermute DebugIdentity DenseBincount DepthToSpace Diag "
    "DiagPart DynamicPartition DynamicStitch Empty EnsureShape ExpandDims ExtractImagePatches "
    "ExtractVolumePatches Fill Gather GatherNd GatherV2 HashTableV2 Identity IdentityN Imag "
    "InplaceUpdate InvertPermutation LinSpace ListDiff MatrixBandPart MatrixDiag MatrixDiagPart "
    "MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3 MatrixSetDiag MatrixSetDiagV2 "
    "MatrixSetDiagV3 MirrorPad Multinomial NoOp OneHot OnesLike Pack Pad PadV2 ParallelConcat "
    "ParallelDynamicStitch Placeholder PlaceholderWithDefault PreventGradient Print PrintV2 "
    "RaggedRange RaggedTensorToTensor RandomShuffle Range Rank ReadVariableOp Real RefIdentity "
    "Reshape ResourceGather ResourceGatherNd Reverse ReverseSequence ReverseV2 Roll ScatterNd "
    "Shape ShapeN Size Slice Snapshot SpaceToBatch SpaceToBatchND SpaceToDepth SparseToDense "
    "Split SplitV Squeeze StopGradient StridedSlice Substr TensorScatterUpdate Tile Transpose "
    "Unbatch Unique UniqueV2 UniqueWithCounts Unpack UnravelIndex VarHandleOp "
    "VarIsInitializedOp Where XlaDynamicSlice XlaDynamicUpdateSlice ZerosLike"
)
MOVES_BEGIN = (
    *("Decode", "Encode", "Lookup", "Parse", "Random", "Regex", "StatelessRandom", "StaticRegex"),
    *("StatelessTruncated", "String", "TensorArray", "TensorList", "TruncatedNormal", "Unicode"),
)

# The names in `PER_ELEMENT` of what TensorFlow calls otherwise.
NAMES: Mapping[str, str] = {
    "Acos": "arccos",
    "Acosh": "arccosh",
    "AddV2": "add",
    "ReluGrad": "multiply",
    "Asin": "arcsin",
    "Asinh": "arcsinh",
    "Atan": "arctan",
    "Atan2": "arctan2",
    "Atanh": "arctanh",
    "BesselI0e": "i0",
    "BiasAdd": "add",
    "BiasAddV1": "add",
    "ClipByValue": "clip",
    "ComplexAbs": "hypot",
    "Digamma": "i0",
    "Div": "divide",
    "DivNoNan": "dividenonan",
    "FloorDiv": "floordivide",
    "FloorMod": "mod",
    "Inv": "reciprocal",
    "Lgamma": "i0",
    "Mul": "multiply",
    "MulNoNan": "dividenonan",
    "Ndtri": "erfinv",
    "Neg": "negative",
    "Pow": "power",
    "RealDiv": "divide",
    "Rint": "round",
    "Select": "where",
    "SelectV2": "where",
    "SquaredDifference": "expm1",
    "Sub": "subtract",
    "TruncateDiv": "divide",
    "TruncateMod": "mod",
    "Xdivy": "dividenonan",
    "Xlogy": "log1p",
}

# Operations that are counted for integers too.
WITH_INTEGERS = names(
    "BatchMatMul BatchMatMulV2 BatchMatMulV3 Case Conv Conv2D Conv3D Einsum If MatMul "
    "PartitionedCall StatefulPartitionedCall StatelessCase StatelessIf StatelessWhile While"
)

COSTS: Mapping[str, OperationCost] = by_name(
    {
        "MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3": _matrix_product,
        "Conv Conv2D Conv3D": _conv,
        "Conv2DBackpropInput Conv3DBackpropInput Conv3DBackpropInputV2": _conv_gradient_of_input,
        "Conv2DBackpropFilter Conv3DBackpropFilter Conv3DBackpropFilterV2": (
            _conv_gradient_of_kernel
        ),
        "DepthwiseConv2dNative": _depthwise,
        "DepthwiseConv2dNativeBackpropFilter DepthwiseConv2dNativeBackpropInput": (
            _depthwise_gradient
        ),
        "Einsum": _einsum,
        "AccumulateNV2 AddN": _by_shapes(nonlinear.merge),
        "LRN": _response_norm,
        "FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3": _batch_norm,
        "All Any ArgMax ArgMin BiasAddGrad Cumprod Cumsum Max Mean Min Prod SegmentMax "
        "SegmentMean SegmentMin SegmentProd SegmentSum Sum UnsortedSegmentMax UnsortedSegmentMin "
        "UnsortedSegmentProd UnsortedSegmentSum": _by_shapes(nonlinear.reduce),
        "EuclideanNorm L2Loss": _by_shapes(nonlinear.per_input(2)),
        "CumulativeLogsumexp": _by_shapes(nonlinear.per_input(4)),
        "SoftmaxCrossEntropyWithLogits SparseSoftmaxCrossEntropyWithLogits": _by_shapes(
            nonlinear.per_input(7)
        ),
        "AvgPool AvgPool3D MaxPool MaxPool3D MaxPoolWithArgmax": _pool,
        "CropAndResize ResizeBilinear": _resize("bilinear"),
        "ResizeBicubic": _resize("bicubic"),
        "ResizeNearestNeighbor": _per_output(0),
        "TopK TopKV2": _by_shapes(nonlinear.sort),
        "Bucketize": _bucketize,
        "LowerBound UpperBound": _search,
        "TensorScatterAdd TensorScatterMax TensorScatterMin TensorScatterSub": _scatter,
        "FFT IFFT": _by_shapes(nonlinear.fourier(1, 5)),
        "FFT2D IFFT2D": _by_shapes(nonlinear.fourier(2, 5)),
        "FFT3D IFFT3D": _by_shapes(nonlinear.fourier(3, 5)),
        "RFFT IRFFT": _by_shapes(nonlinear.fourier(1, 2.5)),
        "RFFT2D IRFFT2D": _by_shapes(nonlinear.fourier(2, 2.5)),
        "RFFT3D IRFFT3D": _by_shapes(nonlinear.fourier(3, 2.5)),
        "Cholesky": _by_shapes(linear.factorization(1 / 3)),
        "Lu MatrixDeterminant LogMatrixDeterminant": _by_shapes(linear.factorization(2 / 3)),
        "MatrixInverse": _by_shapes(linear.factorization(2)),
        "MatrixSolve": _by_shapes(linear.solve(2 / 3)),
        "MatrixTriangularSolve": _by_shapes(linear.solve(0)),
        "PartitionedCall StatefulPartitionedCall": _call,
        "Case If StatelessCase StatelessIf": _branches,
        "While StatelessWhile": _loop,
    }
)
