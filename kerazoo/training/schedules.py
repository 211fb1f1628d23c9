"""The learning rate of a recipe, step by step."""

from typing import Any

from kerazoo.lazy import keras
from kerazoo.recipe import Recipe


class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises linearly from zero, then follows a schedule or is constant.

    Args:
        steps: Number of steps in which it rises.
        after: The learning rate, or the schedule that begins after these steps.
        maximum: Where it rises to.
    """

    def __init__(self, steps: int, after: Any, maximum: float) -> None:
        self.steps, self.after, self.maximum = steps, after, maximum

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of a step, from 0."""
        step = keras.ops.cast(step, "float32")
        after = self.after(step - self.steps) if callable(self.after) else self.after
        return keras.ops.where(step < self.steps, self.maximum * step / self.steps, after)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {"steps": self.steps, "after": self.after, "maximum": self.maximum}


def learning_rate(
    recipe: Recipe, images: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return the learning rate of a recipe's steps, for epochs of `images` images.

    That of "plateau" is a number, which a callback divides.
    """
    steps = recipe.epochs * recipe.steps_per_epoch(images)
    rising = max(1, int(recipe.warmup * steps)) if recipe.warmup else 0
    after: Any = recipe.learning_rate
    if recipe.schedule == "cosine":
        after = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, max(1, steps - rising))
    elif recipe.schedule == "step":
        places = [round(fraction * steps) - rising for fraction, _ in recipe.milestones]
        factors = [1.0, *(factor for _, factor in recipe.milestones)]
        after = keras.optimizers.schedules.PiecewiseConstantDecay(
            [place - 1 for place in places],  # the last step before a change
            [recipe.learning_rate * factor for factor in factors],
        )
    return WarmUp(rising, after, recipe.learning_rate) if rising else after
