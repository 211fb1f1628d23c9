"""Receptive fields: by hand on small nets, and by the gradient on random and real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from kerazoo.accounting.receptive_field import Box, receptive_field
from kerazoo.accounting.table import summary
from kerazoo.compat import shapes_only
from kerazoo.errors import UsageError
from tests.helpers.gradient import opened, seen_by_gradient
from tests.helpers.random_models import random_model
from tests.helpers.shapes import model_of_shapes

Net = Callable[[Any], Any]


@pytest.fixture
def float64() -> Iterator[None]:
    """Let small gradients not become zero."""
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy("float32")


def box_of(model: keras.Model, layer: str, position: tuple[int, ...]) -> Box:
    """Return the box of a model with one input."""
    box = receptive_field(model, layer, position)
    assert isinstance(box, Box)
    return box


def dilated(x: Any) -> Any:
    return layers.Conv2D(1, 3, dilation_rate=4)(layers.Conv2D(1, 3, dilation_rate=2)(x))


def residual(x: Any) -> Any:
    y = layers.Conv2D(2, 3, padding="same")(x)
    return layers.Add()([x, layers.Conv2D(2, 3, padding="same")(y)])


def two_branches(x: Any) -> Any:
    return layers.Concatenate()([layers.Conv2D(1, k, padding="same")(x) for k in (1, 5)])


def strided_branches(x: Any) -> Any:
    """Return a sum whose branches see pixels 2i to 2i + 2, and 2i: as in a ResNet."""
    y = layers.Conv2D(2, 3, strides=2, padding="same")(x)
    return layers.Add()([y, layers.Conv2D(2, 1, strides=2)(x)])


def apart(x: Any) -> Any:
    """Return the sum of pixel i and pixel i + 4: seen are five, from the one to the other."""
    return layers.Add()(
        [layers.Cropping2D(((0, 4), (0, 4)))(x), layers.Cropping2D(((4, 0), (4, 0)))(x)]
    )


def chain(*parts: Any) -> Net:
    def build(x: Any) -> Any:
        for part in parts:
            x = part(x)
        return x

    return build


# net, input height and width, field, stride, first centre; all by hand
BY_HAND: dict[str, tuple[Net, tuple[int, int], Any, Any, Any]] = {
    "a convolution": (chain(layers.Conv2D(1, 3)), (8, 8), 3, 1, 1.0),
    "not square": (
        chain(layers.Conv2D(1, (3, 5), strides=(1, 1)), layers.MaxPooling2D((1, 2))),
        (9, 10),
        (3, 6),
        (1, 2),
        (1.0, 2.5),
    ),
    "dilated": (dilated, (16, 16), 13, 1, 6.0),
    "even kernels": (
        chain(layers.Conv2D(1, 2, strides=2), layers.Conv2D(1, 2, strides=2)),
        (8, 8),
        4,
        4,
        1.5,
    ),
    "even kernel, padded by 1 before and 2 after": (
        chain(layers.Conv2D(1, 4, padding="same")),
        (8, 8),
        4,
        1,
        0.5,
    ),
    "strided, an even length is padded after alone": (
        chain(layers.Conv2D(1, 3, strides=2, padding="same")),
        (8, 8),
        3,
        2,
        1.0,
    ),
    "strided, an odd length is padded at both ends": (
        chain(layers.Conv2D(1, 3, strides=2, padding="same")),
        (7, 7),
        3,
        2,
        0.0,
    ),
    "residual": (residual, (8, 8), 5, 1, 0.0),
    "two branches": (two_branches, (8, 8), 5, 1, 0.0),
    "strided branches with other centres": (strided_branches, (8, 8), 3, 2, 1.0),
    "branches that see other pixels": (apart, (9, 9), 5, 1, 2.0),
    "padded and cropped": (
        chain(layers.ZeroPadding2D(2), layers.Conv2D(1, 3), layers.Cropping2D(1)),
        (8, 8),
        3,
        1,
        0.0,
    ),
    "transposed: two outputs share a pixel, one of them sees two": (
        chain(layers.Conv2DTranspose(1, 3, strides=2)),
        (4, 4),
        2,
        0.5,
        -0.5,
    ),
    "enlarged, then 3 of 6 positions": (
        chain(layers.UpSampling2D(2), layers.Conv2D(1, 3)),
        (6, 6),
        2,
        0.5,
        0.5,
    ),
    "enlarged and shrunk again": (
        chain(layers.UpSampling2D(2), layers.MaxPooling2D(2)),
        (6, 6),
        1,
        1,
        0.0,
    ),
    "enlarged linearly": (
        chain(layers.UpSampling2D(2, interpolation="bilinear")),
        (6, 6),
        2,
        0.5,
        -0.5,
    ),
    "turned": (
        chain(layers.Permute((2, 1, 3)), layers.Conv2D(1, (3, 1))),
        (7, 8),
        (1, 3),
        1,
        (0.0, 1.0),
    ),
    "flattened": (chain(layers.Conv2D(1, 3), layers.Flatten()), (8, 8), 3, None, 1.0),
    "global pooling": (
        chain(layers.Conv2D(1, 3), layers.GlobalMaxPooling2D()),
        (9, 7),
        (9, 7),
        None,
        (4.0, 3.0),
    ),
    "dense": (chain(layers.Flatten(), layers.Dense(2)), (9, 7), (9, 7), None, (4.0, 3.0)),
    "dense on a map": (chain(layers.Conv2D(1, 3), layers.Dense(2)), (9, 7), 3, 1, 1.0),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand(name: str) -> None:
    net, size, field, stride, centre = BY_HAND[name]
    inputs = keras.Input((*size, 2))
    table = summary(keras.Model(inputs, net(inputs)))
    last = table.iloc[-1]
    assert (last.receptive_field, last.effective_stride) == (field, stride)
    assert table.attrs["first_centre"][last.name] == centre
    assert table.attrs["misaligned"] == []


def test_along_time_and_in_space() -> None:
    steps = keras.Input((12, 2))
    causal = keras.Model(steps, layers.Conv1D(1, 3, dilation_rate=2, padding="causal")(steps))
    assert summary(causal).receptive_field.iloc[-1] == 5
    assert box_of(causal, causal.layers[-1].name, (0,)) == Box((0,), (1,), (-4,), (1,))
    volume = keras.Input((6, 7, 8, 2))
    conv = keras.Model(volume, layers.Conv3D(1, (2, 3, 1), strides=(1, 2, 1))(volume))
    assert summary(conv).receptive_field.iloc[-1] == (2, 3, 1)
    assert summary(conv).effective_stride.iloc[-1] == (1, 2, 1)


def test_channels_first() -> None:
    inputs = keras.Input((2, 9, 7))
    x = layers.Conv2D(3, (3, 1), strides=(2, 1), data_format="channels_first")(inputs)
    x = layers.BatchNormalization(axis=1)(x)
    model = keras.Model(inputs, layers.Flatten(data_format="channels_first")(x))
    table = summary(model)
    assert table.receptive_field.tolist() == [1, (3, 1), (3, 1), (3, 1)]
    assert table.effective_stride.tolist() == [1, (2, 1), (2, 1), None]
    # 4 x 7 positions of 3 channels; the channels vary fastest
    box = box_of(model, model.layers[-1].name, (3 * (7 * 2 + 5) + 1,))
    assert (box.start, box.stop) == ((4, 5), (7, 6))


def test_strides_that_disagree_are_flagged_with_the_largest_field() -> None:
    inputs = keras.Input((8, 8, 2))
    near, far = layers.Conv2D(2, 5)(inputs), layers.MaxPooling2D(2)(inputs)
    model = keras.Model(inputs, layers.Add(name="meet")([near, far]))
    table = summary(model)
    assert table.attrs["misaligned"] == ["meet"]
    assert table.receptive_field["meet"] == 5
    # position 3 sees pixels 3 to 7 by the one branch and 6 to 7 by the other
    assert box_of(model, "meet", (3, 3)).start == (3, 3)
    assert box_of(model, "meet", (3, 0)).stop == (8, 5)


def test_maps_one_below_the_other_see_what_they_saw() -> None:
    inputs = keras.Input((6, 6, 1))
    below = layers.Conv2D(1, 3, padding="same")(inputs)
    model = keras.Model(inputs, layers.Concatenate(axis=1, name="both")([inputs, below]))
    assert summary(model).receptive_field["both"] == 3
    for position, start, stop in (((2, 2), (2, 2), (3, 3)), ((8, 2), (1, 1), (4, 4))):
        box = box_of(model, "both", position)
        assert (box.start, box.stop) == (start, stop)


def test_branches_along_other_axes_are_flagged() -> None:
    inputs = keras.Input((6, 6, 1))
    turned = layers.Permute((2, 1, 3))(inputs)
    model = keras.Model(inputs, layers.Add(name="meet")([inputs, turned]))
    assert summary(model).attrs["misaligned"] == ["meet"]


def test_a_box_is_clipped_to_the_input_layer_by_layer() -> None:
    inputs = keras.Input((7, 7, 1))
    x = layers.Conv2D(1, 2, strides=2, name="leaves_the_last_pixel")(inputs)
    x = layers.Conv2D(1, 3, padding="same", name="padded")(x)
    model = keras.Model(inputs, x)
    box = box_of(model, "padded", (2, 0))
    assert box == Box((2, 0), (6, 4), (2, -2), (8, 4))
    assert np.zeros((7, 7))[box.slices].shape == (4, 4)


def test_a_position_that_sees_padding_alone() -> None:
    inputs = keras.Input((5, 5, 1))
    model = keras.Model(inputs, layers.ZeroPadding2D(3, name="padded")(inputs))
    assert box_of(model, "padded", (0, 4)) == Box((0, 0), (0, 0), (-3, 1), (-2, 2))


def test_vgg16_at_pool5() -> None:
    model = model_of_shapes("vgg16")
    table = summary(model)
    assert (table.receptive_field["pool5"], table.effective_stride["pool5"]) == (212, 32)
    assert table.attrs["first_centre"]["pool5"] == 15.5
    box = box_of(model, "pool5", (3, 3))
    assert (box.start, box.stop) == ((6, 6), (218, 218))
    assert box_of(model, "fc6", (0, 0)).full_start == (-90, -90)


def test_several_inputs() -> None:
    left, right = keras.Input((8, 8, 1), name="left"), keras.Input((8, 8, 1), name="right")
    x = layers.Add(name="both")([layers.Conv2D(1, 3, padding="same")(left), right])
    model = keras.Model([left, right], x)
    assert summary(model).receptive_field["both"] == 3
    boxes = receptive_field(model, "both", (4, 4))
    assert isinstance(boxes, dict)
    assert boxes["left"].start == (3, 3)
    assert (boxes["right"].start, boxes["right"].stop) == ((4, 4), (5, 5))


@pytest.mark.parametrize(
    ("layer", "position", "message"),
    [
        ("conv", (0,), "positions of (6, 6), not (0,)"),
        ("conv", (6, 0), "positions of (6, 6), not (6, 0)"),
        ("conv", (0, -1), "not (0, -1)"),
        ("con", (0, 0), "no layer 'con' (did you mean 'conv'?)"),
        ("mean", (0, 0), "positions of (), not (0, 0)"),
    ],
)
def test_a_wrong_position_is_told(layer: str, position: tuple[int, ...], message: str) -> None:
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(1, 3, name="conv")(inputs)
    model = keras.Model(inputs, layers.GlobalAveragePooling2D(name="mean")(x))
    with pytest.raises(UsageError) as raised:
        receptive_field(model, layer, position)
    assert message in str(raised.value)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("examples", [25, pytest.param(300, marks=pytest.mark.full)])
def test_random_models_by_gradient(examples: int) -> None:
    @settings(max_examples=examples, deadline=None, derandomize=True)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        with shapes_only():
            model = random_model(data.draw, profiled=False)
        maps = [layer for layer in model.layers[1:] if len(layer.output.shape) == 4]
        layer = data.draw(st.sampled_from(maps))
        position = tuple(
            data.draw(st.integers(0, length - 1)) for length in layer.output.shape[1:3]
        )
        box = box_of(model, layer.name, position)
        assert (box.start, box.stop) == seen_by_gradient(opened(model), layer.name, position)
        size = summary(model).receptive_field[layer.name]
        sizes = size if isinstance(size, tuple) else (size, size)
        spans = zip(sizes, box.full_start, box.full_stop, strict=True)
        assert all(stop - start <= most for most, start, stop in spans)

    check()


REAL = {
    "VGG16": ["block3_pool"],
    "ResNet50": ["conv2_block1_out", "conv3_block2_out"],
    "InceptionV3": ["mixed1", "mixed3"],
    "DenseNet121": ["conv3_block2_concat"],
    "MobileNetV2": ["block_2_add", "block_6_expand"],
    "Xception": ["block4_pool"],
    "NASNetMobile": ["normal_concat_0"],
}
SIZES = [(96, 80), pytest.param((160, 144), marks=pytest.mark.full)]


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", REAL)
def test_real_models_by_gradient(name: str, size: tuple[int, int]) -> None:
    make = getattr(keras.applications, name)
    with shapes_only():
        whole = make(weights=None, include_top=False, input_shape=(*size, 3))
    model = keras.Model(whole.inputs, whole.get_layer(REAL[name][-1]).output)
    clone = opened(model)
    for layer in REAL[name]:
        height, width = model.get_layer(layer).output.shape[1:3]
        for position in ((0, 0), (height // 2, width // 3), (height - 1, width - 1)):
            box = box_of(model, layer, position)
            assert (box.start, box.stop) == seen_by_gradient(clone, layer, position)
