"""A snippet's graph in a session, with NumPy arrays going in and coming out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1

Arrays = dict[str, np.ndarray]
Batch = tuple[np.ndarray, np.ndarray | None]


@dataclass(frozen=True)
class Nodes:
    """The places of a graph where arrays go in and come out.

    Attributes:
        inputs: Placeholder of the images.
        outputs: What the snippet computes from them.
        loss: A scalar.
        labels: Placeholder of the class numbers, where the loss asks for them.
        training_op: The snippet's own training step, where it has one.
        accuracy: Share of images that are labelled right, where the snippet computes it.
        saver: The snippet's own Saver, where it has one.
    """

    inputs: Any
    outputs: Any
    loss: Any
    labels: Any = None
    training_op: Any = None
    accuracy: Any = None
    saver: Any = None


class Program:
    """A graph and its session; close it by leaving a `with` statement.

    Args:
        build: Called within the graph with the floating-point type of all its tensors.
        dtype: "float32" or "float64".
        seed: Of the initial values.

    Attributes:
        nodes: What `build` returned.
        session: The session; `nodes` are run in it.
    """

    def __init__(
        self, build: Callable[[tf.DType], Nodes], dtype: str = "float32", seed: int = 1
    ) -> None:
        self._graph = tf.Graph()
        with self._graph.as_default(), warnings.catch_warnings():
            # TensorFlow 2 finds everything here deprecated, from `tf.layers` to what slim calls.
            warnings.simplefilter("ignore")
            tf1.set_random_seed(seed)
            self.nodes = build(tf.as_dtype(dtype))
            self._variables = {each.op.name: each for each in tf1.trainable_variables()}
            initialise = tf1.global_variables_initializer()
        self.session = tf1.Session(graph=self._graph)
        self.session.run(initialise)

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    @property
    def weights(self) -> Arrays:
        """The value of every trainable variable by its name."""
        return self.session.run(self._variables)

    @weights.setter
    def weights(self, values: Mapping[str, np.ndarray]) -> None:
        if values.keys() != self._variables.keys():
            raise ValueError(f"one value a variable is needed: {', '.join(self._variables)}")
        for name, variable in self._variables.items():
            initializer = variable.initializer
            self.session.run(initializer, {initializer.inputs[1]: values[name]})

    def forward(self, images: np.ndarray) -> np.ndarray:
        """Return what the snippet computes from images [batch, ...]."""
        return self.session.run(self.nodes.outputs, {self.nodes.inputs: images})

    def gradients(self, batch: Batch) -> Arrays:
        """Return the gradient of the loss by every variable's name, and by "images"."""
        wanted = {**self._variables, "images": self.nodes.inputs}
        with self._graph.as_default():
            gradients = tf1.gradients(self.nodes.loss, list(wanted.values()))
        values = self.session.run(gradients, self._feed(batch))
        return dict(zip(wanted, values, strict=True))

    def train(self, batches: Iterable[Batch], optimizer: Any = None) -> list[float]:
        """Take one step a batch and return the loss before each.

        Args:
            batches: Images, and labels where the loss asks for them.
            optimizer: An optimizer of `tf.compat.v1.train`; None for the snippet's own step.
        """
        step = self.nodes.training_op
        if optimizer is not None:
            with self._graph.as_default():
                known = set(tf1.global_variables())
                step = optimizer.minimize(self.nodes.loss)
                slots = [each for each in tf1.global_variables() if each not in known]
                self.session.run(tf1.variables_initializer(slots))
        return [
            float(self.session.run([self.nodes.loss, step], self._feed(batch))[0])
            for batch in batches
        ]

    def _feed(self, batch: Batch) -> dict[Any, np.ndarray]:
        images, labels = batch
        feed = {self.nodes.inputs: images}
        return feed if labels is None else {**feed, self.nodes.labels: labels}


def mean_square(outputs: Any) -> Any:
    """Return a loss for a snippet that has none, so that there are gradients to compare."""
    return tf.reduce_mean(tf.square(outputs))
