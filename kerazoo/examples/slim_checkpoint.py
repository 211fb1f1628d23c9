"""Read an old checkpoint of tf-slim into Keras, use it, and save it as a Keras model.

python -m kerazoo.examples.slim_checkpoint vgg_16.ckpt photo.jpg vgg16.keras
"""

import sys

import keras
import numpy as np

import kerazoo


def classified(model: keras.Model, path: str) -> list[tuple[int, float]]:
    """Return the five most probable classes of an image, with their probabilities."""
    size = model.input_shape[1:3]
    image = keras.utils.img_to_array(keras.utils.load_img(path, target_size=size))
    probabilities = model.predict(kerazoo.preprocess(model, image[None]), verbose=0)[0]
    order = np.argsort(probabilities)[::-1][:5]
    return [(int(number), float(probabilities[number])) for number in order]


def main(checkpoint: str, image: str, out: str) -> list[tuple[int, float]]:
    """Print and return the classes of an image, and write the model."""
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
    main(*sys.argv[1:])
