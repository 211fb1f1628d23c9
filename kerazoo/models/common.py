"""What every constructor does alike: its arguments, its input, the top or what stands for it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

from kerazoo.errors import UsageError
from kerazoo.lazy import keras
from kerazoo.registry import register
from kerazoo.weights import Weights, load_weights

Shape = tuple[int | None, int | None, int | None]
Activation = str | Callable[..., Any] | None


# Stands in a network's docstring for what `SHARED` says in the constructor's.
ASKED = "        asked: The arguments that all constructors share.\n"
SHARED = """\
        include_top: Whether the last layers follow the features.
        weights: None for random values, "imagenet", "mnist", a file or a model; see
            `kerazoo.weights.load_weights`.
        input_tensor: A tensor to start from instead of a new input.
        input_shape: Shape of one image in Keras's image data format, {shape} by default; without
            a top the default leaves height and width open.
        pooling: Without a top: None for the last map, "avg" or "max" for its mean or maximum.
        classes: Width of the last layer, {classes} by default.
        classifier_activation: Activation of the last layer; None gives the logits.
        name: Name of the model.
"""


@dataclass(frozen=True)
class Asked:
    """What a constructor is asked for, under the names of keras.applications.

    Attributes:
        default_shape: (height, width, channels) where `input_shape` is not given; without a top
            its height and width are then left open.
        include_top: Whether a classifier follows.
        weights: As `kerazoo.weights.load_weights` takes them; None for random ones.
        input_tensor: A tensor to start from instead of a new input, or None.
        input_shape: Shape of one image in Keras's image data format, or None.
        pooling: Without a top: None for the last map, "avg" or "max" for its mean or maximum.
        classes: Width of the last layer.
        classifier_activation: Activation of the last layer; None gives the logits.
        name: Name of the model.
    """

    default_shape: tuple[int, int, int]
    include_top: bool
    weights: Weights
    input_tensor: keras.KerasTensor | None
    input_shape: Shape | None
    pooling: str | None
    classes: int
    classifier_activation: Activation
    name: str

    def inputs(self, least: int, any_size: bool = False) -> keras.KerasTensor:
        """Return the tensor a network starts from, as keras.applications chooses it.

        Args:
            least: Smallest height and width that leave a pixel to every layer.
            any_size: Whether the classifier does without a known height and width.

        Raises:
            UsageError: The shape is not that of an image, has unknown channels, is too small, or
                has an unknown height or width under a classifier.
        """
        size_needed = self.include_top and not any_size
        if self.input_tensor is not None:
            _check(tuple(self.input_tensor.shape[1:]), least, size_needed)
            return self.input_tensor
        shape = self.input_shape
        if shape is None:
            height, width, channels = self.default_shape
            size = (height, width) if self.include_top else (None, None)
            first = keras.config.image_data_format() == "channels_first"
            shape = (channels, *size) if first else (*size, channels)
        _check(shape, least, size_needed)
        return keras.Input(shape)

    def pooled(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Return features as `pooling` says: the map, or its mean or maximum a channel.

        Raises:
            UsageError: `pooling` is none of None, "avg" and "max".
        """
        check_choice("pooling", self.pooling, (None, "avg", "max"))
        if self.pooling is None:
            return x
        if self.pooling == "avg":
            return mean(x)
        return keras.layers.GlobalMaxPooling2D(name="global_pool")(x)

    def classifier(self, x: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """Return the scores [batch, classes] of a last dense layer over features [batch, n].

        It computes in the width of its weights, so that a mixed precision keeps whole logits.

        Raises:
            UsageError: `classes` is not a whole number of 1 or more.
        """
        check_classes(self.classes, least=1)
        layer = keras.layers.Dense(
            self.classes, activation=self.classifier_activation, dtype=variable_dtype(), name=name
        )
        return layer(x)

    def mean_and_classifier(self, x: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """Return the scores over the mean of the last map, or without a top what stands for it."""
        return self.classifier(mean(x), name) if self.include_top else self.pooled(x)

    def model(self, inputs: keras.KerasTensor, outputs: Any) -> keras.Model:
        """Return the model from what feeds `inputs` to `outputs`, with its weights loaded."""
        sources = keras.utils.get_source_inputs(inputs)
        sources = sources[0] if len(sources) == 1 else sources
        model = keras.Model(sources, outputs, name=self.name)
        if self.weights is not None:
            load_weights(model, self.weights)
        return model


def constructor(
    variant: str,
    *,
    source: str,
    year: int,
    input_shape: tuple[int, int, int],
    params: int,
    macs: int,
    classes: int = 1000,
    divisible: bool = False,
) -> Callable[[Callable[..., keras.Model]], Callable[..., keras.Model]]:
    """Register a network as a constructor with the arguments that all of them have.

    The function so decorated takes an `Asked` and, by keyword, the network's own options, which
    come behind the shared arguments in the constructor's signature. The facts are those of
    `kerazoo.registry.Entry`.
    """
    default_classes = classes

    def decorate(network: Callable[..., keras.Model]) -> Callable[..., keras.Model]:
        @register(
            variant,
            source=source,
            year=year,
            input_shape=input_shape,
            params=params,
            macs=macs,
            divisible=divisible,
        )
        def build(
            include_top: bool = True,
            weights: Weights = None,
            input_tensor: keras.KerasTensor | None = None,
            input_shape: Shape | None = None,
            pooling: str | None = None,
            classes: int = default_classes,
            classifier_activation: Activation = "softmax",
            name: str = variant,
            **options: Any,
        ) -> keras.Model:
            asked = Asked(
                default_shape,
                include_top,
                weights,
                input_tensor,
                input_shape,
                pooling,
                classes,
                classifier_activation,
                name,
            )
            return network(asked, **options)

        shape = "x".join(map(str, default_shape))
        shared = SHARED.format(shape=shape, classes=default_classes)
        _describe(build, network, variant, shared)
        return build

    default_shape = input_shape
    return decorate


def _describe(build: Any, network: Any, variant: str, arguments: str) -> None:
    """Give a constructor the name, docstring and signature that a reader of `help()` expects."""
    shared = list(inspect.signature(build).parameters.values())[:-1]
    own = list(inspect.signature(network).parameters.values())[1:]
    options = [option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in own]
    build.__signature__ = inspect.Signature([*shared, *options])
    for function in (build, network):
        function.__name__ = function.__qualname__ = variant
    build.__module__ = network.__module__
    build.__doc__ = (network.__doc__ or "").replace(ASKED, arguments)


def mean(x: keras.KerasTensor) -> keras.KerasTensor:
    """Return the mean of a map [batch, height, width, channels] a channel."""
    return keras.layers.GlobalAveragePooling2D(name="global_pool")(x)


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


def check_classes(classes: int, least: int) -> None:
    """Raise a UsageError where `classes` is not a whole number of `least` or more."""
    if not isinstance(classes, int) or classes < least:
        raise UsageError(f"classes must be a whole number of {least} or more, not {classes!r}")


def scaled(width: int, alpha: float, divisor: int = 1) -> int:
    """Return `width` times the width multiplier `alpha`, rounded to a multiple of `divisor`.

    Raises:
        UsageError: `alpha` is not a number above 0.
    """
    if isinstance(alpha, bool) or not isinstance(alpha, Real) or not 0 < alpha < math.inf:
        raise UsageError(f"alpha must be a number above 0, not {alpha!r}")
    return divisor * max(1, round(width * alpha / divisor))


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
        return keras.layers.Softmax(channel_axis(), dtype=variable_dtype(), name=name)(x)
    return keras.layers.Activation(function, dtype=variable_dtype(), name=name)(x)


def variable_dtype() -> str:
    """Return the type of the weights under Keras's policy, whole where it computes in half."""
    return keras.config.dtype_policy().variable_dtype


def channel_axis() -> int:
    """Return the axis of the channels in Keras's image data format."""
    return 1 if keras.config.image_data_format() == "channels_first" else -1


def size(x: keras.KerasTensor) -> tuple[int | None, int | None]:
    """Return height and width of features [batch, height, width, channels]."""
    first = keras.config.image_data_format() == "channels_first"
    return tuple(x.shape[2:]) if first else tuple(x.shape[1:3])
