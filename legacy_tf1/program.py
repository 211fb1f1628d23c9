"""The graph of a snippet in a session, NumPy in and NumPy out."""

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1

Arrays = dict[str, np.ndarray]
Batch = tuple[np.ndarray, np.ndarray | None]


@dataclass(frozen=True)
class Nodes:
    """The tensors and operations of a graph that are fed or run.

    Attributes:
        inputs: Placeholder of the images.
        outputs: The result of the snippet.
        loss: A scalar.
        labels: Placeholder of the class indices, if the loss needs them.
        training_op: The training step of the snippet, if it has one.
        accuracy: The accuracy, if the snippet computes it.
        saver: The Saver of the snippet, if it has one.
    """

    inputs: Any
    outputs: Any
    loss: Any
    labels: Any = None
    training_op: Any = None
    accuracy: Any = None
    saver: Any = None


class Program:
    """A graph and its session, which is closed at the end of a `with` statement.

    Args:
        build: Builds the graph; called with the floating-point type of its tensors.
        dtype: "float32" or "float64".
        seed: Of the initial values.
        names: Variable -> its name in `weights` and `gradients`, if it is another.

    Attributes:
        nodes: What `build` returned.
        session: The session; `nodes` are run in it.
    """

    def __init__(
        self,
        build: Callable[[tf.DType], Nodes],
        dtype: str = "float32",
        seed: int = 1,
        names: Mapping[str, str] | None = None,
    ) -> None:
        self._graph = tf.Graph()
        with self._graph.as_default(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # all of TensorFlow 1 is deprecated
            tf1.set_random_seed(seed)
            self.nodes = build(tf.as_dtype(dtype))
            variables = {each.op.name: each for each in tf1.trainable_variables()}
            self._variables = {(names or {}).get(key, key): variables[key] for key in variables}
            initialize = tf1.global_variables_initializer()
        self.session = tf1.Session(graph=self._graph)
        self.session.run(initialize)

    def __enter__(self) -> Self:
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
            raise ValueError(f"values are needed for {', '.join(self._variables)}")
        for name, variable in self._variables.items():
            initializer = variable.initializer
            self.session.run(initializer, {initializer.inputs[1]: values[name]})

    def forward(self, images: np.ndarray) -> np.ndarray:
        """Return the outputs for images [batch, ...]."""
        return self.session.run(self.nodes.outputs, {self.nodes.inputs: images})

    def gradients(self, batch: Batch) -> Arrays:
        """Return the gradient of the loss by the name of each variable, and by "images"."""
        inputs = {**self._variables, "images": self.nodes.inputs}
        with self._graph.as_default():
            gradients = tf1.gradients(self.nodes.loss, list(inputs.values()))
        values = self.session.run(gradients, self._feed(batch))
        return dict(zip(inputs, values, strict=True))

    def train(self, batches: Iterable[Batch], optimizer: Any = None) -> list[float]:
        """Train one step per batch and return the loss before each.

        Args:
            batches: Images, and labels if the loss needs them.
            optimizer: An optimizer of `tf.compat.v1.train`; None for the step of the snippet.
        """
        step = self.nodes.training_op
        if optimizer is not None:
            with self._graph.as_default():
                before = set(tf1.global_variables())
                step = optimizer.minimize(self.nodes.loss)
                slots = [each for each in tf1.global_variables() if each not in before]
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
    """Return a loss for a snippet that has none."""
    return tf.reduce_mean(tf.square(outputs))
