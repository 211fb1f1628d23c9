"""What a training minimizes: softmax cross-entropy, as the recipe changes it."""

from collections.abc import Sequence

import numpy as np

from kerazoo.lazy import tf
from kerazoo.recipe import Recipe


class Objective:
    """The losses of images.

    Args:
        recipe: Its label smoothing, extra logit and weight of auxiliary heads count.
        class_weights: The weight of each class's images [classes]; None for 1.
    """

    def __init__(self, recipe: Recipe, class_weights: np.ndarray | None = None) -> None:
        self._smoothing, self._extra_logit = recipe.label_smoothing, recipe.extra_logit
        self._auxiliary_weight = recipe.auxiliary_weight
        self._class_weights = class_weights

    def losses(
        self,
        scores: Sequence[tf.Tensor],
        labels: tf.Tensor,
        mix: tf.Tensor | None = None,
        others: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Return the losses to minimize, [batch].

        Args:
            scores: Logits [batch, classes], those of the auxiliary heads after the network's own.
            labels: Integers [batch].
            mix: The weights [batch] of images that were mixed with others, which have 1 - mix.
            others: The labels of those others [batch].
        """
        losses = self._all_heads(scores, labels)
        if mix is None:
            return losses
        return mix * losses + (1 - mix) * self._all_heads(scores, others)

    def _all_heads(self, scores: Sequence[tf.Tensor], labels: tf.Tensor) -> tf.Tensor:
        first, *others = (self._of_head(logits, labels) for logits in scores)
        return first + self._auxiliary_weight * tf.add_n(others) if others else first

    def _of_head(self, logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        every = logits
        if self._extra_logit is not None:
            extra = tf.fill([tf.shape(logits)[0], 1], tf.cast(self._extra_logit, logits.dtype))
            every = tf.concat([logits, extra], -1)
        losses = cross_entropies(every, labels)
        if self._smoothing:
            uniform = tf.reduce_logsumexp(every, -1) - tf.reduce_mean(logits, -1)
            losses += self._smoothing * (uniform - losses)
        if self._class_weights is not None:
            losses *= tf.gather(tf.constant(self._class_weights, losses.dtype), labels)
        return losses


def cross_entropies(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Return the cross-entropy of each image [batch] of logits [batch, classes]."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def mirrored(rows: tf.Tensor) -> tf.Tensor:
    """Return the images or labels that those of a batch are mixed with: from the last to first."""
    return rows[::-1]


def balanced_weights(sizes: np.ndarray) -> np.ndarray:
    """Return the weight of each class, of mean 1 over all images, given its number of images."""
    return sizes.sum() / (np.count_nonzero(sizes) * np.maximum(sizes, 1))
