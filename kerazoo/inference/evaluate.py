"""How well a trained model classifies a data set."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kerazoo.data.images import ImageData, Split
from kerazoo.errors import UsageError
from kerazoo.inference.classifier import Classifier, logits
from kerazoo.lazy import tf
from kerazoo.progress import progress_bar
from kerazoo.text import listed
from kerazoo.training.objective import cross_entropies
from kerazoo.training.steps import micro_batch_ends

TOP = 5
MISTAKES = 20
TINY = 1e-30  # a probability that is taken for zero


@dataclass(frozen=True)
class Mistake:
    """An image that was classified wrongly.

    Attributes:
        place: Its place in the split, from 0.
        label: Its class.
        predicted: The class that the model chose.
        probability: The probability that the model gave that class.
        image: In [0, 1], [height, width, channels].
    """

    place: int
    label: str
    predicted: str
    probability: float
    image: np.ndarray


@dataclass(frozen=True)
class Evaluation:
    """The result of `evaluate`.

    Attributes:
        loss: Mean cross-entropy.
        confusion: Number of images by class and by predicted class, [classes, classes].
        top5: Fraction of the images whose class is among the five with the highest scores; None
            with at most five classes.
        mistakes: The wrongly classified images of the highest probability, the surest first.
        class_names: The classes.
    """

    loss: float
    confusion: np.ndarray
    top5: float | None
    mistakes: list[Mistake]
    class_names: tuple[str, ...]

    @property
    def accuracy(self) -> float:
        """Fraction of the images that are classified correctly."""
        return float(np.trace(self.confusion)) / int(self.confusion.sum())

    def by_class(self) -> pd.DataFrame:
        """Return number of images, precision and recall, a row for each class.

        A value is missing where there are no images, or none of that prediction.
        """
        hits = np.diag(self.confusion).astype(float)
        with np.errstate(divide="ignore", invalid="ignore"):
            precision = hits / self.confusion.sum(axis=0)
            recall = hits / self.confusion.sum(axis=1)
        return pd.DataFrame(
            {
                "class": self.class_names,
                "images": self.confusion.sum(axis=1),
                "precision": precision,
                "recall": recall,
            }
        )

    def summary(self) -> str:
        """Return accuracy and loss as text."""
        top5 = "" if self.top5 is None else f", top-5 accuracy {self.top5:.4f}"
        return f"accuracy {self.accuracy:.4f}{top5}, loss {self.loss:.4f}"

    def to_json(self) -> dict[str, Any]:
        """Return all but the images as values for JSON."""
        rows = self.by_class().astype(object).where(lambda table: table.notna(), None)
        mistakes = [
            {name: value for name, value in vars(each).items() if name != "image"}
            for each in self.mistakes
        ]
        return {
            "images": int(self.confusion.sum()),
            "loss": self.loss,
            "accuracy": self.accuracy,
            "top5_accuracy": self.top5,
            "classes": rows.to_dict("records"),
            "confusion": self.confusion.tolist(),
            "mistakes": mistakes,
        }


def evaluate(
    classifier: Classifier,
    data: ImageData,
    split: str = "test",
    batch_size: int = 100,
    micro_batches: int = 1,
    steps_per_call: int = 1,
) -> Evaluation:
    """Classify a split and compare with its labels.

    With the sizes of batches and calls of a training, the loss is that of the training to the last
    digit.

    Args:
        classifier: The model.
        data: The data set, with images of the classifier's shape.
        split: "train", "validation" or "test".
        batch_size: Number of images in a batch.
        micro_batches: Into how many micro-batches a batch is cut.
        steps_per_call: After how many batches the sum of the losses gets another precision.

    Raises:
        UsageError: The model has other classes than the data.
    """
    labels_of = _label_map(classifier, data)
    images_of: Split = getattr(data, split)
    classes = len(classifier.class_names)
    confusion = np.zeros((classes, classes), int)
    top5, mistakes, total, of_call = 0, list[Mistake](), 0.0, np.float32(0)
    with logits(classifier.model) as has_logits:
        batches = _scores(classifier, images_of, labels_of, batch_size, micro_batches)
        for number, (images, labels, parts) in enumerate(batches, start=1):
            if not has_logits:
                parts = [np.log(np.maximum(part, TINY)) for part in parts]
            scores = np.concatenate(parts)
            of_call += _loss(parts, labels)
            if number % steps_per_call == 0:
                total, of_call = total + float(of_call), np.float32(0)
            np.add.at(confusion, (labels, scores.argmax(axis=1)), 1)
            top5 += int((_rank(scores, labels) < TOP).sum())
            first = (number - 1) * batch_size
            mistakes = _surest(mistakes, _mistakes(classifier, first, images, labels, scores))
    size = images_of.size
    return Evaluation(
        (total + float(of_call)) / size,
        confusion,
        top5 / size if classes > TOP else None,
        mistakes,
        classifier.class_names,
    )


def _label_map(classifier: Classifier, data: ImageData) -> np.ndarray:
    """Return the model's label for each label of the data, [classes of the data]."""
    ids = classifier.card.class_ids if classifier.card else ()
    known = {
        name: label for names in (ids, classifier.class_names) for label, name in enumerate(names)
    }
    if unknown := [name for name in data.class_names if name not in known]:
        raise UsageError(
            f"{data.name} has classes that the model does not have: {listed(unknown)}; it has "
            f"{listed(classifier.class_names)}"
        )
    return np.array([known[name] for name in data.class_names])


def _scores(
    classifier: Classifier, split: Split, label_map: np.ndarray, batch_size: int, count: int
) -> Iterator[tuple[np.ndarray, np.ndarray, list[np.ndarray]]]:
    """Yield images, labels and the scores of each of `count` micro-batches of a batch."""
    batches, compute = split.batches(batch_size), classifier.compiled()
    total = math.ceil(split.size / batch_size)
    for images, labels in progress_bar(batches, desc="batches", total=total):
        ends = micro_batch_ends(len(labels), count)
        cut = [images[a:b] for a, b in itertools.pairwise(ends) if a < b]
        scores = [compute(each) for each in cut]
        yield images.numpy(), label_map[labels.numpy()], scores


def _loss(parts: list[np.ndarray], labels: np.ndarray) -> np.float32:
    """Return the sum of the cross-entropies, added as the steps of a training add them."""
    ends = np.cumsum([0, *map(len, parts)])
    sums = [
        tf.reduce_sum(cross_entropies(part, labels[a:b]))
        for part, (a, b) in zip(parts, itertools.pairwise(ends), strict=True)
    ]
    return np.float32(tf.add_n(sums))


def _rank(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return how many classes have a higher score than that of the label, [batch]."""
    of_label = scores[np.arange(len(labels)), labels]
    return (scores > of_label[:, None]).sum(axis=1)


def _mistakes(
    classifier: Classifier, first: int, images: np.ndarray, labels: np.ndarray, scores: np.ndarray
) -> list[Mistake]:
    probabilities = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    chosen, names = scores.argmax(axis=1), classifier.class_names
    return [
        Mistake(
            int(first + row),
            names[labels[row]],
            names[chosen[row]],
            float(probabilities[row, chosen[row]]),
            images[row],
        )
        for row in np.flatnonzero(chosen != labels)
    ]


def _surest(*lists: list[Mistake]) -> list[Mistake]:
    every = [mistake for each in lists for mistake in each]
    return sorted(every, key=lambda mistake: (-mistake.probability, mistake.place))[:MISTAKES]
