"""The receptive field of a model with one input."""

import keras

from kerazoo.accounting.receptive_field import Box, receptive_field


def box_of(model: keras.Model, layer: str, position: tuple[int, ...]) -> Box:
    """Return the box of a position."""
    box = receptive_field(model, layer, position)
    assert isinstance(box, Box)
    return box
