"""Export a trained model, run it by its own runtime, and compare its scores with kerazoo's."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from kerazoo import files
from kerazoo.data.image_io import ImageShape, to_shape
from kerazoo.difference import difference
from kerazoo.errors import KerazooError, UsageError, is_damage, reason
from kerazoo.inference.classifier import Classifier
from kerazoo.inference.export_model import CLASSES, SCORES, model_to_export
from kerazoo.inference.formats import FORMATS
from kerazoo.inference.runtimes import RUNTIMES, Runtime
from kerazoo.lazy import keras, tf
from kerazoo.text import BYTES, in_units
from kerazoo.values import check_choice, check_positive
from kerazoo.weights import keras_file

IMAGES = 8  # random ones, on which the scores are compared
SIZES = ((1, 1), (0.4, 0.7), (2.5, 1.3))  # of images of any size, over that of the model's
RUNS = 10  # of which the latency is the median
HANDWRITING = (
    "the export takes digits as they were trained on: white on black, centered, of their size. "
    "`kerazoo predict` makes photos and drawings like that, the export does not"
)

logger = logging.getLogger("kerazoo")


@dataclass(frozen=True)
class Report:
    """What an export came to.

    Attributes:
        format: One of `FORMATS`.
        path: The file or directory.
        size: Its bytes.
        difference: Largest relative difference of the scores.
        latency: Median time for one image in the format's own runtime, in seconds.
    """

    format: str
    path: Path
    size: int
    difference: float
    latency: float

    def row(self) -> dict[str, Any]:
        """Return the report as a row of a table."""
        return {
            "format": self.format,
            "path": str(self.path),
            "size": in_units(self.size, BYTES),
            "relative difference": f"{self.difference:.1e}",
            "ms for an image": f"{1000 * self.latency:.1f}",
        }


def export(
    model: keras.Model,
    format: str,
    path: str | os.PathLike[str] | None = None,
    *,
    with_preprocessing: bool = False,
    tolerance: float = 1e-4,
) -> Report:
    """Write a model for another runtime, and compare its scores there on random images.

    Args:
        model: A model that `kerazoo.load` returned.
        format: "saved_model" for TensorFlow, "tflite" for LiteRT, "onnx", or "keras".
        path: The file or, for "saved_model", a new directory; None for the model's name. An
            existing file is replaced as a whole.
        with_preprocessing: Whether it takes uint8 RGB images [batch, height, width, 3] of any size,
            and also gives the names of their classes.
        tolerance: Maximum relative difference of the scores.

    Raises:
        UsageError: The format, the path or the tolerance is not possible.
        KerazooError: A package is missing, the format lacks an operation of the model, or the
            difference is above the tolerance; nothing is written then.
        OSError: The file cannot be written.
    """
    check_choice("format", format, tuple(FORMATS))
    check_positive("tolerance", tolerance)
    path = Path(path) if path else Path(f"{model.name}{FORMATS[format] or '_saved_model'}")
    if path.suffix != FORMATS[format] and FORMATS[format]:
        raise UsageError(f"'{path}' must end with {FORMATS[format]}")
    if format == "keras" and with_preprocessing:
        raise UsageError("a .keras file has no preprocessing: kerazoo.preprocess does it")
    classifier = Classifier.of(model)
    if with_preprocessing and classifier.handwriting_of:
        logger.warning(HANDWRITING)
    runtime = _runtime(format)
    with _replacing(path, format) as new:
        if format == "keras":
            keras_file.write(model, new)
        else:
            with _explained(model.name, format):
                exported = model_to_export(classifier, with_preprocessing)
                exported(_images(classifier.image_shape, with_preprocessing, 1))  # or Keras refuses
                _write(exported, new, format, classifier.class_names)
        run = runtime(new)
        relative = _difference(classifier, run, with_preprocessing)
        if not relative <= tolerance:
            raise KerazooError(
                f"the scores of '{path}' would differ by {relative:.1e}, more than the tolerance "
                f"of {tolerance:g}: it is not written"
            )
        latency = _latency(run, _images(classifier.image_shape, with_preprocessing, 1))
        size = _size(new)
    return Report(format, path, size, relative, latency)


def _runtime(format: str) -> Runtime:
    """Return the runtime of a format, without which nothing is exported."""
    try:
        return RUNTIMES[format]()
    except ImportError as error:
        raise KerazooError(
            f"exporting to {format} needs {error.name}: pip install 'kerazoo[export]'"
        ) from error


@contextlib.contextmanager
def _replacing(path: Path, format: str) -> Iterator[Path]:
    """Yield a path to write to, as `files.replacing`; no directory is replaced."""
    if FORMATS[format]:
        files.check_target(path)
    elif files.mode(path) is not None:
        raise UsageError(f"'{path}' exists: name a new directory")
    with files.replacing(path) as new:
        yield new


@contextlib.contextmanager
def _explained(name: str, format: str) -> Iterator[None]:
    """Report the reason for which a converter fails, which raises errors of many types."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras's workaround for NumPy 2 warns
            yield
    except Exception as error:
        if isinstance(error, OSError) or not is_damage(error):
            raise
        raise KerazooError(f"'{name}' cannot be exported to {format}: {reason(error)}") from error


def _write(model: keras.Model, path: Path, format: str, class_names: Sequence[str]) -> None:
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
    options: dict[str, dict[str, Any]] = {
        "saved_model": {"format": "tf_saved_model"},
        "tflite": {
            "format": "litert",
            "target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]},
        },
        "onnx": {"format": "onnx"},
    }
    model.export(path, verbose=False, **options[format])
    if format == "onnx":
        import onnx

        content = onnx.load(path)
        onnx.helper.set_model_props(content, {"class_names": json.dumps(class_names)})
        onnx.save(content, path)


def _images(shape: ImageShape, any_size: bool, count: int, number: int = 0) -> np.ndarray:
    """Return random images: of any size and uint8, or of the model's shape in [0, 255]."""
    rng = np.random.default_rng(number)
    if not any_size:
        return rng.integers(0, 256, (count, *shape)).astype(np.float32)
    factors = SIZES[number % len(SIZES)]
    sides = [max(1, round(side * factor)) for side, factor in zip(shape[:2], factors, strict=True)]
    return rng.integers(0, 256, (count, *sides, 3)).astype(np.uint8)


def _difference(classifier: Classifier, run: Callable[..., Any], any_size: bool) -> float:
    """Return the largest relative difference of the scores, infinite if a class's name differs."""
    worst = 0.0
    for number in range(len(SIZES) if any_size else 1):
        images = _images(classifier.image_shape, any_size, IMAGES, number)
        if any_size:
            expected = classifier.scores(to_shape(images, classifier.image_shape))
            actual = run(images)
            names = np.array(classifier.class_names)[actual[SCORES].argmax(axis=1)]
            if [*map(str, names)] != [_text(each) for each in actual[CLASSES]]:
                return np.inf
        else:
            inputs = classifier.preprocessing.of_unit(images / 255)
            expected = classifier.model(inputs, training=False).numpy()
            actual = run(np.asarray(inputs))
        worst = max(worst, difference(expected, actual[SCORES]).relative)
    return worst


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


def _latency(run: Callable[..., Any], images: np.ndarray) -> float:
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        run(images)
        seconds.append(time.perf_counter() - started)
    return median(seconds)


def _size(path: Path) -> int:
    every = path.rglob("*") if path.is_dir() else [path]
    return sum(each.stat().st_size for each in every if each.is_file())
