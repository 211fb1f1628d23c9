"""AlexNet, ZFNet and SPP-net compared with their papers' figures."""

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.errors import UsageError
from tests.helpers.shapes import model_of_shapes


def feature_maps_of(name: str) -> dict[str, tuple[int, ...]]:
    model = model_of_shapes(name)
    return {layer.name: tuple(layer.output.shape[1:]) for layer in model.layers}


def test_alexnets_feature_maps_are_figure_2() -> None:
    maps = feature_maps_of("alexnet")
    assert maps["conv1"] == (55, 55, 96)
    assert maps["conv2"] == (27, 27, 256)
    assert [maps[f"conv{number}"] for number in (3, 4, 5)] == [(13, 13, n) for n in (384, 384, 256)]
    assert maps["pool5"] == (6, 6, 256)
    assert maps["fc6"] == maps["fc7"] == (4096,)


def test_zfnets_feature_maps_are_figure_3() -> None:
    maps = feature_maps_of("zfnet")
    wanted = {"conv1": 110, "pool1": 55, "conv2": 26, "pool2": 13, "conv5": 13, "pool5": 6}
    assert {name: maps[name][0] for name in wanted} == wanted
    assert maps["pool5"] == (6, 6, 256)


def test_sppnet_has_21_bins_of_256_feature_maps() -> None:
    model = model_of_shapes("sppnet", input_shape=(None, None, 3))
    assert model.get_layer("spatial_pyramid").output.shape == (None, 21 * 256)
    assert model.get_layer("fc6").kernel.shape == (5_376, 4096)


@pytest.mark.usefixtures("width")
def test_sppnet_takes_every_size() -> None:
    keras.utils.set_random_seed(0)
    model = kerazoo.create_model("sppnet", input_shape=(None, None, 3), classes=5)
    for size in ((21, 21), (64, 48), (180, 224)):
        scores = model(np.random.default_rng(0).random((1, *size, 3))).numpy()
        np.testing.assert_allclose(scores.sum(), 1, rtol=1e-5)


@pytest.mark.parametrize("layer", ["conv2", "conv4", "conv5"])
def test_a_grouped_convolution_is_two_towers_apart(layer: str) -> None:
    keras.utils.set_random_seed(0)
    grouped = kerazoo.create_model("alexnet", include_top=False).get_layer(layer)
    grouped.bias.assign(np.random.default_rng(1).normal(size=grouped.bias.shape))
    channels = 2 * grouped.kernel.shape[2]
    maps = np.random.default_rng(2).normal(size=(2, 13, 13, channels)).astype(np.float32)
    towers = []
    for tower in (0, 1):
        inputs = np.split(maps, 2, axis=-1)[tower]
        filters = grouped.filters // 2
        conv = keras.layers.Conv2D(filters, grouped.kernel_size, padding="same", activation="relu")
        conv.build(inputs.shape)
        conv.kernel.assign(np.split(grouped.kernel.numpy(), 2, axis=-1)[tower])
        conv.bias.assign(np.split(grouped.bias.numpy(), 2)[tower])
        towers.append(conv(inputs).numpy())
    expected = np.concatenate(towers, axis=-1)
    assert np.abs(grouped(maps).numpy() - expected).max() <= 1e-6 * expected.max()


def test_initial_values_are_the_papers() -> None:
    model = kerazoo.create_model("alexnet", include_top=False)
    for number in range(1, 6):
        layer = model.get_layer(f"conv{number}")
        np.testing.assert_allclose(layer.kernel.numpy().std(), 0.01, rtol=0.02)
        assert (layer.bias.numpy() == (number in (2, 4, 5))).all()


@pytest.mark.parametrize(
    ("name", "least"), [("alexnet", 67), ("alexnet_v2", 67), ("zfnet", 53), ("sppnet", 21)]
)
def test_the_smallest_input_leaves_one_pixel(name: str, least: int) -> None:
    model = model_of_shapes(name, include_top=False, input_shape=(least, least, 3))
    assert model.output_shape == (None, 1, 1, 256)
    with pytest.raises(UsageError, match=f"at least {least}x{least}"):
        kerazoo.create_model(name, input_shape=(least - 1, least, 3))
