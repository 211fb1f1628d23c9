"""The network of the study notes compared with their figures and with NumPy."""

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.errors import UsageError


def test_layers_sizes_and_parameters_are_the_documents() -> None:
    model = kerazoo.create_model("mnist_cnn")
    rows = [(layer.name, layer.output.shape[1:], layer.count_params()) for layer in model.layers]
    assert rows[1:] == [
        ("conv1", (28, 28, 32), 320),
        ("conv2", (14, 14, 64), 18_496),
        ("pool3", (7, 7, 64), 0),
        ("pool3_flat", (3136,), 0),
        ("fc1", (64,), 200_768),
        ("output", (10,), 650),
    ]


def conv_same(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, stride: int) -> np.ndarray:
    """Convolve [height, width, in] one output pixel after the other, TensorFlow's SAME padding."""
    size = -(-x.shape[0] // stride)
    total = max((size - 1) * stride + 3 - x.shape[0], 0)
    padded = np.pad(x, ((total // 2, total - total // 2),) * 2 + ((0, 0),))
    out = np.empty((size, size, kernel.shape[-1]))
    for row in range(size):
        for column in range(size):
            top, left = row * stride, column * stride
            window = padded[top : top + 3, left : left + 3]
            out[row, column] = np.tensordot(window, kernel, axes=3) + bias
    return out


def test_forward_agrees_with_numpy() -> None:
    keras.utils.set_random_seed(1)
    model = kerazoo.create_model("mnist_cnn", classifier_activation=None)
    rng = np.random.default_rng(2)
    weights = [rng.normal(scale=0.1, size=weight.shape) for weight in model.get_weights()]
    model.set_weights(weights)
    image = rng.random((28, 28, 1))

    w1, b1, w2, b2, w3, b3, w4, b4 = weights
    x = np.maximum(conv_same(image, w1, b1, stride=1), 0)
    x = np.maximum(conv_same(x, w2, b2, stride=2), 0)
    x = x.reshape(7, 2, 7, 2, 64).max(axis=(1, 3))
    x = np.maximum(x.reshape(-1) @ w3 + b3, 0)
    np.testing.assert_allclose(model(image[None])[0], x @ w4 + b4, rtol=1e-4, atol=1e-5)


def test_kernels_begin_glorot_uniform_and_biases_zero() -> None:
    keras.utils.set_random_seed(0)
    for weight in kerazoo.create_model("mnist_cnn").weights:
        values = weight.numpy()
        if weight.name == "bias":
            assert not values.any()
            continue
        fan_in, fan_out = values[..., 0].size, values[..., 0, :].size
        limit = np.sqrt(6 / (fan_in + fan_out))
        assert np.abs(values).max() <= limit
        assert np.abs(values).max() > 0.95 * limit
        np.testing.assert_allclose(values.std(), limit / np.sqrt(3), rtol=0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_shape": (28, 28)}, "three elements"),
        ({"input_shape": 28}, "three elements"),
        ({"input_shape": ("a", 28, 1)}, "integers or None"),
        ({"input_shape": (28, 28, None)}, "number of channels"),
        ({"input_shape": (2, 28, 1)}, "at least 3x3"),
        ({"input_shape": (None, 28, 1)}, "must give height and width with include_top=True"),
        ({"include_top": False, "pooling": "mean"}, "None, 'avg' or 'max'"),
        ({"classes": 0}, "classes must be an integer of at least 1; received 0"),
        ({"classes": "ten"}, "classes must be an integer"),
        ({"weights": ""}, "None, 'imagenet', 'mnist', a path or a model; received ''"),
        ({"weights": 3}, "None, 'imagenet', 'mnist', a path or a model; received 3"),
        ({"weights": "imagenet"}, "keras.applications has no 'mnist_cnn'"),
        ({"weights": "nowhere.keras"}, "there is no file 'nowhere.keras'"),
    ],
)
def test_arguments_that_do_not_fit(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        kerazoo.create_model("mnist_cnn", **options)


def test_the_smallest_input_leaves_one_pixel() -> None:
    model = kerazoo.create_model("mnist_cnn", include_top=False, input_shape=(3, 3, 1))
    assert model.output_shape == (None, 1, 1, 64)


def test_the_pool_leaves_out_an_odd_row() -> None:
    """Its padding is the program's, VALID: maps of 15x13 become 7x6."""
    model = kerazoo.create_model("mnist_cnn", include_top=False, input_shape=(30, 26, 1))
    assert model.get_layer("conv2").output.shape[1:3] == (15, 13)
    assert model.output_shape == (None, 7, 6, 64)
