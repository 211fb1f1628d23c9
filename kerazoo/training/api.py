"""`kerazoo.train`: a training in a call of Python."""

from collections.abc import Collection, Sequence
from typing import Any

from kerazoo import registry
from kerazoo.errors import UsageError, did_you_mean
from kerazoo.lazy import keras
from kerazoo.training import train as training
from kerazoo.training.options import SET_BY_TRAINING, make_options, recipe_names, run_names
from kerazoo.weights.networks import config_of


def train(
    model: str | keras.Model,
    data: str = "auto",
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    recipe: str = "default",
    augment: str | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Train a model and write a run directory, as `kerazoo train` does.

    Args:
        model: Name of a model, or a model of kerazoo, whose weights the training starts from.
        data: Name of a data set: "mnist", "digits", "folder:PATH", or one of tensorflow-datasets.
        callbacks: Keras callbacks, such as those of MLflow or Weights & Biases.
        recipe: "default", the model's own; "paper", "notes" or "fast".
        augment: "none", "standard" or "paper"; None for the recipe's augmentation.
        **options: Attributes of `kerazoo.recipe.Recipe`, such as `epochs` and `learning_rate`, and
            of `kerazoo.training.options.TrainOptions`, such as `out` and `weights`.

    Returns:
        The content of summary.json; `kerazoo.load(summary["out"])` is the trained model.

    Raises:
        UsageError: An option is unknown, not possible, or changes nothing.
        InterruptedRunError: Ctrl-C or SIGTERM stopped it, after it was saved.
        KerazooError, OSError: See `kerazoo.training.train.train`.

    >>> summary = train("mnist_cnn", "digits", epochs=1, limit=100)
    >>> model = load(summary["out"])
    >>> len(model.kerazoo_card.class_names)
    10
    """
    known = recipe_names() | run_names()
    for name in options:
        if name not in known:
            raise UsageError(f"unknown option '{name}'{_hint(name, model, known)}")
    if isinstance(model, keras.Model):
        config, card = config_of(model), getattr(model, "kerazoo_card", None)
        given = config.options
        kept = {name: value for name, value in given.items() if name not in SET_BY_TRAINING}
        options.setdefault("model_options", kept)
        shape = card.image_shape if card else given.get("input_shape")
        if shape is not None and None not in shape:
            options.setdefault("input_shape", shape)
        options.setdefault("weights", model)
        model = config.name
    return training.train(make_options(model, recipe, augment, data=data, **options), callbacks)


def _hint(name: str, model: str | keras.Model, known: Collection[str]) -> str:
    """Return what to do about an unknown option."""
    if isinstance(model, str) and name in registry.options(model):
        return f": it is one of {model}, give model_options={{'{name}': ...}}"
    return did_you_mean(name, known)
