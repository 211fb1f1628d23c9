"""The cost of a jaxpr, JAX's form of a traced function, primitive by primitive.

Each cost function takes an equation of the jaxpr. Primitives on integers alone, which compute
positions and shapes, are no FLOPs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from kerazoo import compat
from kerazoo.accounting import linear, nonlinear
from kerazoo.accounting.cost import (
    PER_ELEMENT,
    Cost,
    CostFunction,
    Shape,
    by_name,
    looped,
    most_expensive,
    names,
    sums,
)
from kerazoo.lazy import keras

EquationCost = Callable[[Any], Cost]


def trace(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    options: dict[str, Any],
) -> tuple[Any, Cost]:
    """Trace a function as `operations.traced` does.

    Raises:
        Exception: The function cannot be traced.
    """
    import jax

    leaves = keras.tree.flatten((arguments, options))
    tensors = [leaf for leaf in leaves if isinstance(leaf, keras.KerasTensor)]
    specs = [jax.ShapeDtypeStruct(each.shape, each.dtype) for each in tensors]
    results: list[Any] = []
    symbolic_leaves: list[keras.KerasTensor] = []  # see `operations.run`

    def compute(scalar: Any, *arrays: Any) -> list[jax.Array]:
        by_id = dict(zip(map(id, tensors), arrays, strict=True))
        args, kwargs = keras.tree.map_structure(
            lambda leaf: by_id.get(id(leaf), leaf), (arguments, options)
        )
        with compat.weights_made_by(lambda weight: placeholder(weight, scalar)):
            outputs = function(*args, **kwargs)
        leaves = keras.tree.flatten(outputs)
        symbolic_leaves.extend(each for each in leaves if isinstance(each, keras.KerasTensor))
        results.append(keras.tree.map_structure(symbolic, outputs))
        return [leaf for leaf in keras.tree.flatten(outputs) if isinstance(leaf, jax.Array)]

    jaxpr = jax.make_jaxpr(compute)(jax.ShapeDtypeStruct((), "float32"), *specs).jaxpr
    return results[0], _total(jaxpr.eqns) if symbolic_leaves else count(jaxpr)


def placeholder(tensor: Any, after: Any) -> Any:
    """Return a tensor, of the shape and dtype of another, which needs the tensors of `after`."""
    import jax

    needed = [leaf for leaf in keras.tree.flatten(after) if isinstance(leaf, jax.Array)]
    first, *_ = jax.lax.optimization_barrier(needed)
    return jax.lax.broadcast(first.reshape(-1)[0].astype(tensor.dtype), tensor.shape)


def symbolic(value: Any) -> Any:
    """Return a `keras.KerasTensor` for a tensor, anything else as it is."""
    import jax

    if not isinstance(value, jax.Array):
        return value
    return keras.KerasTensor(value.shape, str(value.dtype))


def count(jaxpr: Any) -> Cost:
    """Return the cost of a jaxpr, and of the jaxprs in it."""
    needed = set(map(id, jaxpr.outvars))
    equations = []
    for equation in reversed(jaxpr.eqns):  # JAX runs no equation that no output depends on
        if not needed.isdisjoint(map(id, equation.outvars)):
            needed.update(map(id, equation.invars))
            equations.append(equation)
    return _total(equations)


def _total(equations: list[Any]) -> Cost:
    return sum(map(_cost, equations), Cost(traced=True))


def _cost(equation: Any) -> Cost:
    kind = equation.primitive.name
    if kind in MOVES or kind.startswith("random_"):
        return Cost()
    name = NAMES.get(kind, kind)
    compute = COSTS.get(kind) or (
        _by_shapes(nonlinear.per_output(PER_ELEMENT[name])) if name in PER_ELEMENT else None
    )
    if compute is None:
        if kind in CALLS:
            return sum(map(count, _jaxprs(equation.params)), Cost())
        return Cost(unsupported=(f"JAX's {kind}",))
    variables = (*equation.invars, *equation.outvars)
    if kind not in WITH_INTEGERS and not any(map(_is_real, variables)):
        return Cost()
    return compute(equation)


def _jaxprs(parameters: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the jaxprs among the parameters of an equation."""
    for value in parameters.values():
        for each in value if isinstance(value, tuple | list) else (value,):
            jaxpr = getattr(each, "jaxpr", each)
            if hasattr(jaxpr, "eqns"):
                yield jaxpr


def _is_real(variable: Any) -> bool:
    dtype = getattr(variable.aval, "dtype", None)
    name = str(dtype)
    return "float" in name or "complex" in name


def _inputs(equation: Any) -> list[Shape]:
    return [variable.aval.shape for variable in equation.invars]


def _output(equation: Any) -> Shape:
    shape: Shape = equation.outvars[0].aval.shape
    return shape


def _by_shapes(function: CostFunction) -> EquationCost:
    """Return a function of equations that counts by a cost function of shapes."""
    return lambda equation: function(equation, _inputs(equation), [_output(equation)])


def _scatter(equation: Any) -> Cost:
    return Cost(flops=math.prod(_inputs(equation)[2]))


def _dot(equation: Any) -> Cost:
    (contracted, _), _ = equation.params["dimension_numbers"]
    outputs = math.prod(_output(equation))
    length = math.prod(_inputs(equation)[0][axis] for axis in contracted)
    return sums(length * outputs, outputs) if contracted else Cost(flops=outputs)


def _conv(equation: Any) -> Cost:
    image, kernel = _inputs(equation)
    numbers = equation.params["dimension_numbers"]
    outputs = math.prod(_output(equation))
    features = kernel[numbers.rhs_spec[0]]
    if max(equation.params["lhs_dilation"], default=1) > 1:  # each pixel times the whole kernel
        channels = kernel[numbers.rhs_spec[1]]
        groups = equation.params["feature_group_count"]
        return sums(math.prod(image) * math.prod(kernel) // channels // groups, outputs)
    return sums(math.prod(kernel) // features * outputs, outputs)


def _power(equation: Any) -> Cost:
    """Count the products of an integer power."""
    exponent = abs(equation.params["y"])
    products = max(exponent.bit_length() + exponent.bit_count() - 2, 0)
    return Cost(flops=(products + (equation.params["y"] < 0)) * math.prod(_output(equation)))


def _window(equation: Any) -> Cost:
    window = math.prod(equation.params["window_dimensions"])
    return Cost(flops=window * math.prod(_output(equation)))


def _sort(equation: Any) -> Cost:
    along = SimpleNamespace(axis=equation.params.get("dimension", -1))
    return nonlinear.sort(along, _inputs(equation), [_output(equation)])


def _fourier(equation: Any) -> Cost:
    variables = (*equation.invars, *equation.outvars)
    is_complex = all("complex" in str(variable.aval.dtype) for variable in variables)
    transform = nonlinear.fourier(len(equation.params["fft_lengths"]), 5 if is_complex else 2.5)
    return _by_shapes(transform)(equation)


def _scan(equation: Any) -> Cost:
    return count(equation.params["jaxpr"].jaxpr) * equation.params["length"]


def _branches(equation: Any) -> Cost:
    """Return the cost of the most expensive branch."""
    return most_expensive(count(branch.jaxpr) for branch in equation.params["branches"])


def _loop(equation: Any) -> Cost:
    parameters = equation.params
    iteration = count(parameters["body_jaxpr"].jaxpr) + count(parameters["cond_jaxpr"].jaxpr)
    return looped(iteration, _iterations(equation))


def _iterations(equation: Any) -> int | None:
    """Return the iterations of a loop whose counter is compared with a bound, None if unknown."""
    condition, body = (equation.params[f"{each}_jaxpr"].jaxpr for each in ("cond", "body"))
    skipped = equation.params["cond_nconsts"]
    tests = [each for each in condition.eqns if each.primitive.name in ("lt", "le")]
    if len(tests) != 1 or len(condition.eqns) != 1:
        return None
    first = equation.invars[skipped + equation.params["body_nconsts"] :]
    state = condition.invars[skipped:]
    index = _index(tests[0].invars[0], state)
    if index is None:
        return None
    values = dict(zip(map(id, condition.invars[:skipped]), equation.invars[:skipped], strict=True))
    values.update(zip(map(id, state), first, strict=True))
    counter, bound = (_value(values.get(id(each), each)) for each in tests[0].invars)
    step = _step(body, equation.params["body_nconsts"], index)
    if counter is None or bound is None or step is None:
        return None
    limit = _index(tests[0].invars[1], state)
    constants = equation.params["body_nconsts"]
    if limit is not None and body.outvars[limit] is not body.invars[constants + limit]:
        return None  # the body changes the bound
    last = bound + (tests[0].primitive.name == "le")
    return max(-(-(last - counter) // step), 0)


def _step(body: Any, constants: int, index: int) -> int | None:
    """Return by how much the body increases a part of the loop's state, None if unknown."""
    before, after = body.invars[constants + index], body.outvars[index]
    made = next((each for each in body.eqns if after in each.outvars), None)
    if made is None or made.primitive.name != "add" or before not in made.invars:
        return None
    steps = [_value(each) for each in made.invars if each is not before]
    return steps[0] if steps and steps[0] and steps[0] > 0 else None


def _value(variable: Any) -> int | None:
    """Return the value of a literal scalar, None for anything else."""
    value = np.asarray(getattr(variable, "val", None))
    return int(value) if np.issubdtype(value.dtype, np.integer) and not value.ndim else None


def _index(variable: Any, variables: list[Any]) -> int | None:
    return next((index for index, each in enumerate(variables) if each is variable), None)


# Primitives that move data, or describe it.
MOVES = names(
    "bitcast_convert_type broadcast_in_dim complex concatenate convert_element_type copy copy_p "
    "create_token device_put dynamic_slice dynamic_update_slice empty expand_dims gather imag "
    "iota layout_constraint optimization_barrier pad real reduce_precision reshape rev scatter "
    "sharding_constraint shift_left shift_right_arithmetic shift_right_logical slice split "
    "squeeze stop_gradient threefry2x32 tile transpose unvmap_any xla_pmap"
)

# The names in `PER_ELEMENT` of what JAX calls otherwise.
NAMES: Mapping[str, str] = {
    "acos": "arccos",
    "acosh": "arccosh",
    "add_any": "add",
    "and": "logicaland",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atan2": "arctan2",
    "atanh": "arctanh",
    "bessel_i0e": "i0",
    "clamp": "clip",
    "digamma": "i0",
    "div": "divide",
    "eq": "equal",
    "erf_inv": "erfinv",
    "ge": "greaterequal",
    "gt": "greater",
    "is_finite": "isfinite",
    "le": "lessequal",
    "lgamma": "i0",
    "logistic": "sigmoid",
    "le_to": "lessequal",
    "lt": "less",
    "lt_to": "less",
    "max": "maximum",
    "min": "minimum",
    "mul": "multiply",
    "ne": "notequal",
    "neg": "negative",
    "not": "logicalnot",
    "or": "logicalor",
    "pow": "power",
    "rem": "mod",
    "select_n": "where",
    "sub": "subtract",
    "xor": "logicalxor",
}

# Primitives that run the jaxpr among their parameters, once.
CALLS = names(
    "checkpoint closed_call core_call custom_jvp_call custom_vjp_call custom_vjp_call_jaxpr jit "
    "pjit remat remat2"
)

# Primitives that are counted for integers too.
WITH_INTEGERS = names("conv_general_dilated cond dot_general scan while")

COSTS: Mapping[str, EquationCost] = by_name(
    {
        "dot_general": _dot,
        "conv_general_dilated": _conv,
        "integer_pow": _power,
        "argmax argmin cummax cummin cumprod cumsum reduce_and reduce_max reduce_min reduce_or "
        "reduce_prod reduce_sum reduce_xor": _by_shapes(nonlinear.reduce),
        "cumlogsumexp": _by_shapes(nonlinear.per_input(4)),
        "reduce_window reduce_window_max reduce_window_min reduce_window_sum": _window,
        "reduce": _by_shapes(nonlinear.reduce),
        "sort top_k": _sort,
        "custom_linear_solve": lambda equation: count(equation.params["jaxprs"].solve.jaxpr),
        "fft": _fourier,
        "scatter-add scatter_add scatter_max scatter_min scatter_mul": _scatter,
        "cholesky": _by_shapes(linear.factorization(1 / 3)),
        "lu": _by_shapes(linear.factorization(2 / 3)),
        "triangular_solve": _by_shapes(linear.solve(0)),
        "scan": _scan,
        "cond": _branches,
        "while": _loop,
    }
)
