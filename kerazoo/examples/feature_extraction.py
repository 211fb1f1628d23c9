"""Compare images by the features of a network: which of them are alike?

    python -m kerazoo.examples.feature_extraction one.jpg two.jpg three.jpg

The features are those of VGG-16 with ImageNet's weights, which Keras downloads at first use.
"""

import sys
from pathlib import Path

import keras
import numpy as np

import kerazoo
from kerazoo.data.image_io import read_image
from kerazoo.examples.program import run

SIZE = (224, 224)


def features(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return vectors of length 1, [batch, channels], of images in [0, 255]."""
    vectors = model.predict(kerazoo.preprocess(model, images), verbose=0)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def part_of(model: keras.Model, layer: str) -> keras.Model:
    """Return the model up to a layer, such as "conv3_3", with the mean of each feature map."""
    mean = keras.layers.GlobalAveragePooling2D()(model.get_layer(layer).output)
    part = keras.Model(model.input, mean)
    part.preprocessing = model.preprocessing
    return part


def main(images: list[Path], weights: str = "imagenet") -> np.ndarray:
    """Print the cosines between the features of all images; return those of the last layer."""
    pixels = np.stack([read_image(path, 3, SIZE) for path in images]).astype(np.float32)
    vgg16 = kerazoo.create_model("vgg16", include_top=False, weights=weights)
    for layer in ("conv3_3", "conv5_3"):
        vectors = features(part_of(vgg16, layer), pixels)
        cosines = vectors @ vectors.T
        print(f"cosines of {layer}:")
        for path, row in zip(images, cosines, strict=True):
            print(path, *(f"{cosine:.3f}" for cosine in row))
    return cosines


if __name__ == "__main__":
    sys.exit(run(main, images="files to compare"))
