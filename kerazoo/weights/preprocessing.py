"""What the weights of a model expect to be done to an image first."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kerazoo.errors import UsageError
from kerazoo.lazy import keras

if TYPE_CHECKING:
    from keras import KerasTensor


@dataclass(frozen=True)
class Preprocessing:
    """Images in [0, 255] become `(image - mean) * scale`.

    Attributes:
        name: Its name in a saved model.
        bgr: Whether red and blue are swapped first.
        mean: Of each channel, in the order that the model sees; one number for all of them.
        scale: What the difference is multiplied by.
    """

    name: str
    bgr: bool
    mean: tuple[float, ...]
    scale: float = 1.0

    def __str__(self) -> str:
        mean = ", ".join(f"{each:g}" for each in self.mean)
        order = "BGR" if self.bgr else "RGB"
        return f"(image - {mean}) * {self.scale:.3g}" + f" in {order}" * (len(self.mean) > 1)


# slim's vgg_preprocessing.py, for its AlexNet and ResNets too, and inception_preprocessing.py;
# keras.applications' imagenet_utils.py, mode "caffe"; the reader of the study notes, `cnn-notes`,
# line 299.
SLIM_VGG = Preprocessing("slim_vgg", bgr=False, mean=(123.68, 116.78, 103.94))
CAFFE = Preprocessing("caffe", bgr=True, mean=(103.939, 116.779, 123.68))
SLIM_INCEPTION = Preprocessing("slim_inception", bgr=False, mean=(127.5,), scale=1 / 127.5)
UNIT = Preprocessing("unit", bgr=False, mean=(0.0,), scale=1 / 255)

logger = logging.getLogger("kerazoo")

BY_NAME = {each.name: each for each in (SLIM_VGG, SLIM_INCEPTION, CAFFE, UNIT)}


def preprocess(model: keras.Model, images: Any) -> np.ndarray | KerasTensor:
    """Return images as the weights of `model` expect them.

    A warning in the log says where they are not in [0, 255], or seem to be in [0, 1].

    Args:
        model: A model with loaded weights.
        images: Red, green and blue, or grey, in [0, 255]: an array or a tensor
            [batch, height, width, channels], or [batch, channels, height, width] where that is
            Keras's image data format.

    Returns:
        Floats of the same shape, an array for an array and a tensor for a tensor.

    Raises:
        UsageError: The model does not know its preprocessing, or the images do not fit it.
    """
    expected: Preprocessing | None = getattr(model, "preprocessing", None)
    if expected is None:
        raise UsageError(
            f"the preprocessing of '{model.name}' is unknown: it has no weights that were loaded "
            "with kerazoo"
        )
    is_tensor = keras.ops.is_tensor(images) or isinstance(images, keras.KerasTensor)
    if not is_tensor:
        images = np.asarray(images)
        if images.dtype.kind not in "uif":
            raise UsageError(f"images must be numbers, not {images.dtype}")
        _warn_of_range(images)
        images = images.astype(np.result_type(images.dtype, np.float32), copy=False)
    else:
        images = keras.ops.cast(images, keras.config.floatx())
    axis = 1 if keras.config.image_data_format() == "channels_first" else -1
    return _apply(expected, images, axis)


def _apply(preprocessing: Preprocessing, images: Any, axis: int) -> Any:
    rank = len(images.shape)
    channels = len(preprocessing.mean)
    if rank != 4 or (channels > 1 and images.shape[axis] != channels):
        wanted = f"{channels} channels on axis {axis}" if channels > 1 else "four axes"
        raise UsageError(f"images must have {wanted}; received shape {tuple(images.shape)}")
    if preprocessing.bgr:
        images = images[:, ::-1] if axis == 1 else images[..., ::-1]
    shape = (channels, 1, 1) if axis == 1 else (channels,)
    dtype = images.dtype if isinstance(images, np.ndarray) else keras.config.floatx()
    return (images - np.reshape(preprocessing.mean, shape).astype(dtype)) * np.asarray(
        preprocessing.scale, dtype
    )


def _warn_of_range(images: np.ndarray) -> None:
    if not images.size:
        return
    minimum, maximum = images.min(), images.max()
    if images.dtype.kind == "f" and minimum >= 0 and 0 < maximum <= 1:
        logger.warning("these images seem to be in [0, 1]; the model expects [0, 255]")
    elif minimum < 0 or maximum > 255:
        logger.warning("these images are in [%s, %s]; the model expects [0, 255]", minimum, maximum)
