"""The cost of code that has no rule: the operations that it runs, one by one.

A function is traced by Keras's backend without being computed: TensorFlow returns a graph, JAX a
jaxpr. Each operation in it is counted from its shapes. The other backends of Keras do not trace.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from kerazoo import compat
from kerazoo.accounting.cost import Cost
from kerazoo.errors import UsageError, reason
from kerazoo.lazy import keras

TRACERS = {
    "jax": "kerazoo.accounting.jaxpr",
    "tensorflow": "kerazoo.accounting.tensorflow_graph",
}


def run(code: Callable[[], Any]) -> tuple[Any, Cost]:
    """Run code that is written with Keras layers and `keras.ops`, on symbolic tensors.

    Args:
        code: Calls layers and operations on tensors of the class `keras.KerasTensor`. It may read
            weights, whose values are not needed.

    Returns:
        The outputs, and the cost of what is computed from weights alone, such as a normalized
        kernel: no symbolic tensor takes part in it.

    Raises:
        Exception: The code is not written in that way.
    """
    with compat.operators_deferred():
        tracer = _tracer()
        if tracer:
            return tracer.trace(code, (), {})
        with keras.StatelessScope():
            return code(), Cost()


def traced(
    function: Callable[..., Any],
    arguments: tuple[Any, ...] = (),
    options: Mapping[str, Any] | None = None,
    name: str = "",
) -> tuple[Any, Cost]:
    """Return the outputs of a function on symbolic tensors, and the cost of what it runs.

    Args:
        function: Any code that the backend can trace. It may read weights, whose values are not
            needed.
        arguments: Its arguments, with a `keras.KerasTensor` for each tensor.
        options: Its keyword arguments, likewise.
        name: Of the function, for messages; by default its own.

    Returns:
        The outputs, with a `keras.KerasTensor` for each tensor, and the cost. If the function
        cannot be traced, the outputs are None and the cost says why.

    Raises:
        UsageError: The function raises one.
    """
    name = name or getattr(function, "__name__", type(function).__name__)
    tracer = _tracer()
    if tracer is None:
        why = f"'{name}', since Keras's backend {keras.config.backend()} does not trace"
        return None, Cost(traced=True, unsupported=(why,))
    try:
        return tracer.trace(function, arguments, dict(options or {}))
    except UsageError:
        raise
    except Exception as error:  # a layer's code may raise anything here
        why = f"'{name}', which cannot be traced: {reason(error)}"
        return None, Cost(traced=True, unsupported=(why,))


def symbolic(values: Any) -> Any:
    """Return a structure with a `keras.KerasTensor` for each tensor of a trace."""
    return keras.tree.map_structure(_tracer().symbolic, values)


def placeholders(values: Any, after: Any) -> Any:
    """Return a structure with a tensor for each `keras.KerasTensor`, which needs those of `after`.

    `after` has at least one tensor of the trace in which they are to be.
    """
    tracer = _tracer()
    return keras.tree.map_structure(
        lambda value: (
            tracer.placeholder(value, after) if isinstance(value, keras.KerasTensor) else value
        ),
        values,
    )


def _tracer() -> Any:
    """Return the module that traces with Keras's backend, None if none does."""
    module = TRACERS.get(keras.config.backend())
    return module and importlib.import_module(module)
