"""Against TensorFlow's own profiler: all of keras.applications, and random models."""

from __future__ import annotations

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerazoo import summary
from tests.helpers.profiler import profiled_flops
from tests.helpers.random_models import random_model

APPLICATIONS = [name for name in dir(keras.applications) if name[0].isupper()]


def test_there_are_the_forty_constructors_of_keras_applications() -> None:
    assert len(APPLICATIONS) >= 38  # Keras may add some; those of 3.10 to 3.15 are 38 or more


@pytest.mark.parametrize("name", APPLICATIONS)
def test_keras_applications(name: str) -> None:
    make = getattr(keras.applications, name)
    model = make(weights=None)
    if None in model.input_shape[1:]:
        model = make(weights=None, input_shape=(224, 224, 3))
    table = summary(model)
    assert table.attrs["unsupported"] == []
    assert table.params.sum() == model.count_params()
    assert 2 * table.macs.sum() == profiled_flops(model)
    assert table.receptive_field.notna().all()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_random_models(data: st.DataObject) -> None:
    model = random_model(data.draw, profiled=True)
    table = summary(model, batch_size=2)
    assert table.attrs["unsupported"] == []
    assert table.params.sum() == model.count_params()
    assert 2 * table.macs.sum() == profiled_flops(model, batch_size=2)
    for layer in model.layers:
        assert table.output_shape[layer.name] == layer.output.shape[1:]
    for column, total in table.attrs["total"].items():
        assert column == "cpr" or total == table[column].sum()
