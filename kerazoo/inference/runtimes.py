"""The runtimes of exported models: each runs a file on images, by the format's own library."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from kerazoo.device import without_log
from kerazoo.inference.export_model import CLASSES, SCORES
from kerazoo.lazy import tf
from kerazoo.weights import keras_file

Run = Callable[[np.ndarray], dict[str, Any]]  # images [batch, ...] -> outputs by name
Runtime = Callable[[Path], Run]  # of a file


def _named(outputs: list[Any]) -> dict[str, Any]:
    """Return outputs by name: the names of classes are texts, the scores are not."""
    kinds = {CLASSES if each.dtype.kind in "OSU" else SCORES: each for each in outputs}
    assert len(kinds) == len(outputs)
    return kinds


def saved_model() -> Runtime:
    """Return TensorFlow's loader of a SavedModel."""

    def load(path: Path) -> Run:
        loaded = tf.saved_model.load(str(path))

        def run(images: np.ndarray) -> dict[str, Any]:
            return _named([each.numpy() for each in tf.nest.flatten(loaded.serve(images))])

        return run

    return load


def tflite() -> Runtime:
    """Return LiteRT, https://ai.google.dev/edge/litert.

    Raises:
        ImportError: It is not installed.
    """
    from ai_edge_litert.interpreter import Interpreter

    def load(path: Path) -> Run:
        with without_log():  # of its delegate
            interpreter = Interpreter(str(path))
            interpreter.allocate_tensors()
        (image,) = interpreter.get_input_details()

        def run(images: np.ndarray) -> dict[str, Any]:
            interpreter.resize_tensor_input(image["index"], images.shape)
            interpreter.allocate_tensors()
            interpreter.set_tensor(image["index"], images)
            interpreter.invoke()
            places = [each["index"] for each in interpreter.get_output_details()]
            return _named([interpreter.get_tensor(place) for place in places])

        return run

    return load


def onnx() -> Runtime:
    """Return ONNX Runtime, https://onnxruntime.ai.

    Raises:
        ImportError: It, or the converter, is not installed.
    """
    import onnxruntime
    import tf2onnx  # noqa: F401 - keras.Model.export uses it

    def load(path: Path) -> Run:
        session = onnxruntime.InferenceSession(path.read_bytes())
        (image,) = session.get_inputs()

        def run(images: np.ndarray) -> dict[str, Any]:
            return _named(session.run(None, {image.name: images}))

        return run

    return load


def keras() -> Runtime:
    """Return Keras's loader of a `.keras` file, in safe mode."""

    def load(path: Path) -> Run:
        model = keras_file.load_model(path)
        return lambda images: _named([model(images, training=False).numpy()])

    return load


RUNTIMES: dict[str, Callable[[], Runtime]] = {
    "saved_model": saved_model,
    "tflite": tflite,
    "onnx": onnx,
    "keras": keras,
}
