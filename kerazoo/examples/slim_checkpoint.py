"""Read an old checkpoint of tf-slim into Keras, use it, and save it as a Keras model.

python -m kerazoo.examples.slim_checkpoint vgg_16.ckpt photo.jpg vgg16.keras
"""

import sys
from pathlib import Path

import keras
import numpy as np

import kerazoo
from kerazoo.data.image_io import read_image
from kerazoo.errors import UsageError
from kerazoo.examples.program import run
from kerazoo.files import check_target


def classified(model: keras.Model, path: Path) -> list[tuple[int, float]]:
    """Return the five most probable classes of an image, with their probabilities."""
    image = read_image(path, 3, model.input_shape[1:3])[None].astype(np.float32)
    probabilities = model.predict(kerazoo.preprocess(model, image), verbose=0)[0]
    order = np.argsort(probabilities)[::-1][:5]
    return [(int(number), float(probabilities[number])) for number in order]


def main(checkpoint: Path, image: Path, out: Path) -> list[tuple[int, float]]:
    """Print and return the classes of an image, and write the model."""
    if out.suffix != ".keras":
        raise UsageError(f"'{out}' must end with .keras")
    for source in (checkpoint, image):
        check_target(out, source)
    # what does not fit is listed, nothing is loaded by halves, and no code of the file is run
    vgg16 = kerazoo.create_model("vgg16", weights=checkpoint)
    results = classified(vgg16, image)
    for number, probability in results:
        print(f"class {number}: {probability:.4f}")
    # a file that knows its network and its preprocessing; kerazoo.load(out) opens it
    kerazoo.export_weights(vgg16, out, "keras")
    assert classified(kerazoo.create_model("vgg16", weights=out), image) == results
    return results


if __name__ == "__main__":
    sys.exit(run(main, checkpoint="of slim's VGG-16", image="to classify", out="the file, .keras"))
