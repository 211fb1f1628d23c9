"""The kinds of convolution, against Keras's layers with the same kernels and `kerazoo.summary`."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import kerazoo
from kerazoo.demos.arithmetic import rot180
from kerazoo.demos.kinds import Kinds, Step, compute
from kerazoo.layers import SpatiallySeparableConv2D

SAME: dict[str, Any] = {"padding": "same", "use_bias": False, "dtype": "float64"}
LAYERS = {
    "standard": layers.Conv2D(12, 3, **SAME),
    "pointwise": layers.Conv2D(12, 1, **SAME),
    "grouped": layers.Conv2D(12, 3, groups=3, **SAME),
    "depthwise": layers.DepthwiseConv2D(3, **SAME),
    "spatially separable": SpatiallySeparableConv2D(12, 3, **SAME),
    "depthwise separable": layers.SeparableConv2D(12, 3, **SAME),
    "transposed": layers.Conv2DTranspose(12, 3, 2, use_bias=False, dtype="float64"),
    "dilated": layers.Conv2D(12, 3, dilation_rate=2, **SAME),
}
STEPS = [(name, number) for name, steps in compute().steps.items() for number in range(len(steps))]


@pytest.fixture(scope="module")
def kinds() -> Kinds:
    return compute()


def weights_of(name: str, steps: tuple[Step, ...]) -> list[np.ndarray]:
    """Return the kernels as Keras's layer of a kind has them."""
    kernels = [step.kernel for step in steps]
    if name.startswith("depthwise") or name == "transposed":
        kernels[0] = np.swapaxes(kernels[0], 2, 3)
    return kernels


@pytest.mark.parametrize("name", LAYERS)
def test_feature_maps_and_counts_are_those_of_keras(kinds: Kinds, name: str) -> None:
    inputs = keras.Input(kinds.image.shape, dtype="float64")
    model = keras.Model(inputs, LAYERS[name](inputs))
    steps = kinds.steps[name]
    model.set_weights(weights_of(name, steps))
    outputs = np.asarray(model(kinds.image[None]))[0]
    np.testing.assert_allclose(steps[-1].output, outputs, rtol=0, atol=1e-10)
    table = kerazoo.summary(model)
    assert table.output_shape.iloc[-1] == steps[-1].output.shape
    assert table.attrs["total"]["macs"] == sum(step.macs for step in steps)
    assert table.attrs["total"]["weight_params"] == sum(step.weights for step in steps)
    assert all(step.macs == 64 * step.weights for step in steps)


def test_the_transposed_convolution_slides_over_zeros(kinds: Kinds) -> None:
    (step,) = kinds.steps["transposed"]
    np.testing.assert_array_equal(step.inputs[2:-2:2, 2:-2:2], kinds.image)
    assert np.count_nonzero(step.inputs) == kinds.image.size
    inputs = keras.Input(step.inputs.shape, dtype="float64")
    layer = layers.Conv2D(12, 3, use_bias=False, dtype="float64")
    model = keras.Model(inputs, layer(inputs))
    model.set_weights([rot180(step.kernel)])
    outputs = np.asarray(model(step.inputs[None]))[0]
    np.testing.assert_allclose(step.output, outputs, rtol=0, atol=1e-10)
    assert kerazoo.summary(model).attrs["total"]["macs"] == kinds.naive_macs


def test_the_notes_count_of_groups(kinds: Kinds) -> None:
    (step,) = kinds.steps["grouped"]
    (standard,) = kinds.steps["standard"]
    each = layers.Conv2D(12, 3, **SAME)
    outputs = [each(part[None]) for part in np.split(kinds.image, 3, axis=-1)]
    assert sum(part.shape[-1] for part in outputs) == kinds.notes_maps
    assert 3 * step.weights == standard.weights


@pytest.mark.parametrize(("name", "number"), STEPS)
def test_the_window_is_what_the_element_reads(kinds: Kinds, name: str, number: int) -> None:
    step = kinds.steps[name][number]
    rows, columns = step.window
    read = np.ix_(rows, columns, np.arange(step.kernel.shape[2]))
    kernel = rot180(step.kernel) if name == "transposed" else step.kernel
    value = np.sum(step.inputs[read] * kernel[..., 0])
    assert value == pytest.approx(step.output[(*step.element, 0)], abs=1e-10)
