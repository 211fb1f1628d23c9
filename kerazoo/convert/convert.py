"""Convert weights from one library to another, and compare the outputs of both networks."""

import inspect
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerazoo import registry
from kerazoo.compat import shapes_only
from kerazoo.convert import DOWNLOAD, native
from kerazoo.difference import Difference, difference
from kerazoo.errors import KerazooError, UsageError, did_you_mean
from kerazoo.models import create_model
from kerazoo.registry import ModelConfig
from kerazoo.text import listed
from kerazoo.weights import keras_applications, read_weights, unfinished, write
from kerazoo.weights.networks import KERAS_NETWORKS, named_weights
from kerazoo.weights.selection import Selection
from kerazoo.weights.source import Source
from kerazoo.weights.transfer import assign

TOLERANCE = 1e-5  # relative

logger = logging.getLogger("kerazoo")


@dataclass(frozen=True)
class Conversion:
    """The result of a conversion."""

    config: ModelConfig
    difference: Difference
    outputs: tuple[int, ...]  # shape


def convert(
    source: str,
    target: Path,
    name: str | None = None,
    head: str | None = None,
    selection: Selection = Selection(),  # noqa: B008 - it cannot be changed
) -> Conversion:
    """Write the weights of `source` to `target`, and compare what both networks compute.

    Each network is run by the library that it is for.

    Args:
        source: A checkpoint, a file, or "keras.applications:VGG16".
        target: A path that ends with .keras, .h5, .weights.h5 or .ckpt.
        name: The model of the weights; None to detect it.
        head: Of a VGG, "conv" or "dense"; None for the default.
        selection: Which weights of the source.

    Returns:
        The call that builds the model, and the differences and shape of the outputs.

    Raises:
        KerazooError: The source cannot be read, is not of a model of kerazoo, has no such form, or
            the relative difference exceeds 1e-5. Nothing is written then.
    """
    weights = _open(source)
    config = _config(weights, selection, name, head)
    model = create_model(config.name, **config.options)
    loaded = weights.loaded(selection, model)
    left = [key for key in named_weights(model) if key not in loaded.names and loaded.ignores(key)]
    if left:
        raise UsageError(f"--ignore leaves {listed(left)} of '{config.name}' without values")
    assign(model, loaded)
    model.preprocessing = loaded.preprocessing
    config = model.kerazoo_config
    logger.info("%s is %s, %s parameters", source, config, f"{model.count_params():,}")
    checkpoint = "tf1" if config.name == "mnist_cnn" else "slim"
    format = {".ckpt": checkpoint, ".keras": "keras", ".h5": "keras_applications"}[target.suffix]
    with unfinished(target, format) as new:
        write(model, new, format)
        images = native.images(model, loaded)
        before = native.run(Path(source), loaded, model, images)
        after = native.run(new, read_weights(new).loaded(Selection(), model), model, images)
        result = difference(before, after)
        if result.relative > TOLERANCE:
            raise KerazooError(
                f"'{target}' was not written: its outputs differ from those of {source} by a "
                f"relative {result.relative:.1e}"
            )
    return Conversion(config, result, before.shape)


def _open(source: str) -> Source:
    """Return the weights of a file, or of a download."""
    if not source.startswith(DOWNLOAD):
        return read_weights(Path(source))
    network, known = source.removeprefix(DOWNLOAD), [each.name for each in KERAS_NETWORKS]
    if network not in known:
        hint = did_you_mean(network, known)
        names = ", ".join(f"{DOWNLOAD}{name}" for name in known)
        raise UsageError(f"'{source}' is unknown{hint}; choose one of {names}")
    return keras_applications.from_model(keras_applications.download(network, include_top=True))


def _config(
    weights: Source, selection: Selection, name: str | None, head: str | None
) -> ModelConfig:
    """Return the call that builds a model for all of the weights."""
    config = weights.loaded(selection).config
    if name is not None and (config is None or name != config.name):
        config = ModelConfig(name)
    if config is None:
        raise UsageError(f"the model of {weights.name} is unknown: give --model NAME")
    options = dict(config.options)
    if head is not None:
        if "head" not in inspect.signature(registry.constructor(config.name)).parameters:
            raise UsageError(f"'{config.name}' has no option --head")
        options["head"] = head
    return ModelConfig(config.name, {**options, **_top(config.name, options, weights, selection)})


def _top(
    name: str, options: dict[str, Any], weights: Source, selection: Selection
) -> dict[str, Any]:
    """Return the options of the top that the weights have; `assign` reports what is missing."""
    with shapes_only():
        model = create_model(name, **options)
        features = named_weights(create_model(name, **{**options, "include_top": False}))
    loaded = weights.loaded(selection, model)
    if loaded.names.keys() <= features.keys():
        return {"include_top": False}
    *_, (last, target) = named_weights(model).items()
    if last not in loaded.names:
        return {}
    classes = loaded.array(last).shape[-1]
    return {} if classes == target.shape[-1] else {"classes": classes}
