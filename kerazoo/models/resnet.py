"""The residual networks of 18, 34, 50, 101 and 152 layers.

Source: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition" (2015), table 1 and
figure 5, https://arxiv.org/abs/1512.03385, with projection shortcuts where the shape changes
(section 3.3, option B); initial values and batch normalization, section 3.4. Departure: the paper
does not say how a feature map of even size is padded; here a strided convolution has equal padding
on both sides, as in the authors' program, and the pool has one row and column of it at the end.

Options build the variants of other libraries. V1.5 strides on the 3x3. keras.applications has
biases before batch normalization, another epsilon, and a pool padded on both sides. tf-slim strides
in the last block of a stage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from kerazoo.lazy import keras
from kerazoo.models import _builder
from kerazoo.recipe import COMMON_DEPARTURES, PaperRecipe, Recipe
from kerazoo.registry import Constructor, ModelInfo, Weights
from kerazoo.values import check_choice
from kerazoo.weights.networks import RESNET_NAMES

Block = Callable[..., "keras.KerasTensor"]

WIDTHS = (64, 128, 256, 512)


class Settings(NamedTuple):
    """Settings of all layers of a network: biases, epsilon of batch normalization, names."""

    use_bias: bool = False
    epsilon: float = 1e-5
    named: _builder.Namer = str


PAPER = Settings()


def bottleneck(
    x: keras.KerasTensor,
    width: int,
    name: str,
    stride: int = 1,
    stride_on: str = "1x1",
    settings: Settings = PAPER,
) -> keras.KerasTensor:
    """Return a 1x1, a 3x3 and a 1x1 convolution of a feature map, plus the feature map, then ReLU.

    On 256 channels with a width of 64 the kernels have 69,632 weights, where two of 3x3 on all
    channels have 1,179,648.

    Args:
        x: Feature map, [batch, height, width, channels].
        width: Channels of the first two convolutions; the third has four times as many.
        name: Prefix of the layers' names.
        stride: Of the convolution that `stride_on` names.
        stride_on: "1x1" or "3x3".
        settings: Shared by all layers of a network.

    Source: figure 5 of the paper; study notes, `slim-vgg`, lines 10-12.
    """
    first, second = (stride, 1) if stride_on == "1x1" else (1, stride)
    convolutions = ((width, 1, first), (width, 3, second), (4 * width, 1, 1))
    return _residual(x, convolutions, name, stride, settings)


def basic(
    x: keras.KerasTensor,
    width: int,
    name: str,
    stride: int = 1,
    stride_on: str = "3x3",
    settings: Settings = PAPER,
) -> keras.KerasTensor:
    """Return two 3x3 convolutions of a feature map, plus the feature map; see `bottleneck`."""
    return _residual(x, ((width, 3, stride), (width, 3, 1)), name, stride, settings)


def _residual(
    x: keras.KerasTensor,
    convolutions: Sequence[tuple[int, int, int]],
    name: str,
    stride: int,
    settings: Settings,
) -> keras.KerasTensor:
    """Return (filters, kernel, stride) convolutions of x, plus x or its projection, then ReLU."""
    layers, named = keras.layers, settings.named
    shortcut, filters = x, convolutions[-1][0]
    if x.shape[_builder.channel_axis()] != filters:
        shortcut = _convolution(x, filters, 1, stride, f"{name}_shortcut", settings)
    elif stride > 1:
        shortcut = layers.MaxPooling2D(1, stride, name=named(f"{name}_shortcut"))(x)
    for number, (width, kernel, step) in enumerate(convolutions, start=1):
        if number > 1:
            x = layers.Activation("relu", name=named(f"{name}_{number - 1}_relu"))(x)
        x = _convolution(x, width, kernel, step, f"{name}_{number}", settings)
    x = layers.Add(name=named(f"{name}_add"))([shortcut, x])
    return layers.Activation("relu", name=named(f"{name}_relu"))(x)


def _convolution(
    x: keras.KerasTensor, filters: int, kernel: int, stride: int, name: str, settings: Settings
) -> keras.KerasTensor:
    """Return a convolution of x with equal padding on both sides, then batch normalization."""
    layers, (use_bias, epsilon, named) = keras.layers, settings
    padding = "valid" if stride > 1 else "same"
    if stride > 1 and kernel > 1:
        x = layers.ZeroPadding2D(kernel // 2, name=named(f"{name}_pad"))(x)
    options = {"use_bias": use_bias, "kernel_initializer": "he_normal", "name": named(name)}
    x = layers.Conv2D(filters, kernel, stride, padding, **options)(x)
    axis, name = _builder.channel_axis(), named(f"{name}_bn")
    return layers.BatchNormalization(axis, momentum=0.9, epsilon=epsilon, name=name)(x)


def _features(
    x: keras.KerasTensor,
    block: Block,
    depths: Sequence[int],
    alpha: float,
    stride_on: str,
    pool_padding: str,
    settings: Settings,
) -> keras.KerasTensor:
    """Return the last feature map; the blocks have the names of the paper's table 1."""
    x = _convolution(x, _builder.scaled(64, alpha), 7, 2, "conv1", settings)
    x = keras.layers.Activation("relu", name="conv1_relu")(x)
    if pool_padding == "symmetric":
        x = keras.layers.ZeroPadding2D(1, name="pool1_pad")(x)
    padding = "valid" if pool_padding == "symmetric" else "same"
    x = keras.layers.MaxPooling2D(3, 2, padding, name=settings.named("pool1"))(x)
    in_last = stride_on == "last_3x3" and block is bottleneck
    for stage, (depth, width) in enumerate(zip(depths, WIDTHS, strict=True), start=2):
        strided = (depth if stage < 5 else 0) if in_last else (1 if stage > 2 else 0)
        for number in range(1, depth + 1):
            stride, name = 2 if number == strided else 1, f"conv{stage}_{number}"
            x = block(x, _builder.scaled(width, alpha), name, stride, stride_on, settings)
    return x


def _resnet(
    info: ModelInfo, block: Block, depths: Sequence[int], alias: str | None = None
) -> Constructor:
    """Return the constructor of a column of table 1, whose stages have `depths` blocks."""

    @_builder.constructor(info, alias)
    def build(
        include_top: bool = True,
        weights: Weights = None,
        input_tensor: keras.KerasTensor | None = None,
        input_shape: _builder.Shape | None = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: _builder.Activation = "softmax",
        name: str = info.name,
        *,
        stride_on: str = "1x1",
        use_bias: bool = alias is not None,
        pool_padding: str = "symmetric" if alias else "same",
        epsilon: float = 1.001e-5 if alias else 1e-5,
        layer_names: str = "keras" if alias else "kerazoo",
        alpha: float = 1.0,
    ) -> keras.Model:
        """Build a residual network, https://arxiv.org/abs/1512.03385.

        Images have at least 32x32 pixels; height and width may be unknown. Kernels start He-normal.
        The other arguments and the errors are those of `kerazoo.create_model`.

        Args:
            stride_on: Which convolution of a bottleneck halves the size: "1x1" as in the paper;
                "3x3" (V1.5); "last_3x3", in the last block of the stage before (tf-slim).
            use_bias: Whether convolutions have biases, as in keras.applications.
            pool_padding: "same", or "symmetric" for one zero at every side.
            epsilon: Added to the variances by batch normalization.
            layer_names: "kerazoo" for those of the paper's table, or "keras" (keras.applications).
            alpha: Width multiplier of every layer except the last, as in MobileNet. Below 3/16
                training may crash on a CPU, in TensorFlow's gradient of strided 1x1 convolutions.

        Returns:
            A model from images [batch, height, width, 3] to [batch, classes].
        """
        check_choice("stride_on", stride_on, ("1x1", "3x3", "last_3x3"))
        named = _builder.layer_namer(layer_names, RESNET_NAMES)
        settings = Settings(use_bias, epsilon, named)
        inputs = _builder.image_input(
            info, include_top, input_tensor, input_shape, minimum=32, any_size=True
        )
        check_choice("pool_padding", pool_padding, ("same", "symmetric"))
        x = _features(inputs, block, depths, alpha, stride_on, pool_padding, settings)
        top = (include_top, pooling, classes, classifier_activation)
        x = _builder.mean_classifier(x, *top, named("fc"), named("global_pool"))
        return _builder.functional(inputs, x, name)

    return build


PAPER_RECIPE = PaperRecipe(
    Recipe(
        epochs=120,
        batch_size=256,
        optimizer="sgd",
        learning_rate=0.1,
        schedule="plateau",
        drops=3,
        momentum=0.9,
        weight_decay=1e-4,
        flip=True,
        crop_area=((224 / 480) ** 2, (224 / 256) ** 2),
        color_noise=0.1,
    ),
    sources={
        "epochs": "section 3.4: up to 60 x 10^4 iterations of 256 images",
        "batch_size": "section 3.4",
        "optimizer": "section 3.4",
        "learning_rate": "section 3.4",
        "schedule": "section 3.4: divided by 10 when the error plateaus",
        "momentum": "section 3.4",
        "weight_decay": "section 3.4",
        "flip": "section 3.4",
        "crop_area": "section 3.4: 224x224 of an image of 256 to 480 pixels at its shorter side",
        "color_noise": "section 3.4: the standard color augmentation",
    },
    departures=(*COMMON_DEPARTURES, "the learning rate is divided three times at most"),
)


def _info(layers: int, params: int, macs: int) -> ModelInfo:
    paper = f"He et al. 2015, table 1, {layers}-layer"
    url = "https://arxiv.org/abs/1512.03385"
    return ModelInfo(
        f"resnet{layers}",
        paper,
        url,
        2015,
        (224, 224, 3),
        params,
        macs,
        preprocessing="slim_vgg",
        recipe=Recipe(batch_size=32, learning_rate=0.001 if layers < 101 else 0.003),
        paper_recipe=PAPER_RECIPE,
    )


BASIC = (
    (_info(18, 11_689_512, 1_814_073_344), (2, 2, 2, 2)),
    (_info(34, 21_797_672, 3_663_761_408), (3, 4, 6, 3)),
)
BOTTLENECK = (
    (_info(50, 25_557_032, 3_857_973_248), (3, 4, 6, 3)),
    (_info(101, 44_549_160, 7_570_194_432), (3, 4, 23, 3)),
    (_info(152, 60_192_808, 11_282_415_616), (3, 8, 36, 3)),
)
resnet18, resnet34 = (_resnet(info, basic, depths) for info, depths in BASIC)
resnet50, resnet101, resnet152 = (_resnet(info, bottleneck, depths) for info, depths in BOTTLENECK)
ResNet50, ResNet101, ResNet152 = (
    _resnet(info, bottleneck, depths, info.name.replace("resnet", "ResNet"))
    for info, depths in BOTTLENECK
)
