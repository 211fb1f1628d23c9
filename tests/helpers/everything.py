"""A recipe with everything on that has a state or draws random numbers."""

from typing import Any

EVERYTHING: dict[str, Any] = {
    "optimizer": "sgd",
    "learning_rate": 0.02,
    "schedule": "plateau",
    "patience": 1,
    "weight_decay": 1e-3,
    "label_smoothing": 0.1,
    "ema": 0.9,
    "auxiliary_weight": 0.3,
    "class_weights": "balanced",
    "flip": True,
    "crop_padding": 0.1,
    "crop_area": (0.5, 1.0),
    "color_jitter": 0.2,
    "mixup": 0.2,
    "freeze": ("conv*",),
    "unfreeze_after": 2,
    "early_stopping": 3,
    "keep": "best",
}


def as_arguments(recipe: dict[str, Any]) -> list[str]:
    """Return the arguments of the command for the attributes of a recipe."""
    arguments: list[str] = []
    for name, value in recipe.items():
        arguments.append(f"--{name.replace('_', '-')}")
        if value is not True:
            arguments.append(_as_text(value, ","))
    return arguments


def _as_text(value: Any, separator: str) -> str:
    if isinstance(value, tuple):
        return separator.join(_as_text(each, ":") for each in value)
    return str(value)
