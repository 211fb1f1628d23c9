"""Serve an exported model by HTTP, with Flask. TensorFlow alone runs it; kerazoo only exports it.

kerazoo export mnist_cnn --to saved_model --with-preprocessing --out digits
python -m kerazoo.examples.serve digits
curl --data-binary @digit.png http://127.0.0.1:8000/
"""

import io
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps

if TYPE_CHECKING:
    import flask

MAX_BYTES = 20_000_000


def app(path: Path) -> "flask.Flask":
    """Return a server that answers a POST of an image file with its class, as JSON."""
    import flask

    model = tf.saved_model.load(str(path))
    signature = model.signatures.get("serving_default")
    if "classes" not in getattr(signature, "structured_outputs", ()):
        raise SystemExit(f"'{path}' takes no image files: export it with --with-preprocessing")
    server = flask.Flask(__name__)
    server.config["MAX_CONTENT_LENGTH"] = MAX_BYTES

    @server.post("/")
    def classify() -> tuple[dict[str, Any], int]:
        try:
            with warnings.catch_warnings():  # of an image that is too large
                warnings.simplefilter("error")
                image = Image.open(io.BytesIO(flask.request.get_data()))
                pixels = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
        except (Warning, Image.DecompressionBombError, OSError, ValueError):
            return {"error": "the body of the request is no image file, or a very large one"}, 400
        outputs = model.serve(pixels[None])
        name, score = outputs["classes"].numpy()[0].decode(), outputs["scores"].numpy().max()
        return {"class": name, "probability": float(score)}, 200

    return server


def main(model: Path) -> None:
    """Serve a model until Ctrl-C, for trials: put waitress or gunicorn before users."""
    app(model).run(port=8000)


if __name__ == "__main__":
    from kerazoo.examples.program import run

    sys.exit(run(main, model="the directory of an exported SavedModel"))
