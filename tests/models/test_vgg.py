"""The VGGs against the documents' table, the paper's totals, and one head against the other."""

import inspect
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.documents.vgg16_layers import LAYERS
from kerazoo.errors import UsageError
from kerazoo.models import vgg
from tests.helpers.shapes import model_of_shapes


def printed_summary(model: keras.Model) -> tuple[dict[str, tuple[tuple[int, ...], int]], int]:
    """Return what `model.summary()` prints: layer -> output and parameters, and the total."""
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    text = "\n".join(lines)
    rows = re.findall(r"│ (\w+) \(\w+\) +│ \(None, ([\d, ]+)\) +│ +([\d,]+) │", text)
    total = re.search(r"Total params: ([\d,]+)", text)
    assert total
    layers = {
        name: (tuple(map(int, shape.split(","))), int(params.replace(",", "")))
        for name, shape, params in rows
    }
    return layers, int(total[1].replace(",", ""))


def test_summary_of_vgg16_is_the_documents_table() -> None:
    model = model_of_shapes("vgg16")
    layers, total = printed_summary(model)
    for name, output, weights, _ in LAYERS:
        biases = output[-1] if weights else 0
        assert layers[name] == (output, weights + biases), name
        kernel = [weight for weight in model.get_layer(name).weights if weight.name == "kernel"]
        assert sum(np.prod(each.shape) for each in kernel) == weights, name
    assert [name for name in layers if name[:2] in ("co", "po", "fc")][:-1] == [
        layer.name for layer in LAYERS
    ]
    assert total == 138_357_544


@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("vgg11", 132_863_336),
        ("vgg11_lrn", 132_863_336),
        ("vgg13", 133_047_848),
        ("vgg16c", 133_638_952),
        ("vgg19", 143_667_240),
    ],
)
def test_the_printed_totals_of_the_others(name: str, total: int) -> None:
    assert printed_summary(model_of_shapes(name))[1] == total


def test_columns_differ_where_the_paper_says() -> None:
    kernels = {
        name: [
            layer.kernel_size[0] if isinstance(layer, keras.layers.Conv2D) else "lrn"
            for layer in model_of_shapes(name, include_top=False).layers
            if layer.name.startswith(("conv", "lrn"))
        ]
        for name in kerazoo.list_models("vgg*")
    }
    assert kernels == {
        "vgg11": [3] * 8,
        "vgg11_lrn": [3, "lrn", *[3] * 7],
        "vgg13": [3] * 10,
        "vgg16": [3] * 13,
        "vgg16c": [3, 3, 3, 3, *[3, 3, 1] * 3],
        "vgg19": [3] * 16,
    }


@pytest.mark.usefixtures("width")
def test_the_conv_head_is_the_dense_head_at_every_window() -> None:
    keras.utils.set_random_seed(0)
    conv = kerazoo.create_model("vgg11", input_shape=(384, 384, 3), classifier_activation=None)
    dense = kerazoo.create_model("vgg11", head="dense", weights=conv, classifier_activation=None)
    image = np.random.default_rng(0).normal(scale=60, size=(1, 384, 384, 3))
    scores = conv(image).numpy()
    assert scores.shape == (1, 6, 6, 1000)
    pool5 = keras.Model(conv.input, conv.get_layer("pool5").output)(image).numpy()
    head = keras.Model(dense.get_layer("pool5").output, dense.output)
    windows = [pool5[:, y : y + 7, x : x + 7] for y in range(6) for x in range(6)]
    by_window = head(np.concatenate(windows)).numpy().reshape(1, 6, 6, 1000)
    assert np.abs(scores - by_window).max() <= 1e-5 * np.abs(by_window).max()


@pytest.mark.parametrize(
    ("options", "output"),
    [
        ({}, (None, 1000)),
        ({"input_shape": (256, 256, 3)}, (None, 2, 2, 1000)),
        ({"input_shape": (None, None, 3)}, (None, None, None, 1000)),
        ({"input_shape": (256, 300, 3), "global_pool": True}, (None, 1000)),
        ({"input_shape": (None, None, 3), "global_pool": True}, (None, 1000)),
        ({"fc_padding": "same"}, (None, 7, 7, 1000)),
        ({"fc_padding": "same", "input_shape": (32, 32, 3)}, (None, 1000)),
        ({"classes": 0}, (None, 1, 1, 4096)),
        ({"classes": 0, "head": "dense"}, (None, 4096)),
        ({"head": "dense"}, (None, 1000)),
        ({"head": "dense", "input_shape": (64, 32, 3)}, (None, 1000)),
        ({"include_top": False, "input_shape": (32, 64, 3)}, (None, 1, 2, 512)),
    ],
)
def test_output_shapes_with_each_option(
    options: dict[str, object], output: tuple[int | None, ...]
) -> None:
    model = model_of_shapes("vgg11", **options)
    assert model.output_shape == output
    if options.get("classes") == 0:
        assert model.layers[-1].name == "fc7"


@pytest.mark.usefixtures("thin_networks")  # of full width, it takes ten minutes on some processors
def test_every_position_of_a_feature_map_has_probabilities() -> None:
    image = np.random.default_rng(0).random((1, 256, 256, 3))
    last = kerazoo.create_model("vgg11", input_shape=(256, 256, 3))
    np.testing.assert_allclose(last(image).numpy().sum(-1), np.ones((1, 2, 2)), rtol=1e-5)
    keras.config.set_image_data_format("channels_first")
    try:
        first = kerazoo.create_model("vgg11", input_shape=(3, 256, 256), weights=last)
    finally:
        keras.config.set_image_data_format("channels_last")
    scores = first(np.moveaxis(image, -1, 1)).numpy()
    np.testing.assert_allclose(np.moveaxis(scores, 1, -1), last(image), rtol=1e-4)


@pytest.mark.usefixtures("width")
def test_global_pool_is_the_mean_of_fc7() -> None:
    image = np.random.default_rng(0).random((1, 288, 256, 3))
    pooled = kerazoo.create_model(
        "vgg11", input_shape=(288, 256, 3), global_pool=True, classifier_activation=None
    )
    # fc8 is linear, so the mean of its map is fc8 of the mean of fc7's
    plain = kerazoo.create_model(
        "vgg11", input_shape=(288, 256, 3), weights=pooled, classifier_activation=None
    )
    expected = plain(image).numpy().mean(axis=(1, 2))
    np.testing.assert_allclose(pooled(image), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("width")
def test_dropout_acts_in_training_only_at_its_rate() -> None:
    model = kerazoo.create_model("vgg11", classes=3)
    assert [model.get_layer(name).rate for name in ("dropout6", "dropout7")] == [0.5, 0.5]
    model = kerazoo.create_model("vgg11", classes=3, dropout_rate=0.25)
    features = np.ones((1, 1, 1, 4096), np.float32)
    dropped = model.get_layer("dropout7")(features, training=True).numpy()
    assert 0.2 < (dropped == 0).mean() < 0.3
    np.testing.assert_allclose(dropped[dropped > 0], 1 / 0.75)
    image = np.random.default_rng(0).random((1, 224, 224, 3))
    np.testing.assert_array_equal(model(image), model(image))


def test_a_constructor_takes_what_keras_applications_takes() -> None:
    keras_arguments = list(inspect.signature(keras.applications.VGG16).parameters)
    arguments = list(inspect.signature(vgg.vgg16).parameters)
    assert arguments[: len(keras_arguments)] == keras_arguments
    own = ["head", "fc_padding", "global_pool", "dropout_rate", "layer_names", "alpha"]
    assert arguments[len(keras_arguments) :] == own
    assert vgg.vgg16.__name__ == "vgg16"
    assert "fc_padding: " in str(vgg.vgg16.__doc__)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"head": "fc"}, "head must be 'conv' or 'dense'; received 'fc'"),
        ({"fc_padding": "SAME"}, "fc_padding must be 'valid' or 'same'"),
        ({"head": "dense", "global_pool": True}, "need head='conv'"),
        ({"classes": -1}, "classes must be an integer of at least 0; received -1"),
        ({"input_shape": (223, 224, 3)}, "at least 224x224"),
        ({"input_shape": (31, 32, 3), "head": "dense"}, "at least 32x32"),
        ({"input_shape": (None, None, 3), "head": "dense"}, "must give height and width"),
        ({"weights": "imagenet"}, "keras.applications has no 'vgg11'"),
    ],
)
def test_arguments_that_do_not_fit(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        model_of_shapes("vgg11", **options)


def test_forward_agrees_with_tf_nn() -> None:
    options = {"input_shape": (32, 32, 3), "classifier_activation": None, "alpha": 1 / 16}
    model = kerazoo.create_model("vgg11", head="dense", classes=5, **options)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(scale=0.1, size=each.shape) for each in model.weights])
    weights = iter(model.get_weights())
    image = x = rng.normal(size=(1, 32, 32, 3)).astype(np.float32)
    for convolutions in (1, 1, 2, 2, 2):
        for _ in range(convolutions):
            x = tf.nn.relu(tf.nn.conv2d(x, next(weights), 1, "SAME") + next(weights))
        x = tf.nn.max_pool2d(x, 2, 2, "VALID")
    x = tf.reshape(x, (1, -1))
    for _ in ("fc6", "fc7"):
        x = tf.nn.relu(x @ next(weights) + next(weights))
    np.testing.assert_allclose(model(image), x @ next(weights) + next(weights), rtol=1e-4)
