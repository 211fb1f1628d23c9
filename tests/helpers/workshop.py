"""A directory with what the blocks of the READMEs name: images, checkpoints, runs, downloads."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import kerazoo
from kerazoo.errors import InterruptedRunError
from kerazoo.training import callbacks
from tests.helpers import idx, thin

CLASSES = ("cat", "dog", "fox")
IMAGES = 8  # of a class
QUICK: dict[str, Any] = {"epochs": 2, "batch_size": 10, "limit": 30}
MY_LAYERS = """
import keras

@keras.saving.register_keras_serializable()
class Twice(keras.layers.Layer):
    def call(self, inputs):
        return 2 * inputs
"""


def furnish(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Put all of it into the working directory, and have downloads come from there."""
    draw_photos()
    leave_runs(patch)
    save_weights()
    Path("my_layers.py").write_text(MY_LAYERS, encoding="utf-8")
    patch.syspath_prepend(str(folder))
    Path("mnist").mkdir()
    idx.take_for_mnist(idx.write_digits(folder / "mnist"), patch)
    patch.setenv("KERAZOO_MNIST_DIR", str(folder / "mnist"))
    patch.setattr("keras.src.utils.file_utils.get_file", download)
    patch.setattr("kerazoo.models.VGG16", thin.thinned(kerazoo.models.VGG16, "vgg16"))


def draw_photos() -> None:
    """Draw squares of another brightness for each class, and some single images."""
    rng = np.random.default_rng(0)
    for folder in ("photos", "more", "new"):
        for number, name in enumerate(CLASSES):
            place = Path(folder) if folder == "new" else Path(folder, name)
            place.mkdir(parents=True, exist_ok=True)
            for image in range(1 if folder == "new" else IMAGES):
                pixels = rng.integers(80 * number, 80 * number + 60, (40, 50, 3), np.uint8)
                file = f"{name}.jpg" if folder == "new" else f"{image}.jpg"
                Image.fromarray(pixels).save(place / file)
    stroke = np.zeros((40, 40), np.uint8)
    stroke[8:32, 18:22] = 255
    for path in ("photo.jpg", "digit.png", "one.jpg", "two.jpg"):
        Image.fromarray(stroke).save(path)


class Stops(callbacks.StopOnSignal):
    """Stops a training in its first epoch."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Stop as at a signal."""
        self.requested = True
        super().on_train_batch_end(batch, logs)


def leave_runs(patch: pytest.MonkeyPatch) -> None:
    """Leave a finished run and one that was interrupted."""
    kerazoo.train("mnist_cnn", "digits", out="runs/NAME", **QUICK)
    with patch.context() as stopped:
        stopped.setattr(callbacks, "StopOnSignal", Stops)
        with pytest.raises(InterruptedRunError):
            kerazoo.train("mnist_cnn", "digits", out="runs/unfinished", save_every=1, **QUICK)


def save_weights() -> None:
    """Save checkpoints of tf-slim, one of them renamed, and a model with a layer of its own."""
    kerazoo.export_weights(kerazoo.create_model("vgg16"), "vgg_16.ckpt", "slim")
    resnet = kerazoo.create_model("resnet50", stride_on="last_3x3")
    kerazoo.export_weights(resnet, "resnet_v1_50.ckpt", "slim")
    reader = tf.train.load_checkpoint("vgg_16.ckpt")
    names = [*reader.get_variable_to_shape_map()]
    tensors = [reader.get_tensor(name) for name in names]
    new = [name.replace("vgg_16/", "backbone/", 1) for name in names]
    tf.raw_ops.SaveV2(
        prefix="renamed.ckpt", tensor_names=new, shape_and_slices=[""] * len(new), tensors=tensors
    )
    namespace: dict[str, Any] = {"__name__": "my_layers"}
    exec(MY_LAYERS, namespace)
    layers = [keras.Input((4,)), keras.layers.Dense(3), namespace["Twice"]()]
    keras.Sequential(layers).save("mine.keras")


def download(name: str, *_: Any, **__: Any) -> str:
    """Return a file in the place of one that Keras would download."""
    path = Path(name).absolute()
    if name.endswith(".json"):
        path.write_text(json.dumps({str(number): [f"n{number}", "x"] for number in range(1000)}))
    else:
        network = {"vgg16": "VGG16", "vgg19": "VGG19", "resnet50": "ResNet50"}[name.split("_")[0]]
        build = getattr(keras.applications, network)
        build(weights=None, include_top="notop" not in name).save(path)
    return str(path)
