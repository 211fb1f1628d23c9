"""What the weights of a model expect to be done to an image beforehand."""

from __future__ import annotations

import warnings
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
        name: By which a saved model remembers it.
        bgr: Whether red and blue change places first.
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
# keras.applications' imagenet_utils.py, mode "caffe"; the reader of document 000_edc3730cabfc8e8e,
# line 299.
SLIM_VGG = Preprocessing("slim_vgg", bgr=False, mean=(123.68, 116.78, 103.94))
CAFFE = Preprocessing("caffe", bgr=True, mean=(103.939, 116.779, 123.68))
SLIM_INCEPTION = Preprocessing("slim_inception", bgr=False, mean=(127.5,), scale=1 / 127.5)
UNIT = Preprocessing("unit", bgr=False, mean=(0.0,), scale=1 / 255)

BY_NAME = {each.name: each for each in (SLIM_VGG, SLIM_INCEPTION, CAFFE, UNIT)}


def preprocess(model: keras.Model, images: Any) -> np.ndarray | KerasTensor:
    """Return images as the weights of `model` expect them.

    Args:
        model: A model whose weights came from a source that has a preprocessing.
        images: Red, green and blue, or grey, in [0, 255]: an array or a tensor
            [batch, height, width, channels], or [batch, channels, height, width] where that is
            Keras's image data format.

    Returns:
        Floats of the same shape, an array for an array and a tensor for a tensor.

    Raises:
        UsageError: The model does not know its preprocessing, or the images do not fit it.

    Warns:
        UserWarning: The images are not in [0, 255], or seem to be in [0, 1].
    """
    wanted: Preprocessing | None = getattr(model, "preprocessing", None)
    if wanted is None:
        raise UsageError(
            f"'{model.name}' does not know its preprocessing: its weights came from no source that "
            "has one"
        )
    is_tensor = keras.ops.is_tensor(images) or isinstance(images, keras.KerasTensor)
    if not is_tensor:
        images = np.asarray(images)
        if images.dtype.kind not in "uif":
            raise UsageError(f"images must be numbers, not {images.dtype}")
        _warn(images)
        images = images.astype(np.result_type(images.dtype, np.float32), copy=False)
    else:
        images = keras.ops.cast(images, keras.config.floatx())
    axis = 1 if keras.config.image_data_format() == "channels_first" else -1
    return _apply(wanted, images, axis)


def _apply(wanted: Preprocessing, images: Any, axis: int) -> Any:
    rank = len(images.shape)
    channels = len(wanted.mean)
    if rank != 4 or (channels > 1 and images.shape[axis] != channels):
        told = f"{channels} channels on axis {axis}" if channels > 1 else "four axes"
        raise UsageError(f"images must have {told}, unlike {tuple(images.shape)}")
    if wanted.bgr:
        images = images[:, ::-1] if axis == 1 else images[..., ::-1]
    shape = (channels, 1, 1) if axis == 1 else (channels,)
    dtype = images.dtype if isinstance(images, np.ndarray) else keras.config.floatx()
    return (images - np.reshape(wanted.mean, shape).astype(dtype)) * np.asarray(wanted.scale, dtype)


def _warn(images: np.ndarray) -> None:
    if not images.size:
        return
    least, most = images.min(), images.max()
    if images.dtype.kind == "f" and least >= 0 and 0 < most <= 1:
        warnings.warn(
            "these images seem to be in [0, 1], and the model expects them in [0, 255]",
            stacklevel=3,
        )
    elif least < 0 or most > 255:
        warnings.warn(
            f"these images are in [{least}, {most}], and the model expects them in [0, 255]",
            stacklevel=3,
        )
