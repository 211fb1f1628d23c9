"""Weights from one zoo to another, proved by running both sides on the same images."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

import kerazoo
from kerazoo import registry
from kerazoo.compat import shapes_only
from kerazoo.errors import KerazooError, UsageError
from kerazoo.parity import native
from kerazoo.parity.difference import Difference, difference
from kerazoo.parity.target import format_of, replacing
from kerazoo.weights import keras_applications, open_source, slim
from kerazoo.weights.transfer import Source, assign, named_weights

Options = dict[str, Any]
Run = Callable[[keras.Model, np.ndarray], np.ndarray]

DOWNLOAD = "keras.applications:"
TOLERANCE = 1e-5


def convert(
    source: str,
    target: Path,
    name: str | None = None,
    head: str | None = None,
    say: Callable[[str], object] = print,
) -> Difference:
    """Write the weights of `source` to `target` and compare what both compute, each in its home.

    Args:
        source: A checkpoint, a file, or "keras.applications:VGG16".
        target: A path that ends in .keras, .h5, .weights.h5 or .ckpt.
        name: The model of the zoo that the weights are of; None to tell it from the tensors.
        head: Of a VGG; None for the default.
        say: Takes lines for a person.

    Returns:
        The difference of the outputs, which is within a relative 1e-5.

    Raises:
        KerazooError: The source cannot be read, is of no model of the zoo, does not go to that
            form, or both sides differ; nothing is written then.
    """
    theirs, model = _load(source, name, head, say)
    with replacing(target) as aside:
        kerazoo.export_weights(model, aside, format_of(target, model.name), say)
        images = native.images(model)
        before = theirs(model, images)
        after = native.run(aside, model, images)
        found = difference(before, after)
        told = f"{len(images)} images, outputs {list(before.shape)}"
        say(f"largest difference on {told}: {found.absolute:.1e}, relative {found.relative:.1e}")
        if found.relative > TOLERANCE:
            raise KerazooError(
                f"'{target}' was not written, since it computes something else than {source}"
            )
    say(f"written to {target}")
    return found


def _load(
    source: str, name: str | None, head: str | None, say: Callable[[str], object]
) -> tuple[Run, keras.Model]:
    """Return what runs a source in its home, and the model of the zoo with its weights."""
    theirs, given = _open(source)
    name, options = _find(name, given)
    model = _build(name, options, given, head)
    left_out = assign(model, given)
    model.preprocessing = given.preprocessing
    say(f"{source} is {name}, {model.count_params():,} parameters")
    if left_out:
        say(f"left out: {', '.join(left_out)}")
    return theirs, model


def _open(source: str) -> tuple[Run, Source]:
    """Return what runs a source in its home, and its tensors."""
    if not source.startswith(DOWNLOAD):
        path = Path(source).expanduser()
        return lambda model, images: native.run(path, model, images), open_source(path)
    network = source.removeprefix(DOWNLOAD)
    if network not in keras_applications.NETWORKS:
        known = ", ".join(f"{DOWNLOAD}{each}" for each in keras_applications.NETWORKS)
        raise UsageError(f"'{source}' is not known: there are {known}")
    theirs = keras_applications.download(network, include_top=True)
    run = native.logits(theirs)
    return lambda _, images: run(images, training=False).numpy(), keras_applications.from_model(
        theirs
    )


def _find(name: str | None, source: Source) -> tuple[str, Options]:
    """Return the name of the model that a source is of, and the options of its graph."""
    for each in kerazoo.list_models() if name is None else [name]:
        for options in _graphs(each):
            features = _features(each, options)
            if name is None and not _has_kernels_of(features, source):
                break  # nor has another graph of the same kernels
            if (name or _has_shapes_of(features, source)) and _fits(features, source):
                return each, options
    if name is None:
        raise UsageError(f"{source.name} has the tensors of no model of the zoo: give --model NAME")
    return name, {}


def _features(name: str, options: Options) -> keras.Model:
    """Return a model without a top, whose weights have shapes and no values."""
    with shapes_only():
        return kerazoo.create_model(name, include_top=False, **options)


def _has_kernels_of(features: keras.Model, source: Source) -> bool:
    kernels = {
        key: tuple(weight.shape)
        for key, weight in named_weights(features).items()
        if key.endswith("/kernel")
    }
    given = {key: array.shape for key, (_, array) in source.tensors.items() if key in kernels}
    return kernels == given


def _has_shapes_of(features: keras.Model, source: Source) -> bool:
    shapes = {key: tuple(weight.shape) for key, weight in named_weights(features).items()}
    return shapes == {
        key: array.shape
        for key, (_, array) in source.tensors.items()
        if key in shapes or (array.ndim == 4 and key.startswith("conv"))
    }


def _fits(features: keras.Model, source: Source) -> bool:
    try:
        source.fits(features)
    except KerazooError:
        return False
    return True


def _build(name: str, options: Options, source: Source, head: str | None) -> keras.Model:
    """Return a model with a place for each tensor of a source."""
    if head is not None:
        if "head" not in _arguments(name):
            raise UsageError(f"'{name}' has no --head to choose")
        options = {**options, "head": head}
    if source.tensors.keys() <= named_weights(_features(name, options)).keys():
        return kerazoo.create_model(name, include_top=False, **options)
    with shapes_only():
        *_, last = named_weights(kerazoo.create_model(name, **options))
    if last in source.tensors:  # what is missing is for `assign` to report
        options = {**options, "classes": source.tensors[last][1].shape[-1]}
    return kerazoo.create_model(name, **options)


def _graphs(name: str) -> list[Options]:
    """Return the options that build a model's graph as this zoo or another has it."""
    found: list[Options] = [{}]
    for family in (*slim.FAMILIES, *keras_applications.FAMILIES):
        if family.options and family.options.keys() <= _arguments(name):
            found.append(dict(family.options))
    return found


def _arguments(name: str) -> set[str]:
    return set(inspect.signature(registry.find(name).builder).parameters)
