"""The kernels that are shown, against weights that were set by hand."""

import keras
import numpy as np
import pytest
from keras import layers

from kerazoo.demos import learned_filters
from kerazoo.errors import UsageError
from tests.helpers.shown_models import nested, of

RANDOM = np.random.default_rng(1)


def model_of(*parts: keras.Layer, channels: int) -> keras.Model:
    return keras.Sequential(
        [keras.Input((16, 16, channels)), *parts, layers.Flatten(), layers.Dense(2)], name="model"
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_kernels_of_images_are_whole_and_sorted_by_norm(channels: int) -> None:
    model = model_of(layers.Conv2D(4, 3, name="conv", use_bias=False), channels=channels)
    pattern = RANDOM.uniform(-1, 1, (3, 3, channels))
    factors = np.array([0.5, -2, 1, 0.1])
    model.get_layer("conv").set_weights([pattern[..., None] * factors])
    (layer,) = learned_filters.compute(of(model)).layers
    assert (layer.name, layer.shape) == ("conv", (3, 3, channels, 4))
    for kernel, factor in zip(layer.values, [-2, 1, 0.5, 0.1], strict=True):
        np.testing.assert_allclose(kernel, np.moveaxis(pattern, -1, 0) * factor, rtol=1e-6)


def test_of_many_channels_those_with_the_largest_slices_are_shown() -> None:
    model = model_of(layers.Conv2D(6, 3, name="conv", use_bias=False), channels=40)
    weights = RANDOM.normal(size=(3, 3, 40, 6)).astype(np.float32)
    weights[:, :, 7] *= 100
    weights[..., 4] *= 10
    model.get_layer("conv").set_weights([weights])
    shown = learned_filters.compute(of(model))
    (layer,) = shown.layers
    assert shown.element == 20
    assert layer.values.shape == (4, 19, 3, 3)  # a kernel and its gap have 70 of 1320 pixels
    np.testing.assert_array_equal(layer.values[0, 0], weights[:, :, 7, 4])
    norms = np.sqrt((weights**2).sum((0, 1, 2)))
    np.testing.assert_allclose(
        np.abs(layer.values[:, 0]).sum((1, 2)),
        np.abs(weights[:, :, 7, np.argsort(-norms)[:4]]).sum((0, 1)),
        rtol=1e-6,
    )


def test_kernels_of_all_sizes_have_one_scale() -> None:
    parts = [layers.Conv2D(4, side, name=f"conv{side}") for side in (11, 3, 1)]
    shown = learned_filters.compute(of(model_of(*parts, channels=3)))
    assert [layer.shape[:2] for layer in shown.layers] == [(11, 11), (3, 3), (1, 1)]
    assert shown.element == 9  # 11 of them have at most 100 pixels


def test_at_most_four_layers_the_first_and_the_last_among_them() -> None:
    parts = [layers.Conv2D(2, 2, name=f"conv{number}") for number in range(8)]
    shown = learned_filters.compute(of(model_of(*parts, channels=1)))
    assert [layer.name for layer in shown.layers] == ["conv0", "conv2", "conv5", "conv7"]


def test_depthwise_separable_and_transposed_kernels() -> None:
    parts = (
        layers.DepthwiseConv2D(3, name="depthwise"),
        layers.SeparableConv2D(6, 2, name="separable"),
        layers.Conv2DTranspose(7, 2, name="transposed"),
    )
    model = model_of(*parts, channels=5)
    shown = {layer.name: layer for layer in learned_filters.compute(of(model)).layers}
    assert {name: layer.shape for name, layer in shown.items()} == {
        "depthwise": (3, 3, 1, 5),
        "separable/depthwise_kernel": (2, 2, 1, 5),
        "separable/pointwise_kernel": (1, 1, 5, 6),
        "transposed": (2, 2, 6, 7),
    }
    kernel = parts[0].get_weights()[0]
    largest = np.linalg.norm(kernel[..., 0], axis=(0, 1)).argmax()
    np.testing.assert_array_equal(shown["depthwise"].values[0, 0], kernel[:, :, largest, 0])


def test_each_kernel_of_a_channel_is_one_of_its_own() -> None:
    inputs = keras.Input((8, 8, 2))
    layer = layers.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise")
    model = keras.Model(inputs, layers.GlobalAveragePooling2D()(layer(inputs)))
    (kernels,) = learned_filters.compute(of(model)).layers
    assert kernels.shape == (3, 3, 1, 4)
    weights = layer.get_weights()[0]
    each = [weights[:, :, channel, number] for channel in range(2) for number in range(2)]
    expected = sorted(each, key=lambda kernel: -np.linalg.norm(kernel))
    np.testing.assert_array_equal(kernels.values[:, 0], expected)


def test_models_in_models_in_order_and_models_without_kernels() -> None:
    shown = learned_filters.compute(of(nested()))
    assert [layer.name for layer in shown.layers] == ["conv", "branch"]
    flat = keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten()], name="flat")
    with pytest.raises(UsageError, match="'flat' has no kernels"):
        learned_filters.compute(of(flat))


def test_a_mosaic_has_its_images_line_by_line() -> None:
    gap, most = learned_filters.GAP, learned_filters.WIDTH // 300
    images = np.arange(most + 1)[:, None, None, None] * np.ones((1, 20, 300, 3))
    lines = learned_filters._in_lines(images)
    assert lines.shape[:2] == (2, 3)
    mosaic = learned_filters._mosaic(lines)
    assert mosaic.shape == (2 * 20 + gap, 3 * 300 + 2 * gap, 3)
    assert [mosaic[0, x, 0] for x in (0, 299, 300, 309, 310, 620)] == [0, 0, 255, 255, 1, 2]
    assert [mosaic[y, 310, 0] for y in (19, 20, 29, 30, 49)] == [1, 255, 255, 4, 4]
    assert (mosaic[30:, 620:] == 255).all()  # no sixth image
