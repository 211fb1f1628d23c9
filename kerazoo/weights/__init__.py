"""Loading and exporting weights, one file for each format, and what they expect of an image."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from kerazoo import files
from kerazoo.errors import CorruptFileError, UsageError, did_you_mean
from kerazoo.lazy import keras
from kerazoo.registry import Weights
from kerazoo.values import short
from kerazoo.weights.preprocessing import Preprocessing, check_model, preprocess

if TYPE_CHECKING:
    from kerazoo.weights.source import Source

__all__ = ["export_weights", "load_weights", "preprocess", "read_weights", "unfinished", "write"]

FORMATS = ("slim", "tf1", "keras_applications", "keras")

logger = logging.getLogger("kerazoo")


def load_weights(
    model: keras.Model,
    weights: Weights,
    *,
    averages: bool = True,
    ignore: Collection[str] = (),
    rename: Mapping[str, str] | None = None,
) -> None:
    """Set every weight of a model; if that fails, the model is unchanged.

    What else the weights contain, such as the state of an optimizer or the top of a network that
    the model does not have, is skipped with a warning in the log.

    Args:
        model: A model of kerazoo.
        weights: "imagenet", downloaded by keras.applications; "mnist", which comes with kerazoo; a
            model, of keras.applications or of kerazoo, or one with such a model inside; or a path:
            the directory of a run, a `.keras` file, an `.h5` or `.weights.h5` file of
            keras.applications, or the prefix or the directory of a checkpoint of tf-slim or of the
            study notes' TF1 program.
        averages: Whether moving averages, as `tf.train.ExponentialMovingAverage` saves them, are
            used in place of the raw weights where they are there, as tf-slim evaluates.
        ignore: Shell-style patterns of names in the source, such as "vgg_16/fc8/*": these are
            neither loaded nor needed, and such weights of the model keep their values.
        rename: Regular expressions to replacements, applied to the names in the source.

    Raises:
        UsageError: There is no such file, there are no such weights for this model, they are for
            another number of classes, or a pattern fits no name.
        DataMissingError: The weights cannot be downloaded.
        CorruptFileError: The file is damaged, or its tensors are not those of the model.

    >>> model = create_model("mnist_cnn", classes=3)
    >>> load_weights(model, "mnist", ignore=["output/*"])
    """
    from kerazoo.weights.selection import Selection
    from kerazoo.weights.transfer import assign

    check_model(model)
    selection = Selection(averages, ignore, {} if rename is None else rename)
    loaded = source_of(model, weights).loaded(selection, model)
    assign(model, loaded)
    model.preprocessing = loaded.preprocessing
    model.kerazoo_card = None if ignore else loaded.card(model)


def source_of(model: keras.Model, weights: Weights, any_classes: bool = False) -> Source:
    """Return the weights that `load_weights` is given; errors as there.

    Args:
        model: The model that they are for.
        weights: See `load_weights`.
        any_classes: Whether the model may have another number of classes than known weights.
    """
    from kerazoo.weights import checkpoint_files, keras_applications, shipped

    if isinstance(weights, keras.Model):
        return keras_applications.from_model(weights)
    if isinstance(weights, str) and weights == "imagenet":
        return keras_applications.imagenet(model, any_classes)
    if isinstance(weights, str) and shipped.cards(weights):
        return shipped.read(model, weights, any_classes)
    known = ["imagenet", *sorted({card["weights"] for card in shipped.cards()})]
    if isinstance(weights, str | os.PathLike) and str(weights):
        hint = did_you_mean(str(weights), known)
        if hint and not checkpoint_files.exists(Path(weights)):
            raise UsageError(f"weights='{weights}': there is no such file{hint}")
        return read_weights(Path(weights))
    raise UsageError(
        f"weights must be None, {', '.join(map(repr, known))}, a path or a model; "
        f"received {short(weights)}"
    )


def model_file(path: Path) -> Path:
    """Return the file of the trained model if a path is that of a run, else the path.

    Raises:
        UsageError: The run has no model yet, or no file can have this path.
        CorruptFileError: Its model is a link.
    """
    if files.mode(path) is None or not (path / "config.json").is_file():
        return path
    file = path / "model.keras"
    if file.is_symlink():
        raise CorruptFileError(f"'{file}' is a link: replace it with the file that it points to")
    if not file.exists():
        if (path / "summary.json").exists():
            raise UsageError(f"'{file}' was removed: restore it, or train again")
        raise UsageError(f"the run in '{path}' has no model yet: wait until it has ended")
    return file


def read_weights(path: Path) -> Source:
    """Return the weights in a file or a checkpoint that `load_weights` accepts.

    Raises:
        UsageError: There is no such file, or it is of another format.
        CorruptFileError: It cannot be read.
    """
    from kerazoo.weights import keras_applications, keras_file, slim, tf1_saver
    from kerazoo.weights.checkpoint import Checkpoint
    from kerazoo.weights.foreign import format_of
    from kerazoo.weights.networks import KERAS_NETWORKS
    from kerazoo.weights.source import Source

    path = model_file(path)
    format = format_of(path)
    if format == ".keras":
        return keras_file.read(path)
    if format == ".h5":
        return keras_applications.read(path)
    file = Checkpoint(path)
    networks = (*slim.NETWORKS, tf1_saver.NETWORK, *KERAS_NETWORKS)
    return Source(file.name, file, networks, others=[*file.others(), *file.slots()])


def export_weights(model: keras.Model, path: str | os.PathLike[str], format: str) -> None:
    """Write the weights of a model for another program; an existing file is replaced as a whole.

    A warning in the log says where the weights expect another preprocessing than that program does.

    Args:
        model: A model of kerazoo.
        path: The file, or the prefix of a checkpoint.
        format: "slim" for a checkpoint that tf-slim's graph restores, "tf1" for one that the study
            notes' TF1 program restores, "keras_applications" for an `.h5` or `.weights.h5` file
            that keras.applications loads, "keras" for a `.keras` file.

    Raises:
        UsageError: The format is unknown, has no such network, or the path has another ending or is
            that of a directory.
        KerazooError: The directory does not exist or cannot be written to.
        OSError: The file cannot be written.

    >>> model = create_model("mnist_cnn", weights="mnist")
    >>> export_weights(model, "digits.keras", "keras")
    >>> create_model("mnist_cnn", weights="digits.keras").output_shape
    (None, 10)
    """
    check_model(model)
    if format not in FORMATS:
        hint = did_you_mean(str(format), FORMATS)
        raise UsageError(
            f"format must be one of {', '.join(FORMATS)}; received {short(format)}{hint}"
        )
    if not isinstance(path, str | os.PathLike) or not str(path):
        raise UsageError(f"path must be that of a file; received {short(path)}")
    with unfinished(Path(path), format) as new:
        write(model, new, format)


def unfinished(path: Path, format: str) -> AbstractContextManager[Path]:
    """Return a path to `write` to in a `with` block, at whose end that replaces `path` as a whole.

    Raises:
        UsageError: The path is that of a directory.
        KerazooError: The directory does not exist or cannot be written to.
    """
    from kerazoo.weights import checkpoint_writer
    from kerazoo.weights.checkpoint_files import data_file, index_of

    files.check_target(path)
    if format in ("slim", "tf1"):
        for file in (index_of(path), data_file(path, 0, 1)):
            files.check_target(file)
        return checkpoint_writer.replacing(path)
    return files.replacing(path)


def write(model: keras.Model, path: Path, format: str) -> None:
    """Write the weights of a model to a new file; errors and warning as in `export_weights`."""
    from kerazoo.weights import keras_applications, keras_file, slim, tf1_saver

    formats: dict[str, Callable[[keras.Model, Path], Preprocessing | None]] = {
        "slim": slim.write,
        "tf1": tf1_saver.write,
        "keras_applications": keras_applications.write,
        "keras": keras_file.write,
    }
    usual = formats[format](model, path)
    expected = getattr(model, "preprocessing", None)
    if expected and usual and expected != usual:
        text = "these weights expect images as %s, but the program they are for gives %s"
        logger.warning(text, expected, usual)
