"""The models that demos show, the images that these look at, and what their layers make of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from kerazoo.accounting import axes, rules
from kerazoo.accounting.calling import accepted, graph_of, numbered, run_graph
from kerazoo.data.image_io import to_shape
from kerazoo.data.photos import center_crop
from kerazoo.demos import images
from kerazoo.errors import UsageError
from kerazoo.files import mode
from kerazoo.inference import handwriting
from kerazoo.inference.classifier import Classifier
from kerazoo.inference.load import check_name
from kerazoo.inference.load import load as load_trained
from kerazoo.lazy import keras, tf

SEED = 1  # of random weights

Item = TypeVar("Item")


def load(source: str) -> Classifier:
    """Return a trained model; `source` and errors as in `kerazoo.load`.

    Raises:
        UsageError: It gives no scores of classes for an image, or its weights are no numbers.
    """
    model = load_trained(source)
    for weight in model.weights:
        if "float" in weight.dtype and not np.isfinite(np.asarray(weight)).all():
            raise UsageError(
                f"'{source}' has weights that are no numbers: its training has diverged, take an "
                "earlier one"
            )
    return Classifier.of(model)


def load_or_make(source: str, make: Callable[[str], Classifier]) -> Classifier:
    """Return the model of a run or file, or what `make` returns for a name of the zoo.

    Raises:
        UsageError: There is no such model. See also `load`.
    """
    check_name(source)
    return load(source) if mode(Path(source)) is not None else make(source)


def check_classes(classifier: Classifier) -> None:
    """Check that a model has scores of several classes.

    Raises:
        UsageError: It has one output.
    """
    if len(classifier.class_names) < 2:
        raise UsageError(
            f"'{classifier.model.name}' has one output: give a model with a score for each class"
        )


def image_for(classifier: Classifier, path: Path | None = None) -> np.ndarray:
    """Return an image as `kerazoo predict` reads it for a model.

    Args:
        classifier: The model.
        path: The user's image; None for a digit if the model classifies gray images, else for the
            central square of a photo.

    Returns:
        float32 [height, width, channels] in [0, 1], of the model's image shape.

    Raises:
        UsageError, CorruptFileError: There is no such image, or it is blank or damaged.
    """
    if path is not None:
        return classifier.read(path)
    if classifier.image_shape[-1] == 1 and classifier.class_names:
        image = _digit(classifier.handwriting_of)
    else:
        photo = images.photo().astype(np.uint8)
        (image,) = center_crop(photo[None], min(photo.shape[:2]))
    return to_shape(image, classifier.image_shape).numpy()


def _digit(data: str) -> np.ndarray:
    """Return a digit like scikit-learn's if that is the data set, else like MNIST's.

    Returns:
        uint8 [28, 28, 1].
    """
    digit = np.rint(images.digit()).astype(np.uint8)[..., None]
    if data != "digits":
        return digit
    ink = handwriting.find_ink(digit)
    assert ink is not None
    return handwriting.like_digits(ink)


def pixels(image: np.ndarray) -> np.ndarray:
    """Return an image [height, width, 1 or 3] in [0, 1] as a page draws it, in [0, 255]."""
    return 255 * (image[..., 0] if image.shape[-1] == 1 else image)


class Output(NamedTuple):
    """What a layer has made of a batch of images.

    Attributes:
        name: Of the layer, as in the index of `kerazoo.summary`: "model/layer" inside a model.
        layer: The layer or the operation of `keras.ops`.
        value: [batch, ...], with channels last.
    """

    name: str
    layer: Any
    value: tf.Tensor


def layer_outputs(classifier: Classifier, image: np.ndarray | tf.Tensor) -> list[Output]:
    """Return the outputs of all layers in order, those of models inside the model too.

    Args:
        classifier: The model.
        image: [height, width, channels] in [0, 1].

    Raises:
        UsageError: The model has a `call` of its own, so that its layers are not known.
    """
    outputs: list[Output] = []
    seen: Counter[str] = Counter()

    def call(prefix: str, operation: Any, given: tuple[Any, ...], options: dict[str, Any]) -> Any:
        name, inner = prefix + operation.name, graph_of(operation)
        if inner is not None:
            inputs = filter(tf.is_tensor, keras.tree.flatten((given, options)))
            return run_graph(inner, inputs, partial(call, f"{name}/"))
        options = dict(accepted(operation, {**options, "training": False}))
        results = operation(*given, **options)
        value = keras.tree.flatten(results)[0]
        outputs.append(Output(numbered(name, seen), operation, value))
        return results

    graph = graph_of(classifier.model)
    if graph is None:
        raise UsageError(
            f"'{classifier.model.name}' has a call of its own, which hides its layers: build it as "
            "a functional or sequential model"
        )
    pixels = classifier.preprocessing.of_unit(tf.convert_to_tensor(image)[None])
    run_graph(graph, [pixels], partial(call, ""))
    return outputs


def has_positions(output: Output) -> bool:
    """Return whether an output is feature maps [batch, height, width, channels], not 1x1."""
    shape = output.value.shape
    return len(shape) == 4 and shape[1] * shape[2] > 1


def moves_window(output: Output) -> bool:
    """Return whether an output is feature maps of a convolution, a pooling or a layer of a user."""
    rule = rules.find(output.layer)
    windows = (axes.windows, axes.transposed_windows)
    return has_positions(output) and (rule is None or rule.axis_maps in windows)


def evenly(items: Sequence[Item], most: int) -> list[Item]:
    """Return at most so many items, evenly chosen, with the first and the last."""
    if len(items) <= most:
        return list(items)
    return [items[place] for place in np.linspace(0, len(items) - 1, most).round().astype(int)]


def overlaid(image: np.ndarray, heat: np.ndarray, color: str) -> np.ndarray:
    """Return an image in gray under a color that covers it as far as it is hot.

    Args:
        image: [height, width, 1 or 3] in [0, 1].
        heat: [height, width] in [0, 1].
        color: As for matplotlib.

    Returns:
        [height, width, 3] in [0, 255].
    """
    from matplotlib.colors import to_rgb

    gray = images.gray(image) if image.shape[-1] == 3 else image[..., 0]
    share = 0.85 * heat[..., None]
    return 255 * ((1 - share) * gray[..., None] + share * np.array(to_rgb(color)))
