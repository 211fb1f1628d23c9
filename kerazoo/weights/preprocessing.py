"""Preprocessing of images for the weights of a model."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kerazoo.errors import UsageError
from kerazoo.lazy import keras

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Preprocessing:
    """Images in [0, 255] become `(image - mean) * scale`."""

    name: str
    bgr: bool  # whether red and blue are swapped first
    mean: tuple[float, ...]  # of each channel, after the swap; one number for all channels
    scale: float = 1.0

    def of_channels(self, channels: int) -> Preprocessing:
        """Return the same for images of so many channels, `CENTERED` for other than RGB."""
        return self if len(self.mean) in (1, channels) else CENTERED

    def of_unit(self, images: Any) -> Any:
        """Return images [batch, height, width, channels] in [0, 1] as the weights expect them."""
        if self == UNIT:
            return images
        return self.applied(
            images * 255, axis=-1, dtype=keras.backend.standardize_dtype(images.dtype)
        )

    def applied(self, images: Any, axis: int, dtype: Any) -> Any:
        """Return images in [0, 255], with the channels on `axis`, as the weights expect them."""
        import numpy as np

        if self.bgr:
            images = images[:, ::-1] if axis == 1 else images[..., ::-1]
        mean = np.reshape(self.mean, (-1, 1, 1) if axis == 1 else (-1,))
        return (images - mean.astype(dtype)) * np.asarray(self.scale, dtype)

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
CENTERED = Preprocessing("centered", bgr=False, mean=(127.5,))

logger = logging.getLogger("kerazoo")

BY_NAME = {each.name: each for each in (SLIM_VGG, SLIM_INCEPTION, CAFFE, UNIT, CENTERED)}


def preprocess(model: keras.Model, images: Any) -> np.ndarray | keras.KerasTensor:
    """Return images as the weights of `model` expect them.

    A warning is logged if they are not in [0, 255], seem to be in [0, 1], or are NaN.

    Args:
        model: A model with loaded weights.
        images: RGB or gray, in [0, 255]: an array or a tensor [batch, height, width, channels], or
            [batch, channels, height, width] if that is Keras's image data format.

    Returns:
        Floats of the same shape, an array for an array and a tensor for a tensor.

    Raises:
        UsageError: The model does not know its preprocessing, or the images do not fit it.

    >>> model = create_model("mnist_cnn", weights="mnist")
    >>> float(preprocess(model, np.full((1, 28, 28, 1), 51)).max())
    0.2
    """
    import numpy as np

    check_model(model)
    expected: Preprocessing | None = getattr(model, "preprocessing", None)
    if expected is None:
        raise UsageError(
            f"the preprocessing of '{model.name}' is unknown: it has no weights that were loaded "
            "with kerazoo"
        )
    if keras.ops.is_tensor(images) or isinstance(images, keras.KerasTensor):
        dtype = keras.config.floatx()
        images = keras.ops.cast(images, dtype)
    else:
        images = np.asarray(images)
        if images.dtype.kind not in "uif":
            raise UsageError(f"images must be numbers; received {images.dtype}")
        _warn_of_range(images)
        dtype = np.result_type(images.dtype, np.float32)
        images = images.astype(dtype, copy=False)
    axis = 1 if keras.config.image_data_format() == "channels_first" else -1
    channels = len(expected.mean)
    if len(images.shape) != 4 or (channels > 1 and images.shape[axis] != channels):
        wanted = f"{channels} channels on axis {axis}" if channels > 1 else "four axes"
        raise UsageError(f"images must have {wanted}; received shape {tuple(images.shape)}")
    return expected.applied(images, axis, dtype)


def check_model(model: object) -> None:
    """Raise a UsageError for what is no model of Keras."""
    if not isinstance(model, keras.Model):
        raise UsageError(f"model must be a keras.Model; received an object of {type(model)}")


def _warn_of_range(images: np.ndarray) -> None:
    import numpy as np

    if not images.size:
        return
    minimum, maximum = images.min(), images.max()
    if np.isnan(minimum):
        logger.warning("these images have elements that are NaN")
        return
    if images.dtype.kind == "f" and minimum >= 0 and 0 < maximum <= 1:
        logger.warning("these images seem to be in [0, 1]; the model expects [0, 255]")
    elif minimum < 0 or maximum > 255:
        logger.warning("these images are in [%s, %s]; the model expects [0, 255]", minimum, maximum)
