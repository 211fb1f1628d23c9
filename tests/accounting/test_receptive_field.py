"""Receptive fields of small models, by hand."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from kerazoo.accounting.receptive_field import Box, receptive_field
from kerazoo.accounting.table import summary
from kerazoo.errors import UsageError
from tests.helpers.boxes import box_of
from tests.helpers.shapes import model_of_shapes

Net = Callable[[Any], Any]


def dilated(x: Any) -> Any:
    return layers.Conv2D(1, 3, dilation_rate=4)(layers.Conv2D(1, 3, dilation_rate=2)(x))


def residual(x: Any) -> Any:
    y = layers.Conv2D(2, 3, padding="same")(x)
    return layers.Add()([x, layers.Conv2D(2, 3, padding="same")(y)])


def two_branches(x: Any) -> Any:
    return layers.Concatenate()([layers.Conv2D(1, k, padding="same")(x) for k in (1, 5)])


def strided_branches(x: Any) -> Any:
    """Return a sum whose branches depend on pixels 2i to 2i + 2 and on 2i, as in a ResNet."""
    y = layers.Conv2D(2, 3, strides=2, padding="same")(x)
    return layers.Add()([y, layers.Conv2D(2, 1, strides=2)(x)])


def far_pixels(x: Any) -> Any:
    """Return the sum of pixel i and pixel i + 4: the field has five, from one to the other."""
    return layers.Add()(
        [layers.Cropping2D(((0, 4), (0, 4)))(x), layers.Cropping2D(((4, 0), (4, 0)))(x)]
    )


def chain(*parts: Any) -> Net:
    def build(x: Any) -> Any:
        for part in parts:
            x = part(x)
        return x

    return build


# layers, input height and width, field, stride, first center; all by hand
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
    "softmax": (chain(layers.Flatten(), layers.Activation("softmax")), (5, 5), 5, None, 2.0),
    "residual": (residual, (8, 8), 5, 1, 0.0),
    "two branches": (two_branches, (8, 8), 5, 1, 0.0),
    "strided branches with different centers": (strided_branches, (8, 8), 3, 2, 1.0),
    "branches with different pixels": (far_pixels, (9, 9), 5, 1, 2.0),
    "padded and cropped": (
        chain(layers.ZeroPadding2D(2), layers.Conv2D(1, 3), layers.Cropping2D(1)),
        (8, 8),
        3,
        1,
        0.0,
    ),
    "transposed: two outputs share a pixel, one of them depends on two": (
        chain(layers.Conv2DTranspose(1, 3, strides=2)),
        (4, 4),
        2,
        0.5,
        -0.5,
    ),
    "upsampled, then 3 of 6 positions": (
        chain(layers.UpSampling2D(2), layers.Conv2D(1, 3)),
        (6, 6),
        2,
        0.5,
        0.5,
    ),
    "upsampled and pooled again": (
        chain(layers.UpSampling2D(2), layers.MaxPooling2D(2)),
        (6, 6),
        1,
        1,
        0.0,
    ),
    "upsampled linearly": (
        chain(layers.UpSampling2D(2, interpolation="bilinear")),
        (6, 6),
        2,
        0.5,
        -0.5,
    ),
    "permuted": (
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
    "dense on a feature map": (chain(layers.Conv2D(1, 3), layers.Dense(2)), (9, 7), 3, 1, 1.0),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand(name: str) -> None:
    net, size, field, stride, center = BY_HAND[name]
    inputs = keras.Input((*size, 2))
    table = summary(keras.Model(inputs, net(inputs)))
    last = table.iloc[-1]
    assert (last.receptive_field, last.effective_stride) == (field, stride)
    assert table.attrs["first_centre"][last.name] == center
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


def test_different_strides_are_misaligned_with_the_largest_field() -> None:
    inputs = keras.Input((8, 8, 2))
    near, far = layers.Conv2D(2, 5)(inputs), layers.MaxPooling2D(2)(inputs)
    model = keras.Model(inputs, layers.Add(name="meet")([near, far]))
    table = summary(model)
    assert table.attrs["misaligned"] == ["meet"]
    assert table.receptive_field["meet"] == 5
    # position 3 depends on pixels 3 to 7 in one branch and 6 to 7 in the other
    assert box_of(model, "meet", (3, 3)).start == (3, 3)
    assert box_of(model, "meet", (3, 0)).stop == (8, 5)


def test_feature_maps_concatenated_along_height_keep_their_fields() -> None:
    inputs = keras.Input((6, 6, 1))
    below = layers.Conv2D(1, 3, padding="same")(inputs)
    model = keras.Model(inputs, layers.Concatenate(axis=1, name="both")([inputs, below]))
    assert summary(model).receptive_field["both"] == 3
    for position, start, stop in (((2, 2), (2, 2), (3, 3)), ((8, 2), (1, 1), (4, 4))):
        box = box_of(model, "both", position)
        assert (box.start, box.stop) == (start, stop)


def test_branches_along_different_axes_are_misaligned() -> None:
    inputs = keras.Input((6, 6, 1))
    permuted = layers.Permute((2, 1, 3))(inputs)
    model = keras.Model(inputs, layers.Add(name="meet")([inputs, permuted]))
    assert summary(model).attrs["misaligned"] == ["meet"]


def test_a_box_is_clipped_to_the_input_layer_by_layer() -> None:
    inputs = keras.Input((7, 7, 1))
    x = layers.Conv2D(1, 2, strides=2, name="leaves_the_last_pixel")(inputs)
    x = layers.Conv2D(1, 3, padding="same", name="padded")(x)
    model = keras.Model(inputs, x)
    box = box_of(model, "padded", (2, 0))
    assert box == Box((2, 0), (6, 4), (2, -2), (8, 4))
    assert np.zeros((7, 7))[box.slices].shape == (4, 4)


def test_the_field_in_a_model_by_name() -> None:
    box = receptive_field("vgg16", "conv2_1", (10, 20))
    # two convolutions of 3x3, a pooling of 2x2 and a third convolution, at stride 2
    assert isinstance(box, Box)
    assert (box.start, box.stop) == ((2 * 10 - 4, 2 * 20 - 4), (2 * 10 + 6, 2 * 20 + 6))


def test_a_position_that_depends_on_padding_alone() -> None:
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
        ("con", (0, 0), "no layer named 'con' (did you mean 'conv'?)"),
        ("mean", (0, 0), "positions of (), not (0, 0)"),
    ],
)
def test_a_wrong_position_is_an_error(layer: str, position: tuple[int, ...], message: str) -> None:
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(1, 3, name="conv")(inputs)
    model = keras.Model(inputs, layers.GlobalAveragePooling2D(name="mean")(x))
    with pytest.raises(UsageError) as raised:
        receptive_field(model, layer, position)
    assert message in str(raised.value)
