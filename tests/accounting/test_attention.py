"""The cost of attention, by hand."""

from typing import Any

import keras
import pytest
from keras import layers

from kerazoo.accounting.table import summary


def test_attention_of_several_heads() -> None:
    query, value = keras.Input((5, 8)), keras.Input((7, 6))
    attend = layers.MultiHeadAttention(2, key_dim=3, value_dim=4)
    model = keras.Model([query, value], attend(query=query, value=value))
    row = summary(model).iloc[-1]
    projections = 5 * 8 * 6 + 7 * 6 * 6 + 7 * 6 * 8 + 5 * 8 * 8
    scores = 2 * 5 * 7
    assert row.macs == projections + scores * 3 + scores * 4
    softmax, scaling = 5 * scores, 5 * 6
    weighted = 2 * 5 * 4 * (2 * 7 - 1)
    assert row.flops == 2 * projections + scaling + scores * 5 + softmax + weighted
    assert row.params == sum(weight.shape.num_elements() for weight in attend.weights)


def test_attention_with_a_mask_and_a_key_by_keyword() -> None:
    query, value, key = keras.Input((5, 8)), keras.Input((7, 6)), keras.Input((7, 4))
    mask = keras.Input((5, 7), dtype="bool")
    attend = layers.MultiHeadAttention(1, key_dim=3)
    output = attend(attention_mask=mask, key=key, value=value, query=query)
    row = summary(keras.Model([query, value, key, mask], output)).iloc[-1]
    assert row.macs == 5 * 8 * 3 + 7 * 4 * 3 + 7 * 6 * 3 + 2 * 5 * 7 * 3 + 5 * 3 * 8


def test_attention_with_fewer_heads_of_keys_than_of_queries() -> None:
    query, value = keras.Input((5, 8)), keras.Input((7, 8))
    attend = layers.GroupQueryAttention(head_dim=3, num_query_heads=4, num_key_value_heads=2)
    row = summary(keras.Model([query, value], attend(query, value))).iloc[-1]
    projections = 5 * 8 * 12 + 2 * (7 * 8 * 6) + 5 * 12 * 8
    scores = 4 * 5 * 7
    assert row.macs == projections + 2 * scores * 3
    softmax, scaling, weighted = 5 * scores, 5 * 12, 4 * 5 * 3 * (2 * 7 - 1)
    assert row.flops == 2 * projections + scaling + scores * 5 + softmax + weighted


@pytest.mark.parametrize(
    ("layer", "macs", "flops"),  # besides softmax and weighted sum; 5 x 7 scores, keys of length 8
    [
        (layers.Attention(), 35 * 8, 35 * 15),
        (layers.Attention(use_scale=True), 35 * 8, 35 * 16),
        (layers.Attention(score_mode="concat"), 0, 35 * 8 * 7),
        (layers.AdditiveAttention(), 0, 35 * 8 * 8),
        (layers.AdditiveAttention(use_scale=False), 0, 35 * 8 * 7),
    ],
)
def test_attention_scores(layer: Any, macs: int, flops: int) -> None:
    query, value = keras.Input((5, 8)), keras.Input((7, 8))
    row = summary(keras.Model([query, value], layer([query, value]))).iloc[-1]
    assert row.macs == macs + 5 * 7 * 8
    assert row.flops == flops + 5 * 35 + 5 * 8 * (2 * 7 - 1)
