"""The learning rate at every step, by hand."""

import math

import pytest

from kerazoo.recipe import Recipe
from kerazoo.training.schedules import learning_rate


def test_a_constant_rate_is_a_number() -> None:
    assert learning_rate(Recipe(learning_rate=0.3), 100) == 0.3


def test_a_cosine_rises_over_a_fifth_of_the_steps_and_falls_to_zero() -> None:
    recipe = Recipe(epochs=2, batch_size=10, learning_rate=0.4, schedule="cosine", warmup=0.2)
    rate = learning_rate(recipe, images=243)  # 25 steps an epoch
    assert not isinstance(rate, float)
    for step in range(10):
        assert float(rate(step)) == pytest.approx(0.4 * step / 10)
    for step in range(10, 51):
        expected = 0.4 * (1 + math.cos(math.pi * (step - 10) / 40)) / 2
        assert float(rate(step)) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("images", [1, 2, 3])
def test_so_few_steps_do_not_divide_by_zero(images: int) -> None:
    rate = learning_rate(Recipe(epochs=1, batch_size=1, schedule="cosine", warmup=0.2), images)
    assert not isinstance(rate, float)
    assert all(0 <= float(rate(step)) < 0.0011 for step in range(images + 1))
