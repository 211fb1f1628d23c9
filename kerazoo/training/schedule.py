"""How the learning rate goes over a training."""

from __future__ import annotations

import keras

from kerazoo.training.options import Recipe

WARMUP = 0.2  # share of all steps


def learning_rate(
    recipe: Recipe, images: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return the learning rate of a recipe's steps, for Keras's optimizers.

    Args:
        recipe: How to train.
        images: Number of images of an epoch.
    """
    if recipe.schedule == "constant":
        return recipe.learning_rate
    steps = recipe.epochs * recipe.steps_per_epoch(images)
    rising = max(1, int(WARMUP * steps))
    return keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - rising), warmup_target=recipe.learning_rate, warmup_steps=rising
    )
