"""The evaluation of a trained model on a data set by its name."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kerazoo.data.load import load
from kerazoo.errors import CorruptFileError, UsageError
from kerazoo.inference.classifier import Classifier
from kerazoo.inference.evaluate import Evaluation, evaluate
from kerazoo.lazy import keras
from kerazoo.recipe import Recipe
from kerazoo.registry import ModelConfig
from kerazoo.training.setup import steps_per_call

logger = logging.getLogger("kerazoo")


def evaluate_model(
    model: keras.Model,
    data: str | None = None,
    split: str = "test",
    *,
    mnist_dir: Path | None = None,
    skip_broken: bool = False,
    limit: int | None = None,
) -> tuple[Evaluation, str]:
    """Evaluate a model that `kerazoo.load` returned.

    Images are split, batched and added as in its training, so that loss and accuracies are those
    of its summary.

    Args:
        model: The model.
        data: Name of a data set, see `kerazoo.data.load.load`; None for that of its training.
        split: "train", "validation" or "test".
        mnist_dir: Directory with MNIST's four IDX files.
        skip_broken: Whether to leave out images of a folder that cannot be read.
        limit: Maximum number of images; None for all.

    Returns:
        The evaluation, and a title for it.

    Raises:
        UsageError: The model has other classes than the data, or its data are unknown.
        DataMissingError, CorruptFileError: See `load`.
    """
    classifier = Classifier.of(model)
    recipe = _recipe(classifier)
    known: Mapping[str, Any] = {}  # of the data of its training
    if data is None:
        known = classifier.card.data if classifier.card else known
        if not known:
            raise UsageError(f"the data of '{model.name}' are unknown: name a set with --data")
        data, limit = str(known["name"]), limit or known.get("limit")
    micro_batches, calls = 1, 1
    config: ModelConfig | None = getattr(model, "kerazoo_config", None)
    if config is not None:
        micro_batches = recipe.micro_batches or 1
        calls = steps_per_call(model, config.name, classifier.image_shape, recipe.batch_size)
    loaded = load(data, classifier.image_shape, recipe.seed, mnist_dir, skip_broken)
    if known.get("fingerprint", loaded.fingerprint) != loaded.fingerprint:
        logger.warning(
            "%s has changed since the training of '%s', which may have seen the images that are "
            "now in the split",
            loaded.name,
            model.name,
        )
    if limit is not None:
        loaded = loaded.limited(limit)
    size = getattr(loaded, split).size
    logger.info("%s on %s: %s %s images", model.name, loaded.name, f"{size:,}", split)
    evaluation = evaluate(classifier, loaded, split, recipe.batch_size, micro_batches, calls)
    return evaluation, f"{model.name} on {size:,} {split} images of {loaded.name}"


def _recipe(classifier: Classifier) -> Recipe:
    """Return the sizes of batches and the seed of a model's training, or the default ones."""
    known = classifier.card.recipe if classifier.card else {}
    names = [name for name in ("batch_size", "micro_batches", "seed") if name in known]
    try:
        return Recipe(**{name: known[name] for name in names})
    except UsageError as error:
        raise CorruptFileError(
            f"the file of the model has an impossible recipe: {error}"
        ) from error
