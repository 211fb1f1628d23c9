"""MACs equal those of TensorFlow's profiler: keras.applications and random models."""

import functools
from collections.abc import Callable

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerazoo import summary
from kerazoo.compat import shapes_only
from tests.helpers.profiler import profiled_flops
from tests.helpers.random_models import random_model

APPLICATIONS = [name for name in dir(keras.applications) if name[0].isupper()]
# Together they have every kind of layer. For networks with many repeated blocks, the last layer of
# the first blocks; None for the complete network.
FEW = {
    "ConvNeXtTiny": None,
    "DenseNet121": "pool2_pool",
    "EfficientNetB0": "block2b_add",
    "InceptionResNetV2": "block35_1_ac",
    "MobileNet": None,
    "NASNetMobile": "normal_concat_0",
    "ResNet50": None,
    "VGG16": None,
    "Xception": None,
}
OTHERS = [name for name in APPLICATIONS if FEW.get(name, "") is not None]  # not complete in FEW


@pytest.fixture(scope="module")
def application() -> Callable[..., keras.Model]:
    """Return `build`, cached."""
    return functools.cache(build)


def build(name: str, last: str | None = None) -> keras.Model:
    """Return a network of keras.applications, up to a layer, whose weights have no values."""
    make = getattr(keras.applications, name)
    with shapes_only():
        model = make(weights=None)
        if None in model.input_shape[1:]:
            model = make(weights=None, input_shape=(224, 224, 3))
    return keras.Model(model.inputs, model.get_layer(last).output) if last else model


def test_the_number_of_keras_applications() -> None:
    assert len(APPLICATIONS) >= 38  # Keras may add some; those of 3.10 to 3.15 are 38 or more


@pytest.mark.parametrize(
    ("name", "last"),
    [
        *(pytest.param(name, last, id=name) for name, last in FEW.items()),
        *(pytest.param(name, None, id=f"{name}-full", marks=pytest.mark.full) for name in OTHERS),
    ],
)
def test_keras_applications(
    name: str, last: str | None, application: Callable[..., keras.Model]
) -> None:
    model = application(name, last)
    table = summary(model)
    assert table.attrs["unsupported"] == {}
    assert table.params.sum() == model.count_params()
    assert 2 * table.macs.sum() == profiled_flops(model)
    assert table.receptive_field.notna().all()


@pytest.mark.full
def test_few_have_every_kind_of_layer(application: Callable[..., keras.Model]) -> None:
    few, everything = (
        {type(layer) for model in models for layer in model.layers}
        for models in (
            (application(name, last) for name, last in FEW.items()),
            (application(name, None) for name in APPLICATIONS),
        )
    )
    assert few == everything


@pytest.mark.parametrize("examples", [12, pytest.param(300, marks=pytest.mark.full)])
def test_random_models(examples: int) -> None:
    @settings(max_examples=examples, deadline=None, derandomize=True)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        with shapes_only():
            model = random_model(data.draw, profiled=True)
        table = summary(model, batch_size=2)
        assert table.attrs["unsupported"] == {}
        assert table.params.sum() == model.count_params()
        assert 2 * table.macs.sum() == profiled_flops(model, batch_size=2)
        for layer in model.layers:
            if layer.name in table.index:
                assert table.output_shape[layer.name] == layer.output.shape[1:]
        for column, total in table.attrs["total"].items():
            assert column == "cpr" or total == table[column].sum()

    check()
