"""Convert weights from one library to another, and compare the outputs of both networks."""

import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kerazoo import registry
from kerazoo.compat import shapes_only
from kerazoo.convert import native
from kerazoo.difference import Difference, difference
from kerazoo.errors import KerazooError, UsageError
from kerazoo.lazy import keras
from kerazoo.models import create_model
from kerazoo.registry import ModelConfig
from kerazoo.weights import export_weights, keras_applications, read_weights, replacing, set_weights
from kerazoo.weights.networks import KERAS_NETWORKS
from kerazoo.weights.transfer import LoadedWeights, named_weights

Run = Callable[[keras.Model, np.ndarray], np.ndarray]

DOWNLOAD = "keras.applications:"
TOLERANCE = 1e-5  # relative

logger = logging.getLogger("kerazoo")


@dataclass(frozen=True)
class Conversion:
    """The result of a conversion."""

    config: ModelConfig
    difference: Difference
    outputs: tuple[int, ...]  # shape


def convert(
    source: str, target: Path, name: str | None = None, head: str | None = None
) -> Conversion:
    """Write the weights of `source` to `target`, and compare what both networks compute.

    Each network is run by the library that it is for.

    Args:
        source: A checkpoint, a file, or "keras.applications:VGG16".
        target: A path that ends with .keras, .h5, .weights.h5 or .ckpt.
        name: The model of the weights; None to detect it.
        head: Of a VGG, "conv" or "dense"; None for the default.

    Returns:
        The call that builds the model, and the differences and shape of the outputs.

    Raises:
        KerazooError: The source cannot be read, is not of a model of kerazoo, has no such form, or
            the relative difference exceeds 1e-5. Nothing is written then.
    """
    run, weights = _open(source)
    config = _config(weights, name, head)
    model = create_model(config.name, **config.options)
    set_weights(model, weights)
    config = model.kerazoo_config
    logger.info("%s is %s, %s parameters", source, config, f"{model.count_params():,}")
    with replacing(target) as aside:
        checkpoint = "tf1" if config.name == "mnist_cnn" else "slim"
        formats = {".ckpt": checkpoint, ".keras": "keras", ".h5": "keras_applications"}
        export_weights(model, aside, formats[target.suffix])
        images = native.images(model)
        before = run(model, images)
        result = difference(before, native.run(aside, model, images))
        if result.relative > TOLERANCE:
            raise KerazooError(
                f"'{target}' was not written: its outputs differ from those of {source} by a "
                f"relative {result.relative:.1e}"
            )
    return Conversion(config, result, before.shape)


def _open(source: str) -> tuple[Run, LoadedWeights]:
    """Return a function that runs a source in its library, and its weights."""
    if not source.startswith(DOWNLOAD):
        path = Path(source).expanduser()
        return lambda model, images: native.run(path, model, images), read_weights(path)
    known = [f"{DOWNLOAD}{each.name}" for each in KERAS_NETWORKS]
    if source not in known:
        raise UsageError(f"'{source}' is unknown; choose one of {', '.join(known)}")
    downloaded = keras_applications.download(source.removeprefix(DOWNLOAD), include_top=True)
    weights = keras_applications.from_model(downloaded)
    logits = native.logits(downloaded)
    return lambda _, images: logits(images, training=False).numpy(), weights


def _config(weights: LoadedWeights, name: str | None, head: str | None) -> ModelConfig:
    """Return the call that builds a model for all of the weights."""
    config = weights.config
    if name is not None and (config is None or name != config.name):
        config = ModelConfig(name)
    if config is None:
        raise UsageError(f"the model of {weights.source} is unknown: give --model NAME")
    options = dict(config.options)
    if head is not None:
        if "head" not in inspect.signature(registry.constructor(config.name)).parameters:
            raise UsageError(f"'{config.name}' has no option --head")
        options["head"] = head
    return ModelConfig(config.name, {**options, **_top(config.name, options, weights)})


def _top(name: str, options: dict[str, Any], weights: LoadedWeights) -> dict[str, Any]:
    """Return the options of the top that the weights have; `assign` reports what is missing."""
    if weights.tensors.keys() <= _weights_of(name, {**options, "include_top": False}).keys():
        return {"include_top": False}
    *_, (last, target) = _weights_of(name, options).items()
    if last not in weights.tensors:
        return {}
    classes = weights.tensors[last][1].shape[-1]
    return {} if classes == target.shape[-1] else {"classes": classes}


def _weights_of(name: str, options: dict[str, Any]) -> dict[str, Any]:
    with shapes_only():
        return named_weights(create_model(name, **options))
