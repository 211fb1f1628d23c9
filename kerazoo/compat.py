"""The private APIs of Keras and TensorFlow that kerazoo uses, each with the reason.

Tested with Keras 3.10 and 3.15, TensorFlow 2.20 and 2.21.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from kerazoo.lazy import keras, tf

# Operators of `keras.Variable` that need the elements of the other operand.
OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
# What Keras sets in a callback for a process, such as whether its profiler runs; no public name
# lists it.
SET_IN_CALLBACKS = ("params", "_model", "_is_tracing", "_profiler_started")
Moments = Callable[[Any, Any], tuple[Any, Any]]
# Returns the outputs of a layer or operation for its arguments and keyword arguments.
Answer = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]


def common_seed() -> Any:
    """Return the variable of the generator that layers without a seed of their own draw from.

    Reason: its state is part of what resuming restores, and Keras has no public name for it.
    """
    from keras.src.random.seed_generator import global_seed_generator

    return global_seed_generator().state


@contextlib.contextmanager
def shapes_only() -> Iterator[None]:
    """Build models whose weights have shapes and no values, in no memory and almost no time.

    They are for counting and tracing, and not to be loaded, trained or saved: Keras makes up values
    where it reads a weight.

    Reason: Keras lists the weights that are built in a `keras.StatelessScope`, and would give them
    all values as soon as the next scope ends; it has no public way to take them off that list.
    """
    from keras.src.backend.common import global_state

    name = "uninitialized_variables"
    before = global_state.get_global_attribute(name, [])
    global_state.set_global_attribute(name, [])
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        global_state.set_global_attribute(name, before)


@contextlib.contextmanager
def gradients_summed(optimizer: Any) -> Iterator[None]:
    """Let an optimizer apply gradients as they are: the sums of all replicas' gradients.

    Reason: Keras sums the gradients of the replicas when it applies them, after loss scaling and
    clipping have used those of one replica, and has no public way to turn that off.
    """
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer = optimizer.inner_optimizer
    optimizer._all_reduce_sum_gradients = lambda gradients_and_variables: gradients_and_variables
    try:
        yield
    finally:
        del optimizer._all_reduce_sum_gradients


def replace_moments(layer: Any, moments: Callable[[Moments, Any, Any], tuple[Any, Any]]) -> None:
    """Replace the function for the moments of a batch normalization.

    Args:
        layer: The layer.
        moments: Returns mean and variance, each [channels], given Keras's own function, the inputs
            and their mask.

    Reason: Keras exchanges its synchronized moments in three parts, one after the other, and has no
    public way to exchange them at once.
    """
    layer._moments = partial(moments, layer._moments)


def model_of_config(config: Any) -> Any:
    """Return the model of a config, as a `.keras` or an `.h5` file has it.

    Reason: the public function does not read configs of before Keras 3, which name no modules.
    """
    if config.get("module"):
        return keras.saving.deserialize_keras_object(config, safe_mode=True)
    from keras.src.legacy.saving.saving_utils import model_from_config
    from keras.src.saving.serialization_lib import SafeModeScope

    with SafeModeScope(True):
        return model_from_config(config)


def all_layers(layer: Any, include_self: bool = True) -> list[Any]:
    """Return the layers in a layer or model, at any depth.

    Reason: `Model.layers` has those of the first level, and `Layer` none.
    """
    return list(layer._flatten_layers(include_self=include_self))


def nodes_in_order(graph: Any) -> Iterator[Any]:
    """Yield the nodes of a `keras.Function`, each after those it depends on.

    Reason: `Function.operations` has an operation once, however often it is called.
    """
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        yield from graph._nodes_by_depth[depth]


def operation_of(tensor: keras.KerasTensor) -> Any:
    """Return the operation that a symbolic tensor is the output of.

    Reason: Keras has no public way from a tensor to its operation.
    """
    return tensor._keras_history.operation


def functional_of(model: Any) -> Any:
    """Return the `keras.Function` that a built sequential model runs.

    Reason: Keras has no public way to the calls of its layers.
    """
    return model._functional


def check_input(layer: Any, tensor: Any) -> None:
    """Raise a ValueError where a layer refuses the shape of a tensor.

    Reason: only a call checks the shape in public, and a call also computes.
    """
    layer._assert_input_compatibility(tensor)


@contextlib.contextmanager
def calls_answered_by(answer: Answer) -> Iterator[None]:
    """Let `answer(operation, args, kwargs)` return the outputs of symbolic calls.

    The answer `NotImplemented` leaves them to Keras. A layer does not remember those that are
    answered, and may return None or no tensor at all.

    Reason: Keras has no public way to see the calls in a layer's code without computing them. Two
    classes and a function are patched for the whole process, within a `with` block.
    """
    from keras.src.layers import layer as module

    answered: set[int] = set()

    def remembering(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        outputs = answer(operation, args, kwargs)
        (answered.discard if outputs is NotImplemented else answered.add)(id(operation))
        return outputs

    make = module.Node

    def node(operation: Any, **arguments: Any) -> Any:
        return None if id(operation) in answered else make(operation=operation, **arguments)

    with contextlib.ExitStack() as stack:
        stack.enter_context(replaced(module, "Node", node))
        for owner in (keras.Operation, keras.Layer):
            stack.enter_context(_answered(owner, "symbolic_call", remembering))
        yield


@contextlib.contextmanager
def layers_answered_by(answer: Answer) -> Iterator[None]:
    """Let `answer(layer, args, kwargs)` return the outputs of layers that are called on arrays.

    The answer `NotImplemented` lets the layer compute. See `calls_answered_by`.
    """
    with _answered(keras.Layer, "__call__", answer):
        yield


def _answered(owner: type, name: str, answer: Answer) -> contextlib.AbstractContextManager[None]:
    """Replace a method by one that asks `answer` first."""
    compute = vars(owner)[name]

    def call(operation: Any, *args: Any, **kwargs: Any) -> Any:
        outputs = answer(operation, args, kwargs)
        return compute(operation, *args, **kwargs) if outputs is NotImplemented else outputs

    return replaced(owner, name, call)


@contextlib.contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Let an object or a class have another attribute in a `with` block."""
    original = vars(owner)[name]
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, original)


@contextlib.contextmanager
def operators_deferred() -> Iterator[None]:
    """Let `weight * tensor` be computed by the symbolic tensor, as `tensor * weight` is.

    Reason: the operators of `keras.Variable` convert the other operand to an array, and Keras has
    no public way to trace them. The class is patched for the whole process, within a `with` block.
    """

    def deferring(compute: Any) -> Any:
        return lambda weight, x: (
            NotImplemented if isinstance(x, keras.KerasTensor) else compute(weight, x)
        )

    owner = next(base for base in keras.Variable.__mro__ if "__add__" in vars(base))
    with contextlib.ExitStack() as stack:
        for name in (f"__{operator}__" for operator in OPERATORS):
            stack.enter_context(replaced(owner, name, deferring(vars(owner)[name])))
        yield


def autocast(layer: Any) -> Any:
    """Return a context in which a layer reads its weights in the dtype that it computes in.

    Reason: only `Layer.__call__` opens it in public, and it also computes.
    """
    from keras.src.backend import AutocastScope

    differs = layer.autocast and layer.compute_dtype != layer.variable_dtype
    return AutocastScope(layer.compute_dtype) if differs else contextlib.nullcontext()


def weights_made_by(make: Callable[[keras.Variable], Any]) -> Any:
    """Return a scope in which the value of a weight is what `make(weight)` returns, made once.

    What the code assigns to weights is dropped.

    Reason: Keras has no public way to give values to weights that are not known beforehand.
    """

    class Scope(keras.StatelessScope):
        def get_current_value(self, variable: keras.Variable) -> Any:
            value = super().get_current_value(variable)
            if value is None:
                value = make(variable)
                self.add_update((variable, value))
            return value

    return Scope()


def place_of_trace() -> Any:
    """Return what is equal for operations of one trace, and differs inside a loop or branch.

    Reason: JAX has no public name for it.
    """
    if keras.config.backend() == "tensorflow":
        return id(tf.compat.v1.get_default_graph())
    from jax.core import get_opaque_trace_state

    return get_opaque_trace_state()


def input_structure(model: Any, inputs: list[Any]) -> Any:
    """Return a flat list of inputs in the structure that a functional model takes, such as a dict.

    Reason: `Model.inputs` has them as a flat list.
    """
    return keras.tree.pack_sequence_as(model._inputs_struct, inputs)


def has_gate(layer: Any) -> bool:
    """Return whether an attention layer multiplies what it attends to by a gate.

    Reason: only `GroupQueryAttention` has a public attribute for it.
    """
    return bool(getattr(layer, "use_gate", getattr(layer, "_use_gate", False)))


def output_structure(function: Any, outputs: list[Any]) -> Any:
    """Return the outputs of a `keras.Function` in its structure, such as a dict.

    Reason: `Function.outputs` has them as a flat list.
    """
    return keras.tree.pack_sequence_as(function._outputs_struct, outputs)


def tensorflow_graph() -> Any:
    """Return a TensorFlow graph that a `with graph.as_default()` block adds operations to.

    Reason: a `tf.Graph` cannot read variables that exist, and `tf.function` runs no code of which
    it has a trace already.
    """
    return tf.__internal__.FuncGraph("count")


def graph_of_function(operation: Any, attribute: str) -> Any:
    """Return the graph of a function that an operation of TensorFlow calls.

    Reason: TensorFlow has no public way from an operation to the functions that it names.
    """
    return graph_named(operation, operation.get_attr(attribute).name)


def graph_named(operation: Any, name: str) -> Any:
    """Return the graph of a function of the graph that an operation is in.

    Reason: as of `graph_of_function`.
    """
    graph = getattr(operation.graph._get_function(name), "graph", None)
    if graph is None:
        raise NotImplementedError(f"the function {name}, which has no graph")
    return graph


@contextlib.contextmanager
def determinism(wanted: bool) -> Iterator[None]:
    """Turn TensorFlow's deterministic operations on or off within a `with` block.

    Reason: `tf.config.experimental.enable_op_determinism` has no public counterpart.
    """
    from tensorflow.python.framework import config

    switch = {True: config.enable_op_determinism, False: config.disable_op_determinism}
    before = config.is_op_determinism_enabled()
    switch[wanted]()
    try:
        yield
    finally:
        switch[before]()


def gpu_memory() -> int:
    """Return the bytes that TensorFlow may use of the GPU with the least memory.

    Reason: `tf.config` reports how much is in use, not how much there is.
    """
    from tensorflow.python.client import device_lib

    devices = device_lib.list_local_devices()
    return min(each.memory_limit for each in devices if each.device_type == "GPU")


def profile_operations(graph: tf.Graph) -> None:
    """Count the floating-point operations of a graph with TensorFlow's profiler.

    Reason: in TensorFlow 2 the profiler of TensorFlow 1 is left without a public name.
    """
    from tensorflow.python.profiler import model_analyzer, option_builder

    builder = option_builder.ProfileOptionBuilder
    options = builder(builder.float_operation()).with_empty_output().build()
    model_analyzer.profile(graph, cmd="op", options=options)
