"""Weights from elsewhere and back, one file a source, and what they expect of an image."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from kerazoo.errors import KerazooError, UsageError, did_you_mean

if TYPE_CHECKING:
    import keras

    from kerazoo.weights.preprocessing import Preprocessing
    from kerazoo.weights.transfer import Source

__all__ = ["Weights", "export_weights", "load_weights", "open_source", "preprocess"]

Weights = Union[str, os.PathLike[str], "keras.Model", None]


def load_weights(
    model: keras.Model, weights: Weights, say: Callable[[str], object] = warnings.warn
) -> None:
    """Set every weight of `model`; where that fails the model is left as it was.

    Args:
        model: A model of the zoo.
        weights: "imagenet", for what keras.applications downloads; "mnist", for what ships with
            kerazoo; a model, of keras.applications or of the zoo; or a path: a `.keras` file, an
            `.h5` or `.weights.h5` file of keras.applications, or the prefix of a checkpoint of
            tf-slim or of the documents' TF1 program.
        say: Takes the line that names what a source holds besides weights, such as an optimizer's
            state, and what a model without a top does without.

    Raises:
        UsageError: There is no such file, or no such source for this model.
        DataMissingError: The weights cannot be downloaded.
        CorruptFileError: The file is damaged, or its tensors are not those of the model.
    """
    from kerazoo.weights.transfer import assign

    source = _source(model, weights)
    left_out = assign(model, source)
    model.preprocessing = source.preprocessing
    if left_out:
        say(f"{source.name}: left out {', '.join(left_out)}")


def _source(model: keras.Model, weights: Any) -> Source:
    from kerazoo.lazy import keras
    from kerazoo.weights import keras_applications, shipped

    if isinstance(weights, keras.Model):
        return keras_applications.from_model(weights)
    if weights == "imagenet":
        return keras_applications.imagenet(model)
    if isinstance(weights, str) and shipped.cards(weights):
        return shipped.read(model, weights)
    if not isinstance(weights, str | os.PathLike) or not str(weights):
        raise UsageError(
            f"weights must be None, 'imagenet', 'mnist', a path or a model, not {weights!r}"
        )
    return open_source(Path(weights))


def open_source(path: Path) -> Source:
    """Return the tensors of a file or a checkpoint, as `load_weights` takes it.

    Raises:
        UsageError: There is no such file.
        CorruptFileError: It cannot be read.
    """
    from kerazoo.weights import keras_applications, keras_file, slim, tf1_saver
    from kerazoo.weights.checkpoint import Checkpoint

    if path.suffix in (".keras", ".h5"):
        if not path.is_file():
            raise UsageError(f"weights='{path}': there is no such file")
        return (keras_file if path.suffix == ".keras" else keras_applications).read(path)
    file = Checkpoint(path)
    return slim.read(file) if slim.is_slim(file.names) else tf1_saver.read(file)


def export_weights(
    model: keras.Model,
    path: str | os.PathLike[str],
    format: str,
    say: Callable[[str], object] = warnings.warn,
) -> None:
    """Write the weights of a model of the zoo for another program; an earlier file is replaced.

    Args:
        model: A model of the zoo.
        path: The file; the prefix, for a checkpoint.
        format: "slim" for a checkpoint that tf-slim's graph restores, "tf1" for one that the
            documents' TF1 program restores, "keras_applications" for an `.h5` or `.weights.h5` file
            that keras.applications loads, "keras" for a `.keras` file that remembers the
            preprocessing.
        say: Takes the line that tells where the weights expect another preprocessing than the
            format's own program does.

    Raises:
        UsageError: The format is unknown, has no such network, or does not go by that path.
        KerazooError: The folder is not there.
        OSError: The file cannot be written.
    """
    from kerazoo.weights import keras_applications, keras_file, slim, tf1_saver

    formats: dict[str, Callable[[keras.Model, Path], Preprocessing | None]] = {
        "slim": slim.write,
        "tf1": tf1_saver.write,
        "keras_applications": keras_applications.write,
        "keras": keras_file.write,
    }
    if format not in formats:
        hint = did_you_mean(str(format), formats)
        raise UsageError(f"format must be one of {', '.join(formats)}, not {format!r}{hint}")
    path = Path(path)
    if not path.absolute().parent.is_dir():
        raise KerazooError(f"'{path.parent}' is no folder: make it first")
    usual = formats[format](model, path)
    own = getattr(model, "preprocessing", None)
    if own and usual and own != usual:
        say(f"these weights expect images as {own}; the format's own program gives {usual}")


def preprocess(model: keras.Model, images: Any) -> Any:
    """Return images in [0, 255] as the weights of `model` expect them.

    See `kerazoo.weights.preprocessing.preprocess`, which this calls.
    """
    from kerazoo.weights import preprocessing

    return preprocessing.preprocess(model, images)
