"""Shared parts of the constructors: registration, inputs, pooling, classifiers, checks."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from kerazoo import registry
from kerazoo.errors import UsageError, did_you_mean, reason
from kerazoo.lazy import keras
from kerazoo.registry import Constructor, ModelConfig, ModelInfo
from kerazoo.values import check_choice, check_integer, check_positive, is_integer, plain, short
from kerazoo.weights import load_weights
from kerazoo.weights.networks import keras_name

Shape = tuple[int | None, int | None, int | None]
Activation = str | Callable[..., Any] | None
Namer = Callable[[str], str]

# What other libraries call the options.
SYNONYMS = {
    "num_classes": "classes",
    "pretrained": "weights",
    "drop_rate": "dropout_rate",
    "global_pool": "pooling",
    "width_mult": "alpha",
    "activation": "classifier_activation",
}


def constructor(info: ModelInfo, alias: str | None = None) -> Callable[[Constructor], Constructor]:
    """Register the decorated function as the constructor of a model.

    The function has the arguments that `kerazoo.create_model` documents, then its own options. It
    builds the model; after that the model gets its `kerazoo_config`, and `weights` are loaded.

    Args:
        info: What is known of the model.
        alias: Name in keras.applications, of a function with other defaults than the
            registered one, which is not registered.
    """

    def decorate(build: Constructor) -> Constructor:
        signature = inspect.signature(build)
        registered = registry.constructor(info.name) if alias else build
        defaults = inspect.signature(registered).parameters

        @functools.wraps(build)
        def construct(*args: Any, **kwargs: Any) -> keras.Model:
            for option in sorted(kwargs.keys() - signature.parameters.keys()):
                hint = did_you_mean(SYNONYMS.get(option, option), signature.parameters)
                raise UsageError(f"unknown option '{option}' of {construct.__name__}{hint}")
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            for name in bound.arguments.keys() - {"weights", "input_tensor"}:
                bound.arguments[name] = plain(bound.arguments[name])
                if isinstance(defaults[name].default, bool):
                    check_choice(name, bound.arguments[name], (True, False))
            try:
                model = build(*bound.args, **bound.kwargs)
            except ValueError as error:  # Keras refuses a name, an activation or the like
                if isinstance(error, UsageError):
                    raise
                raise UsageError(f"{construct.__name__}: {reason(error)}") from error
            options = {
                name: value
                for name, value in bound.arguments.items()
                if name not in ("weights", "input_tensor", "name")
                and value != defaults[name].default
            }
            model.kerazoo_config = ModelConfig(info.name, options)
            if bound.arguments["weights"] is not None:
                load_weights(model, bound.arguments["weights"])
            return model

        construct.__name__ = construct.__qualname__ = alias or info.name
        if not alias:
            registry.register(info, construct)
        return construct

    return decorate


def image_input(
    info: ModelInfo,
    include_top: bool,
    input_tensor: keras.KerasTensor | None,
    input_shape: Shape | None,
    minimum: int,
    any_size: bool = False,
) -> keras.KerasTensor:
    """Return the tensor that a network starts from, as keras.applications chooses it.

    Args:
        info: Of the model, for its default input shape.
        include_top: As in `kerazoo.create_model`; also `input_tensor` and `input_shape`.
        input_tensor: The tensor to start from instead of a new input.
        input_shape: Shape of one image in Keras's image data format.
        minimum: Smallest height and width for which every layer has an output.
        any_size: Whether the top works with unknown height and width.

    Raises:
        UsageError: The shape is not that of an image, has unknown channels, is too small, or has
            unknown height or width where the top needs them.
    """
    size_needed = include_top and not any_size
    if input_tensor is not None:
        if not isinstance(input_tensor, keras.KerasTensor):
            kind = type(input_tensor).__name__
            raise UsageError(f"input_tensor must be what keras.Input returns; received a {kind}")
        _check_shape(tuple(input_tensor.shape[1:]), minimum, size_needed)
        return input_tensor
    if input_shape is None:
        height, width, channels = info.input_shape
        size = (height, width) if include_top else (None, None)
        input_shape = (channels, *size) if channels_first() else (*size, channels)
    _check_shape(input_shape, minimum, size_needed)
    return keras.Input(input_shape)


def _check_shape(shape: Shape, minimum: int, size_needed: bool) -> None:
    where = " in the data format channels_first" if channels_first() else ""
    received = f"{where}; received {short(shape)}"
    if not isinstance(shape, tuple) or len(shape) != 3:
        raise UsageError(f"input_shape must have three elements{received}")
    if not all(side is None or is_integer(side) for side in shape):
        raise UsageError(f"input_shape must consist of integers or None{received}")
    size, channels = (shape[1:], shape[0]) if channels_first() else (shape[:2], shape[2])
    if not channels or channels < 1:
        raise UsageError(f"input_shape must give the number of channels{received}")
    if any(side is not None and side < minimum for side in size):
        raise UsageError(f"input_shape must be at least {minimum}x{minimum}{received}")
    if size_needed and None in size:
        raise UsageError(f"input_shape must give height and width with include_top=True{received}")


def functional(inputs: keras.KerasTensor, outputs: Any, name: str) -> keras.Model:
    """Return the model to `outputs` from the inputs that `inputs` was computed from."""
    sources = keras.utils.get_source_inputs(inputs)
    return keras.Model(sources[0] if len(sources) == 1 else sources, outputs, name=name)


def pooled(x: keras.KerasTensor, pooling: str | None) -> keras.KerasTensor:
    """Return features [batch, height, width, channels], or their mean or maximum per channel.

    Raises:
        UsageError: `pooling` is not None, "avg" or "max".
    """
    check_choice("pooling", pooling, (None, "avg", "max"))
    if pooling is None:
        return x
    layers = keras.layers
    pool = layers.GlobalAveragePooling2D if pooling == "avg" else layers.GlobalMaxPooling2D
    return pool(name="global_pool")(x)


def mean_classifier(
    x: keras.KerasTensor,
    include_top: bool,
    pooling: str | None,
    classes: int,
    activation: Activation,
    name: str,
    pool_name: str = "global_pool",
) -> keras.KerasTensor:
    """Return the scores of a dense layer over the mean of features, or without a top `pooled`."""
    if not include_top:
        return pooled(x, pooling)
    x = keras.layers.GlobalAveragePooling2D(name=pool_name)(x)
    return classifier(x, classes, activation, name)


def classifier(
    x: keras.KerasTensor, classes: int, activation: Activation, name: str
) -> keras.KerasTensor:
    """Return the scores [batch, classes] of a last dense layer over features [batch, n].

    It computes in the precision of its weights, so that mixed precision leaves the logits exact.

    Raises:
        UsageError: `classes` is not an integer of at least 1.
    """
    check_integer("classes", classes, 1)
    dtype = variable_dtype()
    return keras.layers.Dense(classes, activation=activation, dtype=dtype, name=name)(x)


def activated(x: keras.KerasTensor, function: Activation, name: str) -> keras.KerasTensor:
    """Return scores after an activation over the classes, which are on the channel axis."""
    function = keras.activations.get(function)
    if function is keras.activations.linear:
        return x
    if function is keras.activations.softmax and len(x.shape) == 4 and channels_first():
        return keras.layers.Softmax(1, dtype=variable_dtype(), name=name)(x)
    return keras.layers.Activation(function, dtype=variable_dtype(), name=name)(x)


def layer_namer(layer_names: str, rules: Mapping[str, str]) -> Namer:
    """Return a function from kerazoo's names of layers to those that the model gets.

    Raises:
        UsageError: `layer_names` is not "kerazoo" or "keras".
    """
    check_choice("layer_names", layer_names, ("kerazoo", "keras"))
    return functools.partial(keras_name, rules) if layer_names == "keras" else str


def scaled(width: int, alpha: float, divisor: int = 1) -> int:
    """Return `width` times the width multiplier `alpha`, rounded to a multiple of `divisor`.

    Raises:
        UsageError: `alpha` is not a positive number.
    """
    return divisor * max(1, round(width * check_positive("alpha", alpha) / divisor))


def variable_dtype() -> str:
    """Return the type of the weights under Keras's policy: float32 under mixed precision."""
    return keras.config.dtype_policy().variable_dtype


def channels_first() -> bool:
    """Return whether Keras's image data format has the channels before height and width."""
    return keras.config.image_data_format() == "channels_first"


def channel_axis() -> int:
    """Return the axis of the channels in Keras's image data format."""
    return 1 if channels_first() else -1
