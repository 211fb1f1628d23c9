"""LeNet-5 against its paper's figures and against NumPy by hand."""

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.errors import UsageError
from kerazoo.models.lenet5 import CONNECTIONS, codes


def test_layers_sizes_and_parameters_are_the_papers() -> None:
    model = kerazoo.create_model("lenet5")
    rows = {layer.name: (layer.output.shape[1:], layer.count_params()) for layer in model.layers}
    assert {name: rows[name] for name in ("c1", "s2", "c3", "s4", "c5", "f6", "output")} == {
        "c1": ((28, 28, 6), 156),
        "s2": ((14, 14, 6), 12),
        "c3": ((10, 10, 16), 1_516),
        "s4": ((5, 5, 16), 32),
        "c5": ((1, 1, 120), 48_120),
        "f6": ((84,), 10_164),
        "output": ((10,), 0),
    }
    assert sum(weight.numpy().size for weight in model.trainable_weights) == 60_000


def test_the_table_between_s2_and_c3_is_the_papers() -> None:
    """Table I, row by row: the maps of C3 that each map of S2 goes to."""
    crosses = [
        "X...XXX..XXXX.XX",
        "XX...XXX..XXXX.X",
        "XXX...XXX..X.XXX",
        ".XXX..XXXX..X.XX",
        "..XXX..XXXX.XX.X",
        "...XXX..XXXX.XXX",
    ]
    drawn = ["".join("X" if row in seen else "." for seen in CONNECTIONS) for row in range(6)]
    assert drawn == crosses
    assert sum(map(len, CONNECTIONS)) == 60


def test_dense_connections_are_the_option() -> None:
    model = kerazoo.create_model("lenet5", connections="dense")
    assert model.get_layer("c3").count_params() == 16 * (6 * 25 + 1)
    with pytest.raises(UsageError, match="must be 'table' or 'dense'; received 'sparse'"):
        kerazoo.create_model("lenet5", connections="sparse")


def squash(x: np.ndarray) -> np.ndarray:
    return 1.7159 * np.tanh(2 / 3 * x)


def convolve(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Return [h - 4, w - 4, out] of [h, w, in] and [5, 5, in, out], pixel by pixel."""
    height, width = x.shape[0] - 4, x.shape[1] - 4
    out = np.empty((height, width, kernel.shape[-1]))
    for row in range(height):
        for column in range(width):
            out[row, column] = np.tensordot(x[row : row + 5, column : column + 5], kernel, axes=3)
    return out


def test_forward_agrees_with_numpy() -> None:
    keras.utils.set_random_seed(3)
    model = kerazoo.create_model("lenet5", classifier_activation=None)
    rng = np.random.default_rng(4)
    values = [rng.normal(scale=0.1, size=weight.shape) for weight in model.get_weights()]
    model.set_weights(values)
    named = {weight.path: value for weight, value in zip(model.weights, values, strict=True)}
    image = rng.random((32, 32, 1))

    def subsample(x: np.ndarray, name: str) -> np.ndarray:
        half = x.shape[0] // 2
        sums = x.reshape(half, 2, half, 2, -1).sum(axis=(1, 3))
        return squash(sums * named[f"{name}/coefficient"] + named[f"{name}/bias"])

    image_of_paper = image * (1.175 + 0.1) - 0.1
    x = subsample(squash(convolve(image_of_paper, named["c1/kernel"]) + named["c1/bias"]), "s2")
    maps, first = [], 0
    for place, seen in enumerate(CONNECTIONS):
        kernel = named["c3/kernel"][:, :, first : first + len(seen), None]
        maps.append(convolve(x[:, :, seen], kernel)[..., 0] + named["c3/bias"][place])
        first += len(seen)
    x = subsample(squash(np.stack(maps, axis=-1)), "s4")
    x = squash(convolve(x, named["c5/kernel"]) + named["c5/bias"]).reshape(-1)
    x = squash(x @ named["f6/kernel"] + named["f6/bias"])
    expected = -((x - np.array(codes(10))) ** 2).sum(axis=1)
    np.testing.assert_allclose(model(image[None])[0], expected, rtol=1e-5, atol=1e-4)


def test_codes_are_of_the_papers_length_and_apart() -> None:
    for classes in (2, 10, 26, 1000):
        drawn = np.array(codes(classes))
        assert drawn.shape == (classes, 84)
        assert set(np.unique(drawn)) == {-1, 1}
        assert len(np.unique(drawn, axis=0)) == classes
        assert codes(classes) == codes(classes)
    seven = np.array(codes(10))[7].reshape(12, 7)
    assert (seven[0] == 1).all()
    assert (seven[-1] == [-1, 1, -1, -1, -1, -1, -1]).all()


def test_initial_values_are_the_papers() -> None:
    keras.utils.set_random_seed(0)
    model = kerazoo.create_model("lenet5")
    for name, inputs in (("c1", 25), ("c5", 400), ("f6", 120)):
        kernel = np.abs(model.get_layer(name).kernel.numpy())
        assert 0.9 * 2.4 / inputs < kernel.max() <= 2.4 / inputs
