"""GoogLeNet, the first Inception network, and tf-slim's variant of it.

Source: Szegedy et al., "Going Deeper with Convolutions" (2014), https://arxiv.org/abs/1409.4842,
table 1 and figure 3; the two auxiliary heads, section 5. Departures: kernels start Glorot-uniform,
and local response normalization has AlexNet's settings, since the paper gives neither.

`inception_v1` is tf-slim's network of that name (nets/inception_v1.py), after Ioffe and Szegedy,
"Batch Normalization" (2015), https://arxiv.org/abs/1502.03167: batch normalization, without a
scale, after every convolution instead of a bias, 3x3 where the paper has 5x5, a last pool of 2x2,
and no local response normalization. Departure: the moving moments have a momentum of 0.9, as in the
ResNets; tf-slim's 0.9997 needs ten thousand steps before an evaluation means anything.
"""

from __future__ import annotations

from typing import NamedTuple

from kerazoo.errors import UsageError
from kerazoo.lazy import keras
from kerazoo.models import _builder
from kerazoo.recipe import IMAGE_DEPARTURES, PaperRecipe, Recipe
from kerazoo.registry import Constructor, ModelInfo, Weights

# Table 1, columns #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj.
MODULES = {
    "inception_3a": (64, 96, 128, 16, 32, 32),
    "inception_3b": (128, 128, 192, 32, 96, 64),
    "pool3": (),
    "inception_4a": (192, 96, 208, 16, 48, 64),
    "inception_4b": (160, 112, 224, 24, 64, 64),
    "inception_4c": (128, 128, 256, 24, 64, 64),
    "inception_4d": (112, 144, 288, 32, 64, 64),
    "inception_4e": (256, 160, 320, 32, 128, 128),
    "pool4": (),
    "inception_5a": (256, 160, 320, 32, 128, 128),
    "inception_5b": (384, 192, 384, 48, 128, 128),
}
HEADS = {"inception_4a": "auxiliary1", "inception_4d": "auxiliary2"}  # by the module before


PAPER_RECIPE = PaperRecipe(
    Recipe(
        epochs=96,
        batch_size=128,
        optimizer="sgd",
        learning_rate=0.01,
        schedule="step",
        milestones=tuple((8 * time / 96, 0.96**time) for time in range(1, 12)),
        momentum=0.9,
        ema=0.9999,
        auxiliary_weight=0.3,
        flip=True,
        crop_area=(0.08, 1),
        crop_aspect=4 / 3,
        color_jitter=0.4,
    ),
    sources={
        "optimizer": "section 6: asynchronous there",
        "schedule": "section 6",
        "milestones": "section 6: lowered by 4% every 8 epochs",
        "momentum": "section 6",
        "ema": "section 6: Polyak averaging",
        "auxiliary_weight": "section 5",
        "crop_area": "section 6: 8% to 100%",
        "crop_aspect": "section 6: 3/4 to 4/3",
        "color_jitter": "section 6: photometric distortions",
    },
    departures=(
        "epochs, batch size, learning rate, flips, the decay of the averages and the strength of "
        "the distortions are not in the paper",
        *IMAGE_DEPARTURES,
    ),
)


class InceptionConfig(NamedTuple):
    """Differences between the paper's network and tf-slim's, and between widths."""

    five: int = 5  # side of the kernels that are 5x5 in the paper
    last_pool: int = 3  # side of the windows of pool4
    normalized: bool = False  # batch normalization replaces biases and local response normalization
    alpha: float = 1.0


PAPER = InceptionConfig()


def _inception(info: ModelInfo, config: InceptionConfig) -> Constructor:
    """Return the constructor of a network of nine inception modules."""

    @_builder.constructor(info)
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
        dropout_rate: float = 0.4,
        auxiliary_heads: bool = False,
        alpha: float = 1.0,
    ) -> keras.Model:
        """Build GoogLeNet or Inception v1.

        Images have at least 32x32 pixels, with auxiliary heads 65x65; without these, height and
        width may be unknown. The other arguments and the errors are those of
        `kerazoo.create_model`.

        Args:
            dropout_rate: Fraction of the classifier's inputs that are dropped in training.
            auxiliary_heads: Whether to build the two heads that the paper trains with a weight of
                0.3 each and then leaves out.
            alpha: Width multiplier of every layer except the last, as in MobileNet.

        Returns:
            A model from images [batch, height, width, 3] to [batch, classes]; with auxiliary heads
            to a list of three of these: of the network, of the head on module 4a, of that on 4d.
        """
        if auxiliary_heads and not include_top:
            raise UsageError("auxiliary_heads=True needs include_top=True")
        sizes = (65, False) if auxiliary_heads else (32, True)  # the minimum, and whether any
        inputs = _builder.image_input(info, include_top, input_tensor, input_shape, *sizes)
        settings = config._replace(alpha=alpha)
        x, modules = _features(inputs, settings)
        if not include_top:
            return _builder.functional(inputs, _builder.pooled(x, pooling), name)
        x = keras.layers.GlobalAveragePooling2D(name="global_pool")(x)
        x = keras.layers.Dropout(dropout_rate, name="dropout")(x)
        outputs = [_builder.classifier(x, classes, classifier_activation, "classifier")]
        for module, head in HEADS.items() if auxiliary_heads else ():
            x = _auxiliary_head(modules[module], head, settings)
            head_name = f"{head}_classifier"
            outputs.append(_builder.classifier(x, classes, classifier_activation, head_name))
        return _builder.functional(inputs, outputs if auxiliary_heads else outputs[0], name)

    return build


def inception_module(
    x: keras.KerasTensor, widths: tuple[int, ...], name: str, config: InceptionConfig = PAPER
) -> keras.KerasTensor:
    """Return the concatenated channels of four branches over a feature map.

    1x1 convolutions before the larger ones save weights: on 192 channels the kernels of module 3a
    have 163,328, and would have 387,072 without them. The one after the pool reduces its channels.

    Args:
        x: Feature map, [batch, height, width, channels].
        widths: Channels of the 1x1, of the 1x1 before the 3x3, of the 3x3, of the 1x1 before the
            5x5, of the 5x5, and of the 1x1 after a 3x3 max pooling.
        name: Prefix of the layers' names.
        config: The paper's or tf-slim's.

    Source: figure 3 of the paper; study notes, `cnn-study`, lines 1110-1116.
    """
    one, reduce3, three, reduce5, five, project = widths
    pooled = keras.layers.MaxPooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x)
    narrow3 = _conv(x, reduce3, 1, f"{name}_3x3_reduce", config)
    narrow5 = _conv(x, reduce5, 1, f"{name}_5x5_reduce", config)
    branches = [
        _conv(x, one, 1, f"{name}_1x1", config),
        _conv(narrow3, three, 3, f"{name}_3x3", config),
        _conv(narrow5, five, config.five, f"{name}_5x5", config),
        _conv(pooled, project, 1, f"{name}_pool_proj", config),
    ]
    return keras.layers.Concatenate(_builder.channel_axis(), name=name)(branches)


def _features(
    x: keras.KerasTensor, config: InceptionConfig
) -> tuple[keras.KerasTensor, dict[str, keras.KerasTensor]]:
    """Return the last feature map, and those after all modules and pools by their names."""
    from kerazoo.layers import LocalResponseNormalization

    x = _pool(_conv(x, 64, 7, "conv1", config, stride=2), "pool1")
    if not config.normalized:
        x = LocalResponseNormalization(name="lrn1")(x)
    x = _conv(_conv(x, 64, 1, "conv2_reduce", config), 192, 3, "conv2", config)
    if not config.normalized:
        x = LocalResponseNormalization(name="lrn2")(x)
    x = _pool(x, "pool2")
    outputs = {}
    for name, widths in MODULES.items():
        if widths:
            x = inception_module(x, widths, name, config)
        else:
            x = _pool(x, name, config.last_pool if name == "pool4" else 3)
        outputs[name] = x
    return x, outputs


def _auxiliary_head(x: keras.KerasTensor, name: str, config: InceptionConfig) -> keras.KerasTensor:
    """Return what an auxiliary head classifies, [batch, n]; x has at least 5x5 pixels."""
    layers, width = keras.layers, _builder.scaled(1024, config.alpha)
    x = layers.AveragePooling2D(5, 3, name=f"{name}_pool")(x)
    x = layers.Flatten(name=f"{name}_flat")(_conv(x, 128, 1, f"{name}_conv", config))
    x = layers.Dense(width, activation="relu", name=f"{name}_fc")(x)
    return layers.Dropout(0.7, name=f"{name}_dropout")(x)


def _conv(
    x: keras.KerasTensor, width: int, size: int, name: str, config: InceptionConfig, stride: int = 1
) -> keras.KerasTensor:
    layers, width = keras.layers, _builder.scaled(width, config.alpha)
    if not config.normalized:
        return layers.Conv2D(width, size, stride, "same", activation="relu", name=name)(x)
    x = layers.Conv2D(width, size, stride, "same", use_bias=False, name=name)(x)
    axis = _builder.channel_axis()
    x = layers.BatchNormalization(axis, 0.9, epsilon=0.001, scale=False, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _pool(x: keras.KerasTensor, name: str, size: int = 3) -> keras.KerasTensor:
    return keras.layers.MaxPooling2D(size, strides=2, padding="same", name=name)(x)


googlenet = _inception(
    ModelInfo(
        "googlenet",
        paper="Szegedy et al. 2014, table 1",
        url="https://arxiv.org/abs/1409.4842",
        year=2014,
        input_shape=(224, 224, 3),
        params=6_998_552,
        macs=1_582_671_872,
        preprocessing="slim_vgg",
        recipe=Recipe(batch_size=32, learning_rate=3e-4),
        paper_recipe=PAPER_RECIPE,
    ),
    PAPER,
)
inception_v1 = _inception(
    ModelInfo(
        "inception_v1",
        paper="Ioffe & Szegedy 2015, as in tf-slim",
        url="https://arxiv.org/abs/1502.03167",
        year=2015,
        input_shape=(224, 224, 3),
        params=6_617_624,
        macs=1_498_376_192,
        preprocessing="slim_inception",
        recipe=Recipe(batch_size=32),
        paper_recipe=PAPER_RECIPE,
    ),
    InceptionConfig(five=3, last_pool=2, normalized=True),
)
