"""What every constructor does alike: its input, the pooling in place of a top, its weights."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from kerazoo.errors import UsageError
from kerazoo.lazy import keras
from kerazoo.registry import register
from kerazoo.weights import Weights, load_weights

Shape = tuple[int | None, int | None, int | None]
Activation = str | Callable[..., Any] | None


def image_input(
    default_shape: tuple[int, int, int],
    min_size: int,
    include_top: bool,
    input_shape: Shape | None,
    input_tensor: keras.KerasTensor | None,
    any_size: bool = False,
) -> keras.KerasTensor:
    """Return the tensor a network starts from, as keras.applications chooses it.

    Args:
        default_shape: (height, width, channels) where `input_shape` is not given; without a top
            its height and width are then left open.
        min_size: Smallest height and width that leave a pixel to every layer.
        include_top: Whether a classifier follows.
        input_shape: Shape of one image in Keras's image data format, or None.
        input_tensor: A tensor to start from instead, or None.
        any_size: Whether the classifier does without a known height and width.

    Raises:
        UsageError: The shape is not that of an image, has unknown channels, is too small, or has
            an unknown height or width under a classifier.
    """
    if input_tensor is not None:
        _check(tuple(input_tensor.shape[1:]), min_size, include_top and not any_size)
        return input_tensor
    if input_shape is None:
        height, width, channels = default_shape
        size = (height, width) if include_top else (None, None)
        first = keras.config.image_data_format() == "channels_first"
        input_shape = (channels, *size) if first else (*size, channels)
    _check(input_shape, min_size, include_top and not any_size)
    return keras.Input(input_shape)


def _check(shape: Shape, min_size: int, size_needed: bool) -> None:
    data_format = keras.config.image_data_format()
    told = f"in the data format {data_format}, unlike {shape}"
    if not isinstance(shape, tuple | list) or len(shape) != 3:
        raise UsageError(f"input_shape must have three entries {told}")
    if not all(side is None or isinstance(side, int) for side in shape):
        raise UsageError(f"input_shape must have whole numbers or None {told}")
    first = data_format == "channels_first"
    size, channels = (shape[1:], shape[0]) if first else (shape[:2], shape[2])
    if not channels or channels < 1:
        raise UsageError(f"input_shape must give the number of channels {told}")
    if any(side is not None and side < min_size for side in size):
        raise UsageError(f"input_shape must be at least {min_size}x{min_size} {told}")
    if size_needed and None in size:
        raise UsageError(f"input_shape must give height and width under a top {told}")


def classifier(
    x: keras.KerasTensor, classes: int, activation: Activation, name: str
) -> keras.KerasTensor:
    """Return the scores [batch, classes] of a last dense layer over features [batch, n].

    It computes in the width of its weights, so that a mixed precision keeps whole logits.

    Raises:
        UsageError: `classes` is not a whole number of 1 or more.
    """
    check_classes(classes, least=1)
    dtype = variable_dtype()
    return keras.layers.Dense(classes, activation=activation, dtype=dtype, name=name)(x)


def check_classes(classes: int, least: int) -> None:
    """Raise a UsageError where `classes` is not a whole number of `least` or more."""
    if not isinstance(classes, int) or classes < least:
        raise UsageError(f"classes must be a whole number of {least} or more, not {classes!r}")


def check_choice(name: str, value: object, choices: tuple[str | None, ...]) -> None:
    """Raise a UsageError where the argument called `name` is none of the choices."""
    if value not in choices:
        *most, last = map(repr, choices)
        raise UsageError(f"{name} must be {', '.join(most)} or {last}, not {value!r}")


def activation(x: keras.KerasTensor, function: Activation, name: str) -> keras.KerasTensor:
    """Return the scores of one or of many places after an activation over the classes."""
    function = keras.activations.get(function)
    if function is keras.activations.linear:
        return x
    if function is keras.activations.softmax:
        axis = 1 if keras.config.image_data_format() == "channels_first" else -1
        return keras.layers.Softmax(axis, dtype=variable_dtype(), name=name)(x)
    return keras.layers.Activation(function, dtype=variable_dtype(), name=name)(x)


def variable_dtype() -> str:
    """Return the type of the weights under Keras's policy, whole where it computes in half."""
    return keras.config.dtype_policy().variable_dtype


def size(x: keras.KerasTensor) -> tuple[int | None, int | None]:
    """Return height and width of features [batch, height, width, channels]."""
    first = keras.config.image_data_format() == "channels_first"
    return tuple(x.shape[2:]) if first else tuple(x.shape[1:3])


def global_pool(x: keras.KerasTensor, pooling: str | None) -> keras.KerasTensor:
    """Return the features [batch, height, width, channels], or their mean or maximum a channel.

    Raises:
        UsageError: `pooling` is none of None, "avg" and "max".
    """
    check_choice("pooling", pooling, (None, "avg", "max"))
    if pooling is None:
        return x
    average, maximum = keras.layers.GlobalAveragePooling2D, keras.layers.GlobalMaxPooling2D
    return (average if pooling == "avg" else maximum)(name="global_pool")(x)


def build_model(
    inputs: keras.KerasTensor, outputs: keras.KerasTensor, name: str, weights: Weights
) -> keras.Model:
    """Return the model from what feeds `inputs` to `outputs`, with its weights loaded."""
    sources = keras.utils.get_source_inputs(inputs)
    model = keras.Model(sources[0] if len(sources) == 1 else sources, outputs, name=name)
    if weights is not None:
        load_weights(model, weights)
    return model


def constructor(
    variant: str,
    text: str,
    features: Callable[..., keras.KerasTensor],
    *,
    least: int,
    last: str = "classifier",
    **facts: Any,
) -> Callable[..., keras.Model]:
    """Return the registered constructor of a network that ends in a mean and one dense layer.

    Args:
        variant: Its name.
        text: Its docstring.
        features: From the images to the last map; its options become the constructor's.
        least: Smallest height and width of an image.
        last: Name of the dense layer.
        facts: The facts of `kerazoo.registry.Entry`.
    """

    @register(variant, **facts)
    def build(
        include_top: bool = True,
        weights: Weights = None,
        input_tensor: keras.KerasTensor | None = None,
        input_shape: Shape | None = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Activation = "softmax",
        name: str = variant,
        **options: Any,
    ) -> keras.Model:
        shape = facts["input_shape"]
        inputs = image_input(shape, least, include_top, input_shape, input_tensor, True)
        x = features(inputs, **options)
        if include_top:
            x = classifier(global_pool(x, "avg"), classes, classifier_activation, name=last)
        else:
            x = global_pool(x, pooling)
        return build_model(inputs, x, name, weights)

    shared = list(inspect.signature(build).parameters.values())[:-1]
    own = list(inspect.signature(features).parameters.values())[1:]
    build.__signature__ = inspect.Signature([*shared, *own])  # type: ignore[attr-defined]  # help()
    build.__name__ = build.__qualname__ = variant
    build.__doc__ = text
    return build
