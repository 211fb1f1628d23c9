"""The width multiplier `alpha` of every family that comes in several widths."""

import math

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.errors import UsageError
from tests.helpers.shapes import model_of_shapes
from tests.helpers.thin import takes_alpha

NAMES = list(filter(takes_alpha, kerazoo.list_models()))
FAMILIES = ("alexnet", "googlenet", "resnet18", "resnet50", "sppnet", "vgg11", "zfnet")
# model, alpha -> widths of some of its layers: rounded, and in AlexNet's family to even numbers
WIDTHS = {
    ("vgg16", 0.3): {"conv1_2": 19, "conv2_1": 38, "conv3_1": 77, "conv5_3": 154, "fc7": 1229},
    ("vgg16", 1.5): {"conv1_1": 96, "conv4_1": 768, "fc6": 6144},
    ("vgg11", np.float32(0.25)): {"conv1_1": 16, "fc7": 1024},
    ("resnet18", 0.3): {"conv1": 19, "conv2_1_1": 19, "conv3_1_2": 38, "conv5_2_2": 154},
    ("resnet50", 0.3): {"conv1": 19, "conv2_1_1": 19, "conv2_1_3": 4 * 19, "conv4_1_shortcut": 308},
    ("googlenet", 0.3): {"conv1": 19, "conv2": 58, "inception_3a_1x1": 19, "inception_3a_3x3": 38},
    ("alexnet", 0.3): {"conv1": 28, "conv2": 76, "conv3": 116, "fc6": 1228},
    ("alexnet_v2", 0.3): {"conv1": 20, "conv2": 58},
    ("zfnet", 0.3): {"conv1": 28, "fc7": 1228},
    ("sppnet", 0.3): {"conv1": 28, "fc7": 1228},
}


def widths(model: keras.Model) -> dict[str, int]:
    """Return the widths of all convolutions and dense layers."""
    return {
        layer.name: layer.kernel.shape[-1]
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)
    }


def test_the_families_that_come_in_several_widths() -> None:
    assert set(kerazoo.list_models()) - set(NAMES) == {"lenet5", "mnist_cnn"}
    assert set(FAMILIES) <= set(NAMES)


@pytest.mark.parametrize(("name", "alpha"), WIDTHS)
def test_widths_are_those_of_alpha_rounded(name: str, alpha: float) -> None:
    found = widths(model_of_shapes(name, alpha=alpha))
    wanted = WIDTHS[name, alpha]
    assert {layer: found[layer] for layer in wanted} == wanted


@pytest.mark.parametrize("name", FAMILIES)
def test_every_layer_has_its_share_and_the_last_one_its_classes(name: str) -> None:
    full, thin = widths(model_of_shapes(name)), widths(model_of_shapes(name, alpha=1 / 8))
    last = list(full)[-1]
    assert thin.pop(last) == full.pop(last) == 1000
    assert thin == {layer: width / 8 for layer, width in full.items()}


@pytest.mark.parametrize("name", FAMILIES)
def test_no_layer_is_left_without_a_channel(name: str) -> None:
    model = model_of_shapes(name, alpha=1e-9, classes=5)
    least = 2 if name in ("alexnet", "sppnet", "zfnet") else 1
    expanded = 4 if name == "resnet50" else least
    assert set(widths(model).values()) == {least, expanded, 5}
    assert model.output_shape[-1] == 5


def test_auxiliary_heads_have_their_share_too() -> None:
    model = model_of_shapes("googlenet", auxiliary_heads=True, alpha=1 / 8, classes=5)
    assert model.output_shape == [(None, 5)] * 3
    found = widths(model)
    for head in ("auxiliary1", "auxiliary2"):
        assert [found[f"{head}_{layer}"] for layer in ("conv", "fc", "classifier")] == [16, 128, 5]


@pytest.mark.parametrize("alpha", [0, -1, math.nan, math.inf, "1", True, None])
@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_no_number_above_0_is_refused(name: str, alpha: object) -> None:
    with pytest.raises(UsageError, match=f"alpha must be a positive number; received {alpha!r}"):
        model_of_shapes(name, alpha=alpha)
