"""The sizes that are drawn against those of the papers."""

import keras
import pytest

from kerazoo.compat import shapes_only
from kerazoo.demos.networks import Stage, compute, stages_of
from kerazoo.models import create_model

# side, channels and convolutions of each size; units
PAPERS = {
    # LeCun et al. 1998, figure 2
    "lenet5": ([(32, 1, 0), (28, 6, 1), (14, 6, 0), (10, 16, 1), (5, 16, 0)], (120, 84, 10)),
    # Krizhevsky et al. 2012, figure 2, with one group of feature maps
    "alexnet": (
        [(227, 3, 0), (55, 96, 1), (27, 256, 1), (13, 384, 3), (6, 256, 0)],
        (4096, 4096, 1000),
    ),
    # Simonyan and Zisserman 2014, table 1, column D
    "vgg16": (
        [
            (224, 3, 0),
            *((224, 64, 2), (112, 128, 2), (56, 256, 3), (28, 512, 3), (14, 512, 3), (7, 512, 0)),
        ],
        (4096, 4096, 1000),
    ),
    # He et al. 2015, table 1, with the projections of the shortcuts
    "resnet50": (
        [(224, 3, 0), (112, 64, 1), (56, 256, 10), (28, 512, 13), (14, 1024, 19), (7, 2048, 10)],
        (1000,),
    ),
}


@pytest.mark.parametrize("name", PAPERS)
def test_sizes_of_the_papers(name: str) -> None:
    with shapes_only():
        model = create_model(name)
    stages, units = PAPERS[name]
    assert stages_of(model) == (tuple(Stage(*each) for each in stages), units)


def test_padding_and_what_keeps_the_input_make_no_size() -> None:
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.ZeroPadding2D(1)(keras.layers.Rescaling(2)(inputs))
    x = keras.layers.Conv2D(4, 3, strides=2)(x)
    x = keras.layers.Dense(5)(keras.layers.Flatten()(x))
    stages = Stage(8, 3, 0), Stage(4, 4, 1)
    assert stages_of(keras.Model(inputs, x)) == (stages, (5,))


@pytest.mark.full
def test_all_networks() -> None:
    networks = compute()
    assert len(networks) == 19
    assert [each.name for each in networks][:2] == ["lenet5", "alexnet"]
    for each in networks:
        assert each.stages[0].convolutions == 0
        assert each.units[-1] in (10, 1000)
