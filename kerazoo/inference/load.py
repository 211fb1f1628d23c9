"""Trained models by the directory of their run, their file, or the name of weights that ship."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from pathlib import Path

from kerazoo import registry
from kerazoo.errors import UsageError, did_you_mean
from kerazoo.files import mode
from kerazoo.lazy import keras
from kerazoo.models import create_model
from kerazoo.values import short
from kerazoo.weights import model_file, shipped
from kerazoo.weights.card import Card

MNIST = "mnist"


def check_name(source: str) -> None:
    """Check that there is a file or a model of this name; nothing is read.

    Raises:
        UsageError: There is none.
    """
    if source in registry.names() or mode(Path(source)) is not None:
        return
    hint = did_you_mean(source, registry.names())
    raise UsageError(
        f"there is no run, file or model '{source}'{hint}: give the directory of a run, a .keras "
        "file, or a name of `kerazoo list`"
    )


def set_threads(source: str) -> None:
    """Give TensorFlow, before it starts, the threads of the training of a model.

    Another number of threads changes the last digits of sums. A damaged file is reported later.
    """
    from kerazoo.training import machine
    from kerazoo.weights import keras_archive

    with contextlib.suppress(Exception):
        note = keras_archive.read_note(model_file(Path(source)))
        machine.set_threads(Card.from_json(note["card"]).recipe.get("micro_batches"))


def load(source: str | os.PathLike[str]) -> keras.Model:
    """Return a trained model.

    Args:
        source: The directory of a run, a `.keras` file, or a name of `kerazoo.list_models()` whose
            weights ship (`mnist_cnn`, `lenet5`) or can be downloaded (ImageNet).

    Returns:
        The model, ready for `kerazoo.preprocess`. Its `kerazoo_card` holds the names of its
        classes, the shape of its images, its recipe and what was measured; it is None for a file
        that kerazoo has not written.

    Raises:
        UsageError: There is no such model.
        DataMissingError: The weights cannot be downloaded.
        CorruptFileError: The file is damaged.

    >>> model = load("mnist_cnn")
    >>> model.kerazoo_card.class_names[:3]
    ('0', '1', '2')
    """
    if not isinstance(source, str | os.PathLike) or not str(source):
        raise UsageError(f"a model is a path or a name; received {short(source)}")
    from kerazoo.weights import keras_file

    check_name(str(source))
    path = Path(source)
    if mode(path) is not None:
        if (file := model_file(path)) == path and path.is_dir():
            raise UsageError(
                f"there is no run in '{path}': name another directory, or a .keras file"
            )
        return keras_file.load_model(file)
    name = str(source)
    for card in shipped.cards(MNIST):
        if card["model"] == name:
            shape, usual = shipped.image_shape(card), registry.find(name).input_shape
            options = {} if shape == usual else {"input_shape": shape}
            return create_model(name, weights=MNIST, **options)
    model = create_model(name, weights="imagenet")
    names, ids = _imagenet_classes()
    shape = registry.find(name).input_shape
    model.kerazoo_card = Card(names, shape, {"name": "imagenet2012"}, class_ids=ids)
    return model


def _imagenet_classes() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of ImageNet's classes, which keras.applications downloads, and their ids.

    Two names stand for two classes each; these have their id behind it.
    """
    import numpy as np

    from kerazoo.models import decode_predictions

    (ranked,) = decode_predictions(-np.arange(1000.0)[None], top=1000)
    ids, names = [each[0] for each in ranked], [each[1] for each in ranked]
    counts = Counter(names)
    distinct = (n if counts[n] == 1 else f"{n} {i}" for n, i in zip(names, ids, strict=True))
    return tuple(distinct), tuple(ids)
