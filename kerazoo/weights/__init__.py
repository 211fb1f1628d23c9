"""Loading and exporting weights, one file for each format, and what they expect of an image."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kerazoo.errors import UsageError, did_you_mean
from kerazoo.files import check_target
from kerazoo.lazy import keras
from kerazoo.registry import Weights
from kerazoo.weights.preprocessing import Preprocessing, preprocess

if TYPE_CHECKING:
    from kerazoo.weights.transfer import LoadedWeights

__all__ = ["export_weights", "load_weights", "preprocess", "read_weights", "replacing"]

logger = logging.getLogger("kerazoo")


def load_weights(model: keras.Model, weights: Weights) -> None:
    """Set every weight of a model; if that fails, the model is unchanged.

    What else the weights contain, such as the state of an optimizer or the top of a network that
    the model does not have, is skipped with a warning in the log.

    Args:
        model: A model of kerazoo.
        weights: "imagenet", downloaded by keras.applications; "mnist", which comes with kerazoo; a
            model, of keras.applications or of kerazoo; or a path: a `.keras` file, an `.h5` or
            `.weights.h5` file of keras.applications, or the prefix of a checkpoint of tf-slim or
            of the study notes' TF1 program.

    Raises:
        UsageError: There is no such file, or there are no such weights for this model.
        DataMissingError: The weights cannot be downloaded.
        CorruptFileError: The file is damaged, or its tensors are not those of the model.
    """
    from kerazoo.weights import keras_applications, shipped

    if isinstance(weights, keras.Model):
        loaded = keras_applications.from_model(weights)
    elif weights == "imagenet":
        loaded = keras_applications.imagenet(model)
    elif isinstance(weights, str) and shipped.cards(weights):
        loaded = shipped.read(model, weights)
    elif isinstance(weights, str | os.PathLike) and str(weights):
        loaded = read_weights(Path(weights))
    else:
        known = "None, 'imagenet', 'mnist', a path or a model"
        raise UsageError(f"weights must be {known}; received {weights!r}")
    set_weights(model, loaded)


def set_weights(model: keras.Model, loaded: LoadedWeights) -> None:
    """Set every weight of a model, with the preprocessing that the weights expect.

    Raises:
        KerazooError: The weights do not fit; the model is unchanged.
    """
    from kerazoo.weights.transfer import assign

    skipped = assign(model, loaded)
    model.preprocessing = loaded.preprocessing
    if skipped:
        logger.warning("%s: skipped %s", loaded.source, ", ".join(skipped))


def read_weights(path: Path) -> LoadedWeights:
    """Return the weights in a file or a checkpoint that `load_weights` accepts.

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


def export_weights(model: keras.Model, path: str | os.PathLike[str], format: str) -> None:
    """Write the weights of a model for another program; an existing file is replaced.

    A warning in the log says where the weights expect another preprocessing than that program does.

    Args:
        model: A model of kerazoo.
        path: The file, or the prefix of a checkpoint.
        format: "slim" for a checkpoint that tf-slim's graph restores, "tf1" for one that the study
            notes' TF1 program restores, "keras_applications" for an `.h5` or `.weights.h5` file
            that keras.applications loads, "keras" for a `.keras` file.

    Raises:
        UsageError: The format is unknown, has no such network, or the path has another ending.
        KerazooError: The directory does not exist.
        OSError: The file cannot be written.

    >>> model = create_model("mnist_cnn", weights="mnist")
    >>> export_weights(model, "digits.keras", "keras")
    >>> create_model("mnist_cnn", weights="digits.keras").output_shape
    (None, 10)
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
        raise UsageError(f"format must be one of {', '.join(formats)}; received {format!r}{hint}")
    path = Path(path)
    check_target(path)
    with replacing(path) as aside:
        usual = formats[format](model, aside)
    expected = getattr(model, "preprocessing", None)
    if expected and usual and expected != usual:
        text = "these weights expect images as %s, but the program they are for gives %s"
        logger.warning(text, expected, usual)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path of this name in a temporary directory, whose files replace those at `path`.

    If the block raises an error, nothing is replaced.
    """
    with tempfile.TemporaryDirectory(prefix=".new-", dir=path.absolute().parent) as folder:
        yield Path(folder) / path.name
        for file in sorted(Path(folder).iterdir()):
            file.replace(path.absolute().with_name(file.name))
